"""Test clients for ASGI apps, made for jero: httpx without a socket, real streams, and a conformance kit.

Nothing is imported before one of the names is used: pytest loads the plugin in every run, and most runs need nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .client import AsyncTestClient, TestClient
    from .decoders import TestSSEEvent
    from .errors import AppTimeout, ASGIViolation, ShutdownFailed, StartupFailed
    from .harness import FactoryHarness
    from .junk import SampleRequest
    from .reply_check import check_reply
    from .sessions import AsyncStreamSession, NoStream, StreamSession
    from .source_check import check_source

__all__ = [
    "ASGIViolation",
    "AppTimeout",
    "AsyncStreamSession",
    "AsyncTestClient",
    "FactoryHarness",
    "NoStream",
    "SampleRequest",
    "ShutdownFailed",
    "StartupFailed",
    "StreamSession",
    "TestClient",
    "TestSSEEvent",
    "check_reply",
    "check_source",
]

_MODULES = {
    "ASGIViolation": "errors",
    "AppTimeout": "errors",
    "AsyncStreamSession": "sessions",
    "AsyncTestClient": "client",
    "FactoryHarness": "harness",
    "NoStream": "sessions",
    "SampleRequest": "junk",
    "ShutdownFailed": "errors",
    "StartupFailed": "errors",
    "StreamSession": "sessions",
    "TestClient": "client",
    "TestSSEEvent": "decoders",
    "check_reply": "reply_check",
    "check_source": "source_check",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    value: object = getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
