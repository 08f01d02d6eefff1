"""The planner: from included objects to operation plans, and every problem on the way.

It is the one place where a declaration's parts meet: the class and its keywords (declarations.py), the template
(template.py), the signature (introspect.py), sources and replies. A `Refusal` from any of them becomes a
`WiringProblem` with its place, and planning goes on with the next part.
"""

from collections.abc import Callable, Hashable, Iterable, Mapping
from contextlib import suppress
from typing import Final, NamedTuple

import msgspec

from .annotations import EMPTY, struct_class_of, struct_fields, type_name
from .codec import Codec
from .cross_checks import Met, dead_links, routes_of, unknown_refs
from .declarations import (
    as_routable,
    check_receiver,
    handler_of,
    is_size,
    keyword_faults,
    limit_faults,
    listing,
    meta_of,
    mount_template,
    operations_of,
    short_name,
    source_faults,
    usable_sources,
)
from .guards import UNKNOWN, Guards, anonymity_faults
from .introspect import Parameter, Returned, Signature, place_of, read_signature, type_arguments
from .links import Links, Mounted
from .plan import (
    Argument,
    Binding,
    Guard,
    GuardPlanner,
    KeywordSource,
    Operation,
    OperationPlan,
    Reads,
    Reply,
    ReplyContext,
    SharingSource,
    Source,
)
from .replies.choose import plan_reply
from .routables import BODILESS_METHODS, OperationKind, Routable
from .stopping import Stopping
from .template import ROOT, Template, is_slot_name
from .wiring import Place, Refusal, WiringProblem, refuse

_ELSEWHERE: Final[Mapping[str, tuple[str, str]]] = {
    "form": ("jero-multipart", "FormSource"),
    "user": ("jero-auth", "UserSource"),
    "last_event_id": ("jero-streaming", "LastEventIDSource"),
    "after_response": ("jero-background", "AfterResponseSource"),
}
"""The sources that sibling packages bring, for the remedy alone: core knows nothing else of siblings."""


class _Included(NamedTuple):
    """What the operations of one include share."""

    routable: Routable
    mount: Template | None
    guard: Guard | None
    keywords: Mapping[str, object]
    """Those of the class that sources understand."""
    place: Place


