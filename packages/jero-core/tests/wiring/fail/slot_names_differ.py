"""Templates that differ only in the names of their slots."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint, Resource


class WidgetPath(Struct):
    widget_id: str


class IdPath(Struct):
    id: str


class Widgets(Resource, path="/widgets"):
    async def read_one(self, path: WidgetPath) -> str:
        return path.widget_id

    async def delete(self, path: IdPath) -> None:
        return None


class Item(Endpoint, path="/widgets/{id}"):
    async def patch(self, path: IdPath) -> None:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Widgets())
        self._include_endpoint(Item())
