"""A msgspec-first ASGI micro-framework whose type hints are the API contract.

This package holds nothing of its own: every name is the same object as in the package that defines it.
"""

from jero_core import (
    BaseApp,
    BaseFactory,
    BytesResponse,
    Endpoint,
    HTTPError,
    JSONResponse,
    Link,
    Location,
    OperationMeta,
    Place,
    RawHeaders,
    Resource,
    WiringError,
    WiringProblem,
)
from jero_streaming import (
    LastEventIDSource,
    NDJSONStreamingResponse,
    ReplayBuffer,
    ServerSentEvent,
    SSEResponse,
    StreamingResponse,
)

__all__ = [
    "BaseApp",
    "BaseFactory",
    "BytesResponse",
    "Endpoint",
    "HTTPError",
    "JSONResponse",
    "LastEventIDSource",
    "Link",
    "Location",
    "NDJSONStreamingResponse",
    "OperationMeta",
    "Place",
    "RawHeaders",
    "ReplayBuffer",
    "Resource",
    "SSEResponse",
    "ServerSentEvent",
    "StreamingResponse",
    "WiringError",
    "WiringProblem",
]
