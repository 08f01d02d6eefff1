"""The binder: from a handler's parameters to arguments that are bound, by the sources of the app.

Rules
-----
- An argument's name says which source binds it, and its annotation is the contract.
- Sources that say what a binding depends on share it among operations: a large app starts several times sooner.
- A parameter that cannot be bound is left out, with a `Refusal`; so is one that may name a source which is none itself.
- The body can be read once, and only where the method has one.
"""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from typing import Final

from .annotations import EMPTY
from .declarations import listing, source_faults, usable_sources
from .introspect import Parameter
from .plan import Argument, Binding, KeywordSource, Operation, Reads, SharingSource, Source
from .reporting import fault
from .routables import BODILESS_METHODS
from .wiring import Refusal

_ELSEWHERE: Final[Mapping[str, tuple[str, str]]] = {
    "form": ("jero-multipart", "FormSource"),
    "user": ("jero-auth", "UserSource"),
    "last_event_id": ("jero-streaming", "LastEventIDSource"),
    "after_response": ("jero-background", "AfterResponseSource"),
}
"""The sources that sibling packages bring, for the remedy alone: core knows nothing else of siblings."""


class Binder:
    """Binds the arguments of one app's operations."""

    def __init__(self, sources: Mapping[str, Source]) -> None:
        self.sources = sources
        self.class_keywords: dict[str, Callable[[object], None]] = {}
        """The class keywords that sources understand, and their checks."""
        self.faults = [*source_faults(sources)]
        """What is wrong with the sources."""
        self._has_all_sources = not self.faults
        if self.faults:
            self.sources = usable_sources(sources)
        self._shared_by: dict[str, Callable[[Operation], Hashable]] = {}
        self._bindings: dict[object, Binding] = {}
        for name, source in self.sources.items():
            if isinstance(source, SharingSource):
                self._shared_by[name] = source.shared_by
            if isinstance(source, KeywordSource):
                try:
                    self.class_keywords |= source.class_keywords
                except Exception as error:  # noqa: BLE001  # whatever an extension does
                    self.faults.append(fault(f"the source {name!r}", error))

    def bind(self, parameters: Iterable[Parameter], operation: Operation) -> tuple[tuple[Argument, ...], list[Refusal]]:
        """Plan a handler's arguments, with every fault that they have; what has a fault is left out."""
        arguments: list[Argument] = []
        refusals: list[Refusal] = []
        for parameter in parameters:
            if parameter.name not in self.sources and not self._has_all_sources:
                continue  # It may name one of the sources that are reported already.
            try:
                arguments.append(self._bind(parameter, operation))
            except Refusal as refusal:
                refusals += (refusal, *refusal.others)
        refusals += _body_faults(arguments, operation.method)
        return tuple(arguments), refusals

    def _bind(self, parameter: Parameter, operation: Operation) -> Argument:
        name = parameter.name
        source = self.sources.get(name)
        if source is None:
            raise self._no_source(name)
        if parameter.annotation is EMPTY:
            raise Refusal(
                code="JERO-W010",
                reason=f"the argument {name!r} has no annotation, and the annotation is its contract.",
                remedy=f"`{name}: ...` with its type.",
            )
        try:
            binding = self._binding_of(source, parameter, operation)
        except Refusal:
            raise
        except Exception as error:
            raise fault(f"the source {name!r}", error) from error
        if binding.reads is Reads.GUARD and (operation.guard is None or operation.guard.yields is EMPTY):
            raise Refusal(
                code="JERO-W019",
                reason=f"the source {name!r} takes what a guard yields, and the include has no such guard.",
                remedy="`auth=` with a guard that does; or a source that says what is missing, with a `Refusal`.",
            )
        return Argument(name, parameter.annotation, parameter.positional, binding)

    def _binding_of(self, source: Source, parameter: Parameter, operation: Operation) -> Binding:
        shared_by = self._shared_by.get(parameter.name)
        if shared_by is None:
            return _ask(source, parameter, operation)
        key = parameter.name, parameter.annotation, shared_by(operation)
        return planned_once(self._bindings, key, lambda: _ask(source, parameter, operation))

    def _no_source(self, name: str) -> Refusal:
        if name in _ELSEWHERE:
            package, cls = _ELSEWHERE[name]
            return Refusal(
                code="JERO-W012",
                reason=f"the source {name!r} is in the package {package}, which this app does not use.",
                remedy=f"add {package}, and in the app: "
                f"`sources = {{**BaseApp.sources, {name!r}: {package.replace('-', '_')}.{cls}()}}`.",
            )
        return Refusal(
            code="JERO-W012",
            reason=f"nothing binds an argument named {name!r}.",
            remedy=f"one of {listing(self.sources)}; dependencies are arguments of the class's constructor.",
        )


def _ask(source: Source, parameter: Parameter, operation: Operation) -> Binding:
    binding: object = source.bind(parameter, operation)
    if not isinstance(binding, Binding):
        raise TypeError(f"bind gave {binding!r}, no Binding")
    return binding


def _body_faults(arguments: Iterable[Argument], method: str) -> Iterator[Refusal]:
    """What is wrong with the arguments that read the body (JERO-W014, JERO-W015)."""
    bodies = [argument.name for argument in arguments if argument.binding.reads.is_body]
    if len(bodies) > 1:
        yield Refusal(
            code="JERO-W014",
            reason=f"{listing(bodies)} each read the body, and it can be read once.",
            remedy="one body source.",
        )
    if bodies and method in BODILESS_METHODS:
        yield Refusal(
            code="JERO-W015",
            reason=f"a {method} request has no body for {listing(bodies)} to read.",
            remedy="`params` for values in the query string, or an operation with a body.",
        )


def planned_once[V](planned: dict[object, V], key: object, plan: Callable[[], V]) -> V:
    """What is planned already for a key, or is now.

    With an annotation that has no hash, such as `Annotated` with a list, it is planned each time.
    """
    try:
        found = planned.get(key)
    except TypeError:
        return plan()
    if found is None:
        found = planned[key] = plan()
    return found
