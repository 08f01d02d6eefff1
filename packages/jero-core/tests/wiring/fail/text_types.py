"""Types that a path segment, a query value or a header cannot be."""

import re
from collections.abc import Sequence
from datetime import date, time
from typing import Annotated, Any, Literal

import msgspec
from msgspec import Meta, Struct

from jero_core import BaseApp, Endpoint, RawHeaders, Resource


class Widget(Struct):
    name: str


class Money:
    """A class that msgspec does not know."""


class Wrong(Struct):
    a: Money
    b: list[Money]
    c: dict
    d: dict[str, int]
    e: Widget
    f: list[Widget]
    g: list[list[int]]
    h: int | list[int]
    i: Sequence[int]
    j: Money | None
    k: msgspec.Raw
    l: complex
    m: date | time
    n: Annotated[str, Meta(ge=1)]
    o: Annotated[list[str], Meta(pattern="a")]
    p: Literal[1.5]
    q: re.Pattern
    r: [int]


class Names(Struct):
    naïve: str
    tags: list[str]
    same: str


class WidgetPath(Struct):
    widget_id: list[str]
    price: Money


Keyword = msgspec.defstruct("Keyword", [("class", str)], kw_only=True)


class Query(Endpoint, path="/query"):
    async def get(self, params: Wrong) -> None:
        return None

    async def post(self, params: Keyword) -> None:
        return None


class Head(Endpoint, path="/head"):
    async def get(self, headers: Names) -> None:
        return None

    async def post(self, headers: Wrong) -> None:
        return None


class Slots(Endpoint, path="/{widget_id}/{price}"):
    async def get(self, path: WidgetPath) -> None:
        return None


class Shelf(Endpoint, path="/shelf/{widget_id}"):
    async def get(self, path: msgspec.defstruct("ShelfPath", [("widget_id", list[str])])) -> None:
        return None


class NoStruct(Endpoint, path="/{widget_id}"):
    async def get(self, path: str, params: dict, headers: dict[str, str]) -> None:
        return None

    async def post(self, params: Widget | None, headers: list[Widget], raw_headers: dict) -> None:
        return None

    async def put(self, content: str, raw_headers: RawHeaders | None) -> None:
        return None

    async def patch(self, content: Annotated[bytes, Meta(max_length=10)], params: Any, headers: None) -> None:
        return None


class BaseClass(Resource, path="/base"):
    async def read_many(self, params: Struct, headers: Struct) -> None:
        return None

    async def read_one(self, path: Struct) -> None:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        for endpoint in (Query, Head, Slots, Shelf, NoStruct):
            self._include_endpoint(endpoint())
        self._include_resource(BaseClass())
