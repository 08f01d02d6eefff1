"""Keyword-only and positional-only arguments, in any order, with defaults, which mean nothing to jero."""

from msgspec import Struct

from jero_core import BaseApp, RawHeaders, Resource

ANSWERS = {"GET /widgets/7?limit=3": "7 3", "GET /widgets": "2"}


class WidgetPath(Struct):
    widget_id: str


class Query(Struct):
    limit: int = 20


class Widgets(Resource, path="/widgets"):
    async def create(self, json: Query, /, *, headers: Query, params: Query, raw_headers: RawHeaders) -> Query:
        return json

    async def read_one(self, path: WidgetPath, /, params: Query) -> str:
        return f"{path.widget_id} {params.limit}"

    async def read_many(self, params: Query = Query(limit=1), *, headers: Query = Query(limit=2)) -> str:
        return str(min(params.limit, 2))

    async def update(self, *, content: bytes, path: WidgetPath) -> bytes:
        return content


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Widgets())
