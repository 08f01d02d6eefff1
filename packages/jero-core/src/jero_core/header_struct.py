"""Structs of header fields: of a request, of an authenticator, of a part of a form.

A field `x_trace_id` stands for the header `x-trace-id`, and takes one value: repeats arrive joined.
"""

from collections.abc import Iterator

import msgspec

from .annotations import Field, type_name
from .codec import Codec
from .fragment import Fragment
from .header_fields import wire_name
from .introspect import Parameter
from .text_values import absent, construct, conversion, is_repeatable, text_struct
from .wiring import Refusal, refuse


def header_struct(
    parameter: Parameter, example: str, codec: Codec
) -> tuple[type[msgspec.Struct], tuple[Field, ...], tuple[bytes, ...]]:
    """The Struct that an argument names, its fields, and the header that each stands for.

    Raises `Refusal`: with `example` as the remedy if it is no Struct, or with every field that is no header.
    """
    struct, fields = text_struct(parameter, example, codec)
    refuse(fault for field in fields for fault in _faults(struct, field))
    return struct, fields, tuple(wire_name(field.wire_name) for field in fields)


def _faults(struct: type[msgspec.Struct], field: Field) -> Iterator[Refusal]:
    try:
        wire_name(field.wire_name)
    except ValueError as error:
        yield Refusal(
            reason=f"{struct.__name__}.{field.name}: {error}.",
            remedy="a field named after its header, with `_` for `-`: `x_trace_id` reads x-trace-id.",
        )
    if is_repeatable(field):
        yield Refusal(
            reason=f"{struct.__name__}.{field.name}: {type_name(field.type)} cannot come from one header.",
            remedy="a scalar such as str or int; repeated headers arrive joined with ', '.",
        )


def header_values(struct: type[msgspec.Struct], fields: tuple[Field, ...], codec: Codec) -> Fragment:
    """Lines that make the Struct, as `$target`, of the locals `$header0` and so on; they raise one of `INVALID`."""
    values: dict[str, object] = {}
    lines: list[str] = []
    locals_ = [f"$_value{index}" for index in range(len(fields))]
    for index, (field, local) in enumerate(zip(fields, locals_, strict=True)):
        part = conversion(field, local, local, codec)
        values |= part.values
        lines += [
            f"if $header{index} is None:",
            f"    {absent(field, index, local, values)}",
            "else:",
            f"    {local} = $header{index}.decode('latin-1')",
            *(f"    {line}" for line in part.lines),
        ]
    return Fragment((*lines, construct(struct, fields, locals_, values)), values)
