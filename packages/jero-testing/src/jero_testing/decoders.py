"""NDJSON and Server-Sent Events, decoded as the bytes arrive.

Rules
-----
- A decoder takes bytes in any pieces and gives every item as soon as its last byte is there.
- NDJSON: one JSON value a line, lines end with LF (a CR before it is white space), empty lines are skipped.
- Server-Sent Events: WHATWG HTML, section 9.2.6, "Interpreting an event stream". UTF-8 with an optional BOM, lines end
  with CR LF, LF or CR; `id` holds on for later events; what is not ended by an empty line is dropped.
"""

import codecs
import re
from collections.abc import Iterator
from typing import ClassVar, Final, Protocol

import msgspec

_LINE_END: Final = re.compile(r"\r\n|\n|\r")


class TestSSEEvent(msgspec.Struct, frozen=True):
    """One event as a browser's EventSource would dispatch it.

    `event` is its type (`message` unless the stream says otherwise), `id` the last event ID (the stream may have set it
    with an earlier event), `retry` the reconnection time in milliseconds that stood in this very event.
    """

    __test__: ClassVar[bool] = False

    data: str
    event: str = "message"
    id: str = ""
    retry: int | None = None

    def json[T](self, item_type: type[T] = object) -> T:  # type: ignore[assignment]  # object is the type of any value
        """The data, decoded as JSON. Raises msgspec.ValidationError if it is not of the type."""
        return msgspec.json.decode(self.data, type=item_type)


class Decoder[T](Protocol):
    """Turns bytes into items."""

    def feed(self, data: bytes) -> Iterator[T]:
        """The items that these bytes complete."""
        ...

    def end(self) -> Iterator[T]:
        """The items that the end of the stream completes."""
        ...


class NDJSONDecoder[T]:
    """Decodes lines of JSON into values of one type. Raises ValueError for a line that is none, and says which."""

    def __init__(self, item_type: type[T]) -> None:
        self._decode = msgspec.json.Decoder(item_type).decode
        self._rest = b""
        self._line = 0

    def feed(self, data: bytes) -> Iterator[T]:
        """The items whose lines these bytes complete."""
        *lines, self._rest = (self._rest + data).split(b"\n")
        return self._items(lines)

    def end(self) -> Iterator[T]:
        """The item of a last line without an end."""
        rest, self._rest = self._rest, b""
        return self._items([rest])

    def _items(self, lines: list[bytes]) -> Iterator[T]:
        for line in lines:
            self._line += 1
            if line.strip():
                try:
                    yield self._decode(line)
                except (ValueError, RecursionError) as error:  # msgspec's, and UnicodeDecodeError, are ValueErrors
                    shown = repr(line if len(line) <= 80 else line[:77] + b"...")
                    raise ValueError(f"line {self._line} of the stream, {shown}: {error}") from error


class SSEDecoder:
    """Decodes an event stream."""

    def __init__(self) -> None:
        self._decode = codecs.getincrementaldecoder("utf-8-sig")("replace").decode
        self._rest = ""
        self._after_cr = False
        self._data: list[str] = []
        self._event = ""
        self._retry: int | None = None
        self.last_event_id = ""
        self.retry: int | None = None
        """The reconnection time in milliseconds that the stream has set last, also outside events."""

    def feed(self, data: bytes) -> Iterator[TestSSEEvent]:
        """The events that these bytes complete."""
        text = self._decode(data)
        if self._after_cr and text:
            text = text.removeprefix("\n")  # The other half of a CR LF.
            self._after_cr = False
        self._after_cr = self._after_cr or text.endswith("\r")
        *lines, self._rest = _LINE_END.split(self._rest + text)
        return self._events(lines)

    def end(self) -> Iterator[TestSSEEvent]:
        """Nothing: an event that is not ended is dropped."""
        self._rest = ""
        return iter(())

    def _events(self, lines: list[str]) -> Iterator[TestSSEEvent]:
        for line in lines:
            if line:
                self._take(line)
                continue
            if self._data:
                yield TestSSEEvent("\n".join(self._data), self._event or "message", self.last_event_id, self._retry)
            self._data, self._event, self._retry = [], "", None

    def _take(self, line: str) -> None:
        name, _, value = line.partition(":")  # A comment has no name.
        value = value.removeprefix(" ")
        if name == "data":
            self._data.append(value)
        elif name == "event":
            self._event = value
        elif name == "id" and "\0" not in value:
            self.last_event_id = value
        elif name == "retry" and value.isascii() and value.isdigit():
            self._retry = self.retry = int(value)
