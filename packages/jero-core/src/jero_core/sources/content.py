"""`content`: the request's body, as bytes, whatever its type."""

from jero_core.extend import Binding, BodyFact, Fragment, Operation, Parameter, Reads, Refusal, shape_of, type_name


class ContentSource:
    """Binds the whole body as bytes."""

    def shared_by(self, operation: Operation, /) -> None:
        """What of an operation the binding depends on: nothing."""

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        shape = shape_of(parameter.annotation)
        if shape.type is not bytes or shape.optional:
            raise Refusal(
                reason=f"content: {type_name(parameter.annotation)} is not bytes.",
                remedy="`content: bytes`; for a typed JSON body, the argument `json` with a Struct.",
            )
        if shape.constraints:
            raise Refusal(
                reason="content: the bytes are handed over as they came, and no constraint is checked.",
                remedy="`content: bytes`; the class keyword `max_body_size` limits their number.",
            )
        return Binding(
            reads=Reads.BODY,
            extract=Fragment.of("$target = $body"),
            problems=(413,),
            body=BodyFact(("*/*",), parameter.annotation),
        )
