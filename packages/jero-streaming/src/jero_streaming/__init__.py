"""Streaming responses for jero: NDJSON, Server-Sent Events and bytes."""

from .events import ServerSentEvent
from .last_event_id import LastEventIDSource
from .replay import ReplayBuffer
from .responses import NDJSONStreamingResponse, SSEResponse, StreamingResponse

__all__ = [
    "LastEventIDSource",
    "NDJSONStreamingResponse",
    "ReplayBuffer",
    "SSEResponse",
    "ServerSentEvent",
    "StreamingResponse",
]
