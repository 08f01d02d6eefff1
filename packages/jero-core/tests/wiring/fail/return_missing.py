"""Handlers that do not say what they return."""

from jero_core import BaseApp, Endpoint


class Health(Endpoint, path="/health"):
    async def get(self):
        return "ok"

    post = lambda self: "ok"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Health())
