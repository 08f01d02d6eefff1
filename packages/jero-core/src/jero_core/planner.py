"""The planner: from included objects to operation plans, and every problem on the way.

It is the one place where a declaration's parts meet: class keywords (routables.py), template (template.py), signature
(introspect.py), sources and replies. A `Refusal` from any of them becomes a `WiringProblem` with its place, and
planning goes on with the next part.
"""

import inspect
from collections.abc import AsyncIterable, Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Final, cast

from .introspect import (
    EMPTY,
    Parameter,
    Returned,
    Signature,
    is_method,
    members_of,
    place_of,
    read_returned,
    read_signature,
    shape_of,
    struct_fields,
    structs_in,
    type_name,
)
from .plan import Argument, Operation, OperationPlan, Reply, ReplyPlanner, Source
from .replies.plain import plan_plain
from .routables import BODILESS_METHODS, Endpoint, OperationKind, Resource, Routable
from .template import Template, parse_template
from .wiring import Place, Refusal, WiringProblem, refuse

if TYPE_CHECKING:
    from collections.abc import Generator, Iterable
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
    _included: set[type[Routable]] = field(default_factory=set[type[Routable]])
    _has_all_sources: bool = True

    def include(self, routable: object, kind: type[Routable], caller: Place) -> None:
        """Plan every operation of a Resource or Endpoint instance."""
        if not self._included:
            self._check_app(caller)
        with self._reporting(caller):
            handlers = _as_routable(routable, kind)
            cls = type(handlers)
            if cls in self._included:
                raise Refusal(
                    code="JERO-W006",
                    reason=f"{cls.__name__} is included already, at the same path.",
                    remedy=f'one include; for another path, a subclass: `class Other({cls.__name__}, path="/...")`.',
                )
            self._included.add(cls)
            place = place_of(cls, _short(cls))
            # A class that no class statement made has no line.
            self._plan_class(handlers, place if place.line else replace(caller, name=place.name))

    def _check_app(self, caller: Place) -> None:
        """Report what is wrong with the app's own attributes, and go on without the sources that are none."""
        self._report(caller, *_limit_faults(self.max_body_size))
        if faults := [*_source_faults(self.sources)]:
            self._report(caller, *faults)
            self._has_all_sources = False
            self.sources = _usable(self.sources)

    def _plan_class(self, routable: Routable, place: Place) -> None:
        cls = type(routable)
        operations = _operations_of(cls)
        with self._reporting(place):
            refuse(_keyword_faults(cls))
        with self._reporting(place):
            if not operations:
                raise Refusal(
                    code="JERO-W005",
                    reason=f"{cls.__name__} has no operation.",
                    remedy=f"a method with one of the names {_listing(cls._jero_operations)}.",
                )
        with self._reporting(place):
            template = _mount_template(cls)
            for name, operation_kind in operations.items():
                self._plan_operation(routable, name, operation_kind, template, place)

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
                        reason=f"{plan.template.path!r} matches what {first.template.path!r} of {first.name} matches.",
                        remedy="the same slot names in both.",
                    ),
                )
            elif (other := others.setdefault(plan.method, plan)) is not plan:
                self._report(
                    plan.place,
                    Refusal(
                        code="JERO-W006",
                        reason=f"{plan.label} is answered already by {other.place}.",
                        remedy="another path for one of the two.",
                    ),
                )
            others.setdefault(plan.method, plan)
        return [(next(iter(plans.values())).template, list(plans.values())) for plans in by_shape.values()]

    def _plan_operation(
        self, routable: Routable, name: str, kind: OperationKind, mount: Template, class_place: Place
    ) -> None:
        cls = type(routable)
        full_name = f"{_short(cls)}.{name}"
        place = replace(class_place, name=full_name)
        before = len(self.problems)
        with self._reporting(place):
            handler = _handler_of(routable, name)
            place = place_of(handler, full_name)
        if len(self.problems) > before:
            return
        with self._reporting(place):
            signature, refusals = read_signature(handler)
            self._report(place, *refusals)
            with self._reporting(place):
                _check_receiver(signature, self.sources)
            template = self._item_template(mount, kind, signature, place)
            operation = Operation(kind.method, full_name, template, kind.status, self._limit_of(cls), self.sources)
            arguments = self._plan_arguments(signature.parameters, operation, place)
            reply = None if signature.returned is None else _plan_reply(signature.returned, operation)
            if reply is None or len(self.problems) > before:
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

    def _item_template(self, mount: Template, kind: OperationKind, signature: Signature, place: Place) -> Template:
        """The operation's template: an item operation's `path` Struct adds a slot for each further field."""
        path = next((parameter for parameter in signature.parameters if parameter.name == "path"), None)
        if path is None:
            if mount.slots and "path" not in signature.names:
                self._report(
                    place,
                    Refusal(
                        code="JERO-W033",
                        reason=f"{mount.path!r} has {_listing(mount.slots)}, and the handler takes no `path`.",
                        remedy="an argument `path` with a Struct that has a field for each slot.",
                    ),
                )
            return mount
        found = struct_fields(path.annotation) if kind.on_item else None
        if found is None:
            return mount
        extra = tuple(field.name for field in found[1] if field.name not in mount.slots)
        return mount.extended(extra)

    def _plan_arguments(
        self, parameters: tuple[Parameter, ...], operation: Operation, place: Place
    ) -> tuple[Argument, ...]:
        arguments: list[Argument] = []
        for parameter in parameters:
            if parameter.name not in self.sources and not self._has_all_sources:
                continue  # It may name one of the sources that are reported already.
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
                    reason=f"a {operation.method} request has no body for {_listing(bodies)} to read.",
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
        return Argument(name, parameter.positional, source.bind(parameter, operation))

    @contextmanager
    def _reporting(self, place: Place) -> "Generator[None]":
        """Turn a Refusal from the block into problems at this place."""
        try:
            yield
        except Refusal as refusal:
            self._report(place, refusal, *refusal.others)

    def _report(self, place: Place, *refusals: Refusal) -> None:
        for refusal in refusals:
            problem = WiringProblem(refusal.code, place, refusal.reason, refusal.remedy)
            if problem not in self.problems:  # Two parts of a declaration may share a fault, such as a Struct's.
                self.problems.append(problem)


