"""A msgspec-first ASGI micro-framework whose type hints are the API contract.

Every name is the same object as in the package that defines it, but for `BaseApp`: jero-core's, with the sources and
guards of all packages. What an app does not need while it serves (the names of jero_testing) is imported when it is
first used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

from jero_auth import (
    APIKeyAuth,
    Authenticator,
    AuthGuards,
    BasicAuth,
    BearerAuth,
    JWTBearerAuth,
    UserSource,
    equal_secrets,
)
from jero_background import (
    AfterResponse,
    AfterResponseSource,
    BackgroundClosedError,
    BackgroundTasks,
    ItemFailure,
    ItemQueue,
    QueueStats,
    item_id,
)
from jero_core import (
    PUBLIC,
    REQUIRED,
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
from jero_multipart import FilePart, FormPart, FormSource, SpooledFilePart
from jero_streaming import (
    LastEventIDSource,
    NDJSONStreamingResponse,
    ReplayBuffer,
    ServerSentEvent,
    SSEResponse,
    StreamingResponse,
)

if TYPE_CHECKING:
    from jero_testing import (
        AppTimeout,
        ASGIViolation,
        AsyncStreamSession,
        AsyncTestClient,
        FactoryHarness,
        NoStream,
        SampleRequest,
        ShutdownFailed,
        StartupFailed,
        StreamSession,
        TestClient,
        TestSSEEvent,
        check_reply,
        check_source,
    )

from .app import BaseApp

__all__ = [
    "PUBLIC",
    "REQUIRED",
    "APIKeyAuth",
    "ASGIViolation",
    "AfterResponse",
    "AfterResponseSource",
    "AppTimeout",
    "AsyncStreamSession",
    "AsyncTestClient",
    "AuthGuards",
    "Authenticator",
    "BackgroundClosedError",
    "BackgroundTasks",
    "BaseApp",
    "BaseFactory",
    "BasicAuth",
    "BearerAuth",
    "BytesResponse",
    "Endpoint",
    "FactoryHarness",
    "FilePart",
    "FormPart",
    "FormSource",
    "HTTPError",
    "ItemFailure",
    "ItemQueue",
    "JSONResponse",
    "JWTBearerAuth",
    "LastEventIDSource",
    "Link",
    "Location",
    "NDJSONStreamingResponse",
    "NoStream",
    "OperationMeta",
    "Place",
    "QueueStats",
    "RawHeaders",
    "ReplayBuffer",
    "Resource",
    "SSEResponse",
    "SampleRequest",
    "ServerSentEvent",
    "ShutdownFailed",
    "SpooledFilePart",
    "StartupFailed",
    "StreamSession",
    "StreamingResponse",
    "TestClient",
    "TestSSEEvent",
    "UserSource",
    "WiringError",
    "WiringProblem",
    "check_reply",
    "check_source",
    "equal_secrets",
    "item_id",
]

_ON_USE = {
    "ASGIViolation": "jero_testing",
    "AppTimeout": "jero_testing",
    "AsyncStreamSession": "jero_testing",
    "AsyncTestClient": "jero_testing",
    "FactoryHarness": "jero_testing",
    "NoStream": "jero_testing",
    "SampleRequest": "jero_testing",
    "ShutdownFailed": "jero_testing",
    "StartupFailed": "jero_testing",
    "StreamSession": "jero_testing",
    "TestClient": "jero_testing",
    "TestSSEEvent": "jero_testing",
    "check_reply": "jero_testing",
    "check_source": "jero_testing",
}
"""The names that are imported when they are first used (PEP 562), and their packages."""


def __getattr__(name: str) -> object:
    if name not in _ON_USE:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(_ON_USE[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
