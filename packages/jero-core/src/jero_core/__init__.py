"""The core of jero: typed ASGI handlers whose type hints are the API contract, proved at startup."""

from .app import BaseApp
from .errors import HTTPError
from .guards import PUBLIC, REQUIRED
from .header_fields import RawHeaders
from .lifecycle import BaseFactory
from .links import Link, Location
from .metadata import OperationMeta
from .replies.wrappers import BytesResponse, JSONResponse
from .routables import Endpoint, Resource
from .wiring import Place, WiringError, WiringProblem

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
