"""The headers of a part as a Struct: `x_trace_id` reads `X-Trace-Id`, and text converts as in a request's headers."""

from collections.abc import Iterator, Sequence

import msgspec

from jero_core.extend import (
    Codec,
    Field,
    Parameter,
    RawHeaders,
    Refusal,
    is_repeatable,
    refuse,
    text_struct,
    type_name,
    wire_name,
)

from .problems import Problems


class PartHeaders:
    """Makes the Struct; made once for each field that has one."""

    def __init__(self, annotation: object, codec: Codec) -> None:
        """Raise `Refusal` unless every field of the Struct is a header that text converts to."""
        parameter = Parameter("headers", annotation, positional=True)
        self.struct, fields = text_struct(
            parameter, "a msgspec Struct with one field for each header of the part, or no second type.", codec
        )
        refuse(_faults(self.struct, fields))
        self._fields = [(field, wire_name(field.wire_name).decode()) for field in fields]
        self._codec = codec

    def read(self, headers: RawHeaders, place: Sequence[str], problems: Problems) -> object:
        """The Struct; None if a header is wrong, which is noted."""
        values: dict[str, object] = {}
        is_right = True
        for field, name in self._fields:
            text = headers.get(name)
            try:
                if text is not None:
                    values[field.name] = self._codec.convert_text(text, field.type)
                elif field.required:
                    problems.add([*place, "headers", name], "This header is required.")
                    is_right = False
            except (msgspec.MsgspecError, ValueError) as error:
                problems.add([*place, "headers", name], str(error))
                is_right = False
        if not is_right:
            return None
        try:
            return self.struct(**values)
        except (ValueError, TypeError) as error:  # From its `__post_init__`.
            problems.add([*place, "headers"], str(error))
            return None


def _faults(struct: type[msgspec.Struct], fields: Sequence[Field]) -> Iterator[Refusal]:
    for field in fields:
        try:
            wire_name(field.wire_name)
        except ValueError as error:
            yield Refusal(
                reason=f"{struct.__name__}.{field.name}: {error}.",
                remedy="a field named after its header, with `_` for `-`: `x_trace_id` reads X-Trace-Id.",
            )
        if is_repeatable(field):
            yield Refusal(
                reason=f"{struct.__name__}.{field.name}: {type_name(field.type)} cannot come from one header.",
                remedy="a scalar such as str or int; repeated headers arrive joined with ', '.",
            )
