"""Streams of every kind; set-ups and teardowns are counted, and what the app's resources do stands in the journal."""

import asyncio
import gc
import os
import time
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path

from msgspec import Struct

from jero import (
    BaseApp,
    Endpoint,
    HTTPError,
    LastEventIDSource,
    NDJSONStreamingResponse,
    ServerSentEvent,
    SSEResponse,
    StreamingResponse,
)


class Line(Struct):
    n: int
    text: str


class Params(Struct):
    count: int = 1000
    pause: float = 0.0
    keepalive: float = 15.0


class Counts(Struct):
    set_up: int
    torn_down: int
    tasks: int
    memory: int


class Counters:
    def __init__(self) -> None:
        self.set_up = 0
        self.torn_down = 0


counters = Counters()


async def counted[T](stream: AsyncIterable[T]) -> AsyncGenerator[AsyncIterable[T]]:
    """A lifecycle that counts."""
    counters.set_up += 1
    try:
        yield stream
    finally:
        counters.torn_down += 1


class Lines(Endpoint, path="/lines"):
    async def get(self, params: Params) -> NDJSONStreamingResponse[Line]:
        return NDJSONStreamingResponse(stream=counted(self._lines(params)))

    async def _lines(self, params: Params) -> AsyncIterator[Line]:
        for n in range(params.count):
            if params.pause and n % 10 == 0:
                await asyncio.sleep(params.pause)
            yield Line(n, "x" * (n % 100))


class Events(Endpoint, path="/events"):
    async def get(self, params: Params, last_event_id: int | None) -> SSEResponse[Line]:
        return SSEResponse(stream=counted(self._events(params, last_event_id or 0)), keepalive=params.keepalive)

    async def _events(self, params: Params, first: int) -> AsyncIterator[ServerSentEvent[Line]]:
        for n in range(first, params.count):
            if params.pause and n % 10 == 0:
                await asyncio.sleep(params.pause)
            yield ServerSentEvent(data=Line(n, "x"), id=str(n + 1))


class Idle(Endpoint, path="/idle"):
    """Events of which none ever comes."""

    async def get(self, params: Params) -> SSEResponse:
        return SSEResponse(stream=counted(self._nothing()), keepalive=params.keepalive)

    async def _nothing(self) -> AsyncIterator[str]:
        await asyncio.Event().wait()
        yield ""


class Pings(Endpoint, path="/pings"):
    """A ping every `pause` seconds, with the time at which it is sent."""

    async def get(self, params: Params) -> SSEResponse:
        return SSEResponse(stream=counted(self._pings(params.pause)))

    async def _pings(self, pause: float) -> AsyncIterator[str]:
        while True:
            yield repr(time.time())
            await asyncio.sleep(pause)


class Endless(Endpoint, path="/endless"):
    async def get(self) -> NDJSONStreamingResponse[Line]:
        return NDJSONStreamingResponse(stream=counted(self._lines()))

    async def _lines(self) -> AsyncIterator[Line]:
        n = 0
        while True:
            yield Line(n, "x" * 1000)
            n += 1


class Broken(Endpoint, path="/broken"):
    async def get(self) -> StreamingResponse:
        return StreamingResponse(stream=self._chunks())

    async def post(self, json: Line) -> StreamingResponse:
        return StreamingResponse(stream=self._refused())

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield b"some"
        await asyncio.sleep(0.05)
        raise RuntimeError("broken")

    async def _refused(self) -> AsyncIterator[bytes]:
        await asyncio.sleep(0)
        raise HTTPError(409, "not now")
        yield b""


class State(Endpoint, path="/counts"):
    def get(self) -> Counts:
        gc.collect()
        memory = int(Path("/proc/self/statm").read_text(encoding="ascii").split()[1]) * os.sysconf("SC_PAGE_SIZE")
        own = sum("Watch" in getattr(task.get_coro(), "__qualname__", "") for task in asyncio.all_tasks())
        return Counts(counters.set_up, counters.torn_down, own, memory)


@contextmanager
def resource() -> Iterator[None]:
    journal = os.environ.get("JERO_JOURNAL", os.devnull)
    yield
    with Path(journal).open("a", encoding="utf-8") as file:
        file.write(f"closed after {counters.torn_down} of {counters.set_up} streams\n")


class StreamApp(BaseApp):
    sources = {**BaseApp.sources, "last_event_id": LastEventIDSource()}

    async def _wire(self) -> None:
        self._enter(resource())
        for endpoint in (Lines(), Events(), Idle(), Pings(), Endless(), Broken(), State()):
            self._include_endpoint(endpoint)


class UnwatchedApp(StreamApp):
    watch_signals = False


app = StreamApp()
unwatched = UnwatchedApp()
