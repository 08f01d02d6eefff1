"""The spool: the files of one request, in memory while they are small and then on disk, off the event loop.

Rules
-----
- One spool, and at most one file descriptor, for a request, however many files it sends: each file is a stretch of it.
- Up to `HELD` bytes stay in memory. Then all of it goes to a temporary file without a name (`O_TMPFILE` where there is
  one): it is gone with its descriptor, also when the process is killed.
- The disk is touched in worker threads alone. They are the source's own: a slow disk keeps nobody waiting who needs the
  event loop's default executor, such as a look-up of names. Saves have threads of their own: their target is the app's
  choice, and may be a network mount that hangs. While one write is under way the next bytes are received.
- A trip to a thread costs 100 us, so writes are large: a spool gathers its share of `SHARED` bytes for one, at most
  `MOST_WRITTEN`, while the one before is under way.
- While `SHARED` bytes of all spools together are under way, nobody receives more, and the clients wait.
- Chunks go to the disk as they came, without being joined; only small ones are put together.
- A descriptor is never closed under a thread that uses it: the last one to use it closes it.
- After `close` nothing can be read: ValueError.
"""

import asyncio
import os
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from io import FileIO
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from concurrent.futures import Future, ThreadPoolExecutor

HELD: Final = 64 * 1024
"""The bytes of a request's files that may stay in memory, and the least that are written at a time."""

MOST_WRITTEN: Final = 512 * 1024
"""The most bytes that are written at a time."""

SHARED: Final = 1024 * 1024
"""The bytes of all spools together, under way to the disk, from which on nobody receives more."""

_THREADS: Final = 4
_SMALL: Final = 4 * 1024
_COPY: Final = 256 * 1024
_MOST_BUFFERS: Final = 512
"""The most chunks of one write; the system's limit is 1,024 on Linux and macOS (IOV_MAX)."""
_writev: Final = getattr(os, "writev", None)  # Windows has none.


