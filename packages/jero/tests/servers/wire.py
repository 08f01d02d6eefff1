"""A small HTTP/1.1 client on a raw socket. It sends exactly what it is told to, and may send several requests at once.

Responses are told apart by content-length alone, and none follows the head of an answer to HEAD or of a 204: whatever
a server sends too much becomes the start of the next response, and breaks it.
"""

import json
import socket
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final, Self

TIMEOUT: Final = 5.0

type Headers = Iterable[tuple[str, str]]


class WireError(Exception):
    """The server sent no HTTP response, or none whose end can be told."""


@dataclass(frozen=True, slots=True)
class Response:
    """One response; header names are in lower case."""

    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def header(self, name: str) -> str | None:
        """The value of a header that is there at most once."""
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, values
        return values[0] if values else None

    def json(self) -> Any:
        """The decoded body."""
        return json.loads(self.body)


class Connection:
    """One connection to a server on the loopback interface."""

    def __init__(self, port: int) -> None:
        self._socket = socket.create_connection(("127.0.0.1", port), timeout=TIMEOUT)
        # What is sent in pieces arrives in pieces.
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._buffer = bytearray()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connection, whatever is under way."""
        self._socket.close()

    def send(self, data: bytes) -> None:
        """Send bytes as they are."""
        self._socket.sendall(data)

    def receive(self, method: str = "GET") -> Response:
        """Read the next response; it answers a request with the given method."""
        head = self._take_until(b"\r\n\r\n")
        status_line, *lines = head.decode("latin-1").split("\r\n")
        version, status, *_ = status_line.split(" ")
        if version != "HTTP/1.1":
            raise WireError(f"no response: {head!r}")
        headers = tuple((name.lower(), value.strip()) for name, _, value in (line.partition(":") for line in lines))
        response = Response(int(status), headers, b"")
        if method == "HEAD" or response.status in {100, 204}:
            return response
        length = response.header("content-length")
        if length is None:
            raise WireError(f"a response without content-length: {head!r}")
        return Response(response.status, headers, self._take(int(length)))

    def receive_status(self) -> int:
        """The status of an answer after which the connection is of no use: its body may end by any rule."""
        return int(self._take_until(b"\r\n").split(b" ")[1])

    def is_closed(self) -> bool:
        """Whether the server has closed the connection and sent nothing more. Waits for it."""
        try:
            self._read_more()
        except (WireError, ConnectionError):
            return not self._buffer
        return False

    def exchange(self, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Response:
        """Send one request and read its response."""
        self.send(request(method, target, headers, body))
        return self.receive(method)

    def _take_until(self, end: bytes) -> bytes:
        while end not in self._buffer:
            self._read_more()
        head, _, rest = self._buffer.partition(end)
        self._buffer = rest
        return bytes(head)

    def _take(self, size: int) -> bytes:
        while len(self._buffer) < size:
            self._read_more()
        taken = bytes(self._buffer[:size])
        del self._buffer[:size]
        return taken

    def _read_more(self) -> None:
        received = self._socket.recv(65536)
        if not received:
            raise WireError(f"the server closed the connection after {bytes(self._buffer)!r}")
        self._buffer += received


def request(method: str, target: str, headers: Headers = (), body: bytes | None = None) -> bytes:
    """The bytes of one request; a body brings its content-length."""
    lines = [f"{method} {target} HTTP/1.1", "host: 127.0.0.1", *(f"{name}: {value}" for name, value in headers)]
    if body is not None:
        lines.append(f"content-length: {len(body)}")
    return "\r\n".join([*lines, "", ""]).encode("latin-1") + (body or b"")


def json_request(method: str, target: str, value: object) -> bytes:
    """The bytes of a request with a JSON body."""
    return request(method, target, [("content-type", "application/json")], json.dumps(value).encode())


def chunk(data: bytes) -> bytes:
    """One chunk of a chunked body (RFC 9112, section 7.1); empty data makes the last one."""
    return b"%x\r\n%s\r\n" % (len(data), data)


def exchange(port: int, method: str, target: str, headers: Headers = (), body: bytes | None = None) -> Response:
    """One request on a connection of its own."""
    with Connection(port) as connection:
        return connection.exchange(method, target, headers, body)
