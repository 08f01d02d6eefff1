"""What is streamed: everybody takes the same objects from the same kind of source, one by one."""

from collections.abc import AsyncIterator

import msgspec


class Reading(msgspec.Struct):
    """One line, or the data of one event."""

    id: int
    sensor: str
    value: float
    unit: str


LINES = [Reading(n, f"sensor-{n % 7}", n * 0.25, "kW") for n in range(1000)]
EVENTS = LINES[:200]

encode = msgspec.json.Encoder().encode


async def readings(count: int) -> AsyncIterator[Reading]:
    """The source: an async generator that has each object ready."""
    for reading in LINES[:count]:
        yield reading


async def lines() -> AsyncIterator[bytes]:
    """The source for frameworks that take bytes: encoded line by line, as their users write it."""
    async for reading in readings(len(LINES)):
        yield encode(reading) + b"\n"


async def event_frames() -> AsyncIterator[bytes]:
    """The same, as events."""
    async for reading in readings(len(EVENTS)):
        yield b"data: " + encode(reading) + b"\n\n"
