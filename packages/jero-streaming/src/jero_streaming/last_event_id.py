"""The source `last_event_id`: where a client that reconnects to a stream of events has stopped.

Rules
-----
- A browser sends `Last-Event-ID` when it reconnects, with the id of the last event that had one, in UTF-8 (WHATWG HTML,
  section 9.2.4). The first request has none, and neither has one after an empty id: None.
- The annotation is `str | None`, or another type that text converts to, with None: `int | None`.
- A value that does not convert, or is no UTF-8, is 400.
"""

import msgspec

from jero_core.extend import (
    Binding,
    Codec,
    Fragment,
    HTTPError,
    Invalid,
    InvalidRequest,
    Operation,
    Parameter,
    ParameterFact,
    Reads,
    Refusal,
    shape_of,
    type_name,
)

_NAME = b"last-event-id"


class LastEventIDSource:
    """`last_event_id: str | None`: the id that a reconnecting `EventSource` has got to."""

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` (JERO-W016) unless it may be None and text converts to it."""
        shape = shape_of(parameter.annotation)
        if not shape.optional:
            raise Refusal(
                reason=f"last_event_id: {type_name(parameter.annotation)} leaves out first requests, which have none.",
                remedy="`last_event_id: str | None`.",
            )
        operation.codec.check_text(shape.type)
        extract = Fragment.of(
            "$target = None if not $header0 else $convert($header0)", convert=_Convert(shape.type, operation.codec)
        )
        return Binding(
            reads=Reads.HEAD,
            extract=extract,
            headers=(_NAME,),
            problems=(400,),
            parameters=(ParameterFact("header", _NAME.decode(), parameter.annotation, required=False),),
        )

    def shared_by(self, operation: Operation, /) -> object:
        """Every operation of an app may share a binding."""
        return operation.codec


class _Convert:
    """Converts the header's value. Raises HTTPError."""

    def __init__(self, annotation: object, codec: Codec) -> None:
        self._annotation = annotation
        self._codec = codec

    def __call__(self, value: bytes) -> object:
        try:
            return self._codec.convert_text(value.decode(), self._annotation)
        except UnicodeDecodeError:
            raise _invalid("This is no UTF-8.") from None
        except msgspec.ValidationError as error:
            raise _invalid(str(error)) from None


def _invalid(detail: str) -> HTTPError:
    invalid = Invalid("headers", f"/{_NAME.decode()}", detail)
    return InvalidRequest(400, "The request headers are invalid.", (invalid,))
