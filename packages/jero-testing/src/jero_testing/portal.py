"""An event loop in a thread of its own, for code that has none.

The thread is a daemon: a test run never hangs at its end because an app blocked its loop.
"""

import asyncio
import concurrent.futures
import threading
from collections.abc import Callable, Coroutine
from contextlib import suppress
from typing import Final

from .errors import AppRaised, AppTimeout
from .waiting import describe_thread

_GRACE: Final = 2.0
"""Seconds that the loop has beyond a call's own bound, before it counts as blocked."""
_JOIN_TIMEOUT: Final = 10.0


class Portal:
    """Runs coroutines for the threads that call it. Made with its thread running."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._stopped = asyncio.Event()
        self._was_blocked = False
        """Whether the loop has failed to answer in time; then it is not waited for at length again."""
        self._thread = threading.Thread(target=self._serve, name="jero-testing", daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._stopped.wait())

    def call[T](self, step: Callable[[], Coroutine[object, object, T]], patience: float | None) -> T:
        """Run a coroutine in the loop, and wait for what it gives.

        The coroutine is bounded by itself, by `patience` seconds at most; if the loop then does not answer, something
        blocks it, and an AppTimeout (as AppRaised) says where.
        """
        __tracebackhide__ = True
        if threading.current_thread() is self._thread:
            raise RuntimeError(
                "a TestClient is used in its app's own event loop, which it would block; in handlers and other "
                "async code of the app, use an AsyncTestClient"
            )
        if self._loop.is_closed():
            raise RuntimeError("the client is closed")
        if self._was_blocked and not self._answers():
            raise self._blocked("the app still does not answer")
        future = asyncio.run_coroutine_threadsafe(step(), self._loop)
        try:
            return future.result(None if patience is None else patience + _GRACE)
        except concurrent.futures.TimeoutError:
            if future.done():
                raise
            future.cancel()
            self._was_blocked = True
        except BaseException:
            future.cancel()  # Ctrl-C: nobody waits for it any more.
            raise
        raise self._blocked(f"the app has not answered within {patience:g} s")

    def _answers(self) -> bool:
        """Whether the loop runs again what it is given."""
        ran = threading.Event()
        self._loop.call_soon_threadsafe(ran.set)
        self._was_blocked = not ran.wait(_GRACE)
        return not self._was_blocked

    def _blocked(self, what: str) -> AppRaised:
        return AppRaised(AppTimeout(f"{what}; {describe_thread(self._thread.ident)}"))

    def stop(self) -> None:
        """End the loop and its thread, cancelling what still runs. Raises AppTimeout if something blocks it."""
        __tracebackhide__ = True
        with suppress(RuntimeError):  # It is closed already.
            self._loop.call_soon_threadsafe(self._stopped.set)
        self._thread.join(_GRACE if self._was_blocked else _JOIN_TIMEOUT)
        if self._thread.is_alive():
            raise self._blocked("the app's event loop does not end")

    def join(self, timeout: float) -> None:
        """Wait for the thread to end, for at most `timeout` seconds."""
        self._thread.join(timeout)

    def stop_after(self, step: Callable[[], Coroutine[object, object, None]]) -> None:
        """Run a last coroutine, then end; without waiting for either. What the coroutine raises is dropped."""

        async def last() -> None:
            with suppress(Exception):
                await step()
            self._stopped.set()

        with suppress(RuntimeError):  # It is closed already.
            asyncio.run_coroutine_threadsafe(last(), self._loop)
