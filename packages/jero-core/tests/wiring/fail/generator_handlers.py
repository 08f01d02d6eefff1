"""Handlers that yield."""

from collections.abc import AsyncIterator, Iterator

from jero_core import BaseApp, Endpoint


class Ticks(Endpoint, path="/ticks"):
    async def get(self) -> bytes:
        yield b"tick"

    def post(self) -> str:
        yield "tick"

    async def put(self) -> AsyncIterator[bytes]:
        yield b"tick"

    def patch(self) -> Iterator[bytes]:
        yield b"tick"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Ticks())
