"""Refs that are no names, and one that two classes have."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint


class Widget(Struct):
    id: int


class Dotted(Endpoint, path="/dotted", ref="a.b"):
    async def get(self) -> Widget: ...


class Number(Endpoint, path="/number", ref=3):
    async def get(self) -> Widget: ...


class First(Endpoint, path="/first", ref="same"):
    async def get(self) -> Widget: ...


class Second(Endpoint, path="/second", ref="same"):
    async def get(self) -> Widget: ...


class App(BaseApp):
    async def _wire(self) -> None:
        for endpoint in (Dotted(), Number(), First(), Second()):
            self._include_endpoint(endpoint)