class Planner:
    """Plans for one app: what was included, and what is wrong with it."""

    def __init__(
        self,
        sources: Mapping[str, Source],
        max_body_size: int,
        codec: Codec | None = None,
        problems: Iterable[WiringProblem] = (),
        guards: GuardPlanner | None = None,
    ) -> None:
        self.sources = sources
        self.max_body_size = max_body_size
        self.has_own_limit = False
        """Whether the app sets its body limit itself; a binding's own default stands back behind that."""
        self.codec = codec or Codec()
        self.stopping = Stopping()
        self.guards = Guards(guards, self.codec)
        self.links = Links(self.codec)
        self.plans: list[OperationPlan] = []
        self.problems = [*problems]
        self._operations: list[Met] = []
        self._refs: dict[str, str] = {}
        self._knows_refs = True
        """Whether every class that was to be included could be, with a ref that is one."""
        self._included: set[type[Routable]] = set()
        self._has_all_sources = True
        # Same-shaped operations share what is planned for them: it makes a large app start several times sooner.
        self._shared_by: dict[str, Callable[[Operation], Hashable]] = {}
        self._keywords: dict[str, Callable[[object], None]] = {}
        """The class keywords that sources understand, and their checks."""
        self._bindings: dict[object, Binding] = {}
        self._replies: dict[object, Reply] = {}

    def include(
        self,
        routable: object,
        kind: type[Routable],
        caller: Place,
        auth: object = None,
        default_auth: object = None,
    ) -> None:
        """Plan every operation of a Resource or Endpoint instance, behind the guard that `auth` or the default is."""
        guard = self._plan_guard(auth, default_auth, caller)
        with self._reporting(caller):
            known, self._knows_refs = self._knows_refs, False
            handlers = as_routable(routable, kind)
            self._knows_refs = known
            cls = type(handlers)
            if cls in self._included:
                raise Refusal(
                    code="JERO-W006",
                    reason=f"{cls.__name__} is included already, at the same path.",
                    remedy=f'one include; for another path, a subclass: `class Other({cls.__name__}, path="/...")`.',
                )
            self._included.add(cls)
            place = place_of(cls, short_name(cls))
            # A class that no class statement made has no line.
            self._plan_class(handlers, guard, place if place.line else msgspec.structs.replace(caller, name=place.name))

    def check_app(self, place: Place) -> None:
        """Report what is wrong with the app's own attributes, and go on without the sources that are none."""
        self.report(place, *limit_faults(self.max_body_size))
        if faults := [*source_faults(self.sources)]:
            self.report(place, *faults)
            self._has_all_sources = False
            self.sources = usable_sources(self.sources)
        for name, source in self.sources.items():
            if isinstance(source, SharingSource):
                self._shared_by[name] = source.shared_by
            if isinstance(source, KeywordSource):
                try:
                    self._keywords |= source.class_keywords
                except Exception as error:  # noqa: BLE001  # whatever an extension does
                    self.report_fault(place, f"the source {name!r}", error)

    def _plan_guard(self, auth: object, default: object, caller: Place) -> Guard | None:
        with self._reporting(caller):
            try:
                return self.guards.guard_for(auth, default)
            except Refusal:
                raise
            except Exception as error:
                raise _fault("the app's guards", error) from error
        return UNKNOWN

    def _plan_class(self, routable: Routable, guard: Guard | None, place: Place) -> None:
        cls = type(routable)
        operations = operations_of(cls)
        with self._reporting(place):
            refuse(keyword_faults(cls, self.codec, self._keywords.keys()))
        keywords = self._keywords_of(cls, place)
        with self._reporting(place):
            if not operations:
                raise Refusal(
                    code="JERO-W005",
                    reason=f"{cls.__name__} has no operation.",
                    remedy=f"a method with one of the names {listing(cls._jero_operations)}.",
                )
        with self._reporting(place):
            self._take_ref(cls)
        mount: Template | None = None
        with self._reporting(place):
            mount = mount_template(cls)
        for name, operation_kind in operations.items():
            self._plan_operation(_Included(routable, mount, guard, keywords, place), name, operation_kind)

    def _take_ref(self, cls: type[Routable]) -> None:
        ref = cls._jero_keywords.get("ref")
        self._knows_refs &= ref is None or isinstance(ref, str)
        if isinstance(ref, str) and (other := self._refs.setdefault(ref, short_name(cls))) != short_name(cls):
            raise Refusal(
                code="JERO-W008",
                reason=f"ref={ref!r} is {other}'s already.",
                remedy="another ref for one of the two.",
            )

    def check_links(self) -> None:
        """Report the links in handlers that lead nowhere, as far as that is certain. Everything must be included."""
        if not self.problems:
            dead = dead_links(self._operations, self.links)
        elif self._knows_refs:
            dead = unknown_refs(self._operations, self._refs.keys())
        else:
            return
        for place, refusal in dead:
            self.report(place, refusal)

    def routes(self) -> list[tuple[Template, list[OperationPlan]]]:
        """The plans by template. Collisions become problems."""
        return routes_of(self._operations, self.report)

    def _plan_operation(self, included: "_Included", name: str, kind: OperationKind) -> None:
        """Plan one operation. Without a mount path (it is reported already) look for what else is wrong."""
        routable, mount, guard, keywords, class_place = included
        cls = type(routable)
        full_name = f"{short_name(cls)}.{name}"
        place = Place(class_place.file, class_place.line, full_name)
        before = len(self.problems)
        with self._reporting(place):
            handler = handler_of(routable, name)
            place = place_of(handler, full_name)
        if len(self.problems) > before:
            return
        reporting = self._reporting(place)
        with reporting:
            signature, refusals = read_signature(handler, type_arguments(cls), cls)
            self.report(place, *refusals)
            with reporting:
                check_receiver(signature, self.sources)
            met = Met(kind.method, full_name, place, handler)
            self._operations.append(met)
            reported = len(self.problems)
            template = self._item_template(mount, kind, signature, place)
            is_certain = mount is not None and len(self.problems) == reported
            operation = Operation(kind.method, template, self._limit_of(cls), self.codec, guard, keywords)
            arguments = self._plan_arguments(signature.parameters, operation, place)
            # A `path` that cannot be bound, or is misspelt, leaves an item operation without its slots.
            has_no_path = kind.on_item and "path" not in [each.name for each in arguments]
            if is_certain and not (has_no_path and len(self.problems) > before):
                met.template = template
            if len(self.problems) == before:
                self.report(place, *anonymity_faults(guard, arguments))
            reply = None if signature.returned is None else self._plan_reply(signature.returned, kind)
            if mount is None or reply is None or len(self.problems) > before:
                return
            path = next((each.annotation for each in signature.parameters if each.name == "path"), None)
            mounted = Mounted(full_name, template, None if path is None else struct_class_of(path))
            self.links.mount(getattr(handler, "__func__", handler), cls._jero_keywords.get("ref"), mounted)
            met.plan = OperationPlan(
                method=kind.method,
                template=template,
                name=full_name,
                place=place,
                handler=handler,
                is_async=signature.is_async,
                may_answer_itself=signature.may_answer_itself,
                arguments=arguments,
                reply=reply,
                max_body_size=self._limit_of(cls, arguments),
                meta=meta_of(cls, name),
                guard=guard,
            )
            self.plans.append(met.plan)

    def _limit_of(self, cls: type[Routable], arguments: Iterable[Argument] = ()) -> int:
        """The limit of a body: the class's, the app's own, a binding's default, or the app's default."""
        limit = cls._jero_keywords.get("max_body_size")
        if is_size(limit):
            return limit
        if not self.has_own_limit:
            for argument in arguments:
                if argument.binding.default_body_size is not None:
                    return argument.binding.default_body_size
        return self.max_body_size

    def _keywords_of(self, cls: type[Routable], place: Place) -> Mapping[str, object]:
        """What a class gives of the keywords that sources understand; what is wrong is reported, and left out."""
        given: dict[str, object] = {}
        for name, check in self._keywords.items():
            if name in cls._jero_keywords:
                value = cls._jero_keywords[name]
                with self._reporting(place):
                    try:
                        check(value)
                    except Refusal:
                        raise
                    except Exception as error:
                        raise _fault(f"the check of the class keyword `{name}`", error) from error
                    given[name] = value
        return given

    def _item_template(
        self, mount: Template | None, kind: OperationKind, signature: Signature, place: Place
    ) -> Template:
        """The operation's template: an item operation's `path` Struct adds a slot for each further field.

        Without a mount path, a template that every `path` Struct fits.
        """
        path = next((parameter for parameter in signature.parameters if parameter.name == "path"), None)
        if path is None:
            if mount is not None and mount.slots and "path" not in signature.names:
                self.report(
                    place,
                    Refusal(
                        code="JERO-W033",
                        reason=f"{mount.path!r} has {listing(mount.slots)}, and the handler takes no `path`.",
                        remedy="an argument `path` with a Struct that has a field for each slot.",
                    ),
                )
            return mount or ROOT
        found = struct_fields(path.annotation) if kind.on_item or mount is None else None
        mount = mount or ROOT
        if found is None:
            return mount
        extra = tuple(field.name for field in found[1] if field.name not in mount.slots)
        for name in extra:
            if not is_slot_name(name):
                self.report(
                    place,
                    Refusal(
                        code="JERO-W032",
                        reason=f"{found[0].__name__}.{name} can have no slot, whose name is snake_case and no keyword.",
                        remedy="another name for the field, such as `widget_id`.",
                    ),
                )
        return mount.extended(extra)

    def _plan_arguments(
        self, parameters: tuple[Parameter, ...], operation: Operation, place: Place
    ) -> tuple[Argument, ...]:
        arguments: list[Argument] = []
        reporting = self._reporting(place)
        for parameter in parameters:
            if parameter.name not in self.sources and not self._has_all_sources:
                continue  # It may name one of the sources that are reported already.
            with reporting:
                arguments.append(self._plan_argument(parameter, operation))
        bodies = [argument.name for argument in arguments if argument.binding.reads.is_body]
        if len(bodies) > 1:
            self.report(
                place,
                Refusal(
                    code="JERO-W014",
                    reason=f"{listing(bodies)} each read the body, and it can be read once.",
                    remedy="one body source.",
                ),
            )
        if bodies and operation.method in BODILESS_METHODS:
            self.report(
                place,
                Refusal(
                    code="JERO-W015",
                    reason=f"a {operation.method} request has no body for {listing(bodies)} to read.",
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
                remedy=f"one of {listing(self.sources)}; dependencies are arguments of the class's constructor.",
            )
        if parameter.annotation is EMPTY:
            raise Refusal(
                code="JERO-W010",
                reason=f"the argument {name!r} has no annotation, and the annotation is its contract.",
                remedy=f"`{name}: ...` with its type.",
            )
        try:
            shared_by = self._shared_by.get(name)
            if shared_by is None:
                binding = _bind(source, parameter, operation)
            else:
                key = name, parameter.annotation, shared_by(operation)
                shared = _get(self._bindings, key)
                binding = shared or _put(self._bindings, key, _bind(source, parameter, operation))
        except Refusal:
            raise
        except Exception as error:
            raise _fault(f"the source {name!r}", error) from error
        if binding.reads is Reads.GUARD and (operation.guard is None or operation.guard.yields is EMPTY):
            raise Refusal(
                code="JERO-W019",
                reason=f"the source {name!r} takes what a guard yields, and the include has no such guard.",
                remedy="`auth=` with a guard that does; or a source that says what is missing, with a `Refusal`.",
            )
        return Argument(name, parameter.annotation, parameter.positional, binding)

    def _plan_reply(self, returned: Returned, kind: OperationKind) -> Reply:
        key = returned.annotation, kind.method, kind.status
        reply = _get(self._replies, key)
        if reply is None:
            context = ReplyContext(kind.method, kind.status, self.codec, self.links, self.stopping)
            reply = _put(self._replies, key, _reply_of(returned, context))
        return reply

    def report_fault(self, place: Place, what: str, error: Exception) -> None:
        """Report that a part which is not a declaration's own failed while it was planned or compiled."""
        self.report(place, _fault(what, error))

    def _reporting(self, place: Place) -> "_Reporting":
        """Turn a Refusal from the block into problems at this place."""
        return _Reporting(self, place)

    def report(self, place: Place, *refusals: Refusal) -> None:
        """Note what is wrong at a place."""
        for refusal in refusals:
            problem = WiringProblem(refusal.code, refusal.place or place, refusal.reason, refusal.remedy)
            if problem not in self.problems:  # Two parts of a declaration may share a fault, such as a Struct's.
                self.problems.append(problem)


class _Reporting:
    """A context manager without a generator: startup enters thousands."""

    __slots__ = ("_place", "_planner")

    def __init__(self, planner: Planner, place: Place) -> None:
        self._planner = planner
        self._place = place

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, Refusal):
            return False
        self._planner.report(self._place, error, *error.others)
        return True


