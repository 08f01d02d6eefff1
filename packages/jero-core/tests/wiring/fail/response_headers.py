"""Typed response headers that cannot be sent."""

import msgspec
from msgspec import Struct

from jero_core import BaseApp, BytesResponse, Endpoint, JSONResponse


class Widget(Struct):
    name: str


class Money:
    """A class that msgspec does not know."""


class Wrong(Struct, rename={"second": "x-first"}):
    content_length: int
    transfer_encoding: str
    connection: str
    naïve: str
    price: Money
    x_first: str
    second: str
    x_unset: str | msgspec.UnsetType = msgspec.UNSET


Keyword = msgspec.defstruct("Keyword", [("class", str)])


class Answers(Endpoint, path="/answers"):
    async def get(self) -> JSONResponse[Widget, Wrong]:
        return None

    async def post(self) -> JSONResponse[Widget, Keyword]:
        return None

    async def put(self) -> JSONResponse[Widget, dict]:
        return None

    async def patch(self) -> BytesResponse[int]:
        return None

    async def delete(self) -> BytesResponse[Widget | None]:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Answers())
