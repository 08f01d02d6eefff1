"""Reading a request's body, within its limit.

Rules
-----
- Reading stops as soon as as many bytes have arrived as content-length announced: granian sends an empty last message
  whose `receive()` costs a trip through the event loop. Whoever calls `receive()` later must skip that message.
- A body over the limit is refused at once; at most the limit and one message are held.
- A body that ends in a disconnect is never complete: `ClientDisconnected`.
"""

from io import BytesIO
from typing import cast

from .asgi import Message, Receive
from .errors import ClientDisconnected, HTTPError

_JOINED_LIMIT = 16 * 1024


async def read_rest(receive: Receive, message: Message, length: int, limit: int) -> bytes:
    """The whole body, the first message of which has been received already.

    `length` is the announced length in bytes, -1 if there is none; `limit` the most bytes to take. Raises HTTPError 413
    over the limit, 400 if the body is not as long as announced, and ClientDisconnected.
    """
    body = BytesIO()  # It gives its bytes away without a copy; a bytearray would for a moment be there twice.
    size = 0
    while True:
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        size += body.write(cast("bytes", message.get("body", b"")))
        if size > limit:
            raise refuse_size(limit)
        if size == length:
            return body.getvalue()
        if not message.get("more_body"):
            break
        message = await receive()
    if length >= 0:
        raise HTTPError(400, "The body is not as long as its content-length.")
    return body.getvalue()


def refuse_size(limit: int) -> HTTPError:
    """The answer to a body over the limit (RFC 9110, section 15.5.14)."""
    return HTTPError(413, f"The body is larger than {limit} bytes.")


def read_length(value: bytes, limit: int) -> int:
    """A content-length that is not as it should be, in bytes: it may begin with zeros (RFC 9110, section 8.6).

    Raises HTTPError 400 if it is no plain number, 413 if it is over the limit.
    """
    if not value.isdigit():
        raise HTTPError(400, "The content-length is not a number.")
    digits = value.lstrip(b"0") or b"0"
    # Python takes long to read a number of many digits.
    if len(digits) > 15 or int(digits) > limit:
        raise refuse_size(limit)
    return int(digits)


def join_repeat(first: bytes, second: bytes) -> bytes:
    """A repeated header's values, joined (RFC 9110, section 5.3). Raises HTTPError 431 when they grow past 16 KiB."""
    return _joined(first, b", ", second)


def join_cookies(first: bytes, second: bytes) -> bytes:
    """The same for `cookie`, which HTTP/2 and HTTP/3 clients may split (RFC 9113, section 8.2.3)."""
    return _joined(first, b"; ", second)


def _joined(first: bytes, separator: bytes, second: bytes) -> bytes:
    joined = first + separator + second
    if len(joined) > _JOINED_LIMIT:
        raise HTTPError(431, "A repeated header is too large.")
    return joined