def _bind(source: Source, parameter: Parameter, operation: Operation) -> Binding:
    binding: object = source.bind(parameter, operation)
    if not isinstance(binding, Binding):
        raise TypeError(f"bind gave {binding!r}, no Binding")
    return binding


def _reply_of(returned: Returned, context: ReplyContext) -> Reply:
    try:
        reply: object = plan_reply(returned, context)
        if not isinstance(reply, Reply):
            raise TypeError(f"__jero_reply__ gave {reply!r}, no Reply")
    except Refusal:
        raise
    except Exception as error:
        raise _fault(f"the reply {type_name(returned.annotation)}", error) from error
    return reply


def _get[V](shared: dict[object, V], key: object) -> V | None:
    """What is planned for this already; nothing for an annotation without a hash, such as `Annotated` with a list."""
    try:
        return shared.get(key)
    except TypeError:
        return None


def _put[V](shared: dict[object, V], key: object, value: V) -> V:
    with suppress(TypeError):
        shared[key] = value
    return value


def _fault(what: str, error: Exception) -> Refusal:
    return Refusal(
        code="JERO-W019",
        reason=f"{what} failed: {type(error).__name__}: {error}.",
        remedy="a source, reply or guard that raises `Refusal` for what it cannot serve, and whose fragments are "
        "Python.",
    )
