"""Streaming responses of every kind, with every method that they answer."""

from __future__ import annotations

from msgspec import Struct

from jero_core import BaseApp, Endpoint, Resource
from jero_streaming import NDJSONStreamingResponse, ServerSentEvent, SSEResponse, StreamingResponse


class Tick(Struct, tag=True):
    n: int


class Tock(Struct, tag=True):
    n: int


class Headers(Struct):
    x_trace_id: str
    cache_control: str | None = None


type Ticks = NDJSONStreamingResponse[Tick | Tock, Headers]


async def ticks():
    yield Tick(1)
    yield Tock(2)


class Feed(Endpoint, path="/feed"):
    def get(self) -> SSEResponse[Tick | Tock, Headers]:
        return SSEResponse(stream=ticks(), headers=Headers("t", "no-store"))

    async def post(self) -> Ticks:
        return NDJSONStreamingResponse(stream=ticks(), headers=Headers("t"))

    async def put(self) -> StreamingResponse[Headers]:
        return StreamingResponse(stream=chunks(), headers=Headers("t"))


async def chunks():
    yield b"chunk"


class Events(SSEResponse[str]):
    pass


class Things(Resource, path="/things"):
    async def read_many(self) -> Events:
        return Events(stream=text())

    async def create(self) -> NDJSONStreamingResponse[list[Tick]]:
        return NDJSONStreamingResponse(stream=lists())


async def text():
    yield ServerSentEvent(data="a")


async def lists():
    yield [Tick(1)]


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Feed())
        self._include_resource(Things())


ANSWERS = {
    "GET /feed": 'data: {"type":"Tick","n":1}\n\ndata: {"type":"Tock","n":2}\n\n',
    "POST /feed": '{"type":"Tick","n":1}\n{"type":"Tock","n":2}\n',
    "PUT /feed": "chunk",
    "GET /things": "data: a\n\n",
    "POST /things": '[{"type":"Tick","n":1}]\n',
}
