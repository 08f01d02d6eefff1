"""`headers`: request headers, as a Struct. Anything invalid is 400, with every invalid value named."""

from collections.abc import Iterator

import msgspec

from jero_core.extend import (
    INVALID,
    Binding,
    Codec,
    Field,
    Findings,
    Fragment,
    HTTPError,
    InvalidRequest,
    Operation,
    Parameter,
    ParameterFact,
    Reads,
    Refusal,
    absent,
    construct,
    conversion,
    is_repeatable,
    refuse,
    text_struct,
    type_name,
    wire_name,
)


class HeadersSource:
    """Binds request headers to the fields of a Struct: `x_trace_id` reads `x-trace-id`."""

    def shared_by(self, operation: Operation, /) -> None:
        """What of an operation the binding depends on: nothing."""
        return

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        struct, fields = text_struct(
            parameter,
            "a msgspec Struct with one field for each header, such as `x_trace_id: str`; "
            "for all headers as they came, the argument `raw_headers: RawHeaders`.",
            operation.codec,
        )
        refuse(fault for field in fields for fault in _faults(struct.__name__, field))
        names = [wire_name(field.wire_name) for field in fields]
        return Binding(
            reads=Reads.HEAD,
            extract=_extract(struct, fields, names, operation.codec),
            headers=tuple(names),
            problems=(400,),
            parameters=tuple(
                ParameterFact("header", name.decode(), field.type, field.required, field.known_default)
                for name, field in zip(names, fields, strict=True)
            ),
        )


def _faults(struct: str, field: Field) -> Iterator[Refusal]:
    try:
        wire_name(field.wire_name)
    except ValueError as error:
        yield Refusal(
            reason=f"{struct}.{field.name}: {error}.",
            remedy="a field named after its header, with `_` for `-`: `x_trace_id` reads x-trace-id.",
        )
    if is_repeatable(field):
        yield Refusal(
            reason=f"{struct}.{field.name}: {type_name(field.type)} cannot come from one header.",
            remedy="a scalar such as str or int; repeated headers arrive joined with ', '.",
        )


def _extract(struct: type[msgspec.Struct], fields: tuple[Field, ...], names: list[bytes], codec: Codec) -> Fragment:
    values: dict[str, object] = {"invalid": INVALID, "explain": Explainer(fields, names, codec)}
    lines = ["try:"]
    locals_ = [f"$_value{index}" for index in range(len(fields))]
    for index, (field, local) in enumerate(zip(fields, locals_, strict=True)):
        part = conversion(field, local, local, codec)
        values |= part.values
        lines += [
            f"    if $header{index} is None:",
            f"        {absent(field, index, local, values)}",
            "    else:",
            f"        {local} = $header{index}.decode('latin-1')",
            *(f"        {line}" for line in part.lines),
        ]
    found = "".join(f"$header{index}, " for index in range(len(fields))).removesuffix(" ")
    lines += [
        f"    {construct(struct, fields, locals_, values)}",
        "except $invalid as problem:",
        f"    raise $explain(problem, ({found})) from None",
    ]
    return Fragment(tuple(lines), values)


class Explainer:
    """Names everything that is wrong with the wanted headers; called only for bad requests."""

    def __init__(self, fields: tuple[Field, ...], names: list[bytes], codec: Codec) -> None:
        self._codec = codec
        self._fields = fields
        self._names = names

    def __call__(self, problem: Exception, found: tuple[bytes | None, ...]) -> HTTPError:
        """The answer to a request that the generated code refused."""
        findings = Findings("headers", self._codec)
        for field, name, value in zip(self._fields, self._names, found, strict=True):
            if value is not None:
                findings.check(field, value.decode("latin-1"), name.decode())
            elif field.required:
                findings.add(name.decode(), "This header is required.")
        if not findings.invalid:
            findings.add(None, str(problem))
        return InvalidRequest(400, "The request headers are invalid.", tuple(findings.invalid))
