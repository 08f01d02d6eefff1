"""A msgspec-first ASGI micro-framework whose type hints are the API contract.

This package holds nothing of its own: every name is the same object as in the package that defines it.
"""

from jero_core import (
    PUBLIC,
    REQUIRED,
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

__all__ = [
    "PUBLIC",
    "REQUIRED",
    "BaseApp",
    "BaseFactory",
    "BytesResponse",
    "Endpoint",
    "HTTPError",
    "JSONResponse",
    "Link",
    "Location",
    "OperationMeta",
    "Place",
    "RawHeaders",
    "Resource",
    "WiringError",
    "WiringProblem",
]
