"""A chart that a browser draws while a server measures: Server-Sent Events that survive a lost connection.

    uv run granian --interface asgi --working-dir docs/examples chart:app

and open http://127.0.0.1:8000/ in a browser. Stop the server and start it again: the chart goes on by itself.
"""

import asyncio
import math
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct

from jero import BaseApp, BytesResponse, Endpoint, ReplayBuffer, ServerSentEvent, SSEResponse

PERIOD = 0.1
"""Seconds from one measurement to the next."""


class Reading(Struct):
    n: int
    value: float


class HTML(Struct):
    content_type: str = "text/html; charset=utf-8"


class Page(Endpoint, path="/"):
    """The page with the chart."""

    def __init__(self, page: bytes) -> None:
        self._page = page

    def get(self) -> BytesResponse[HTML]:
        return BytesResponse(content=self._page, headers=HTML())


class Readings(Endpoint, path="/readings"):
    """The stream: a client that comes back gets what it has missed first."""

    def __init__(self, readings: ReplayBuffer[Reading]) -> None:
        self._readings = readings

    async def get(self, last_event_id: str | None) -> SSEResponse[Reading]:
        return SSEResponse(stream=self._visit(last_event_id))

    async def _visit(self, last_event_id: str | None) -> AsyncGenerator[AsyncIterator[ServerSentEvent[Reading]]]:
        """A lifecycle: what one visit of a client opens, it closes, whatever ends it."""
        print("a client comes" if last_event_id is None else f"a client comes back, it has {last_event_id}")
        try:
            yield self._readings.follow(last_event_id)
        finally:
            print("a client leaves")


@asynccontextmanager
async def measuring(readings: ReplayBuffer[Reading]) -> AsyncGenerator[None]:
    """Measure something all the time, for everybody."""

    async def measure() -> None:
        n = 0
        while True:
            value = math.sin(n / 10) + math.sin(n / 3) / 3
            readings.add(ServerSentEvent(data=Reading(n, round(value, 4)), id=str(n)))
            n += 1
            await asyncio.sleep(PERIOD)

    task = asyncio.create_task(measure())
    try:
        yield
    finally:
        task.cancel()


class App(BaseApp):
    async def _wire(self) -> None:
        readings = ReplayBuffer[Reading](max_events=600, max_age=60.0)
        await self._aenter(measuring(readings))
        self._include_endpoint(Page((Path(__file__).parent / "chart.html").read_bytes()))
        self._include_endpoint(Readings(readings))


app = App()
