"""Background work for jero: an in-process queue that keeps its word, and the same over taskiq."""

from .after_response import AfterResponse
from .after_response_source import AfterResponseSource
from .background_tasks import BackgroundTasks
from .item_queue import BackgroundClosedError, ItemFailure, ItemQueue, QueueStats, item_id

__all__ = [
    "AfterResponse",
    "AfterResponseSource",
    "BackgroundClosedError",
    "BackgroundTasks",
    "ItemFailure",
    "ItemQueue",
    "QueueStats",
    "item_id",
]