def _as_routable(thing: object, kind: type[Routable]) -> Routable:
    """An included object as what it has to be. Raises `Refusal` (JERO-W004)."""
    name = kind.__name__
    cls = type(thing)
    if cls in {Resource, Endpoint}:
        reason = f"{name} itself is included."
        remedy = f'a class of your own with a path: `class Widgets({name}, path="/widgets")`.'
    # A mock passes isinstance; its class is what counts.
    elif isinstance(thing, kind) and issubclass(cls, kind):
        if not (issubclass(cls, Resource) and issubclass(cls, Endpoint)):
            return thing
        reason = f"{cls.__name__} is both a Resource and an Endpoint."
        remedy = "one class for the collection and its items, and another for the single path."
    elif isinstance(thing, type) and issubclass(thing, Routable):
        reason = f"{thing.__name__} is included as a class."
        remedy = f"an instance, with its dependencies as arguments: `{thing.__name__}(...)`."
    elif issubclass(cls, Routable):
        other = "endpoint" if name == "Resource" else "resource"
        reason = f"{cls.__name__} is no {name}."
        remedy = f"`self._include_{other}({cls.__name__}(...))`."
    else:
        reason = f"a value of type {cls.__name__} is no {name}."
        remedy = f"an instance of a class that derives from {name}."
    raise Refusal(code="JERO-W004", reason=reason, remedy=remedy)


def _limit_faults(max_body_size: object) -> Iterator[Refusal]:
    if not _is_size(max_body_size):
        yield Refusal(
            code="JERO-W051",
            reason=f"the app's max_body_size={max_body_size!r} is no number of bytes.",
            remedy="a positive int, such as `max_body_size = 64 * 1024`.",
        )


def _source_faults(sources: object) -> Iterator[Refusal]:
    if not isinstance(sources, Mapping):
        yield Refusal(
            code="JERO-W051",
            reason=f"the app's sources are a value of type {type(sources).__name__}.",
            remedy="a dict of sources by argument name: `sources = {**BaseApp.sources, ...}`.",
        )
        return
    for name, source in cast("Mapping[object, object]", sources).items():
        if not _is_source(source):
            yield Refusal(
                code="JERO-W051",
                reason=f"the app's source {name!r} is {type_name(source)}, no object with a method `bind`.",
                remedy=f"a source object: `sources = {{**BaseApp.sources, {name!r}: ...}}`.",
            )


def _is_source(thing: object) -> "TypeIs[Source]":
    return not isinstance(thing, type) and callable(getattr(thing, "bind", None))


