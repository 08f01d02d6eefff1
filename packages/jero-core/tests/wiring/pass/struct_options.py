"""Structs with options: kw_only, rename, frozen, forbidden extras, field names, factories, inheritance."""

import msgspec
from msgspec import Struct, field

from jero_core import BaseApp, Endpoint, JSONResponse, Resource

ANSWERS = {
    "GET /widgets/1/2": '{"widgetId":1,"partId":2}',
    "GET /search?pageSize=5&class=a": '{"pageSize":5,"class":"a","tags":[]}',
}


class WidgetPath(Struct, kw_only=True, frozen=True):
    widget_id: int
    part_id: int


class Widget(Struct, kw_only=True, rename="camel"):
    widget_id: int
    part_id: int


class Query(Struct, kw_only=True, rename="camel", forbid_unknown_fields=True):
    page_size: int = 20
    class_: str = field(name="class")
    tags: list[str] = field(default_factory=list)


class Head(Struct, kw_only=True, rename={"trace": "x-trace-id"}):
    trace: str | None = None
    if_none_match: str = ""


class Sent(Struct, rename={"kind": "content-type"}):
    kind: str = "application/json"
    x_total: int | None = None
    x_nested: list[int] = []


Defined = msgspec.defstruct("Defined", [("class", str, "a")])


class Widgets(Resource, path="/widgets"):
    async def read_one(self, path: WidgetPath) -> Widget:
        return Widget(widget_id=path.widget_id, part_id=path.part_id)

    async def create(self, json: Widget, headers: Head) -> JSONResponse[Widget, Sent]:
        return JSONResponse(json=json, headers=Sent())


class Search(Endpoint, path="/search"):
    async def get(self, params: Query) -> Query:
        return params

    async def post(self, params: Defined, json: Defined) -> Defined:
        return json


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Widgets())
        self._include_endpoint(Search())
