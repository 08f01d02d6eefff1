"""`content`: the request's body, as bytes, whatever its type."""

from jero_core.extend import Binding, BodyFact, Fragment, Operation, Parameter, Reads, Refusal, type_name


class ContentSource:
    """Binds the whole body as bytes."""

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        if parameter.annotation is not bytes:
            raise Refusal(
                reason=f"content: {type_name(parameter.annotation)} is not bytes.",
                remedy="`content: bytes`; for a typed JSON body, the argument `json` with a Struct.",
            )
        return Binding(
            reads=Reads.BODY,
            extract=Fragment.of("$target = $body"),
            problems=(413,),
            body=BodyFact(("*/*",), bytes),
        )
