"""The head of a response class: typed and raw headers, a status, links.

Rules
-----
- Every response class carries the same five members: `headers`, `raw_headers`, `status_code`, `location`, `links`.
- Typed headers are encoded by lines that are made for their Struct; the other four are rare, and cost one test in all.
- What frames the message (`content-length` and the like) is the framework's. A default header, such as the content
  type, is sent unless the typed or the raw headers have one of its name: never two.
- Whatever is wrong with a head is an exception while the response can still become a clean 500.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Final, Protocol

import msgspec

from .annotations import Field, Shape, is_writable, members_of, shape_of, struct_fields, type_name, unwrapped
from .asgi import CONTENT_LENGTHS, Header, Scope
from .codec import Codec
from .fragment import Fragment, Literal, Name
from .header_fields import PLAIN_TEXT, raw_pairs, wire_name
from .links import Link, Links, Location
from .plan import ReplyContext
from .result_checks import type_check
from .wiring import Refusal, refuse

BODILESS: Final = frozenset({204, 205, 304})
"""The statuses that are sent without content (RFC 9110, sections 15.3.5, 15.3.6 and 15.4.5)."""

_FRAMING: Final = frozenset({b"content-length", b"transfer-encoding", b"connection"})
_CONTENT_HEADERS: Final = frozenset(
    {b"content-length", b"content-type", b"content-encoding", b"content-language", b"content-range"}
)


class WithHead(Protocol):
    """The members of a response class that its head is made of."""

    @property
    def headers(self) -> object:
        """The typed headers, a Struct or None."""
        ...

    @property
    def raw_headers(self) -> Mapping[str, str] | None:
        """Headers as they are written, repeats kept."""
        ...

    @property
    def status_code(self) -> int | None:
        """200 to 599; None stands for the operation's own."""
        ...

    @property
    def location(self) -> Location | None:
        """Where the client finds what it asks for."""
        ...

    @property
    def links(self) -> Sequence[Link] | None:
        """Links to other operations."""
        ...


class PlannedHead(msgspec.Struct, frozen=True):
    """What `plan_head` gives: the lines that make a head, and the type of its typed headers."""

    render: tuple[Fragment, ...]
    """Lines that read the local `result`, and `payload` if the body is whole. They leave the locals `status` (int) and
    `headers` (a fresh list of pairs of bytes), and take the payload away where the status has no content."""
    headers: object
    """The Struct, or the generic Struct with its arguments; None without."""


def plan_head(
    headers: object, context: ReplyContext, *, defaults: Mapping[bytes, bytes], is_whole: bool
) -> PlannedHead:
    """Plan the head of a response class.

    `headers` is the type of its typed headers, a Struct or None. `defaults` are sent unless the response brings its
    own: `{b"content-type": b"text/csv"}`. With `is_whole` the local `payload` is the body, and `content-length` its
    size; without, the response is sent in pieces.

    Raises `Refusal` (JERO-W022) if the Struct cannot be sent.
    """
    struct, fields = _header_fields(headers, context.codec)
    names = [wire_name(field.wire_name) for field in fields]
    lines: list[str] = []
    values: dict[str, object] = {}
    first: list[str] = []
    late: list[str] = []
    for number, (name, value) in enumerate(defaults.items()):
        own = names.index(name) if name in names else None
        if own is None or shape_of(fields[own].type).optional:
            key = name.decode().replace("-", "_")
            values[key] = (name, value)
            if own is None:
                first.append(f"${key}")
            else:
                late += [f"if $_value{own} is None:", f"    headers.insert({number}, ${key})"]
    if is_whole:
        lines += [
            "size = len(payload)",
            "length = $lengths[size] if size < 4096 else (b'content-length', b'%d' % size)",
        ]
        values["lengths"] = CONTENT_LENGTHS
        first.append("length")
    render: list[Fragment] = []
    if struct is None:
        lines.append(f"headers = [{', '.join(first)}]")
    else:
        render += [
            Fragment.of("typed = result.headers"),
            type_check("typed", (struct,), f"headers={struct.__name__}(...)"),
        ]
        typed, pairs, appended = _typed_headers(fields, names, context.codec)
        lines += [*typed, f"headers = [{', '.join(first + pairs)}]", *appended.lines, *late]
        values |= appended.values
    render.append(Fragment(tuple(lines), values))
    render.append(_finish(defaults, context, is_typed=struct is not None, is_whole=is_whole))
    return PlannedHead(tuple(render), None if struct is None else unwrapped(headers))


