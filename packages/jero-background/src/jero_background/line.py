"""A bounded line: what waits to run, and behind it those who wait for a place there.

Rules
-----
- At most `maxsize` are queued, and of what is put there together the others besides. Who finds no place waits for one,
  first come, first served: nobody overtakes those who wait, nor those whose places have become free.
- A place that has become free is kept for whoever is admitted to it, until they come and take it or are cancelled. Then
  the next one is admitted.
- Somebody may wait on behalf of a line: a handler that runs for one of its items. Where lines would then wait for each
  other in a circle, the last of them has a place at once, beyond `maxsize`.
- Closing empties it, and wakes all who wait. They are told that they have no place.

Theory
------
A line knows nothing of what runs. Whoever takes from `queued` calls `admit` afterwards: it is they who say in which
order things happen. Nothing else makes room but a wait that is cancelled, and `wait` looks after that itself.

Between `wait` and the `queued.extend` that follows it nothing may be awaited: the place is kept no longer.
"""

import asyncio
from collections import OrderedDict, deque
from typing import Self


class Line[T]:
    """What waits to run, at most `maxsize`, and those who wait for a place. It may be used again once it is closed."""

    __slots__ = ("_admitted", "_kept", "_maxsize", "_waiting", "_waits_for", "queued")

    def __init__(self, maxsize: int) -> None:
        self.queued: deque[T] = deque()
        """What waits to run, first come, first served."""
        self._maxsize = maxsize
        self._waiting: OrderedDict[asyncio.Future[None], int] = OrderedDict()
        """Those who wait for a place, and how much each of them puts there."""
        self._admitted: dict[asyncio.Future[None], int] = {}
        """Those whose places are kept, and who have not yet come to take them."""
        self._kept = 0
        """How many places that are."""
        self._waits_for: list[Self] = []
        """The lines for a place in which somebody waits on behalf of this one, each as often as somebody does."""

    def is_full(self) -> bool:
        """Whether whoever comes now has to `wait`."""
        return len(self.queued) >= self._maxsize or self._kept > 0 or len(self._waiting) > 0

    def is_deserted(self) -> bool:
        """Whether nothing is queued, and nobody waits or is about to take a place."""
        return not (self.queued or self._waiting or self._admitted)

    async def wait(self, count: int, source: Self | None) -> bool:
        """Wait for a place for `count` that are put there together; whether there is one, or the line has been closed.

        `source` is the line on whose behalf this is done. If that waits for this one, itself or through others, there
        is a place at once, beyond `maxsize`.
        """
        if source is None:
            return await self._wait(count)
        if self._leads_to(source):
            return True
        source._waits_for.append(self)
        try:
            return await self._wait(count)
        finally:
            source._waits_for.remove(self)

    async def _wait(self, count: int) -> bool:
        place = asyncio.get_running_loop().create_future()
        self._waiting[place] = count
        self.admit()
        try:
            await place
        except BaseException:  # also GeneratorExit, of a coroutine that is closed
            if self._waiting.pop(place, None) is not None or self._release(place):
                self.admit()
            raise
        return self._release(place)  # Not if it was closed, perhaps after the place had become free.

    def _release(self, place: asyncio.Future[None]) -> bool:
        """Keep a place no longer; whether it was kept."""
        count = self._admitted.pop(place, 0)
        self._kept -= count
        return count > 0

    def _leads_to(self, source: Self) -> bool:
        """Whether this is `source`, or somebody waits for that on behalf of this one, directly or not."""
        seen: set[Self] = set()
        pending = [self]
        while pending:
            line = pending.pop()
            if line is source:
                return True
            if line not in seen:
                seen.add(line)
                pending += line._waits_for
        return False

    def admit(self) -> None:
        """Let in those for whom there is a place by now."""
        while self._waiting and len(self.queued) + self._kept < self._maxsize:
            place, count = self._waiting.popitem(last=False)
            if not place.done():  # Else it was cancelled, and is about to say so.
                self._admitted[place] = count
                self._kept += count
                place.set_result(None)

    def close(self) -> list[T]:
        """Turn away all who wait, and give what was queued."""
        queued = [*self.queued]
        waiting = [*self._waiting]
        self.queued.clear()
        self._waiting.clear()
        self._admitted.clear()
        self._kept = 0
        for place in waiting:
            if not place.done():
                place.set_result(None)
        return queued
