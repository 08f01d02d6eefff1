"""Includes that decide who may call, and a policy that is assigned while the app is wired."""

from jero_core import PUBLIC, REQUIRED, BaseApp, Endpoint


class Health(Endpoint, path="/health"):
    async def get(self) -> str:
        return "ok"


class App(BaseApp):
    async def _wire(self) -> None:
        self.default_auth = REQUIRED
        self._include_endpoint(Health(), auth=PUBLIC)


ANSWERS = {"GET /health": "ok"}
