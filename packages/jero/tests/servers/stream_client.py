"""The client's side of streams on a raw socket: heads, chunks as they come, and whether the end is a true one."""

import re
import socket
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

from .wire import TIMEOUT, request


class Reader:
    """One response in pieces, read as it arrives."""

    def __init__(self, port: int, target: str, headers=(), *, method: str = "GET", body: bytes | None = None) -> None:
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        self.socket.sendall(request(method, target, headers, body))
        self.head = b""
        self.body = b""
        self.is_complete = False
        """Whether its end has come: a chunk of size 0 (RFC 9112, section 7.1), or as many bytes as were announced."""
        self.chunks = 0
        self._raw = b""

    def read_head(self) -> bytes:
        while b"\r\n\r\n" not in self._raw:
            self._more()
        self.head, _, self._raw = self._raw.partition(b"\r\n\r\n")
        return self.head

    def read_head_or_end(self) -> None:
        """The head, if the server has not closed the connection before it."""
        with suppress(EOFError, ConnectionError):
            self.read_head()

    def read_until(self, part: bytes) -> bytes:
        while part not in self.body:
            self._more()
            self._parse()
        return self.body

    def read_all(self) -> bytes:
        """The body, until its end or the end of the connection."""
        if not self.head:
            self.read_head()
        self._parse()
        while not self.is_complete:
            try:
                self._more()
            except (EOFError, ConnectionError):
                break
            self._parse()
        return self.body

    def again(self, target: str) -> None:
        """Ask for something else on the same connection."""
        assert self.is_complete
        self.head = self.body = b""
        self.is_complete = False
        self.chunks = 0
        self.socket.sendall(request("GET", target))

    def close(self) -> None:
        self.socket.close()

    def _more(self) -> None:
        received = self.socket.recv(1 << 20)
        if not received:
            raise EOFError
        self._raw += received

    def _parse(self) -> None:
        if (length := re.search(rb"content-length: (\d+)", self.head, re.IGNORECASE)) is not None:
            # Granian sends a body that was complete with its first message so.
            missing = int(length[1]) - len(self.body)
            self.body += self._raw[:missing]
            self._raw = self._raw[missing:]
            self.is_complete = len(self.body) == int(length[1])
            return
        while (end := self._raw.find(b"\r\n")) >= 0:
            size = int(self._raw[:end], 16)
            if len(self._raw) < end + 2 + size + 2:
                return
            self.body += self._raw[end + 2 : end + 2 + size]
            self._raw = self._raw[end + 4 + size :]
            if size == 0:
                self.is_complete = True
                return
            self.chunks += 1


@contextmanager
def reading(port: int, target: str, headers=()) -> Iterator[Reader]:
    reader = Reader(port, target, headers)
    try:
        yield reader
    finally:
        reader.close()


@contextmanager
def open_readers(port: int, *targets: str) -> Iterator[list[Reader]]:
    """Several at once, their heads read."""
    with ExitStack() as stack:
        readers = [stack.enter_context(reading(port, target)) for target in targets]
        for reader in readers:
            reader.read_head()
        yield readers


def wait_until(condition, longest: float = 5.0):
    """Wait until a condition holds; gives its value."""
    deadline = time.monotonic() + longest
    while not (value := condition()):
        assert time.monotonic() < deadline, "it does not come true"
        time.sleep(0.01)
    return value
