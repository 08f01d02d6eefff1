"""The source of the argument `after_response`.

Rules
-----
- An app has it whether or not it enters a queue: so it is what looks for queues that operations add to and nobody
  entered.
"""

from jero_core.extend import Binding, Fragment, Operation, Parameter, Reads, Refusal, Wiring, shape_of, type_name

from .after_response import AfterResponse
from .item_queue import check_queues, queues_in


class AfterResponseSource:
    """Binds `after_response: AfterResponse`, the request's own response."""

    def shared_by(self, operation: Operation, /) -> None:
        """What of an operation the binding depends on: nothing."""

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation is not AfterResponse."""
        shape = shape_of(parameter.annotation)
        if shape.type is not AfterResponse or shape.optional:
            raise Refusal(
                reason=f"after_response: {type_name(parameter.annotation)} is not AfterResponse.",
                remedy="`after_response: AfterResponse`.",
            )
        return Binding(
            reads=Reads.HEAD,
            extract=Fragment.of("$send = $target = $AfterResponse($send)", AfterResponse=AfterResponse),
            after=Fragment(("if $target is not None:", "    await $target.end()"), {}),
        )

    def __jero_wire__(self, wiring: Wiring, /) -> None:
        """Report queues that operations add to and nobody entered, if no queue that was entered does."""
        if not queues_in(wiring):
            check_queues(wiring)
