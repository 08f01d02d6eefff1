"""Reporting: what is wrong with an app, as it is found.

Rules
-----
- Who finds a fault raises or gives a `Refusal`, and does not know where it is; who reports it knows the place.
- A report ends nothing: the next part is looked at. What was reported already is not reported again.
- An extension that raises anything else than a Refusal is at fault itself (JERO-W019).
"""

from .wiring import Place, Refusal, WiringProblem


class Problems(list[WiringProblem]):
    """The problems of one app, in the order in which they were found."""

    def report(self, place: Place, *refusals: Refusal) -> None:
        """Note what is wrong at a place."""
        for refusal in refusals:
            problem = WiringProblem(refusal.code, refusal.place or place, refusal.reason, refusal.remedy)
            if problem not in self:  # Two parts of a declaration may share a fault, such as a Struct's.
                self.append(problem)

    def report_fault(self, place: Place, what: str, error: Exception) -> None:
        """Report that a part which is not a declaration's own failed while it was planned or compiled."""
        self.report(place, fault(what, error))

    def at(self, place: Place) -> "_Reporting":
        """Report a Refusal that the block raises, at this place, and go on behind the block."""
        return _Reporting(self, place)


class _Reporting:
    """A context manager without a generator: startup enters thousands."""

    __slots__ = ("_place", "_problems")

    def __init__(self, problems: Problems, place: Place) -> None:
        self._problems = problems
        self._place = place

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> bool:
        if not isinstance(error, Refusal):
            return False
        self._problems.report(self._place, error, *error.others)
        return True


def fault(what: str, error: Exception) -> Refusal:
    """The refusal of a part that raised something else than one."""
    return Refusal(
        code="JERO-W019",
        reason=f"{what} failed: {type(error).__name__}: {error}.",
        remedy="a source, reply or guard that raises `Refusal` for what it cannot serve, and whose fragments are "
        "Python.",
    )
