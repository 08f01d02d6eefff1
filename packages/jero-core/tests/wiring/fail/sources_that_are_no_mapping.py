"""The app's sources as a list."""

from jero_core import BaseApp, Endpoint


class Widgets(Endpoint, path="/widgets"):
    async def get(self) -> str:
        return ""


class App(BaseApp):
    sources = ["path", "json"]

    async def _wire(self) -> None:
        self._include_endpoint(Widgets())
