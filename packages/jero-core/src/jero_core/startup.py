"""The two ends of an app's start: the planner that `_wire` includes things with, and the router that comes of it.

Rules
-----
- What the app class says of itself is looked at first. A wrong setting is reported, and planned with all the same where
  that can be done: what is wrong elsewhere is to stand in the same report.
- A router is made of everything that was planned, or, when anything was reported, of nothing.
"""

import os
from collections.abc import Iterable, Mapping
from types import FunctionType
from typing import NamedTuple, cast

from .codec import Codec
from .compile import Compiler
from .convertible import DecHook, EncHook
from .declarations import guards_faults, hook_faults, stop_faults, usable_sources
from .emit import Emitter
from .entered import Wiring, check_wired
from .failures import Failures
from .origins import read_origin
from .plan import GuardPlanner, Source
from .planner import Planner
from .router import Router
from .template import Template
from .wiring import Place, WiringError, WiringProblem


class Settings(NamedTuple):
    """What an app class says of itself."""

    place: Place
    sources: Mapping[str, Source]
    guards: GuardPlanner | None
    max_body_size: int
    has_own_limit: bool
    """Whether `max_body_size` is the app's own, and holds for every source."""
    shutdown_timeout: float
    watch_signals: bool
    enc_hook: EncHook | None
    dec_hook: DecHook | None


def planner_for(settings: Settings, strays: Iterable[WiringProblem]) -> Planner:
    """What `_wire` includes things with. It knows what is wrong with the app itself, and the strays."""
    place, enc_hook, dec_hook = settings.place, settings.enc_hook, settings.dec_hook
    codec = Codec(_callable_or_stand_in(enc_hook), _callable_or_stand_in(dec_hook))
    planner = Planner(settings.sources, settings.max_body_size, codec, problems=strays, guards=settings.guards)
    planner.has_own_limit = settings.has_own_limit
    planner.check_app(place)
    planner.problems.report(
        place,
        *hook_faults(enc_hook, dec_hook),
        *stop_faults(settings.shutdown_timeout, settings.watch_signals),
        *guards_faults(settings.guards),
    )
    with planner.problems.at(place):
        planner.links.origin = read_origin(os.environ)
    return planner


def check_whole(planner: Planner, settings: Settings, default_auth: object, entered: Iterable[object]) -> None:
    """Report what can only be seen when `_wire` has ended: what was entered looks at the whole as well."""
    problems = planner.problems
    with problems.at(settings.place):
        planner.guards.check_default(default_auth)
    wiring = Wiring(planner.plans, [*entered], problems.report)
    check_wired([*wiring.entered, *usable_sources(settings.sources).values()], wiring, problems.report_fault)
    planner.check_links()


def compile_router(planner: Planner) -> tuple[Router, tuple[FunctionType, ...]]:
    """The router of a planned app, and the functions that it leads to.

    Raises WiringError with every problem that was found.
    """
    emitter, compiler = Emitter(Failures(planner.codec.encode)), Compiler()
    routes: list[tuple[Template, dict[str, FunctionType]]] = []
    for template, plans in planner.routes():
        operations: dict[str, FunctionType] = {}
        for plan in plans:
            try:
                operations[plan.method] = compiler.compile(emitter.emit(plan))
            except Exception as error:  # noqa: BLE001  # whatever an extension's fragment raises
                planner.problems.report_fault(plan.place, "the code of a source, reply or guard", error)
        routes.append((template, operations))
    if planner.problems:
        raise WiringError(planner.problems)
    return Router(routes), tuple(function for _, operations in routes for function in operations.values())


def _callable_or_stand_in[H](hook: H) -> H:
    """A hook, or something to plan with in place of one that is none, which is reported."""
    return hook if hook is None or callable(hook) else cast("H", dict)
