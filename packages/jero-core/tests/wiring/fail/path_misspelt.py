"""An argument that was meant to be `path`: that the operation has no slot is no fault of its own."""

from msgspec import Struct

from jero_core import BaseApp, Resource


class Widget(Struct):
    widget_id: int


class Widgets(Resource, path="/widgets"):
    async def read_many(self) -> list[Widget]:
        return []

    async def read_one(self, pth: Widget) -> Widget:
        return pth


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Widgets())
