"""Annotations in quotes, whole and in part."""

from typing import Annotated, Optional

from msgspec import Meta, Struct

from jero_core import BaseApp, JSONResponse, Resource

ANSWERS = {"GET /widgets/7": '{"id":7,"parent":null}', "GET /widgets": '[{"id":20,"parent":null}]'}


class WidgetResource(Resource, path="/widgets"):
    async def read_one(self, path: "WidgetPath") -> "Annotated[Widget, Meta(title='A widget')]":
        return Widget(path.widget_id)

    async def read_many(self, params: "Query") -> list["Widget"]:
        return [Widget(params.limit)]

    async def create(self, json: list["Widget"]) -> JSONResponse["Widget", "Head"]:
        return JSONResponse(json=json[0], headers=Head())

    async def update(self, path: "WidgetPath", json: "list['Widget']") -> "list['Widget']":
        return json


class WidgetPath(Struct):
    widget_id: "int"


class Query(Struct):
    limit: "Annotated[int, Meta(ge=1)]" = 20
    tags: list["str"] = []


class Head(Struct):
    x_total: "int" = 0


class Widget(Struct):
    id: "int"
    parent: Optional["Widget"] = None


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(WidgetResource())
