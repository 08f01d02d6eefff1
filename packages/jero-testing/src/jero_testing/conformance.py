"""What the conformance kit's two checks share: apps around one part, what startup says of them, and the report.

The kit is for people who write sources and replies on `jero_core.extend`. `check_source` (source_check.py) and
`check_reply` (reply_check.py) put the part into real apps, one for each annotation, and look at it from outside. All
that is wrong is told at once, in one AssertionError.
"""

import types
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from typing import Final, cast

from jero_core import BaseApp, Endpoint, WiringError
from jero_core.extend import Source

from .client import TestClient
from .junk import LIMIT

PATH: Final = "/conformance"
"""The path of the operation that is checked, where nothing else is given."""
_FAULTY: Final = "JERO-W019"


class Report:
    """What does not conform, each line with what it is about."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._about = ""

    @contextmanager
    def about(self, what: str) -> Iterator[None]:
        """Say of what the problems in the block are."""
        self._about = f"{what}: "
        yield
        self._about = ""

    def add(self, problem: str) -> None:
        """Add a problem, once."""
        line = f"{self._about}{problem}"
        if line not in self._lines:
            self._lines.append(line)

    def extend(self, problems: Iterable[str]) -> None:
        """Add several problems."""
        for problem in problems:
            self.add(problem)

    def starts(self, app: BaseApp) -> bool:
        """Whether an app starts; add why it does not."""
        refusal = _refusal_of(app)
        if refusal is None:
            return True
        self.extend(f"it is refused at startup ({problem.code}): {problem.reason}" for problem in refusal.problems)
        return False

    def raise_if_any(self) -> None:
        """Raise an AssertionError with all that was added."""
        __tracebackhide__ = True
        if self._lines:
            count = len(self._lines)
            head = "1 thing does not conform:" if count == 1 else f"{count} things do not conform:"
            raise AssertionError("\n".join([head, *(f"- {line}" for line in self._lines)]))


def app_of(method: str, path: str, handler: Callable[..., object], sources: Mapping[str, Source]) -> BaseApp:
    """An app whose one operation is this handler, with these sources beside jero's own."""
    keywords = {"path": path, "max_body_size": LIMIT}
    namespace = {method.lower(): handler}
    made: type = types.new_class("Conformance", (Endpoint,), keywords, lambda body: body.update(namespace))
    endpoint = cast("type[Endpoint]", made)()

    class ConformanceApp(BaseApp):
        async def _wire(self) -> None:
            self._include_endpoint(endpoint)

    ConformanceApp.sources = {**BaseApp.sources, **sources}
    return ConformanceApp()


def bad_refusals(app: BaseApp, name: str | None) -> Iterator[str]:
    """What is wrong with the refusal of an app that must not start; `name` is the argument that is refused."""
    refusal = _refusal_of(app)
    if refusal is None:
        yield "it is accepted, and is to be refused"
        return
    for problem in refusal.problems:
        if problem.code == _FAULTY:
            yield f"it is not refused, it fails: {problem.reason}"
        elif name is not None and name not in problem.reason:
            yield f"the refusal does not name the argument {name!r}: {problem.reason!r}"
        if not problem.reason.strip() or not problem.remedy.strip():
            yield f"the refusal has no {'reason' if problem.remedy.strip() else 'remedy'}"


def _refusal_of(app: BaseApp) -> WiringError | None:
    try:
        with TestClient(app):
            return None
    except WiringError as error:
        return error
