"""One item on its way to one handler, and what has become of it so far."""

import asyncio
from contextvars import Context
from typing import Self

import msgspec

from .handlers import Handler
from .line import Line


class Entry:
    """One item on its way to one handler."""

    __slots__ = (
        "context",
        "handler",
        "has_begun",
        "id",
        "is_cut_off",
        "is_done",
        "is_given_up",
        "is_overdue",
        "is_running",
        "item",
        "line",
        "timer",
    )

    def __init__(
        self, line: Line[Self], item: msgspec.Struct, item_id: str, handler: Handler, context: Context
    ) -> None:
        self.line = line
        """The line that it has waited in, and on whose behalf it runs."""
        self.item = item
        self.id = item_id
        self.handler = handler
        self.context = context
        self.has_begun = False
        self.is_running = False
        """Whether the handler, or `on_error` after it, runs now."""
        self.is_overdue = False
        """Whether it was cancelled because it took too long."""
        self.is_given_up = False
        """Whether it goes on after that, and holds no place any more."""
        self.is_cut_off = False
        """Whether it was cancelled because the queue closes."""
        self.is_done = False
        """Whether it has been counted as done, failed or dropped."""
        self.timer: asyncio.TimerHandle | None = None


def is_current(task: asyncio.Task[None]) -> bool:
    """Whether this is called in that task. It is not when its coroutine is closed from outside."""
    try:
        return asyncio.current_task() is task
    except RuntimeError:
        return False
