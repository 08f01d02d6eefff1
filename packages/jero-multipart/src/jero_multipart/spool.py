"""The spool: the files of one request, in memory while they are small and then on disk, off the event loop.

Rules
-----
- One spool, and at most one file descriptor, for a request, however many files it sends: each file is a stretch of it.
- Up to `HELD` bytes stay in memory. Then all of it goes to a temporary file without a name (`O_TMPFILE` where there is
  one): it is gone with its descriptor, also when the process is killed.
- The disk is touched in worker threads alone, the default executor's. While one write is under way the next bytes are
  received; once `MOST_WAITING` wait, the request waits too, and with it the client.
- Chunks go to the disk as they came, without being joined; only small ones are put together.
- A descriptor is never closed under a thread that uses it: it is closed, in a thread too, when the last one is done.
- After `close` nothing can be read: ValueError.
"""

import asyncio
import os
import threading
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from typing import Any, BinaryIO, Final

HELD: Final = 64 * 1024
"""The bytes that stay in memory, and from which on a write is worth a thread's while."""

MOST_WAITING: Final = 64 * 1024
"""The bytes from which on a request waits for the write under way."""

_SMALL: Final = 4 * 1024
_COPY: Final = 256 * 1024


class Spool:
    """Bytes that are appended, then read at any place by anybody, then closed."""

    def __init__(self, data: bytes = b"") -> None:
        self.size = len(data)
        self.closed = False
        self._chunks: list[bytes | bytearray] = [data] if data else []
        self._waiting = len(data)
        self._file: BinaryIO | None = None
        self._file_lock = threading.Lock()
        self._write: asyncio.Future[None] | None = None
        self._jobs: set[asyncio.Future[Any]] = set()  # of any result
        self._closing: asyncio.Future[None] | None = None

    def append(self, data: bytes) -> None:
        """Add bytes at the end. Whoever appends must `drain` now and then, and `settle` at last."""
        self.size += len(data)
        self._waiting += len(data)
        if len(data) < _SMALL:
            last = self._chunks[-1] if self._chunks else None
            if isinstance(last, bytearray) and len(last) < HELD:
                last += data
                return
            data = bytearray(data)  # type: ignore[assignment]  # grows
        self._chunks.append(data)

    async def drain(self) -> None:
        """Let the disk take what waits for it. Raises OSError, perhaps that of the write before."""
        if self._waiting < HELD:
            return
        if self._write is not None and (self._waiting >= MOST_WAITING or self._write.done()):
            await self._finish_write()
        if self._write is None:
            chunks, self._chunks, self._waiting = self._chunks, [], 0
            self._write = self._start(lambda: self._write_chunks(chunks))

    async def settle(self) -> None:
        """Wait until all is written, or gather what stays in memory. Raises OSError."""
        await self._finish_write()
        if self._file is not None and self._chunks:
            chunks, self._chunks = self._chunks, []
            await self._run(lambda: self._write_chunks(chunks))
        elif len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]

    async def read(self, start: int, size: int) -> bytes:
        """The bytes from `start` on, `size` of them. Raises OSError, and ValueError after `close`."""
        self._check_open()
        file = self._file
        return self._in_memory(start, size) if file is None else await self._run(lambda: self._seek(file, start, size))

    async def save(self, path: str | os.PathLike[str], start: int, size: int) -> None:
        """Write `size` bytes from `start` on into a file that is then either complete or not there."""
        self._check_open()
        target, file = os.fspath(path), self._file
        held = self._in_memory(start, size) if file is None else b""
        await self._run(lambda: _replace(target, (held,) if file is None else self._stretch(file, start, size)))

    def abandon(self) -> None:
        """Close it as soon as no thread uses it. Nobody waits for that, and nothing that fails is told."""
        if not self.closed:
            self.closed = True
            self._chunks = []
            if not self._jobs:
                self._close_file()

    async def close(self) -> None:
        """Close it, and wait until the file is gone. Raises OSError."""
        self.abandon()
        while self._jobs:
            await asyncio.wait([*self._jobs])
        if self._closing is not None:
            await asyncio.shield(self._closing)

    def _in_memory(self, start: int, size: int) -> bytes:
        return bytes(memoryview(self._chunks[0])[start : start + size]) if self._chunks else b""

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the upload is closed: its response has been sent, or has failed")

    async def _finish_write(self) -> None:
        if self._write is not None:
            write, self._write = self._write, None
            await asyncio.shield(write)

    async def _run[T](self, job: Callable[[], T]) -> T:
        return await asyncio.shield(self._start(job))

    def _start[T](self, job: Callable[[], T]) -> asyncio.Future[T]:
        """Do something in a thread. To cancel the wait for it does not end it, so always wait behind a `shield`."""
        future = asyncio.get_running_loop().run_in_executor(None, job)
        self._jobs.add(future)
        future.add_done_callback(self._on_done)
        return future

    def _on_done(self, future: asyncio.Future[Any]) -> None:
        self._jobs.discard(future)
        if not future.cancelled():
            future.exception()  # It has been looked at: asyncio is not to log it, should nobody wait any more.
        if self.closed and not self._jobs:
            self._close_file()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is None:
            return
        try:
            self._closing = asyncio.get_running_loop().run_in_executor(None, file.close)
        except RuntimeError:  # The process ends, and takes no more jobs.
            with suppress(OSError):
                file.close()
        else:
            self._closing.add_done_callback(lambda closing: closing.cancelled() or closing.exception())

    # In a thread.

    def _write_chunks(self, chunks: list[bytes | bytearray]) -> None:
        if self._file is None:
            import tempfile  # It is dear to import, and most apps never get here.

            self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed by _close_file
        with self._file_lock:
            self._file.seek(0, os.SEEK_END)
            self._file.writelines(chunks)

    def _seek(self, file: BinaryIO, start: int, size: int) -> bytes:
        with self._file_lock:
            file.seek(start)
            return file.read(size)

    def _stretch(self, file: BinaryIO, start: int, size: int) -> Iterator[bytes]:
        for place in range(start, start + size, _COPY):
            yield self._seek(file, place, min(_COPY, start + size - place))


def _replace(path: str, chunks: Iterable[bytes]) -> None:
    """Write a file beside `path`, then give it that name: nobody ever sees half of it."""
    folder, name = os.path.split(path)
    part = os.path.join(folder, f".{name[:100]}.{os.urandom(6).hex()}.part")  # noqa: PTH118  # pathlib is dear to import
    try:
        with open(part, "xb") as target:  # noqa: PTH123
            target.writelines(chunks)
        os.replace(part, path)  # noqa: PTH105
    except BaseException:
        with suppress(OSError):
            os.unlink(part)  # noqa: PTH108
        raise