class Disk:
    """The threads that touch the disk, and what is under way to it; one for each source."""

    def __init__(self) -> None:
        self.spools = 0
        """How many spools have more than fits into their memory, and still grow."""
        self._under_way = 0
        self._waiting: deque[asyncio.Future[None]] = deque()
        self._lock = threading.Lock()
        """Guards both."""
        self._threads: ThreadPoolExecutor | None = None
        self._savers: ThreadPoolExecutor | None = None

    @property
    def share(self) -> int:
        """The bytes that a spool gathers for one write; as many may be under way."""
        return max(HELD, min(MOST_WRITTEN, SHARED // (2 * max(1, self.spools))))

    def submit[T](self, job: Callable[[], T], size: int = 0) -> "Future[T]":
        """Do something in a thread, with so many bytes to be written. Raises RuntimeError when the interpreter ends."""
        if self._threads is None:
            from concurrent.futures import ThreadPoolExecutor  # Of no use to an app without uploads.

            self._threads = ThreadPoolExecutor(_THREADS, "jero-uploads")
        future = self._threads.submit(job)
        if size:
            with self._lock:
                self._under_way += size
            future.add_done_callback(lambda _: self._arrive(size))
        return future

    async def wait_for_room(self) -> None:
        """Wait while as many bytes are under way as may be."""
        while True:
            with self._lock:
                if self._under_way < SHARED:
                    return
                room = asyncio.get_running_loop().create_future()
                self._waiting.append(room)
            await room

    def _arrive(self, size: int) -> None:
        with self._lock:
            self._under_way -= size
            waiting: list[asyncio.Future[None]] = []
            if self._under_way < SHARED:
                waiting += self._waiting
                self._waiting.clear()
        for room in waiting:
            with suppress(RuntimeError):  # Its loop was closed.
                room.get_loop().call_soon_threadsafe(_wake, room)

    def submit_save[T](self, job: Callable[[], T]) -> "Future[T]":
        """Do something in a thread that may hang. Raises RuntimeError when the interpreter ends."""
        if self._savers is None:
            from concurrent.futures import ThreadPoolExecutor

            self._savers = ThreadPoolExecutor(_THREADS, "jero-saves")
        return self._savers.submit(job)


class Spool:
    """Bytes that are appended, then read at any place by anybody, then closed."""

    def __init__(self, data: bytes = b"", disk: Disk | None = None) -> None:
        self.size = len(data)
        self.closed = False
        self._disk = disk or Disk()
        self._is_on_its_way = False
        self._chunks: list[bytes | bytearray] = [data] if data else []
        self._waiting = len(data)
        self._file: FileIO | None = None
        self._write: Future[None] | None = None
        self._jobs: set[Future[Any]] = set()  # of any result
        self._users = 0
        self._lock = threading.Lock()
        """Guards `_users` with `closed`."""
        self._file_lock = threading.Lock()
        """Guards the file's position."""

    def append(self, data: bytes) -> None:
        """Add bytes at the end. Whoever appends must `drain` now and then, and `settle` at last."""
        self.size += len(data)
        self._waiting += len(data)
        if len(data) >= _SMALL:
            self._chunks.append(data)
            return
        last = self._chunks[-1] if self._chunks else None
        if isinstance(last, bytearray) and len(last) < HELD:
            last += data
        else:
            self._chunks.append(bytearray(data))

    async def drain(self) -> None:
        """Let the disk take what waits for it, if that is enough. Raises OSError, perhaps that of the write before."""
        if self._waiting <= HELD:
            return
        if not self._is_on_its_way:
            self._is_on_its_way = True
            self._disk.spools += 1
        share = self._disk.share
        if self._waiting >= share:
            await self._finish_write()
            chunks, size, self._chunks, self._waiting = self._chunks, self._waiting, [], 0
            self._write = self._start(lambda: self._write_chunks(chunks), size)
        await self._disk.wait_for_room()

    async def settle(self) -> None:
        """Wait until all is written, or gather what stays in memory. Raises OSError."""
        await self._finish_write()
        if self._is_on_its_way and self._chunks:
            chunks, self._chunks = self._chunks, []
            await self._run(lambda: self._write_chunks(chunks))
        self._arrive()
        if len(self._chunks) > 1:
            self._chunks = [b"".join(self._chunks)]

    async def read(self, start: int, size: int) -> bytes:
        """The bytes from `start` on, `size` of them. Raises OSError, and ValueError after `close`."""
        self._check_open()
        file = self._file
        return self._in_memory(start, size) if file is None else await self._run(lambda: self._seek(file, start, size))

    async def save(self, path: str | os.PathLike[str], start: int, size: int) -> None:
        """Write `size` bytes from `start` on into a file that is then either complete or not there.

        Raises OSError, and ValueError after `close`.
        """
        self._check_open()
        target, file = os.fspath(path), self._file
        held = self._in_memory(start, size) if file is None else b""
        await self._run(
            lambda: _replace(target, (held,) if file is None else self._stretch(file, start, size)),
            is_save=True,
        )

    def abandon(self) -> None:
        """Close it as soon as no thread uses it. Nobody waits for that, and nothing that fails is told."""
        with self._lock:
            is_open, self.closed = not self.closed, True
            is_used = self._users > 0
        if is_open:
            self._arrive()
            self._chunks = []
            if self._file is not None and not is_used:
                try:
                    self._start(int)  # Whoever uses it last closes it.
                except RuntimeError:  # The interpreter ends, and starts no more jobs.
                    self._close_file()

    async def close(self) -> None:
        """Close it, and wait until its file is gone."""
        self.abandon()
        if self._jobs:
            await asyncio.wait([asyncio.wrap_future(job) for job in [*self._jobs]])

    def _arrive(self) -> None:
        """Give the share of the memory back."""
        if self._is_on_its_way:
            self._is_on_its_way = False
            self._disk.spools -= 1

    def _in_memory(self, start: int, size: int) -> bytes:
        return bytes(memoryview(self._chunks[0])[start : start + size]) if self._chunks else b""

    def _check_open(self) -> None:
        if self.closed:
            raise ValueError("the upload is closed: its response has been sent, or has failed")

    async def _finish_write(self) -> None:
        if self._write is not None:
            write, self._write = self._write, None
            if write.done():
                write.result()
            else:
                await asyncio.shield(asyncio.wrap_future(write))

    async def _run[T](self, job: Callable[[], T], *, is_save: bool = False) -> T:
        return await asyncio.shield(asyncio.wrap_future(self._start(job, is_save=is_save)))

    def _start[T](self, job: Callable[[], T], size: int = 0, *, is_save: bool = False) -> "Future[T]":
        """Do something in a thread, with so many bytes to be written.

        To wait for it means to wait behind a `shield`: it is not to be cancelled.
        """

        def use() -> T:
            try:
                return job()
            finally:
                self._leave()

        with self._lock:
            self._users += 1
        try:
            future = self._disk.submit_save(use) if is_save else self._disk.submit(use, size)
        except RuntimeError:
            self._leave()
            raise
        self._jobs.add(future)
        future.add_done_callback(self._jobs.discard)
        return future

    def _leave(self) -> None:
        with self._lock:
            self._users -= 1
            is_last = self.closed and self._users == 0
        if is_last:
            self._close_file()

    def _close_file(self) -> None:
        file, self._file = self._file, None
        if file is not None:
            with suppress(OSError):
                file.close()

    # In a thread.

    def _write_chunks(self, chunks: list[bytes | bytearray]) -> None:
        if self._file is None:
            import tempfile  # It is dear to import, and most apps never get here.

            self._file = tempfile.TemporaryFile(buffering=0)  # noqa: SIM115  # closed by _close_file
        for start in range(0, len(chunks), _MOST_BUFFERS):
            _write_all(self._file, chunks[start : start + _MOST_BUFFERS])

    def _seek(self, file: FileIO, start: int, size: int) -> bytes:
        with self._file_lock:
            file.seek(start)
            data = file.read(size)
            while len(data) < size and (more := file.read(size - len(data))):
                data += more
            return data

    def _stretch(self, file: FileIO, start: int, size: int) -> Iterator[bytes]:
        for place in range(start, start + size, _COPY):
            yield self._seek(file, place, min(_COPY, start + size - place))


def _wake(room: asyncio.Future[None]) -> None:
    if not room.done():
        room.set_result(None)


def _write_all(file: FileIO, chunks: list[bytes | bytearray]) -> None:
    """Write chunks at the end of a file. Raises OSError, such as that of a full disk."""
    written = 0
    if _writev is not None:
        # The fewer and larger the writes, the less they cost: 2.7 ms for 10 MB, one by one 3.8.
        written = _writev(file.fileno(), chunks)
    for chunk in chunks:
        rest = memoryview(chunk)[written:]
        written = max(0, written - len(chunk))
        while rest:
            rest = rest[file.write(rest) :]


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
