"""`raw_headers`: every request header as it came."""

from jero_core.extend import Binding, Fragment, Operation, Parameter, RawHeaders, Reads, Refusal, shape_of, type_name


class RawHeadersSource:
    """Binds the request's headers as a `RawHeaders`."""

    def shared_by(self, operation: Operation, /) -> None:
        """What of an operation the binding depends on: nothing."""

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        shape = shape_of(parameter.annotation)
        if shape.type is not RawHeaders or shape.optional:
            raise Refusal(
                reason=f"raw_headers: {type_name(parameter.annotation)} is not RawHeaders.",
                remedy="`raw_headers: RawHeaders`; for typed values, the argument `headers` with a Struct.",
            )
        extract = Fragment.of("$target = $from_asgi($headers)", from_asgi=RawHeaders.from_asgi)
        return Binding(reads=Reads.HEAD, extract=extract)