def _finish(defaults: Iterable[bytes], context: ReplyContext, *, is_typed: bool, is_whole: bool) -> Fragment:
    """Lines that apply the rare members, if there is any."""
    rare = ["raw_headers", "status_code", "location", "links"]
    if not is_typed:
        rare.append("headers")  # A fault, but not one to be silent about.
    first, *others = (f"result.{name} is not None" for name in rare)
    finish = _Finish(frozenset(defaults), is_typed=is_typed)
    payload = ", payload" if is_whole else ""
    return Fragment(
        (
            "status = $status",
            "if (",
            f"    {first}",
            *(f"    or {other}" for other in others),
            "):",
            f"    status, headers{payload} = $finish(result, status, headers{payload}, $links, $scope)",
        ),
        {
            "status": Literal(context.status),
            "finish": finish.whole if is_whole else finish.head,
            "links": context.links,
        },
    )


def _header_fields(headers: object, codec: Codec) -> tuple[type[msgspec.Struct] | None, tuple[Field, ...]]:
    """The Struct of typed headers and its fields. Raises `Refusal` (JERO-W022)."""
    if headers is None or headers is type(None):
        return None, ()
    found = struct_fields(headers)
    if found is None:
        raise Refusal(
            code="JERO-W022",
            reason=f"typed headers are a Struct, not {type_name(headers)}.",
            remedy="a msgspec Struct with one field for each header; for a mapping, `raw_headers=`.",
        )
    refuse(_header_faults(*found, codec))
    return found


def _header_faults(struct: type[msgspec.Struct], fields: tuple[Field, ...], codec: Codec) -> Iterator[Refusal]:
    """Every field that cannot be sent as a header."""
    taken: dict[bytes, str] = {}
    for field in fields:
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
        if msgspec.UnsetType in members_of(field.type):
            yield _unsendable(
                f"{where}: UNSET leaves a member out of JSON; a header is left out by None.",
                f"`{field.name}: ... | None = None`.",
            )
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
    fields: tuple[Field, ...], names: list[bytes], codec: Codec
) -> tuple[list[str], list[str], Fragment]:
    """Lines that encode the typed headers, the pairs of those that are always there, lines that append the others.

    A str of ASCII (the common case) is encoded and checked inline, as `header_value` does it. Whether a value that is
    declared as a str is one costs 15 ns to ask. It is not asked: of anything else the inline code is an exception, and
    then all values are encoded out of line.
    """
    shapes = [shape_of(field.type) for field in fields]
    encoded: list[str] = []
    pairs: list[str] = []
    appended: list[str] = []
    values: dict[str, object] = {"encode_value": codec.header_value, "plain_text": PLAIN_TEXT}
    for index, (field, shape, name) in enumerate(zip(fields, shapes, names, strict=True)):
        values |= {f"field{index}": Name(field.name), f"name{index}": Literal(name)}
        local = f"$_value{index}"
        encoded += [f"{local} = typed.$field{index}", *_encode_lines(local, shape)]
        if shape.optional or appended:
            # Behind one that may be absent, to keep the order of the fields.
            append = f"headers.append(($name{index}, {local}))"
            appended += [f"if {local} is not None:", f"    {append}"] if shape.optional else [append]
        else:
            pairs.append(f"($name{index}, {local})")
    if any(shape.origin is str for shape in shapes):
        values["encode_all"] = _HeaderEncoder(
            [(field.name, shape.optional) for field, shape in zip(fields, shapes, strict=True)], codec
        )
        all_locals = ", ".join(f"$_value{index}" for index in range(len(fields)))
        encoded = [
            "try:",
            *(f"    {line}" for line in encoded),
            "except (AttributeError, TypeError):",
            f"    [{all_locals}] = $encode_all(typed)",
        ]
    return encoded, pairs, Fragment(tuple(appended), values)


