"""A replay buffer: the last events, for clients that reconnect.

Rules
-----
- It holds at most `max_events` events, none older than `max_age`; all clients read the same ones, so memory does not
  grow with them.
- Every event in it has an id. Without one of its own it gets one that no other process gives, so that an id of before a
  restart is not mistaken for another.
- `follow` never skips an event that is held; its place is that of the call, not of the first step, so that whoever
  follows, and then reads a snapshot, misses nothing in between. A client that falls behind so far that its next event
  is gone goes on with the oldest one there is, as one does whose id is not known (any more).
- It lives on one event loop, in one process: clients that reconnect to another worker find another buffer. An event
  that a thread adds while somebody waits would wake up nobody, and is refused.
"""

import asyncio
import math
import os
import time
from collections import deque
from collections.abc import AsyncGenerator, Callable
from itertools import islice
from types import UnionType

import msgspec

from .events import ServerSentEvent


class ReplayBuffer[T = str]:
    """The last events of one topic, to replay and to follow.

    `max_events` is a positive count, `max_age` a positive number of seconds; ValueError otherwise. `clock` gives
    seconds.
    """

    def __init__(
        self, *, max_events: int = 1000, max_age: float = 300.0, clock: Callable[[], float] = time.monotonic
    ) -> None:
        if not _is_a(int, max_events) or max_events < 1:
            raise ValueError(f"max_events is a positive count, not {max_events!r}")
        if not _is_a(int | float, max_age) or not 0 < max_age < math.inf:
            raise ValueError(f"max_age is a positive number of seconds, not {max_age!r}")
        self._max_events = max_events
        self._max_age = max_age
        self._clock = clock
        self._events: deque[tuple[float, ServerSentEvent[T]]] = deque()
        self._next = 0
        """The number of the next event; the oldest one held has this, less the count of those held."""
        self._numbers: dict[str, int] = {}
        """The numbers of the events held, by id."""
        self._prefix = os.urandom(4).hex()
        self._waiting: set[asyncio.Future[None]] = set()

    def __len__(self) -> int:
        self._drop_old()
        return len(self._events)

    def add(self, event: ServerSentEvent[T]) -> ServerSentEvent[T]:
        """Hold an event, and hand it to all that follow; the event with its id.

        Raises TypeError if it is none, and RuntimeError outside of the event loop in which those wait who follow.
        """
        if not _is_a(ServerSentEvent, event):
            raise TypeError(f"a ReplayBuffer holds ServerSentEvents, not {event!r}")
        if any(future.get_loop() is not _running_loop() for future in islice(self._waiting, 1)):
            raise RuntimeError(
                "a ReplayBuffer belongs to the event loop of those who follow it; from a thread, "
                "`loop.call_soon_threadsafe(buffer.add, event)`"
            )
        if not event.id:
            event = msgspec.structs.replace(event, id=f"{self._prefix}-{self._next}")
        self._events.append((self._clock(), event))
        self._numbers[event.id or ""] = self._next
        self._next += 1
        self._drop_old()
        waiting, self._waiting = self._waiting, set()
        for future in waiting:
            if not future.done():
                future.set_result(None)
        return event

    def knows(self, last_event_id: str | None) -> bool:
        """Whether the event with this id is held: then `since` has all that came after it."""
        self._drop_old()
        return last_event_id in self._numbers

    def since(self, last_event_id: str | None) -> list[ServerSentEvent[T]]:
        """The events after the one with this id. None of them for None; all that are held if the id is not known."""
        start = self._start(last_event_id)
        return [event for _, event in self._events][start - self._oldest :]

    def follow(self, last_event_id: str | None = None) -> AsyncGenerator[ServerSentEvent[T]]:
        """The events after the one with this id, and then each one that is added from now on, for ever."""
        return self._follow(self._start(last_event_id))

    async def _follow(self, number: int) -> AsyncGenerator[ServerSentEvent[T]]:
        while True:
            self._drop_old()
            # A reader may have been paused until its place, or all there was, is gone.
            while (number := max(number, self._oldest)) < self._next:
                _, event = self._events[number - self._oldest]
                number += 1
                yield event
                self._drop_old()
            future = asyncio.get_running_loop().create_future()
            self._waiting.add(future)
            try:
                await future
            finally:
                self._waiting.discard(future)

    @property
    def _oldest(self) -> int:
        return self._next - len(self._events)

    def _start(self, last_event_id: str | None) -> int:
        self._drop_old()
        if last_event_id is None:
            return self._next
        return self._numbers.get(last_event_id, self._oldest - 1) + 1

    def _drop_old(self) -> None:
        oldest = self._clock() - self._max_age
        while self._events and (len(self._events) > self._max_events or self._events[0][0] <= oldest):
            number = self._oldest
            _, event = self._events.popleft()
            if self._numbers.get(event.id or "") == number:
                del self._numbers[event.id or ""]


def _running_loop() -> asyncio.AbstractEventLoop | None:
    try:
        return asyncio.get_running_loop()
    except RuntimeError:
        return None


def _is_a(kind: type | UnionType, value: object) -> bool:
    """Whether a value is what its annotation says, which a type checker may not have seen to; True is no number."""
    return isinstance(value, kind) and not isinstance(value, bool)
