"""`from __future__ import annotations` makes every annotation a string."""

from __future__ import annotations

from msgspec import Struct

from jero_core import BaseApp, JSONResponse, Resource

ANSWERS = {"GET /widgets/7": '{"id":7}'}


class WidgetPath(Struct):
    widget_id: int


class Widget(Struct):
    id: int


class Head(Struct):
    x_total: int | None = None


class WidgetResource(Resource, path="/widgets"):
    async def create(self, json: Widget, *, headers: Head) -> JSONResponse[Widget, Head]:
        return JSONResponse(json=json, headers=headers)

    async def read_one(self, path: WidgetPath) -> Widget:
        return Widget(path.widget_id)

    async def delete(self, path: WidgetPath) -> None:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(WidgetResource())
