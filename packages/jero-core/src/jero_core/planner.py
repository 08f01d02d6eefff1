"""The planner of an app: from included objects to plans and routes, and every problem on the way.

Rules
-----
- An include is an instance, the guard that `auth=` or the app's default makes, and what its class says: keywords, ref
  and mount path (declarations.py). These are read once for each class; operation_planner.py plans its operations.
- What is wrong with one part is reported with its place, and planning goes on with the next (reporting.py).
- What only all operations together show, equal routes and dead links, is looked at last (cross_checks.py).
"""

from collections.abc import Iterable, Mapping

import msgspec

from .annotations import struct_class_of
from .binder import Binder
from .codec import Codec
from .cross_checks import Met, dead_links, routes_of, unknown_refs
from .declarations import (
    as_routable,
    is_size,
    keyword_faults,
    limit_faults,
    listing,
    mount_template,
    operations_of,
    short_name,
)
from .guards import UNKNOWN, Guards
from .introspect import place_of, type_arguments
from .links import Links, Mounted
from .operation_planner import Included, OperationPlanner
from .plan import Guard, GuardPlanner, OperationPlan, Source
from .reporting import Problems, fault
from .routables import Routable
from .stopping import Stopping
from .template import Template
from .wiring import Place, Refusal, WiringProblem, refuse


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
        self.max_body_size = max_body_size
        self.has_own_limit = False
        """Whether the app sets its body limit itself; a binding's own default stands back behind that."""
        self.codec = codec or Codec()
        self.stopping = Stopping()
        self.guards = Guards(guards, self.codec)
        self.links = Links(self.codec)
        self.plans: list[OperationPlan] = []
        self.problems = Problems(problems)
        self._binder = Binder(sources)
        self._operation_planner = OperationPlanner(self._binder, self.problems, self.codec, self.links, self.stopping)
        self._operations: list[Met] = []
        self._refs: dict[str, str] = {}
        self._knows_refs = True
        """Whether every class that was to be included could be, with a ref that is one."""
        self._included: set[type[Routable]] = set()

    def check_app(self, place: Place) -> None:
        """Report what is wrong with the app's own attributes; the sources that are none are left out."""
        self.problems.report(place, *limit_faults(self.max_body_size), *self._binder.faults)

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
        with self.problems.at(caller):
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

    def check_links(self) -> None:
        """Report the links in handlers that lead nowhere, as far as that is certain. Everything must be included."""
        if not self.problems:
            dead = dead_links(self._operations, self.links)
        elif self._knows_refs:
            dead = unknown_refs(self._operations, self._refs.keys())
        else:
            return
        for place, refusal in dead:
            self.problems.report(place, refusal)

    def routes(self) -> list[tuple[Template, list[OperationPlan]]]:
        """The plans by template. Collisions become problems."""
        return routes_of(self._operations, self.problems.report)

    def _plan_guard(self, auth: object, default: object, caller: Place) -> Guard | None:
        with self.problems.at(caller):
            try:
                return self.guards.guard_for(auth, default)
            except Refusal:
                raise
            except Exception as error:
                raise fault("the app's guards", error) from error
        return UNKNOWN

    def _plan_class(self, routable: Routable, guard: Guard | None, place: Place) -> None:
        cls = type(routable)
        operations = operations_of(cls)
        reporting = self.problems.at(place)
        with reporting:
            refuse(keyword_faults(cls, self.codec, self._binder.class_keywords.keys()))
        keywords = self._keywords_of(cls, place)
        with reporting:
            if not operations:
                raise Refusal(
                    code="JERO-W005",
                    reason=f"{cls.__name__} has no operation.",
                    remedy=f"a method with one of the names {listing(cls._jero_operations)}.",
                )
        with reporting:
            self._take_ref(cls)
        mount: Template | None = None
        with reporting:
            mount = mount_template(cls)
        limit = cls._jero_keywords.get("max_body_size")
        included = Included(
            routable=routable,
            place=place,
            type_arguments=type_arguments(cls),
            mount=mount,
            guard=guard,
            keywords=keywords,
            max_body_size=limit if is_size(limit) else self.max_body_size,
            has_own_limit=self.has_own_limit or is_size(limit),
        )
        for name, kind in operations.items():
            met = self._operation_planner.plan(included, name, kind)
            if met is not None:
                self._operations.append(met)
                if met.plan is not None:
                    self._take_plan(met.plan, cls._jero_keywords.get("ref"))

    def _keywords_of(self, cls: type[Routable], place: Place) -> Mapping[str, object]:
        """What a class gives of the keywords that sources understand; what is wrong is reported, and left out."""
        given: dict[str, object] = {}
        for name, check in self._binder.class_keywords.items():
            if name in cls._jero_keywords:
                value = cls._jero_keywords[name]
                with self.problems.at(place):
                    try:
                        check(value)
                    except Refusal:
                        raise
                    except Exception as error:
                        raise fault(f"the check of the class keyword `{name}`", error) from error
                    given[name] = value
        return given

    def _take_ref(self, cls: type[Routable]) -> None:
        ref = cls._jero_keywords.get("ref")
        self._knows_refs &= ref is None or isinstance(ref, str)
        if isinstance(ref, str) and (other := self._refs.setdefault(ref, short_name(cls))) != short_name(cls):
            raise Refusal(
                code="JERO-W008",
                reason=f"ref={ref!r} is {other}'s already.",
                remedy="another ref for one of the two.",
            )

    def _take_plan(self, plan: OperationPlan, ref: object) -> None:
        """Serve an operation, and let links lead to it."""
        path = next((each.annotation for each in plan.arguments if each.name == "path"), None)
        mounted = Mounted(plan.name, plan.template, None if path is None else struct_class_of(path))
        self.links.mount(getattr(plan.handler, "__func__", plan.handler), ref, mounted)
        self.plans.append(plan)
