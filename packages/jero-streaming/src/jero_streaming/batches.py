"""Batches: items that are ready together, on their way into one message.

Rules
-----
- A batch is of whole items and of at most 64 KiB; an item that is larger is a batch of its own.
- `pack` takes items from an iterator for as long as there are any. When the batch is full it awaits `FULL`, which
  yields that object to whoever steps it (stream.py); he takes the batch and goes on.
- An item of another type than the response's annotation says is a TypeError. (Its type is checked, not its fields.)
- A line of NDJSON and a `data` field hold no line break, also where a `msgspec.Raw` has white space in it. JSON has no
  NUL anywhere, so that stands for the line breaks between items until the others are gone.

The loops are written out, since they run for each item: one call per item would cost a third more.
"""

import types
from collections.abc import AsyncIterator, Callable, Generator
from typing import Final, Protocol, cast

import msgspec

from .events import ServerSentEvent, fields_before_data, text_data

LIMIT: Final = 64 * 1024
"""The most bytes of one message, but for a single item that has more."""

_SEPARATOR: Final = b"\0"
_NEWLINES: Final = bytes.maketrans(b"\r\n", b"  ")


type EncodeInto = Callable[[object, bytearray, int], None]
"""msgspec's `encode_into`: encodes a value at an offset, -1 for the end, of a bytearray."""


class _Full:
    """Awaited by `pack` when the batch is full."""

    def __repr__(self) -> str:
        return "FULL"


FULL: Final = _Full()


@types.coroutine
def _be_full() -> Generator[object]:
    yield FULL


class Batch(Protocol):
    """Items of one stream that were not sent yet."""

    @property
    def retry(self) -> int | None:
        """What the client was last told about reconnecting, in milliseconds; None if nothing, as in other streams."""
        ...

    def accepts(self, value: object, /) -> bool:
        """Whether a value is an item."""
        ...

    def add(self, item: object, /) -> None:
        """Take one item, into an empty batch. Raises as `pack` does."""
        ...

    async def pack(self, iterator: AsyncIterator[object], /) -> None:
        """Take all items. Raises TypeError for one of a wrong type, and what encoding it raises."""
        ...

    def has_items(self) -> bool:
        """Whether there is anything to send."""
        ...

    def take(self) -> bytes:
        """The items as bytes; the batch is empty then."""
        ...

    def close(self) -> None:
        """Drop what there is; the next item makes the batch full."""
        ...


class _Wrong:
    """Says what is wrong with an item."""

    def __init__(self, response: str, expected: str) -> None:
        self._response = response
        self._expected = expected

    def __call__(self, item: object) -> TypeError:
        return TypeError(f"the stream of a {self._response} gave {_described(item)}, not {self._expected}")


def _described(item: object) -> str:
    return f"a value of type {type(item).__qualname__}"


class BytesBatch:
    """Chunks of bytes; one that makes a message alone is not copied."""

    __slots__ = ("_chunks", "_limit", "_size", "_wrong")
    retry: int | None = None

    def __init__(self) -> None:
        self._chunks: list[bytes] = []
        self._size = 0
        self._limit = LIMIT
        self._wrong = _Wrong("StreamingResponse", "bytes")

    def accepts(self, value: object, /) -> bool:
        """See `Batch`."""
        return isinstance(value, bytes)

    def add(self, item: object, /) -> None:
        """See `Batch`."""
        if not isinstance(item, bytes):
            raise self._wrong(item)
        self._chunks.append(item)
        self._size = len(item)

    async def pack(self, iterator: AsyncIterator[object], /) -> None:
        """See `Batch`."""
        chunks = self._chunks
        async for chunk in iterator:
            if not isinstance(chunk, bytes):
                raise self._wrong(chunk)
            size = len(chunk)
            if self._size + size > LIMIT and chunks:
                await _be_full()
            chunks.append(chunk)
            # An empty one counts too, or a source of these alone would never be interrupted.
            self._size += size or 1
            if self._size >= self._limit:
                await _be_full()

    def has_items(self) -> bool:
        """See `Batch`."""
        # An empty chunk is one: it has the head sent.
        return bool(self._chunks)

    def take(self) -> bytes:
        """See `Batch`."""
        chunks = self._chunks
        taken = chunks[0] if len(chunks) == 1 else b"".join(chunks)
        chunks.clear()
        self._size = 0
        return taken

    def close(self) -> None:
        """See `Batch`."""
        self._chunks.clear()
        self._size = 0
        self._limit = 0


class _Buffer:
    """A batch of encoded items, end to end; `_end` is where the last whole one ends."""

    __slots__ = ("_buffer", "_end", "_limit")

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._end = 0
        self._limit = LIMIT

    def has_items(self) -> bool:
        """See `Batch`."""
        return self._end > 0

    def take(self) -> bytes:
        """See `Batch`."""
        taken = bytes(self._buffer[: self._end])
        del self._buffer[: self._end]
        self._end = 0
        return taken

    def close(self) -> None:
        """See `Batch`."""
        self._buffer.clear()
        self._end = 0
        self._limit = -1


class _JSONBuffer(_Buffer):
    """A batch of JSON texts, whose line breaks are separators until it is known that there are no others."""

    __slots__ = ()

    def take(self) -> bytes:
        """See `Batch`."""
        lines = super().take()
        if b"\n" in lines or b"\r" in lines:
            lines = lines.translate(_NEWLINES)
        return lines.replace(_SEPARATOR, b"\n")


