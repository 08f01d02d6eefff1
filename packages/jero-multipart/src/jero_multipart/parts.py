"""The types of parts that a form's Struct may name, for whoever wants more of a part than its value.

| type | its content | `filename` |
|---|---|---|
| `FormPart[T]` | `data`: T, a scalar, bytes, or a Struct from JSON | |
| `FilePart` | `data`: bytes, in memory | yes |
| `SpooledFilePart` | read as it is needed: from memory while it is small, else from disk | yes |

All have `content_type`, `raw_headers`, and with a Struct as the last type argument typed `headers`.
"""

import os
from collections.abc import AsyncGenerator
from typing import cast, overload

import msgspec

from jero_core.extend import RawHeaders

from .spool import Spool

_NO_HEADERS = RawHeaders()


class FormPart[T, H = None](msgspec.Struct, frozen=True, kw_only=True):
    """A part of a form with what stands in its head: `FormPart[str]`, `FormPart[Metadata, MyPartHeaders]`."""

    data: T
    content_type: str | None = None
    """The part's Content-Type as it was sent; None if it has none."""
    headers: H = cast("H", None)
    """The part's headers as a Struct; None without one."""
    raw_headers: RawHeaders = _NO_HEADERS
    """Every header of the part."""


class FilePart[H = None](msgspec.Struct, frozen=True, kw_only=True):
    """An uploaded file, in memory. `max_body_size` limits it; for large files there is `SpooledFilePart`."""

    filename: str
    """The last component of the name that the client gave, without control characters. It still is the client's."""
    data: bytes
    content_type: str | None = None
    """The part's Content-Type as it was sent: what the client takes the file for. None if it has none."""
    headers: H = cast("H", None)
    """The part's headers as a Struct; None without one."""
    raw_headers: RawHeaders = _NO_HEADERS
    """Every header of the part."""


class SpooledFilePart[H = None]:
    """An uploaded file of any size. What a request uploads is in memory up to 64 KiB, and then on disk.

    It can be read until the response has been sent; then it is deleted, and reading raises ValueError. `save` keeps it.
    Reading, saving and deleting never block the event loop. Tests make one with `data`.
    """

    __slots__ = ("_position", "_spool", "_start", "content_type", "filename", "headers", "raw_headers", "size")

    @overload
    def __init__(
        self: "SpooledFilePart[None]",
        *,
        filename: str,
        data: bytes = ...,
        content_type: str | None = ...,
        raw_headers: RawHeaders = ...,
    ) -> None: ...
    @overload
    def __init__(
        self,
        *,
        filename: str,
        data: bytes = ...,
        content_type: str | None = ...,
        headers: H,
        raw_headers: RawHeaders = ...,
    ) -> None: ...
    def __init__(
        self,
        *,
        filename: str,
        data: bytes = b"",
        content_type: str | None = None,
        headers: object = None,
        raw_headers: RawHeaders = _NO_HEADERS,
    ) -> None:
        self.filename = filename
        """The last component of the name that the client gave, without control characters. It still is the client's."""
        self.content_type = content_type
        """The part's Content-Type as it was sent: what the client takes the file for. None if it has none."""
        self.headers = cast("H", headers)
        """The part's headers as a Struct; None without one."""
        self.raw_headers = raw_headers
        """Every header of the part."""
        self.size = len(data)
        """The file's size in bytes."""
        self._spool = Spool(data)
        self._start = 0
        self._position = 0

    def _place(self, spool: Spool, start: int, size: int) -> None:
        """Make this the file that a stretch of a spool is."""
        self._spool, self._start, self.size = spool, start, size

    async def read(self, size: int = -1) -> bytes:
        """The next `size` bytes, or all that are left if it is negative; b"" at the end.

        Raises OSError, and ValueError once the response has been sent.
        """
        left = max(0, self.size - self._position)
        count = left if size < 0 else min(size, left)
        # Before the wait: of two reads at the same time each gets bytes of its own.
        start, self._position = self._position, self._position + count
        return await self._spool.read(self._start + start, count)

    async def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """Go to where `read` goes on, from the start (0), from here (1) or from the end (2); the new position.

        Raises ValueError for a place before the start.
        """
        base = {os.SEEK_SET: 0, os.SEEK_CUR: self._position, os.SEEK_END: self.size}.get(whence)
        if base is None:
            raise ValueError(f"whence is 0, 1 or 2, not {whence!r}")
        if base + offset < 0:
            raise ValueError(f"{base + offset} is before the start")
        self._position = base + offset
        return self._position

    def tell(self) -> int:
        """Where `read` goes on."""
        return self._position

    async def iter_chunks(self, size: int = 64 * 1024) -> AsyncGenerator[bytes]:
        """The whole file from its start, in chunks of `size` bytes; it may be asked for several times.

        Raises OSError, and ValueError once the response has been sent, or for a size below 1.
        """
        if size < 1:
            raise ValueError(f"a chunk has 1 byte or more, not {size!r}")
        for start in range(0, self.size, size):
            yield await self._spool.read(self._start + start, min(size, self.size - start))

    async def save(self, path: str | os.PathLike[str]) -> None:
        """Write the whole file to `path`, in place of what may be there. No other program ever sees half of it.

        `path` is yours to choose; `filename` is the client's. Raises OSError, and ValueError once the response has been
        sent.
        """
        await self._spool.save(path, self._start, self.size)

    def __repr__(self) -> str:
        return f"SpooledFilePart(filename={self.filename!r}, size={self.size})"
