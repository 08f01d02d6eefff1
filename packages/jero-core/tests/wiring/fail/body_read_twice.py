"""Two sources for one body."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint


class Widget(Struct):
    name: str


class Widgets(Endpoint, path="/widgets"):
    async def post(self, json: Widget, content: bytes) -> str:
        return ""


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Widgets())
