"""What can be told only of all operations together: routes that are equal, and links that lead nowhere.

Rules
-----
- Each operation counts of which enough is known, also if something else of it is wrong: one start tells everything.
- What another problem may be the cause of is not reported.
"""

from collections.abc import Callable, Iterable, Iterator
from collections.abc import Set as AbstractSet

import msgspec

from .link_scan import links_in
from .links import Links
from .plan import OperationPlan
from .template import Template
from .wiring import Place, Refusal


class Met(msgspec.Struct, gc=False):
    """An operation of an included class, whatever is wrong with it."""

    method: str
    name: str
    place: Place
    handler: Callable[..., object]
    template: Template | None = None
    """None if something is wrong that decides it."""
    plan: OperationPlan | None = None
    """None if anything is wrong."""


type Report = Callable[[Place, Refusal], None]


def routes_of(operations: Iterable[Met], report: Report) -> list[tuple[Template, list[OperationPlan]]]:
    """The plans by template. Reports collisions (JERO-W006, JERO-W007)."""
    by_shape: dict[tuple[str | None, ...], dict[str, Met]] = {}
    routes: list[tuple[Template, list[OperationPlan]]] = []
    for each in operations:
        if each.template is None:
            continue
        others = by_shape.setdefault(each.template.shape, {})
        first = next(iter(others.values()), each)
        other = others.setdefault(each.method, each)
        if first.template is not None and first.template.path != each.template.path:
            report(
                each.place,
                Refusal(
                    code="JERO-W007",
                    reason=f"{each.template.path!r} matches what {first.template.path!r} of {first.name} matches.",
                    remedy="the same slot names in both.",
                ),
            )
        elif other is not each:
            report(
                each.place,
                Refusal(
                    code="JERO-W006",
                    reason=f"{each.method} {each.template.path} is answered already by {other.place}.",
                    remedy="another path for one of the two.",
                ),
            )
    for met in by_shape.values():
        plans = [each.plan for each in met.values() if each.plan is not None]
        if plans:
            routes.append((plans[0].template, plans))
    return routes


def dead_links(operations: Iterable[Met], links: Links) -> Iterator[tuple[Place, Refusal]]:
    """The links in handlers that lead nowhere (JERO-W060), of an app of which nothing is wrong."""
    for each in operations:
        found = links_in(each.handler)
        for written, reason in links.faults(found).items() if found else ():
            yield each.place, _dead(written, reason)


def unknown_refs(operations: Iterable[Met], refs: AbstractSet[str]) -> Iterator[tuple[Place, Refusal]]:
    """The links in handlers to a ref that no class has (JERO-W060)."""
    for each in operations:
        for written, target in links_in(each.handler):
            if target.ref is not None and (ref := target.ref.partition(".")[0]) not in refs:
                yield each.place, _dead(written, f"no class of the app has the ref {ref!r}")


def _dead(written: str, reason: str) -> Refusal:
    return Refusal(
        code="JERO-W060",
        reason=f"{written} leads nowhere: {reason}.",
        remedy="an operation of a class that `_wire` includes.",
    )
