"""The planner: from included objects to operation plans, and every problem on the way.

It is the one place where a declaration's parts meet: class keywords (routables.py), template (template.py), signature
(introspect.py), sources and replies. A `Refusal` from any of them becomes a `WiringProblem` with its place, and
planning goes on with the next part.
"""

from collections.abc import Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from .introspect import EMPTY, Parameter, Returned, fields_of, place_of, read_signature, struct_of, type_name
from .plan import Argument, Operation, OperationPlan, Reply, ReplyPlanner, Source
from .replies.plain import plan_plain
from .routables import BODILESS_METHODS, OperationKind, Routable
from .template import Template, parse_template
from .wiring import Place, Refusal, WiringProblem

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator
    from typing import TypeIs

KEYWORDS: Final = frozenset({"path", "max_body_size"})

_ELSEWHERE: Final[Mapping[str, tuple[str, str]]] = {
    "form": ("jero-multipart", "FormSource"),
    "user": ("jero-auth", "UserSource"),
}
"""The sources that sibling packages bring, for the remedy alone: core knows nothing else of siblings."""


@dataclass(slots=True)
class Planner:
    """Plans for one app: what was included, and what is wrong with it."""

    sources: Mapping[str, Source]
    max_body_size: int
    plans: list[OperationPlan] = field(default_factory=list[OperationPlan])
    problems: list[WiringProblem] = field(default_factory=list[WiringProblem])

    def include(self, routable: object, kind: type[Routable], caller: Place) -> None:
        """Plan every operation of a Resource or Endpoint instance."""
        if not isinstance(routable, kind):
            self._refuse_object(routable, kind, caller)
            return
        cls = type(routable)
        place = place_of(cls, cls.__qualname__)
        with self._reporting(place):
            _check_keywords(cls)
        with self._reporting(place):
            template = _mount_template(cls)
            operations = _operations_of(routable)
            if not operations:
                raise Refusal(
                    code="JERO-W005",
                    reason=f"{cls.__name__} has no operation.",
                    remedy=f"a method named {_listing(kind._jero_operations)}.",  # noqa: SLF001
                )
            for name, operation_kind in operations.items():
                self._plan_operation(routable, name, operation_kind, template)

    def routes(self) -> list[tuple[Template, list[OperationPlan]]]:
        """The plans by template. Collisions become problems."""
        by_shape: dict[tuple[str | None, ...], dict[str, OperationPlan]] = {}
        for plan in self.plans:
            others = by_shape.setdefault(plan.template.shape, {})
            first = next(iter(others.values()), plan)
            if first.template.path != plan.template.path:
                self._report(
                    plan.place,
                    Refusal(
                        code="JERO-W007",
                        reason=f"{plan.template.path!r} and {first.template.path!r} of {first.name} match alike.",
                        remedy="the same slot names in both.",
                    ),
                )
            elif (other := others.setdefault(plan.method, plan)) is not plan:
                self._report(
                    plan.place,
                    Refusal(
                        code="JERO-W006",
                        reason=f"{other.name} ({other.place}) answers {plan.label} already.",
                        remedy="another path for one of the two.",
                    ),
                )
            others.setdefault(plan.method, plan)
        return [(next(iter(plans.values())).template, list(plans.values())) for plans in by_shape.values()]

    def _refuse_object(self, routable: object, kind: type[Routable], caller: Place) -> None:
        name = kind.__name__
        if isinstance(routable, type) and issubclass(routable, kind):
            reason = f"{routable.__name__} is included as a class."
            remedy = f"an instance, with its dependencies as arguments: `{routable.__name__}(...)`."
        elif isinstance(routable, Routable):
            other = "endpoint" if name == "Resource" else "resource"
            reason = f"{type(routable).__name__} is no {name}."
            remedy = f"`self._include_{other}({type(routable).__name__}(...))`."
        else:
            reason = f"a value of type {type(routable).__name__} is no {name}."
            remedy = f"an instance of a class that derives from {name}."
        self.problems.append(WiringProblem("JERO-W004", caller, reason, remedy))

    def _plan_operation(self, routable: Routable, name: str, kind: OperationKind, mount: Template) -> None:
        cls = type(routable)
        handler: object = getattr(routable, name)
        full_name = f"{cls.__qualname__.rpartition('<locals>.')[2]}.{name}"
        place = place_of(handler, full_name)
        before = len(self.problems)
        with self._reporting(place):
            if not callable(handler):
                raise Refusal(
                    code="JERO-W017",
                    reason=f"{name} names an operation, and it is a value of type {type(handler).__name__}.",
                    remedy=f"a method `{name}`, or another name for the attribute.",
                )
            signature, refusals = read_signature(handler)
            self._report(place, *refusals)
            template = self._item_template(mount, kind, signature.parameters, place)
            operation = Operation(kind.method, full_name, template, kind.status, self._limit_of(cls), self.sources)
            arguments = self._plan_arguments(signature.parameters, operation, place)
            reply = _plan_reply(signature.returned, operation)
            if len(self.problems) > before:
                return
            self.plans.append(
                OperationPlan(
                    method=kind.method,
                    template=template,
                    name=full_name,
                    place=place,
                    handler=handler,
                    is_async=signature.is_async,
                    arguments=arguments,
                    reply=reply,
                    max_body_size=operation.max_body_size,
                )
            )

    def _limit_of(self, cls: type[Routable]) -> int:
        limit = cls._jero_keywords.get("max_body_size")
        return limit if _is_size(limit) else self.max_body_size

    def _item_template(
        self, mount: Template, kind: OperationKind, parameters: tuple[Parameter, ...], place: Place
    ) -> Template:
        """The operation's template: an item operation's `path` Struct adds a slot for each further field."""
        path = next((parameter for parameter in parameters if parameter.name == "path"), None)
        if path is None:
            if mount.slots:
                self._report(
                    place,
                    Refusal(
                        code="JERO-W033",
                        reason=f"{mount.path!r} has {_listing(mount.slots)}, and it takes no `path`.",
                        remedy="an argument `path` with a Struct that has a field for each slot.",
                    ),
                )
            return mount
        struct = struct_of(path.annotation)
        if struct is None or not kind.on_item:
            return mount
        extra = tuple(field.name for field in fields_of(struct) if field.name not in mount.slots)
        return mount.extended(extra)

    def _plan_arguments(
        self, parameters: tuple[Parameter, ...], operation: Operation, place: Place
    ) -> tuple[Argument, ...]:
        arguments: list[Argument] = []
        for parameter in parameters:
            with self._reporting(place):
                arguments.append(self._plan_argument(parameter, operation))
        bodies = [argument.name for argument in arguments if argument.binding.reads.is_body]
        if len(bodies) > 1:
            self._report(
                place,
                Refusal(
                    code="JERO-W014",
                    reason=f"{_listing(bodies)} each read the body, and it can be read once.",
                    remedy="one body source.",
                ),
            )
        if bodies and operation.method in BODILESS_METHODS:
            self._report(
                place,
                Refusal(
                    code="JERO-W015",
                    reason=f"{_listing(bodies)} reads the body, and a {operation.method} request has none.",
                    remedy="`params` for values in the query string, or an operation with a body.",
                ),
            )
        return tuple(arguments)

    def _plan_argument(self, parameter: Parameter, operation: Operation) -> Argument:
        name = parameter.name
        source = self.sources.get(name)
        if source is None:
            if name in _ELSEWHERE:
                package, cls = _ELSEWHERE[name]
                raise Refusal(
                    code="JERO-W012",
                    reason=f"the source {name!r} is in the package {package}, which this app does not use.",
                    remedy=f"add {package}, and in the app: "
                    f"`sources = {{**BaseApp.sources, {name!r}: {package.replace('-', '_')}.{cls}()}}`.",
                )
            raise Refusal(
                code="JERO-W012",
                reason=f"nothing binds an argument named {name!r}.",
                remedy=f"one of {_listing(self.sources)}; dependencies are arguments of the class's constructor.",
            )
        if parameter.annotation is EMPTY:
            raise Refusal(
                code="JERO-W010",
                reason=f"the argument {name!r} has no annotation, and the annotation is its contract.",
                remedy=f"`{name}: ...` with its type.",
            )
        return Argument(name, parameter.positional_only, source.bind(parameter, operation))

    @contextmanager
    def _reporting(self, place: Place) -> "Iterator[None]":
        """Turn a Refusal from the block into a problem at this place."""
        try:
            yield
        except Refusal as refusal:
            self._report(place, refusal)

    def _report(self, place: Place, *refusals: Refusal) -> None:
        for refusal in refusals:
            self.problems.append(WiringProblem(refusal.code, place, refusal.reason, refusal.remedy))


