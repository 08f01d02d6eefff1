"""A body where the method has none."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint, Resource


class Widget(Struct):
    name: str


class Search(Endpoint, path="/search"):
    async def get(self, json: Widget) -> str:
        return ""

    async def delete(self, content: bytes) -> str:
        return ""


class Widgets(Resource, path="/widgets"):
    async def read_many(self, content: bytes) -> str:
        return ""

    async def delete(self, json: Widget, content: bytes) -> str:
        return ""


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Search())
        self._include_resource(Widgets())
