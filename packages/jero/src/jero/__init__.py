"""A msgspec-first ASGI micro-framework whose type hints are the API contract.

Every name is the same object as in the package that defines it, but for `BaseApp`: jero-core's, with the sources and
guards of all packages.
"""

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

from .app import BaseApp

__all__ = [
    "PUBLIC",
    "REQUIRED",
    "APIKeyAuth",
    "AuthGuards",
    "Authenticator",
    "BaseApp",
    "BaseFactory",
    "BasicAuth",
    "BearerAuth",
    "BytesResponse",
    "Endpoint",
    "HTTPError",
    "JSONResponse",
    "JWTBearerAuth",
    "Link",
    "Location",
    "OperationMeta",
    "Place",
    "RawHeaders",
    "Resource",
    "UserSource",
    "WiringError",
    "WiringProblem",
    "equal_secrets",
]
