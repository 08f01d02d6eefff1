"""`Annotated`, around everything."""

from typing import Annotated

from msgspec import Meta, Struct

from jero_core import BaseApp, Endpoint, JSONResponse, RawHeaders, Resource

ANSWERS = {"GET /widgets/7?limit=5": '{"id":5}', "GET /text": "text"}


class WidgetPath(Struct):
    widget_id: Annotated[int, Meta(ge=1), "a note"]


class Query(Struct):
    limit: Annotated[Annotated[int, Meta(ge=1)], Meta(le=100)] = 20
    tags: Annotated[list[Annotated[str, Meta(max_length=8)]], Meta(max_length=3)] = []
    before: Annotated[str, Meta(pattern="^a")] | None = None


class Widget(Struct):
    id: Annotated[int, Meta(description="An id.", examples=[1, 2])]


class WidgetResource(Resource, path="/widgets"):
    async def create(self, json: Annotated[list[Widget], Meta(max_length=10)]) -> Annotated[list[Widget], "a note"]:
        return json

    async def read_one(
        self, path: Annotated[WidgetPath, "a note"], params: Annotated[Query, "a note"]
    ) -> Annotated[JSONResponse[Annotated[Widget, "a note"]], "a note"]:
        return JSONResponse(json=Widget(params.limit))


class Text(Endpoint, path="/text"):
    async def get(self, raw_headers: Annotated[RawHeaders, "a note"]) -> Annotated[str, Meta(max_length=10)]:
        return "text"

    async def post(
        self, content: Annotated[bytes, "a note", Meta(description="Any text.")]
    ) -> Annotated[None, "a note"]:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(WidgetResource())
        self._include_endpoint(Text())
