"""What an app has entered may look at how the app was wired, and report what is wrong with it.

Rules
-----
- Something that was entered with `_enter` or `_aenter`, the manager or what it gave, may have a method `__jero_wire__`
  (`Wired`). It is called once for each start, when `_wire` has ended and before anything is served. A source of the app
  may have one as well.
- What it reports stands in the one report of all wrong declarations.
- It may raise a `Refusal`, which is about itself. Anything else that it raises is a fault of its own.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Protocol, runtime_checkable

from .introspect import place_of
from .plan import OperationPlan
from .wiring import Place, Refusal


class Wiring:
    """What an app has been wired to be."""

    def __init__(self, plans: Sequence[OperationPlan], entered: Sequence[object], report: Callable[..., None]) -> None:
        self.plans = tuple(plans)
        """Every operation of the app that nothing is wrong with."""
        self.entered = tuple(entered)
        """What the app has entered, the managers and what they gave."""
        self._report = report

    def report(self, place: Place, *faults: Refusal) -> None:
        """Report what is wrong at a place."""
        self._report(place, *faults)


@runtime_checkable
class Wired(Protocol):
    """Something that an app enters, or a source, that looks at how the app was wired."""

    def __jero_wire__(self, wiring: Wiring, /) -> None:
        """Report what is wrong; called once for each start, when `_wire` has ended."""
        ...


def check_wired(
    things: Iterable[object], wiring: Wiring, report_fault: Callable[[Place, str, Exception], None]
) -> None:
    """Let everything that wants to look at the wiring, each once."""
    for thing in {id(each): each for each in things}.values():
        if isinstance(thing, type) or not isinstance(thing, Wired):
            continue
        cls = type(thing)
        place = place_of(cls, cls.__qualname__)
        try:
            thing.__jero_wire__(wiring)
        except Refusal as refusal:
            wiring.report(place, refusal, *refusal.others)
        except Exception as error:  # noqa: BLE001  # whatever an extension raises
            report_fault(place, "`__jero_wire__`", error)
