"""Background work for jero: an in-process queue that keeps its word, and the same over taskiq."""

from .after_response import AfterResponse, AfterResponseSource
from .background_tasks import BackgroundTasks
from .item_queue import BackgroundClosedError, Failure, ItemQueue, Stats, item_id

__all__ = [
    "AfterResponse",
    "AfterResponseSource",
    "BackgroundClosedError",
    "BackgroundTasks",
    "Failure",
    "ItemQueue",
    "Stats",
    "item_id",
]