def _encode_lines(local: str, shape: Shape) -> list[str]:
    """Lines that make bytes of the value in `local`; None stays where it may be."""
    lines = [f"{local} = $encode_value({local})"]
    if shape.origin is str:
        # CPython gives the very bytes back if nothing is replaced. Then only spaces and tabs are there to be stripped.
        lines = [
            f"text = {local}.encode()",
            f"{local} = text.strip() if text.translate($plain_text) is text else $encode_value({local})",
        ]
    return [f"if {local} is not None:", *(f"    {line}" for line in lines)] if shape.optional else lines


class _HeaderEncoder:
    """Encodes typed headers of which one is not what it is declared as."""

    __slots__ = ("_encode_value", "_fields")

    def __init__(self, fields: list[tuple[str, bool]], codec: Codec) -> None:
        self._fields = fields
        """The name of each field, and whether it may be None."""
        self._encode_value = codec.header_value

    def __call__(self, typed: msgspec.Struct) -> list[bytes | None]:
        """Each value as bytes. Raises ValueError, and TypeError, for one that is none of a header."""
        values: list[tuple[object, bool]] = [(getattr(typed, name), optional) for name, optional in self._fields]
        return [None if value is None and optional else self._encode_value(value) for value, optional in values]


class _Finish:
    """Applies the rare members of a response: a status, links and raw headers."""

    __slots__ = ("_defaults", "_is_typed")

    def __init__(self, defaults: frozenset[bytes], *, is_typed: bool) -> None:
        self._defaults = defaults
        self._is_typed = is_typed

    def head(
        self, result: WithHead, status: int, headers: list[Header], links: Links, scope: Scope
    ) -> tuple[int, list[Header]]:
        """The finished status and headers.

        Raises TypeError for typed headers that the annotation does not have; ValueError for a status outside 200 to
        599, a name that is no token, a value with a control, a header that is the framework's, or a second location
        or content type; what `Links` raises for a link that leads nowhere.
        """
        if not self._is_typed and result.headers is not None:
            raise TypeError(
                f"headers={type(result.headers).__name__}(...) is given, and the handler's annotation has no headers"
            )
        given = links.headers(result.location, result.links, scope)
        given += raw_pairs(result.raw_headers) if result.raw_headers is not None else []
        if [name for name, _ in headers + given].count(b"location") > 1:
            raise ValueError("location is given twice")
        if result.status_code is not None:
            status = result.status_code
            if isinstance(status, bool) or status not in range(200, 600):
                raise ValueError(f"a response has a status of 200 to 599, not {status!r}")
            status = int(status)
        names = {name for name, _ in given}
        if framing := _FRAMING & names:
            raise ValueError(f"{sorted(framing)} frame the message; they are the framework's")
        if [name for name, _ in given].count(b"content-type") > 1:
            raise ValueError("content-type is given twice")
        if replaced := self._defaults & names:
            headers = [pair for pair in headers if pair[0] not in replaced]
        headers += given
        if status in BODILESS:
            headers = [pair for pair in headers if pair[0] not in _CONTENT_HEADERS]
        return status, headers

    def whole(  # noqa: PLR0917  # what the generated code has at hand
        self, result: WithHead, status: int, headers: list[Header], payload: bytes, links: Links, scope: Scope
    ) -> tuple[int, list[Header], bytes]:
        """The same for a whole body, which is taken away where the status has none."""
        status, headers = self.head(result, status, headers, links, scope)
        return status, headers, b"" if status in BODILESS else payload