def _check_keywords(cls: type[Routable]) -> None:
    keywords = cls._jero_keywords
    if unknown := sorted(keywords.keys() - KEYWORDS):
        raise Refusal(
            code="JERO-W003",
            reason=f"{_listing(unknown)} is no class keyword.",
            remedy=f"one of {_listing(sorted(KEYWORDS))}.",
        )
    if "max_body_size" in keywords and not _is_size(limit := keywords["max_body_size"]):
        raise Refusal(
            code="JERO-W003",
            reason=f"max_body_size={limit!r} is no number of bytes.",
            remedy="a positive int, such as `max_body_size=64 * 1024`.",
        )


def _is_size(value: object) -> "TypeIs[int]":
    return type(value) is int and value > 0


def _mount_template(cls: type[Routable]) -> Template:
    path = cls._jero_keywords.get("path")
    if path is None:
        raise Refusal(
            code="JERO-W001",
            reason=f"{cls.__name__} has no path.",
            remedy=f'`class {cls.__name__}({cls.__bases__[0].__name__}, path="/...")`.',
        )
    return parse_template(path)


def _operations_of(routable: Routable) -> dict[str, OperationKind]:
    return {name: kind for name, kind in routable._jero_operations.items() if hasattr(routable, name)}  # noqa: SLF001


def _plan_reply(returned: Returned, operation: Operation) -> Reply:
    if returned.annotation is EMPTY:
        raise Refusal(
            code="JERO-W020",
            reason="the handler has no return annotation, and the annotation is its contract.",
            remedy="`-> Widget`, with the type that the handler returns; `-> None` answers 204.",
        )
    if isinstance(returned.origin, type) and issubclass(returned.origin, ReplyPlanner):
        return returned.origin.__jero_reply__(returned, operation)
    reply = plan_plain(returned, operation)
    if reply is None:
        raise Refusal(
            code="JERO-W021",
            reason=f"jero has no reply for {type_name(returned.annotation)}.",
            remedy="a Struct, a list of Structs, a union of tagged Structs, bytes, str, None, or a response such as "
            "JSONResponse[Widget]; what a dict would hold is a Struct with these members.",
        )
    return reply


def _listing(names: "Iterable[str]") -> str:
    return ", ".join(f"`{name}`" for name in names)
