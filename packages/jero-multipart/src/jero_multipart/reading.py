"""Reading a form: the body's messages, within its limit, into the parts that they hold.

Rules
-----
- A body over the limit is refused at once, but not before what came within the limit: the answer is the same however
  the body came in pieces.
- Reading stops when as many bytes have arrived as content-length announced (core's body.py says why).
- A body that ends in a disconnect is never complete: `ClientDisconnected`. No handler is called.
- Whatever ends the reading early, the spool is closed.
"""

import msgspec

from jero_core.extend import ClientDisconnected, HTTPError, Receive

from .collecting import Collector
from .fields import Form
from .limits import Limits
from .multipart_body import MultipartBody
from .spool import Disk, Spool
from .urlencoded_body import URLEncodedBody


class FormReader:
    """Reads the forms of one operation; made at startup."""

    def __init__(self, form: Form, limits: Limits, disk: Disk) -> None:
        self._form = form
        self._limits = limits
        self._disk = disk

    async def __call__(
        self, receive: Receive, boundary: bytes | None, length: int, limit: int
    ) -> tuple[Spool | None, msgspec.Struct]:
        """The form, and the spool that holds its files.

        `boundary` is that of a multipart body, None for a url-encoded one; `length` the announced length in bytes, -1
        if there is none; `limit` the most bytes to take. Raises HTTPError, ClientDisconnected, and OSError of the disk.
        """
        collector = Collector(self._form, self._limits, self._disk)
        body: MultipartBody | URLEncodedBody
        if boundary is None:
            body = URLEncodedBody(self._limits, collector)
        else:
            body = MultipartBody(boundary, self._limits, limit, collector)
        try:
            await _read(receive, body, collector, length, limit)
            return collector.spool, await collector.finish()
        except BaseException:
            if collector.spool is not None:
                collector.spool.abandon()
            raise


async def _read(
    receive: Receive, body: MultipartBody | URLEncodedBody, collector: Collector, length: int, limit: int
) -> None:
    taken = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnected
        chunk: bytes = message.get("body", b"")  # type: ignore[assignment]  # ASGI: bytes
        if 0 <= length < taken + len(chunk):
            chunk = chunk[: length - taken]
        room = limit - taken
        taken += len(chunk)
        if chunk:
            body.feed(chunk if len(chunk) <= room else chunk[:room])
        if taken > limit:
            raise HTTPError(413, f"The body is larger than {limit} bytes.")
        is_last = not message.get("more_body")
        del message, chunk  # Up to 256 KiB, which would be kept until the next one is here.
        if collector.spool is not None:
            await collector.spool.drain()
        if taken == length:
            break
        if is_last:
            if length >= 0:
                raise HTTPError(400, "The body is not as long as its content-length.")
            break
    body.close()
