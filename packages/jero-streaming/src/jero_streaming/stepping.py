"""Coroutines stepped by hand.

Theory
------
`coroutine.send(None)` runs a coroutine up to its first wait. If it raises StopIteration, the coroutine has ended
without waiting; else it gives what the coroutine waits for, an asyncio future or None (`sleep(0)`), which belongs to
the event loop. Whoever steps has to yield that very object upwards (`pass_on`), or to wait for it as a task does
(`Uninterrupted`). Between the two there is time for something else: that is what all of this is for.
"""

import asyncio
import types
from collections.abc import Awaitable, Generator, Iterator
from typing import Protocol, cast


@types.coroutine
def pass_on(waits_for: object) -> Generator[object]:
    """Have the event loop wait for what a stepped coroutine waits for."""
    yield waits_for


async def outcome_of(waits_for: object) -> BaseException | None:
    """Wait for what a stepped coroutine waits for; the exception to raise there, or None.

    Raises CancelledError of this task.
    """
    try:
        await pass_on(waits_for)
    except (asyncio.CancelledError, GeneratorExit):
        raise
    except BaseException as error:  # noqa: BLE001  # the future's own, whatever it is
        return error
    return None


class _Future(Protocol):
    """What tasks ask of what they wait for: asyncio's futures, and those that servers make in other languages."""

    _asyncio_future_blocking: bool

    def add_done_callback(self, callback: object, /) -> object: ...

    def cancel(self) -> object: ...


class Uninterrupted:
    """Something awaited in this task, but so that a cancellation of the task reaches only whoever calls `wait`.

    It waits for each future as a task does, with a callback of its own. Its first step is taken at once. A task of its
    own would do the same and cost several times as much.
    """

    __slots__ = ("_future", "_is_woken", "_steps", "_waiter", "is_done")

    def __init__(self, awaitable: Awaitable[object]) -> None:
        self._steps: Iterator[object] = awaitable.__await__()
        self._future: _Future | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._is_woken = False
        self.is_done = False
        self._step()

    async def wait(self) -> None:
        """Go on until it next waits or has ended (`is_done`). Raises what it raises.

        CancelledError comes from this task alone, and leaves it as it was: `wait` again, or `close`.
        """
        while not self._is_woken:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        self._step()

    def close(self) -> None:
        """Give it up, wherever it is."""
        if self._future is not None:
            self._future.cancel()
        if isinstance(self._steps, Generator) or hasattr(self._steps, "close"):
            cast("Generator[object]", self._steps).close()
        self.is_done = True

    def _step(self) -> None:
        self._is_woken = False
        self._future = None
        try:
            waits_for = next(self._steps)
        except StopIteration:
            self.is_done = True
            return
        if waits_for is None:
            asyncio.get_running_loop().call_soon(self._wake)
            return
        future = cast("_Future", waits_for)
        future._asyncio_future_blocking = False  # asyncio's protocol between futures and tasks
        future.add_done_callback(self._wake)
        self._future = future

    def _wake(self, _: object = None) -> None:
        self._is_woken = True
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)
