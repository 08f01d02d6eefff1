"""SIGTERM and SIGINT, noticed on their way to the server.

Servers wait for open connections first and tell the app afterwards (ASGI lifespan: shutdown comes when all connections
are closed). A response that lasts would keep them waiting for ever, so the app looks for itself.

Rules
-----
- What was there before is called too, with the same arguments: the server stops as it always does.
- Only a handler that Python code has set is chained: a server that acts on the signal has set one. What is ignored
  (hypercorn's workers ignore SIGINT) stays ignored, and what ends the process still ends it.
- Event loops run their own handlers by the signal wakeup descriptor, whatever Python's handler is: they need no call,
  and get none but to the placeholder that they set.
- Python allows handlers in the main thread only; elsewhere nothing is installed.
- Taken back when the app has stopped, unless somebody else has chained on; then the handler just calls on.
"""

import signal
import threading
from collections.abc import Callable
from contextlib import suppress
from types import FrameType
from typing import Final

type _Handler = Callable[[int, FrameType | None], object]

_SIGNALS: Final = (signal.SIGTERM, signal.SIGINT)


class SignalChain:
    """Calls `notice` when a signal arrives that stops the server."""

    def __init__(self, notice: Callable[[], None]) -> None:
        self._notice = notice
        self._previous: dict[int, _Handler] = {}
        self._is_installed = False

    def install(self) -> None:
        """Chain on to the handlers that there are."""
        if threading.current_thread() is not threading.main_thread():
            return
        self._is_installed = True
        for number in _SIGNALS:
            previous = signal.getsignal(number)
            if callable(previous):  # SIG_DFL and SIG_IGN are not, and neither is one that C code has set.
                self._previous[number] = previous
                _set_handler(number, self._handle)

    def restore(self) -> None:
        """Put the handlers of before back, wherever this one is still the one that Python calls."""
        self._is_installed = False
        if threading.current_thread() is not threading.main_thread():
            return
        for number, previous in self._previous.items():
            if signal.getsignal(number) == self._handle:
                _set_handler(number, previous)

    def _handle(self, number: int, frame: FrameType | None) -> None:
        if self._is_installed:
            with suppress(RuntimeError):  # The event loop is closed.
                self._notice()
        self._previous[number](number, frame)


def _set_handler(number: int, handler: _Handler) -> None:
    signal.signal(number, handler)
    if hasattr(signal, "siginterrupt"):  # Not on Windows.
        # System calls go on, as event loops have it; signal.signal() has just switched that off.
        signal.siginterrupt(number, False)
