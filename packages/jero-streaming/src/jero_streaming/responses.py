"""The response classes, and how they are planned.

Each is a msgspec Struct with `stream` and the five members that every response class carries; its `stream` is an async
iterable, or a lifecycle generator that yields one (source.py).
"""

import math
from collections.abc import AsyncGenerator, AsyncIterable, Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Final, TypeVar, cast, overload

import msgspec

from jero_core.extend import (
    EMPTY,
    Fragment,
    Link,
    Location,
    Refusal,
    Reply,
    ReplyContext,
    Returned,
    generic_arguments,
    json_classes,
    list_item,
    plan_head,
    shape_of,
    structs_in,
    type_check,
    type_name,
)

from .batches import Batch, BytesBatch, JSONEventBatch, NDJSONBatch, TextEventBatch, encode_into_of
from .events import ServerSentEvent
from .source import close
from .stream import Streaming

_EVENT_HEADERS: Final = {
    b"content-type": b"text/event-stream",
    b"cache-control": b"no-cache",
    # nginx would otherwise collect events until a buffer is full.
    b"x-accel-buffering": b"no",
}

_CHUNKS: Final = cast("tuple[object, ...]", (bytes, bytearray, memoryview, str))
"""What may be taken for the type argument of a StreamingResponse."""

type Stream[T] = AsyncIterable[T] | AsyncGenerator[AsyncIterable[T]]
"""What `stream=` takes: the items, or a lifecycle generator that yields them once."""


class StreamingResponse[H = None](msgspec.Struct, kw_only=True, gc=False):
    """Bytes in pieces (`application/octet-stream` unless a header says otherwise).

    `stream` gives chunks of bytes; its other members are those of JSONResponse.
    """

    stream: Stream[bytes]
    headers: H | None = None
    raw_headers: Mapping[str, str] | None = None
    status_code: int | None = None
    location: Location | None = None
    links: Sequence[Link] | None = None

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: "StreamingResponse[None]",
            *,
            stream: Stream[bytes],
            headers: None = None,
            raw_headers: Mapping[str, str] | None = None,
            status_code: int | None = None,
            location: Location | None = None,
            links: Sequence[Link] | None = None,
        ) -> None: ...
        @overload
        def __init__(
            self,
            *,
            stream: Stream[bytes],
            headers: H,
            raw_headers: Mapping[str, str] | None = None,
            status_code: int | None = None,
            location: Location | None = None,
            links: Sequence[Link] | None = None,
        ) -> None: ...
        def __init__(self, **members: object) -> None: ...

    @classmethod
    def __jero_reply__(cls, returned: Returned, context: ReplyContext, /) -> Reply:
        """Plan the reply of `-> StreamingResponse[H]`."""
        (headers,) = generic_arguments(returned.bare, StreamingResponse)
        if shape_of(headers).type in _CHUNKS:
            raise Refusal(
                code="JERO-W022",
                reason=f"{type_name(returned.bare)} names its headers there, and its stream is of bytes in any case.",
                remedy=f"`{cls.__name__}`; for values in lines, `NDJSONStreamingResponse[Tick]`.",
            )
        defaults = {b"content-type": b"application/octet-stream"}
        return _plan(cls, BytesBatch, headers, defaults, bytes, context)


class NDJSONStreamingResponse[T, H = None](msgspec.Struct, kw_only=True, gc=False):
    """JSON values in lines (`application/x-ndjson`).

    `stream` gives values of the type that the handler's annotation names; its other members are those of JSONResponse.
    """

    stream: Stream[T]
    headers: H | None = None
    raw_headers: Mapping[str, str] | None = None
    status_code: int | None = None
    location: Location | None = None
    links: Sequence[Link] | None = None

    if TYPE_CHECKING:

        @overload
        def __init__[U](
            self: "NDJSONStreamingResponse[U, None]",
            *,
            stream: Stream[U],
            headers: None = None,
            raw_headers: Mapping[str, str] | None = None,
            status_code: int | None = None,
            location: Location | None = None,
            links: Sequence[Link] | None = None,
        ) -> None: ...
        @overload
        def __init__(
            self,
            *,
            stream: Stream[T],
            headers: H,
            raw_headers: Mapping[str, str] | None = None,
            status_code: int | None = None,
            location: Location | None = None,
            links: Sequence[Link] | None = None,
        ) -> None: ...
        def __init__(self, **members: object) -> None: ...

    @classmethod
    def __jero_reply__(cls, returned: Returned, context: ReplyContext, /) -> Reply:
        """Plan the reply of `-> NDJSONStreamingResponse[T, H]`."""
        item, headers = generic_arguments(returned.bare, NDJSONStreamingResponse)
        if isinstance(item, TypeVar):
            raise Refusal(
                code="JERO-W021",
                reason=f"{cls.__name__} does not say what its lines are.",
                remedy="`NDJSONStreamingResponse[Tick]`, with the Struct of one line.",
            )
        classes = json_classes(item, context.codec)
        if classes is None:
            raise Refusal(
                code="JERO-W021",
                reason=f"the lines of {type_name(returned.bare)} are no Struct, list of Structs or union of Structs.",
                remedy="a msgspec Struct that names the members of one line.",
            )
        encode_into, expected = encode_into_of(context.codec.enc_hook), type_name(item)
        defaults = {b"content-type": b"application/x-ndjson"}
        make_batch = partial(NDJSONBatch, encode_into, classes, expected)
        return _plan(cls, make_batch, headers, defaults, item, context)


