"""A msgspec-first ASGI micro-framework whose type hints are the API contract.

Every name is the same object as in the package that defines it, but for `BaseApp`: jero's has the sources of all
packages (app.py).
"""

from jero_core import (
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

from .app import BaseApp

__all__ = [
    "BaseApp",
    "BaseFactory",
    "BytesResponse",
    "Endpoint",
    "FilePart",
    "FormPart",
    "FormSource",
    "HTTPError",
    "JSONResponse",
    "Link",
    "Location",
    "OperationMeta",
    "Place",
    "RawHeaders",
    "Resource",
    "SpooledFilePart",
    "WiringError",
    "WiringProblem",
]
