"""Authentication in an app that has no package for it."""

from jero_core import BaseApp, Endpoint


class Health(Endpoint, path="/health"):
    async def get(self) -> str:
        return "ok"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Health(), auth=object())
