"""Response wrappers: a body together with headers and a status that the handler decides.

A wrapper is a msgspec Struct without garbage-collector tracking: 240 ns cheaper a request than a dataclass.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final, TypeVar, overload

import msgspec

from jero_core.extend import (
    CONTENT_LENGTHS,
    Codec,
    Fragment,
    Header,
    Link,
    Links,
    Literal,
    Location,
    Name,
    Refusal,
    Reply,
    ReplyContext,
    Returned,
    Scope,
    fields_of,
    generic_arguments,
    is_writable,
    raw_pairs,
    refuse,
    shape_of,
    struct_of,
    type_name,
    wire_name,
)

from .buffered import BYTES_TYPE, JSON_TYPE, type_check
from .plain import json_classes

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_BODILESS: Final = frozenset({204, 205, 304})
_CONTENT_HEADERS: Final = frozenset(
    {b"content-length", b"content-type", b"content-encoding", b"content-language", b"content-range"}
)


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
    struct, names = _header_names(headers, context.codec)
    check = type_check("result", (wrapper,), wrapper.__name__)
    lines = ["size = len(payload)", "length = $lengths[size] if size < 4096 else (b'content-length', b'%d' % size)"]
    values: dict[str, object] = {"lengths": CONTENT_LENGTHS}
    first = ["length"]
    own_type = names.index(b"content-type") if b"content-type" in names else None
    may_lack_type = own_type is not None and struct is not None and shape_of(fields_of(struct)[own_type].type).optional
    if own_type is None:
        first.insert(0, "$content_type")
    if own_type is None or may_lack_type:
        values["content_type"] = (b"content-type", content_type.encode())
    render = [check, *body]
    if struct is not None:
        render += [
            Fragment.of("typed = result.headers"),
            type_check("typed", (struct,), f"headers={struct.__name__}(...)"),
        ]
        typed, pairs, appended = _typed_headers(struct, names, context.codec)
        lines += [*typed, f"headers = [{', '.join(first + pairs)}]", *appended.lines]
        values |= appended.values
        if may_lack_type:
            lines += [f"if $_value{own_type} is None:", "    headers.insert(0, $content_type)"]
    else:
        lines.append(f"headers = [{', '.join(first)}]")
    render.append(Fragment(tuple(lines), values))
    render.append(
        Fragment.of(
            """
            status = $status
            if (
                result.raw_headers is not None
                or result.status_code is not None
                or result.location is not None
                or result.links is not None
            ):
                status, headers, payload = $finish(result, status, headers, payload, $links, $scope)
            """,
            links=context.links,
            status=Literal(context.status),
            finish=finish,
        )
    )
    return Reply(tuple(render), context.status, content_type, body_type, struct, decides_head=True)


def _header_names(headers: object, codec: Codec) -> tuple[type[msgspec.Struct] | None, list[bytes]]:
    """The Struct of typed headers and the names on the wire. Raises `Refusal` (JERO-W022)."""
    if headers is None or headers is type(None):
        return None, []
    struct = struct_of(headers)
    if struct is None:
        raise Refusal(
            code="JERO-W022",
            reason=f"typed headers are a Struct, not {type_name(headers)}.",
            remedy="a msgspec Struct with one field for each header; for a mapping, `raw_headers=`.",
        )
    refuse(_header_faults(struct, codec))
    return struct, [wire_name(field.wire_name) for field in fields_of(struct)]


def _header_faults(struct: type[msgspec.Struct], codec: Codec) -> Iterator[Refusal]:
    """Every field that cannot be sent as a header."""
    taken: dict[bytes, str] = {}
    for field in fields_of(struct):
        where = f"{struct.__name__}.{field.name}"
        try:
            name = wire_name(field.wire_name)
            codec.check_encodes(field.type, "JERO-W022")
        except ValueError as error:
            yield _unsendable(
                f"{where}: {error}.", "a field named after its header: `x_trace_id` is sent as x-trace-id."
            )
            continue
        except Refusal as refusal:
            yield refusal.about(where)
            continue
        if name in _FRAMING:
            yield _unsendable(
                f"{where}: {name.decode()} frames the message; it is the framework's.",
                f"a Struct without {field.name}.",
            )
        if not is_writable(field.name):
            yield _unsendable(
                f"{where}: Python source cannot name a field so.",
                f"`{field.name}_: ... = msgspec.field(name={field.name!r})`.",
            )
        if (other := taken.setdefault(name, field.name)) != field.name:
            yield _unsendable(
                f"{where} and {other} are both sent as {name.decode()}.", "one field; for repeats, `raw_headers=`."
            )


def _unsendable(reason: str, remedy: str) -> Refusal:
    return Refusal(code="JERO-W022", reason=reason, remedy=remedy)


def _typed_headers(
    struct: type[msgspec.Struct], names: list[bytes], codec: Codec
) -> tuple[list[str], list[str], Fragment]:
    """Lines that encode the typed headers, the pairs of those that are always there, lines that append the others.

    A str is checked inline, as `header_value` does it, if it is ASCII (the common case).
    """
    encoded: list[str] = []
    pairs: list[str] = []
    appended: list[str] = []
    values: dict[str, object] = {"encode_value": codec.header_value}
    for index, (field, name) in enumerate(zip(fields_of(struct), names, strict=True)):
        values |= {f"field{index}": Name(field.name), f"name{index}": Literal(name)}
        shape = shape_of(field.type)
        local = f"$_value{index}"
        encode = f"{local} = $encode_value({local})"
        lines = [f"{local} = typed.$field{index}"]
        if shape.origin is str:
            clean = " and ".join(f"{character!r} not in {local}" for character in "\n\r\0")
            lines += [
                f"if {local}.__class__ is str and {local}.isascii() and {clean}:",
                f"    {local} = {local}.strip(' \\t').encode()",
                f"{f'elif {local} is not None' if shape.optional else 'else'}:",
                f"    {encode}",
            ]
        else:
            lines += [f"if {local} is not None:", f"    {encode}"] if shape.optional else [encode]
        encoded += lines
        if shape.optional or appended:
            # Behind one that may be absent, to keep the order of the fields.
            append = f"headers.append(($name{index}, {local}))"
            appended += [f"if {local} is not None:", f"    {append}"] if shape.optional else [append]
        else:
            pairs.append(f"($name{index}, {local})")
    return encoded, pairs, Fragment(tuple(appended), values)


def finish(  # noqa: PLR0917  # what the generated code has at hand
    result: JSONResponse[object, object] | BytesResponse[object],
    status: int,
    headers: list[Header],
    payload: bytes,
    links: Links,
    scope: Scope,
) -> tuple[int, list[Header], bytes]:
    """Apply the rare members of a wrapper: a status, links and raw headers.

    Raises ValueError for a status outside 200 to 599, a name that is no token, a value with CR, LF or NUL, or a second
    location; what `Links` raises for a link that leads nowhere.
    """
    given = links.headers(result.location, result.links, scope)
    given += raw_pairs(result.raw_headers) if result.raw_headers is not None else []
    if [name for name, _ in headers + given].count(b"location") > 1:
        raise ValueError("location is given twice")
    if result.status_code is not None:
        status = result.status_code
        if isinstance(status, bool) or status not in range(200, 600):
            raise ValueError(f"a response has a status of 200 to 599, not {status!r}")
        status = int(status)
    if framing := _FRAMING.intersection(name for name, _ in given):
        raise ValueError(f"{sorted(framing)} frame the message; they are the framework's")
    types = [name for name, _ in given if name == b"content-type"]
    if len(types) > 1:
        raise ValueError("content-type is given twice")
    if types:
        headers = [pair for pair in headers if pair[0] != b"content-type"]
    headers += given
    if status in _BODILESS:
        return status, [pair for pair in headers if pair[0] not in _CONTENT_HEADERS], b""
    return status, headers, payload
