"""The headers of a part as a Struct: `x_trace_id` reads `X-Trace-Id`, and text converts as in a request's headers."""

from collections.abc import Sequence

import msgspec

from jero_core.extend import Codec, Parameter, RawHeaders, header_struct

from .problems import Problems


class PartHeaders:
    """Makes the Struct; made once for each field that has one."""

    def __init__(self, annotation: object, codec: Codec) -> None:
        """Raise `Refusal` unless every field of the Struct is a header that text converts to."""
        parameter = Parameter("headers", annotation, positional=True)
        self.struct, fields, names = header_struct(
            parameter, "a msgspec Struct with one field for each header of the part, or no second type.", codec
        )
        self._fields = [(field, name.decode()) for field, name in zip(fields, names, strict=True)]
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
