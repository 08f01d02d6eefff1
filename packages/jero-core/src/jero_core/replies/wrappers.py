"""Response wrappers: a body together with headers and a status that the handler decides.

A wrapper is a msgspec Struct without garbage-collector tracking: 240 ns cheaper a request than a dataclass.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, TypeVar, overload

import msgspec

from jero_core.extend import (
    Fragment,
    Link,
    Location,
    Refusal,
    Reply,
    ReplyContext,
    Returned,
    generic_arguments,
    json_classes,
    plan_head,
    type_check,
    type_name,
)

from .buffered import BYTES_TYPE, JSON_TYPE


class JSONResponse[T, H = None](msgspec.Struct, kw_only=True, gc=False):
    """A JSON answer with typed headers and a status of its own.

    `json` is the body, of the type that the handler's annotation names. `headers` is the Struct `H`: `x_trace_id` is
    sent as `x-trace-id`, None is left out. `raw_headers` are sent after them, repeats kept. `status_code` is 200 to
    599; None stands for the operation's own.
    """

    json: T
    headers: H | None = None
    raw_headers: Mapping[str, str] | None = None
    status_code: int | None = None
    location: Location | None = None
    links: Sequence[Link] | None = None

    if TYPE_CHECKING:

        @overload
        def __init__[U](
            self: "JSONResponse[U, None]",
            *,
            json: U,
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
            json: T,
            headers: H,
            raw_headers: Mapping[str, str] | None = None,
            status_code: int | None = None,
            location: Location | None = None,
            links: Sequence[Link] | None = None,
        ) -> None: ...
        def __init__(self, **members: object) -> None: ...

    @classmethod
    def __jero_reply__(cls, returned: Returned, context: ReplyContext, /) -> Reply:
        """Plan the reply of `-> JSONResponse[T, H]`."""
        annotation, headers = generic_arguments(returned.bare, JSONResponse)
        if isinstance(annotation, TypeVar):
            raise Refusal(
                code="JERO-W021",
                reason=f"{cls.__name__} does not say what it holds.",
                remedy="`JSONResponse[Widget]`, or `JSONResponse[Widget, WidgetHeaders]` with typed headers.",
            )
        classes = json_classes(annotation, context.codec)
        if classes is None:
            raise Refusal(
                code="JERO-W021",
                reason=f"{type_name(returned.bare)} holds no Struct, list of Structs or union of Structs.",
                remedy="a msgspec Struct that names the body's members; `-> None` answers without a body.",
            )
        check = type_check("content", classes, type_name(returned.bare))
        body = (
            Fragment.of("content = result.json"),
            check,
            Fragment.of("payload = $encode(content)", encode=context.codec.encode),
        )
        return _plan(cls, body, headers, JSON_TYPE, annotation, context)


class BytesResponse[H = None](msgspec.Struct, kw_only=True, gc=False):
    """An answer of bytes (`application/octet-stream` unless a header says otherwise), its members as JSONResponse's."""

    content: bytes
    headers: H | None = None
    raw_headers: Mapping[str, str] | None = None
    status_code: int | None = None
    location: Location | None = None
    links: Sequence[Link] | None = None

    if TYPE_CHECKING:

        @overload
        def __init__(
            self: "BytesResponse[None]",
            *,
            content: bytes,
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
            content: bytes,
            headers: H,
            raw_headers: Mapping[str, str] | None = None,
            status_code: int | None = None,
            location: Location | None = None,
            links: Sequence[Link] | None = None,
        ) -> None: ...
        def __init__(self, **members: object) -> None: ...

    @classmethod
    def __jero_reply__(cls, returned: Returned, context: ReplyContext, /) -> Reply:
        """Plan the reply of `-> BytesResponse[H]`."""
        check = type_check("payload", (bytes,), "BytesResponse with bytes")
        body = (Fragment.of("payload = result.content"), check)
        (headers,) = generic_arguments(returned.bare, BytesResponse)
        return _plan(cls, body, headers, BYTES_TYPE, bytes, context)


def _plan(  # noqa: PLR0917  # the parts of a reply, in the order of its text
    wrapper: type,
    body: tuple[Fragment, ...],
    headers: object,
    content_type: str,
    body_type: object,
    context: ReplyContext,
) -> Reply:
    head = plan_head(headers, context, defaults={b"content-type": content_type.encode()}, is_whole=True)
    check = type_check("result", (wrapper,), wrapper.__name__)
    render = (check, *body, *head.render)
    return Reply(render, context.status, content_type, body_type, head.headers, decides_head=True)
