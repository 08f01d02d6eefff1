"""Stream sessions: a response whose items are decoded as they arrive.

The content type decides: `application/x-ndjson` gives JSON values, `text/event-stream` gives `TestSSEEvent`s. Leaving
the block leaves the stream, and waits until the app has torn it down.
"""

import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator, Generator, Iterator
from contextlib import AbstractAsyncContextManager, AbstractContextManager, suppress
from typing import Final, Self, Unpack, cast, overload

import httpx

from .decoders import Decoder, NDJSONDecoder, SSEDecoder, TestSSEEvent
from .options import RequestOptions

_NDJSON: Final = frozenset({"application/x-ndjson", "application/ndjson", "application/jsonl"})
_SSE: Final = "text/event-stream"
_SHOWN: Final = 2000
"""The most bytes of an answer that a message shows."""
_GLIMPSE: Final = 1.0
"""Seconds that reading them may take."""


class NoStream(AssertionError):  # noqa: N818  # reads as what happened
    """The answer is no stream of the items that the test reads. The message shows the answer."""


class _Session:
    """What both kinds of session know of their response."""

    def __init__(self) -> None:
        self._response: httpx.Response | None = None

    @property
    def response(self) -> httpx.Response:
        """The response. Raises RuntimeError before the block has been entered."""
        if self._response is None:
            raise RuntimeError("a stream session is open inside its block: `with client.stream_get(...) as stream:`")
        return self._response

    @property
    def status_code(self) -> int:
        """The status of the response."""
        return self.response.status_code

    @property
    def headers(self) -> httpx.Headers:
        """The headers of the response."""
        return self.response.headers


def _decoder_for[T](response: httpx.Response, item_type: type[T]) -> Decoder[T] | None:
    """The decoder for a response's content type; None if there is none for items of this type."""
    content_type = response.headers.get("content-type", "").partition(";")[0].strip().lower()
    wants_any = cast("object", item_type) is object
    wants_events = cast("object", item_type) is TestSSEEvent
    if content_type == _SSE and (wants_any or wants_events):
        return cast("Decoder[T]", SSEDecoder())
    if content_type in _NDJSON and not wants_events:
        return NDJSONDecoder(item_type)
    return None


def _no_stream(response: httpx.Response, item_type: type, body: bytes) -> NoStream:
    wanted = "NDJSON or Server-Sent Events" if item_type is object else f"a stream of {item_type.__name__}"
    content_type = response.headers.get("content-type", "no content type")
    shown = body[:_SHOWN].decode("utf-8", "backslashreplace")
    return NoStream(
        f"{response.request.method} {response.request.url} answered {response.status_code} with {content_type}, "
        f"and the test reads {wanted}" + (f":\n{shown}" if shown else "")
    )


class _Glimpse:
    """What a message shows of an answer that is no stream: its beginning, if it is one that ends or tells of an error.

    It is read for a second at most: the answer may be endless, or idle.
    """

    def __init__(self, response: httpx.Response) -> None:
        self.body = b""
        self._ends_at = time.monotonic() + _GLIMPSE
        self.is_over = response.status_code < 400 and "content-length" not in response.headers
        if not self.is_over:
            # The transport looks at it before each piece.
            response.request.extensions["timeout"] = {
                **response.request.extensions.get("timeout", {}),
                "read": _GLIMPSE,
            }

    def add(self, data: bytes) -> None:
        """Take the next piece."""
        self.body += data
        self.is_over = len(self.body) >= _SHOWN or time.monotonic() >= self._ends_at


class StreamSession[T](_Session):
    """A stream in a `with` block; iterating it gives its items, of type T, as they arrive."""

    def __init__(self, opening: AbstractContextManager[httpx.Response], item_type: type[T]) -> None:
        super().__init__()
        self._opening = opening
        self._item_type = item_type
        self._items: Generator[T] | None = None

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        self._response = self._opening.__enter__()
        return self

    def __exit__(self, *exception: object) -> None:
        __tracebackhide__ = True
        if self._items is not None:
            self._items.close()
        self.response.close()
        self._opening.__exit__(None, None, None)

    def __iter__(self) -> Iterator[T]:
        return self

    def __next__(self) -> T:
        __tracebackhide__ = True
        if self._items is None:
            self._items = self._decoded(self.response)
        return next(self._items)

    def take(self, count: int) -> list[T]:
        """The next `count` items; fewer if the stream ends before."""
        __tracebackhide__ = True
        return [*itertools.islice(self, count)]

    def _decoded(self, response: httpx.Response) -> Generator[T]:
        __tracebackhide__ = True
        decoder = _decoder_for(response, self._item_type)
        if decoder is None:
            glimpse = _Glimpse(response)
            with suppress(httpx.TransportError):
                pieces = response.iter_bytes()
                while not glimpse.is_over and (data := next(pieces, None)) is not None:
                    glimpse.add(data)
            raise _no_stream(response, self._item_type, glimpse.body)
        for data in response.iter_bytes():
            yield from decoder.feed(data)
        yield from decoder.end()


