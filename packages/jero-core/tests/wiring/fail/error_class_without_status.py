"""An error class that has members and no status."""

from jero_core import HTTPError


class OutOfStock(HTTPError):
    sku: str