class SSEResponse[T = str, H = None](msgspec.Struct, kw_only=True, gc=False):
    """Server-Sent Events (`text/event-stream`), of GET operations only.

    `stream` gives the data of events, of the type that the handler's annotation names (str, or what is sent as JSON),
    or `ServerSentEvent`s of it. The head leaves at once. After `keepalive` seconds without an event a comment is sent;
    None switches that off. Its other members are those of JSONResponse.
    """

    stream: Stream[T | ServerSentEvent[T]]
    keepalive: float | None = 15.0
    headers: H | None = None
    raw_headers: Mapping[str, str] | None = None
    status_code: int | None = None
    location: Location | None = None
    links: Sequence[Link] | None = None

    if TYPE_CHECKING:

        @overload
        def __init__[U](
            self: "SSEResponse[U, None]",
            *,
            stream: Stream[U | ServerSentEvent[U]],
            keepalive: float | None = 15.0,
            headers: None = None,
            raw_headers: Mapping[str, str] | None = None,
            status_code: int | None = None,
            location: Location | None = None,
            links: Sequence[Link] | None = None,
        ) -> None: ...
        @overload
        def __init__(
            self,
            *,
            stream: Stream[T | ServerSentEvent[T]],
            headers: H,
            keepalive: float | None = 15.0,
            raw_headers: Mapping[str, str] | None = None,
            status_code: int | None = None,
            location: Location | None = None,
            links: Sequence[Link] | None = None,
        ) -> None: ...
        def __init__(self, **members: object) -> None: ...

    @classmethod
    def __jero_reply__(cls, returned: Returned, context: ReplyContext, /) -> Reply:
        """Plan the reply of `-> SSEResponse[T, H]`."""
        if context.method != "GET":
            raise Refusal(
                code="JERO-W023",
                reason=f"{cls.__name__} answers a {context.method} request, and an EventSource sends GET alone.",
                remedy="the stream at a GET operation; for a stream that answers another method, "
                "`NDJSONStreamingResponse`.",
            )
        item, headers = generic_arguments(returned.bare, SSEResponse)
        inner = list_item(item)
        data = item if inner is EMPTY else inner
        if (structs := structs_in(data)) and any(issubclass(struct, ServerSentEvent) for struct in structs):
            raise Refusal(
                code="JERO-W021",
                reason=f"{type_name(returned.bare)} names the event where the type of its data belongs.",
                remedy="`SSEResponse[Tick]`; its stream may give Ticks and `ServerSentEvent[Tick]`s alike.",
            )
        shape = shape_of(item)
        if shape.type is str and not shape.optional:
            return _plan(cls, TextEventBatch, headers, _EVENT_HEADERS, item, context, is_events=True)
        classes = json_classes(item, context.codec)
        if classes is None:
            raise Refusal(
                code="JERO-W021",
                reason=f"the events of {type_name(returned.bare)} hold no str, Struct, list of Structs or union of "
                "Structs.",
                remedy="`SSEResponse` for text, or `SSEResponse[Tick]` with the Struct that is sent as JSON.",
            )
        encode_into, expected = encode_into_of(context.codec.enc_hook), type_name(item)
        make_batch = partial(JSONEventBatch, encode_into, classes, expected)
        return _plan(cls, make_batch, headers, _EVENT_HEADERS, item, context, is_events=True)


def _plan(  # noqa: PLR0917  # what the three differ in
    response: type,
    make_batch: Callable[[], Batch],
    headers: object,
    defaults: Mapping[bytes, bytes],
    item: object,
    context: ReplyContext,
    *,
    is_events: bool = False,
) -> Reply:
    head = plan_head(headers, context, defaults=defaults, is_whole=False)
    render = [*head.render]
    if is_events:
        render.append(Fragment.of("$check(result.keepalive)", check=_check_keepalive))
    check = type_check("result", (response,), response.__name__)
    send = Fragment.of(
        f"""
        await $stream(
            result.stream, {"result.keepalive" if is_events else "None"}, status, headers, $scope, $receive, $send,
            $fail
        )
        """,
        stream=Streaming(make_batch, context.stopping.want(), is_events),
    )
    content_type = defaults[b"content-type"].decode()
    render = [check, *_closing(render)]
    return Reply(tuple(render), context.status, content_type, item, head.headers, decides_head=True, send=send)


def _closing(render: Sequence[Fragment]) -> Iterator[Fragment]:
    """Close the stream of a response that is refused before it begins."""
    yield Fragment.of("try:")
    for fragment in render:
        yield msgspec.structs.replace(fragment, lines=tuple(f"    {line}" for line in fragment.lines))
    yield Fragment.of(
        """
        except Exception:
            await $close(result.stream)
            raise
        """,
        close=close,
    )


def _check_keepalive(seconds: object) -> None:
    if seconds is None:
        return
    if isinstance(seconds, bool) or not isinstance(seconds, int | float) or not 0 < seconds < math.inf:
        raise ValueError(f"keepalive is a positive number of seconds, or None, not {seconds!r}")
