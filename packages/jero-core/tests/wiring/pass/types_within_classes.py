"""A handler's annotation may name a type that its class defines, as a string as well; methods hide no type."""

from __future__ import annotations

from msgspec import Struct

from jero_core import BaseApp, JSONResponse, Resource

ANSWERS = {
    "GET /widgets/7": '{"id":7}',
    "GET /widgets": '[{"id":1}]',
    "GET /special/8": '{"id":8}',
    "DELETE /special/9": '{"id":9}',
}


class Path(Struct):
    """Hidden by the class of the same name."""

    other: str


async def change(self: Resource, json: Path) -> Path:
    """The class that it becomes a method of has nothing to do with its names."""
    return json


class WidgetResource(Resource, path="/widgets"):
    class Path(Struct):
        id: int

    class Widget(Struct):
        id: int

    type Answer = JSONResponse[WidgetResource.Widget]

    async def read_many(self) -> list[Widget]:
        return [self.Widget(1)]

    async def read_one(self, path: Path) -> Widget:
        return self.Widget(path.id)

    @classmethod
    async def update(cls, *, path: Path, json: Widget) -> Answer:
        return JSONResponse(json=json)

    @staticmethod
    async def delete(path: Path) -> Answer:
        return JSONResponse(json=WidgetResource.Widget(path.id))

    def list(self) -> None: ...

    create = change


class SpecialResource(WidgetResource, path="/special"):
    """Its own class is none of the inherited handlers' business."""

    class Path(Struct):
        id: str


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(WidgetResource())
        self._include_resource(SpecialResource())