class AsyncStreamSession[T](_Session):
    """A stream in an `async with` block; iterating it gives its items, of type T, as they arrive."""

    def __init__(self, opening: AbstractAsyncContextManager[httpx.Response], item_type: type[T]) -> None:
        super().__init__()
        self._opening = opening
        self._item_type = item_type
        self._items: AsyncGenerator[T] | None = None

    async def __aenter__(self) -> Self:
        __tracebackhide__ = True
        self._response = await self._opening.__aenter__()
        return self

    async def __aexit__(self, *exception: object) -> None:
        __tracebackhide__ = True
        if self._items is not None:
            await self._items.aclose()
        await self.response.aclose()
        await self._opening.__aexit__(None, None, None)

    def __aiter__(self) -> AsyncIterator[T]:
        return self

    async def __anext__(self) -> T:
        __tracebackhide__ = True
        if self._items is None:
            self._items = self._decoded(self.response)
        return await anext(self._items)

    async def take(self, count: int) -> list[T]:
        """The next `count` items; fewer if the stream ends before."""
        __tracebackhide__ = True
        items: list[T] = []
        while len(items) < count:
            try:
                items.append(await anext(self))
            except StopAsyncIteration:
                break
        return items

    async def _decoded(self, response: httpx.Response) -> AsyncGenerator[T]:
        __tracebackhide__ = True
        decoder = _decoder_for(response, self._item_type)
        if decoder is None:
            glimpse = _Glimpse(response)
            with suppress(httpx.TransportError):
                pieces = response.aiter_bytes()
                while not glimpse.is_over and (data := await anext(pieces, None)) is not None:
                    glimpse.add(data)
            raise _no_stream(response, self._item_type, glimpse.body)
        async for data in response.aiter_bytes():
            for item in decoder.feed(data):
                yield item
        for item in decoder.end():
            yield item


class StreamOpener:
    """Opens stream sessions with one method: `client.stream_get("/events")`."""

    def __init__(self, client: httpx.Client, method: str) -> None:
        self._client = client
        self._method = method

    @overload
    def __call__(self, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> StreamSession[object]: ...
    @overload
    def __call__[T](
        self, url: httpx.URL | str, *, item_type: type[T], **options: Unpack[RequestOptions]
    ) -> StreamSession[T]: ...
    def __call__[T](
        self, url: httpx.URL | str, *, item_type: type[T] | type[object] = object, **options: Unpack[RequestOptions]
    ) -> StreamSession[T] | StreamSession[object]:
        """A session for a `with` block.

        `item_type` is what lines of NDJSON are decoded to, or TestSSEEvent; without it the content type alone decides.
        The options are httpx's.
        """
        return StreamSession(self._client.stream(self._method, url, **options), item_type)


class AsyncStreamOpener:
    """Opens stream sessions with one method: `client.stream_get("/events")`."""

    def __init__(self, client: httpx.AsyncClient, method: str) -> None:
        self._client = client
        self._method = method

    @overload
    def __call__(self, url: httpx.URL | str, **options: Unpack[RequestOptions]) -> AsyncStreamSession[object]: ...
    @overload
    def __call__[T](
        self, url: httpx.URL | str, *, item_type: type[T], **options: Unpack[RequestOptions]
    ) -> AsyncStreamSession[T]: ...
    def __call__[T](
        self, url: httpx.URL | str, *, item_type: type[T] | type[object] = object, **options: Unpack[RequestOptions]
    ) -> AsyncStreamSession[T] | AsyncStreamSession[object]:
        """A session for an `async with` block; as StreamOpener's."""
        return AsyncStreamSession(self._client.stream(self._method, url, **options), item_type)
