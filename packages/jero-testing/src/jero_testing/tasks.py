"""What several modules ask of asyncio: a bell, the end of a task, one task for many coroutines."""

import asyncio
from collections.abc import Coroutine
from typing import Final, cast

from .errors import AppTimeout
from .waiting import describe_task

CANCEL_GRACE: Final = 1.0
"""Seconds that a cancelled task has to end."""


class Bell:
    """Wakes everybody who waits for it at the moment when it is rung."""

    def __init__(self) -> None:
        self._event = asyncio.Event()

    def ring(self) -> None:
        """Wake who waits."""
        self._event.set()
        self._event.clear()

    async def wait(self) -> None:
        """Wait for the next ring."""
        await self._event.wait()


async def cancel(task: asyncio.Task[None]) -> None:
    """Cancel a task, and give it a moment to end."""
    task.cancel()
    await asyncio.wait({task}, timeout=CANCEL_GRACE)


async def bounded[T](coroutine: Coroutine[object, object, T], seconds: float | None, late: str) -> T:
    """Run a coroutine in the current task. Raises AppTimeout, which begins with `late`, if it takes too long.

    It is cancelled then, and again each second for as long as it goes on all the same.
    """
    task = cast("asyncio.Task[object]", asyncio.current_task())
    loop = asyncio.get_running_loop()
    before, cancels, where = task.cancelling(), 0, ""
    timer: asyncio.TimerHandle | None = None

    def expire() -> None:
        nonlocal timer, cancels, where
        where = where or describe_task(task)
        cancels += 1
        task.cancel()
        timer = loop.call_later(CANCEL_GRACE, expire)

    if seconds is not None:
        timer = loop.call_later(seconds, expire)
    try:
        return await coroutine
    except asyncio.CancelledError:
        if not cancels or task.cancelling() > before + cancels:
            raise
    finally:
        if timer is not None:
            timer.cancel()
        for _ in range(cancels):
            task.uncancel()
    raise AppTimeout(f"{late} within {seconds:g} s; {where}")


class Lane:
    """An event loop with one task in it, which runs coroutines one after the other."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._queue: asyncio.Queue[tuple[Coroutine[object, object, object], asyncio.Future[object]]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None
        self._is_closing = False

    def run[T](self, coroutine: Coroutine[object, object, T], seconds: float | None, late: str) -> T:
        """Run a coroutine to its end. Raises AppTimeout, also if the coroutine goes on when it is cancelled."""
        __tracebackhide__ = True
        return cast("T", self._runner.run(self._ask(coroutine, seconds, late)))

    def close(self) -> None:
        """End the task, and the loop."""
        self._is_closing = True
        self._runner.close()

    async def _ask(self, coroutine: Coroutine[object, object, object], seconds: float | None, late: str) -> object:
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._serve())
        outcome: asyncio.Future[object] = asyncio.get_running_loop().create_future()
        self._queue.put_nowait((coroutine, outcome))
        try:
            await asyncio.wait([outcome], timeout=seconds)
            if outcome.done():
                return outcome.result()
            where = describe_task(self._task)
        finally:
            # Also when this is cancelled, as Ctrl-C does.
            if not outcome.done():
                self._task.cancel()
                await asyncio.wait([outcome], timeout=CANCEL_GRACE)
            if outcome.done():
                outcome.exception()
        raise AppTimeout(f"{late} within {seconds:g} s; {where}")

    async def _serve(self) -> None:
        task = cast("asyncio.Task[None]", asyncio.current_task())
        # A coroutine may have kept the cancellation of the end to itself, and others stand behind it.
        while not (self._is_closing and self._queue.empty()):
            coroutine, outcome = await self._queue.get()
            try:
                outcome.set_result(await coroutine)
            except BaseException as error:  # noqa: BLE001  # raised to whoever asked
                outcome.set_exception(error)
            while task.cancelling():
                task.uncancel()