def _usable(sources: object) -> dict[str, Source]:
    pairs = cast("Mapping[str, object]", sources).items() if isinstance(sources, Mapping) else ()
    return {name: source for name, source in pairs if _is_source(source)}


def _keyword_faults(cls: type[Routable]) -> Iterator[Refusal]:
    keywords = cls._jero_keywords
    for keyword in sorted(keywords.keys() - KEYWORDS):
        yield Refusal(
            code="JERO-W003",
            reason=f"`{keyword}` is no class keyword.",
            remedy=f"one of {_listing(sorted(KEYWORDS))}.",
        )
    if "max_body_size" in keywords and not _is_size(limit := keywords["max_body_size"]):
        yield Refusal(
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


def _operations_of(cls: type[Routable]) -> dict[str, OperationKind]:
    # Looked up without asking the instance: a property or a `__getattr__` would run the user's code.
    operations = cls._jero_operations.items()
    return {name: kind for name, kind in operations if inspect.getattr_static(cls, name, EMPTY) is not EMPTY}


def _handler_of(routable: Routable, name: str) -> Callable[..., object]:
    """An operation's method, bound. Raises `Refusal` (JERO-W017) if it is none."""
    try:
        handler: object = getattr(routable, name)
    except Exception as error:
        raise Refusal(
            code="JERO-W017",
            reason=f"`{name}` names an operation, and reading it raised {type(error).__name__}: {error}.",
            remedy=f"a method `{name}`, or another name for the attribute.",
        ) from error
    if not is_method(handler):
        what = "class" if isinstance(handler, type) else f"value of type {type(handler).__name__}"
        raise Refusal(
            code="JERO-W017",
            reason=f"`{name}` names an operation, and it is a {what}.",
            remedy=f"a method `{name}`, or another name for the attribute.",
        )
    return handler


def _check_receiver(signature: Signature, sources: Mapping[str, Source]) -> None:
    name = signature.receiver
    if name in sources:
        raise Refusal(
            code="JERO-W017",
            reason=f"its first argument is {name!r}, and the first argument of a method gets the instance.",
            remedy=f"`self` before {name!r}, or `@staticmethod` above it.",
        )


def _short(cls: type) -> str:
    """A class's dotted name, without the function that it is defined in."""
    return cls.__qualname__.rpartition("<locals>.")[2]


def _plan_reply(returned: Returned, operation: Operation) -> Reply:
    if returned.annotation is EMPTY:
        raise Refusal(
            code="JERO-W020",
            reason="the handler has no return annotation, and the annotation is its contract.",
            remedy="`-> Widget`, with the type that the handler returns; `-> None` answers 204.",
        )
    if _is_response(returned.origin):
        return returned.origin.__jero_reply__(returned, operation)
    members = [read_returned(member).origin for member in members_of(returned.annotation)]
    if len(members) > 1 and any(_is_response(member) for member in members):
        raise Refusal(
            code="JERO-W021",
            reason=f"{type_name(returned.annotation)} is a union with a response, and a response is the whole answer.",
            remedy="the response alone: its status_code and its headers may differ from answer to answer.",
        )
    reply = plan_plain(returned, operation)
    if reply is None:
        raise Refusal(
            code="JERO-W021",
            reason=f"jero has no reply for {type_name(returned.annotation)}.",
            remedy=_instead_of(returned),
        )
    return reply


def _is_response(origin: object) -> "TypeIs[type[ReplyPlanner]]":
    return isinstance(origin, type) and issubclass(origin, ReplyPlanner)


def _instead_of(returned: Returned) -> str:
    """What to write instead of a return type that has no reply."""
    shape = shape_of(returned.annotation)
    origin = shape.origin if isinstance(shape.origin, type) else object
    if shape.optional and (origin in {str, bytes} or structs_in(shape.type) is not None):
        return "the type without `| None`; where there is nothing to answer with, `raise HTTPError(404)`."
    if issubclass(origin, BaseException):
        return "the type of a good answer; an error is raised, not returned."
    if issubclass(origin, Mapping):
        return "a Struct with the members that the mapping would have."
    if issubclass(origin, Awaitable):
        return "the type that awaiting it gives, on an `async def`."
    if issubclass(origin, AsyncIterable | Iterator):
        return "the type of a whole answer; responses that stream are in the package jero-streaming."
    return (
        "a Struct, a list of Structs, a union of tagged Structs, bytes, str, None, or a response such as "
        "JSONResponse[Widget]."
    )


def _listing(names: "Iterable[str]") -> str:
    return ", ".join(f"`{name}`" for name in names)
