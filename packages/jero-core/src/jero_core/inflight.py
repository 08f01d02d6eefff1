"""Requests under way when the app stops, found without counting them.

To count requests would cost each of them. Instead, a stopping app looks at the reference counts of its operations'
functions, which a coroutine that has not ended raises by one, whoever drives it (a task, a server's own scheduler) and
whatever middleware is between; then it asks Python's garbage collector for what refers to the busy ones. That takes
microseconds where nothing is under way. Where coroutines are not counted so (free-threaded Python), everything that
the collector knows is looked at: some 10 ms in a process of 100,000 objects.
"""

import asyncio
import functools
import gc
import sys
import types
from collections.abc import Iterable, Sequence
from typing import cast

_FIRST_PAUSE = 0.001
_LONGEST_PAUSE = 0.05

type Request = types.CoroutineType[object, object, object]


class Operations:
    """The functions of one started app. Made before its first request."""

    def __init__(self, functions: Sequence[types.FunctionType] = ()) -> None:
        self.functions = functions
        self._at_rest = _counts(functions)

    def requests_under_way(self) -> list[Request]:
        """The coroutines of the functions that have not ended, but for the one that asks.

        To be asked while everything is still there that referred to the functions when this was made.
        """
        busy = self.functions
        if _coroutines_count():
            counts = _counts(self.functions)
            busy = [self.functions[index] for index, count in enumerate(counts) if count > self._at_rest[index]]
            things: Iterable[object] = gc.get_referrers(*busy)
        else:
            things = gc.get_objects()
        codes = {id(function.__code__) for function in busy}
        coroutines = [cast("Request", thing) for thing in things if type(thing) is types.CoroutineType]
        return [each for each in coroutines if id(each.cr_code) in codes and _is_under_way(each)]


def _counts(functions: Sequence[types.FunctionType]) -> list[int]:
    return [*map(sys.getrefcount, functions)]


@functools.cache
def _coroutines_count() -> bool:
    """Whether a coroutine that has not ended counts as a reference to its function, and the collector tells so."""

    async def probe() -> None: ...

    before = sys.getrefcount(probe)
    coroutine = probe()
    counts = sys.getrefcount(probe) == before + 1 and any(each is coroutine for each in gc.get_referrers(probe))
    coroutine.close()
    return counts


async def wait_for_requests(requests: Sequence[Request], longest: float) -> list[str]:
    """Wait until these requests have ended, for at most `longest` seconds; the labels of those that have not."""
    loop = asyncio.get_running_loop()
    deadline = loop.time() + longest
    pause = _FIRST_PAUSE
    remaining = [request for request in requests if _is_under_way(request)]
    while remaining and (left := deadline - loop.time()) > 0:
        await asyncio.sleep(min(pause, left))
        pause = min(pause * 2, _LONGEST_PAUSE)
        remaining = [request for request in remaining if _is_under_way(request)]
    return [request.cr_code.co_filename for request in remaining]


def _is_under_way(request: Request) -> bool:
    # The frame goes when a coroutine ends; the one that runs at this moment is the one that asks.
    return request.cr_frame is not None and not request.cr_running
