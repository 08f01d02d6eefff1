"""An event loop in a thread of its own, for code that has none.

The thread is a daemon: a test run never hangs at its end because an app blocked its loop. Who waits for a call when the
loop ends is told so: `PortalClosed`. Nothing here takes a lock: the garbage collector may close a stream, which calls,
in the middle of any other call.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Final, cast

from .errors import AppRaised, AppTimeout
from .waiting import describe_thread

_GRACE: Final = 2.0
"""Seconds that the loop has beyond a call's own bound, before it counts as blocked."""
_JOIN_TIMEOUT: Final = 10.0


class PortalClosed(RuntimeError):  # noqa: N818  # reads as what happened
    """The loop has ended, or ends before it has done what it was called for."""

    def __init__(self) -> None:
        super().__init__("the client is closed")


class _Call[T]:
    """A coroutine that a thread waits for. It is made in the loop, or never."""

    def __init__(self, step: Callable[[], Coroutine[object, object, T]]) -> None:
        self.outcome: concurrent.futures.Future[T] = concurrent.futures.Future()
        self._step = step
        self._task: asyncio.Task[T] | None = None
        self._is_given_up = False

    def begin(self) -> None:
        """Begin, in the loop."""
        if not self._is_given_up:
            self._task = asyncio.get_running_loop().create_task(self._step())
            self._task.add_done_callback(self._hand_over)

    def give_up(self) -> None:
        """Cancel it, in the loop: nobody waits for it any more."""
        self._is_given_up = True
        if self._task is not None:
            self._task.cancel()

    def fail(self, error: BaseException) -> None:
        """Raise an error to who waits, if it has not ended; from any thread."""
        with suppress(concurrent.futures.InvalidStateError):
            self.outcome.set_exception(error)

    def _hand_over(self, task: asyncio.Task[T]) -> None:
        error = PortalClosed() if task.cancelled() else task.exception()
        if error is not None:
            self.fail(error)
            return
        with suppress(concurrent.futures.InvalidStateError):
            self.outcome.set_result(task.result())


class Portal:
    """Runs coroutines for the threads that call it. Made with its thread running."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._calls: set[_Call[object]] = set()
        """What threads wait for."""
        self._is_over = False
        self._was_blocked = False
        """Whether the loop has failed to answer in time; then it is not waited for at length again."""
        self._thread = threading.Thread(target=self._serve, name="jero-testing", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        try:
            with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
                runner.run(self._stopped.wait())
        finally:
            # In this order: a call that does not see the first is seen by the second.
            self._is_over = True
            for call in [*self._calls]:
                call.fail(PortalClosed())

    @property
    def is_current(self) -> bool:
        """Whether this is called in the loop's own thread."""
        return threading.current_thread() is self._thread

    def call[T](self, step: Callable[[], Coroutine[object, object, T]], patience: float | None) -> T:
        """Run a coroutine in the loop, and wait for what it gives.

        The coroutine is bounded by itself, by `patience` seconds at most; if the loop then does not answer, something
        blocks it, and an AppTimeout (as AppRaised) says where. Raises PortalClosed if the loop has ended, or ends.
        """
        __tracebackhide__ = True
        if self.is_current:
            raise RuntimeError(
                "a TestClient is used in its app's own event loop, which it would block; in handlers and other "
                "async code of the app, use an AsyncTestClient"
            )
        if self._was_blocked and not self._answers():
            raise self._blocked("the app still does not answer")
        call = _Call(step)
        self._calls.add(cast("_Call[object]", call))
        try:
            if not self._tell(call.begin) or self._is_over:
                raise PortalClosed
            return call.outcome.result(None if patience is None else patience + _GRACE)
        except concurrent.futures.TimeoutError:
            if call.outcome.done():
                raise
            self._tell(call.give_up)
            self._was_blocked = True
        except BaseException:
            if not call.outcome.done():  # Ctrl-C: nobody waits for it any more.
                self._tell(call.give_up)
            raise
        finally:
            self._calls.discard(cast("_Call[object]", call))
        raise self._blocked(f"the app has not answered within {patience:g} s")

    def begin(self, step: Callable[[], Coroutine[object, object, object]]) -> None:
        """Run a coroutine in the loop and go on. What it raises is dropped; so is it if the loop has ended."""

        async def quietly() -> None:
            with suppress(Exception):
                await step()

        self._tell(_Call(quietly).begin)

    def _tell(self, job: Callable[[], None]) -> bool:
        """Have the loop do something; whether it may still do so."""
        try:
            self._loop.call_soon_threadsafe(job)
        except RuntimeError:  # It is closed.
            return False
        return True

    def _answers(self) -> bool:
        """Whether the loop runs again what it is given, or has ended."""
        ran = threading.Event()
        self._was_blocked = self._tell(ran.set) and not ran.wait(_GRACE) and not self._is_over
        return not self._was_blocked

    def _blocked(self, what: str) -> AppRaised:
        return AppRaised(AppTimeout(f"{what}; {describe_thread(self._thread.ident)}"))

    def stop(self) -> None:
        """End the loop and its thread, cancelling what still runs. Raises AppTimeout if something blocks it."""
        __tracebackhide__ = True
        self._tell(self._stopped.set)
        self._thread.join(_GRACE if self._was_blocked else _JOIN_TIMEOUT)
        if self._thread.is_alive():
            raise self._blocked("the app's event loop does not end")

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, for at most `timeout` seconds."""
        self._thread.join(timeout)

    def stop_after(self, step: Callable[[], Coroutine[object, object, None]]) -> None:
        """Run a last coroutine, then end; without waiting for either. What the coroutine raises is dropped."""

        async def last() -> None:
            try:
                await step()
            finally:
                self._stopped.set()

        self.begin(last)
