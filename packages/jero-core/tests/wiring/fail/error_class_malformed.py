"""An error class whose statement is wrong in every way; it is refused where it stands."""

from jero_core import HTTPError


class OutOfStock(HTTPError, status=200, type="/problems/out of stock", title="", code=7):
    sku: str
    detail: str
    _secret: int
