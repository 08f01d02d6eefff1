"""The same class, included twice."""

from jero_core import BaseApp, Endpoint


class Health(Endpoint, path="/health"):
    async def get(self) -> str:
        return "ok"


class App(BaseApp):
    async def _wire(self) -> None:
        health = Health()
        self._include_endpoint(health)
        self._include_endpoint(health)
        self._include_endpoint(Health())