class NDJSONBatch(_JSONBuffer):
    """Items as lines of JSON."""

    __slots__ = ("_classes", "_encode_into", "_wrong")
    retry: int | None = None

    def __init__(self, encode_into: EncodeInto, classes: tuple[type, ...], expected: str) -> None:
        super().__init__()
        self._encode_into = encode_into
        self._classes = classes
        self._wrong = _Wrong("NDJSONStreamingResponse", expected)

    def accepts(self, value: object, /) -> bool:
        """See `Batch`."""
        return isinstance(value, self._classes)

    def add(self, item: object, /) -> None:
        """See `Batch`."""
        if not isinstance(item, self._classes):
            raise self._wrong(item)
        self._encode_into(item, self._buffer, -1)
        self._buffer += _SEPARATOR
        self._end = len(self._buffer)

    async def pack(self, iterator: AsyncIterator[object], /) -> None:
        """See `Batch`."""
        buffer, encode_into, classes = self._buffer, self._encode_into, self._classes
        usual = classes[0]
        async for item in iterator:
            if item.__class__ is not usual and not isinstance(item, classes):
                raise self._wrong(item)
            encode_into(item, buffer, -1)
            buffer += _SEPARATOR
            size = len(buffer)
            if size <= self._limit:
                self._end = size
                continue
            if self._end:
                await _be_full()
            self._end = len(buffer)
            if self._end > self._limit:
                await _be_full()


class JSONEventBatch(_JSONBuffer):
    """Items as events with JSON in them."""

    __slots__ = ("_classes", "_encode_into", "_wrong", "retry")

    def __init__(self, encode_into: EncodeInto, classes: tuple[type, ...], expected: str) -> None:
        super().__init__()
        self._encode_into = encode_into
        self._classes = classes
        self._wrong = _Wrong("SSEResponse", f"{expected}, or a ServerSentEvent of it")
        self.retry: int | None = None
        """What the client was last told about reconnecting, in milliseconds."""

    def accepts(self, value: object, /) -> bool:
        """See `Batch`."""
        return isinstance(value, (ServerSentEvent, *self._classes))

    def add(self, item: object, /) -> None:
        """See `Batch`."""
        data = item
        if isinstance(item, ServerSentEvent):
            event = cast("ServerSentEvent[object]", item)
            data = event.data
            if event.retry is not None:
                self.retry = event.retry
            self._buffer += fields_before_data(event).replace("\n", "\0").encode()
        if data is None and data is not item:
            self._buffer += _SEPARATOR
        else:
            if not isinstance(data, self._classes):
                raise self._wrong(data)
            self._buffer += b"data: "
            self._encode_into(data, self._buffer, -1)
            self._buffer += b"\0\0"
        self._end = len(self._buffer)

    async def pack(self, iterator: AsyncIterator[object], /) -> None:
        """See `Batch`."""
        buffer, encode_into = self._buffer, self._encode_into
        usual, event_class = self._classes[0], ServerSentEvent
        async for item in iterator:
            # The two usual cases are written out, data alone and data with an id; the rest is `add`'s.
            if item.__class__ is usual:
                buffer += b"data: "
                encode_into(item, buffer, -1)
                buffer += b"\0\0"
            elif (
                item.__class__ is event_class
                and item.id is not None
                and item.data.__class__ is usual
                and item.event is None
                and item.retry is None
            ):
                buffer += f"id: {item.id}\0data: ".encode()
                encode_into(item.data, buffer, -1)
                buffer += b"\0\0"
            else:
                whole = self._end
                try:
                    self.add(item)
                finally:
                    self._end = whole
            size = len(buffer)
            if size <= self._limit:
                self._end = size
                continue
            if self._end:
                await _be_full()
            self._end = len(buffer)
            if self._end > self._limit:
                await _be_full()


class TextEventBatch(_Buffer):
    """Items as events with text in them."""

    __slots__ = ("_wrong", "retry")

    def __init__(self) -> None:
        super().__init__()
        self._wrong = _Wrong("SSEResponse", "str, or a ServerSentEvent of it")
        self.retry: int | None = None
        """What the client was last told about reconnecting, in milliseconds."""

    def accepts(self, value: object, /) -> bool:
        """See `Batch`."""
        return isinstance(value, (ServerSentEvent, str))

    def add(self, item: object, /) -> None:
        """See `Batch`."""
        self._buffer += self._text_of(item).encode()
        self._end = len(self._buffer)

    async def pack(self, iterator: AsyncIterator[object], /) -> None:
        """See `Batch`."""
        buffer = self._buffer
        async for item in iterator:
            if item.__class__ is str and "\n" not in item and "\r" not in item:
                buffer += f"data: {item}\n\n".encode()
            else:
                buffer += self._text_of(item).encode()
            size = len(buffer)
            if size <= self._limit:
                self._end = size
                continue
            if self._end:
                await _be_full()
            self._end = len(buffer)
            if self._end > self._limit:
                await _be_full()

    def _text_of(self, item: object) -> str:
        head, data = "", item
        if isinstance(item, ServerSentEvent):
            event = cast("ServerSentEvent[object]", item)
            if event.retry is not None:
                self.retry = event.retry
            head, data = fields_before_data(event), event.data
            if data is None:
                return f"{head}\n"
        if not isinstance(data, str):
            raise self._wrong(data)
        return f"{head}data: {text_data(data)}\n\n"


def encode_into_of(enc_hook: Callable[[object], object] | None) -> EncodeInto:
    """Msgspec's `encode_into`, with an app's hook; one for each app."""
    return msgspec.json.Encoder(enc_hook=enc_hook).encode_into
