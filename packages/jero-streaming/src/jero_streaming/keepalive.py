"""What events need while none come: a head at once, and comments that keep the connection alive.

Rules
-----
- A head leaves as soon as the source waits; if that may still be a lifecycle's set-up, after `PATIENCE`.
- While the source waits, a comment is sent when nothing else has been for `seconds`. One timer serves for all of it; it
  is not touched for an item.
"""

import asyncio
from typing import Final

from .events import COMMENT
from .sending import Sending
from .watch import Watch

PATIENCE: Final = 0.05
"""The longest time in seconds that the head of events waits for a generator that may be setting up."""


class KeepAlive:
    """Keeps one response alive, until `end`; without comments if `seconds` is None."""

    __slots__ = ("_loop", "_seconds", "_sending", "_timer", "_watch")

    def __init__(self, seconds: float | None, sending: Sending, watch: Watch, *, is_set_up: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._seconds = seconds
        self._sending = sending
        self._watch = watch
        self._timer: asyncio.TimerHandle | None = None
        self._wait(seconds if is_set_up else PATIENCE)

    def end(self) -> None:
        """Send nothing from now on."""
        if self._timer is not None:
            self._timer.cancel()

    def _wait(self, seconds: float | None) -> None:
        self._timer = None if seconds is None else self._loop.call_later(seconds, self._on_time)

    def _on_time(self) -> None:
        sending, seconds = self._sending, self._seconds
        is_idle = self._watch.is_waiting and not sending.is_busy
        if not sending.has_started:
            if is_idle:
                sending.send_beside()
            self._wait(seconds)
        elif seconds is not None:
            left = sending.sent_at + seconds - self._loop.time()
            if is_idle and left < seconds / 100:
                sending.send_beside(COMMENT)
                left = seconds
            self._wait(left if left > 0 else seconds)
