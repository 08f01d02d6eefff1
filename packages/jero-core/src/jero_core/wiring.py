"""Wiring errors: everything a declaration can get wrong, each with a stable code.

Rules
-----
- A wrong declaration is a `WiringProblem`: a code, a place (file and line), the reason, and what to write instead.
- Startup collects problems and never stops at the first; `WiringError` carries all of them, once, at the end.
- Code that finds a problem while it plans one part of a declaration raises `Refusal`, for several at once by `refuse`;
  the planner, which alone knows the place, reports each as a `WiringProblem` (reporting.py).
- `CODES` is the whole table. Each code has a page, docs/errors/<code>.md; a code is never given another meaning.
"""

from collections.abc import Iterable
from types import MappingProxyType
from typing import Final

import msgspec

CODES: Final = MappingProxyType(
    {
        "JERO-W001": "a handler class has no path",
        "JERO-W002": "a path template is malformed",
        "JERO-W003": "a handler class has an unknown or wrong class keyword",
        "JERO-W004": "the included object is no handler instance",
        "JERO-W005": "a handler class has no operation",
        "JERO-W006": "two operations answer the same method and path",
        "JERO-W007": "two templates differ only in slot names",
        "JERO-W008": "two classes have the same ref",
        "JERO-W010": "an argument has no annotation",
        "JERO-W011": "an annotation cannot be resolved",
        "JERO-W012": "an argument name is no source",
        "JERO-W013": "a handler takes *args or **kwargs",
        "JERO-W014": "a handler reads the body twice",
        "JERO-W015": "a GET or DELETE handler reads a body",
        "JERO-W016": "a source cannot bind the annotation",
        "JERO-W017": "an operation name is no method",
        "JERO-W018": "a handler is a generator",
        "JERO-W019": "a source, reply or guard is faulty",
        "JERO-W020": "a return annotation is missing",
        "JERO-W021": "a return type has no reply",
        "JERO-W022": "a response header Struct cannot be sent",
        "JERO-W023": "a response does not fit the method",
        "JERO-W024": "an error class is malformed",
        "JERO-W030": "the path Struct has no field for a slot",
        "JERO-W031": "a path field has a default",
        "JERO-W032": "a path field has no slot",
        "JERO-W033": "a template has slots that the handler does not take",
        "JERO-W040": "auth= needs jero-auth",
        "JERO-W041": "an include does not say who may call it",
        "JERO-W042": "a handler of anonymous callers takes nothing of them",
        "JERO-W050": "the factory is not what the app declares",
        "JERO-W051": "an attribute of the app class is wrong",
        "JERO-W052": "something is included outside _wire",
        "JERO-W060": "a link leads to an operation that is not mounted",
        "JERO-W061": "the settings for links are wrong",
    }
)
"""Every wiring-error code and its title."""


class Place(msgspec.Struct, frozen=True):
    """Where a declaration stands: the file, its line (1-based, 0 if unknown) and the dotted name in it."""

    file: str
    line: int
    name: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}, {self.name}"


class WiringProblem(msgspec.Struct, frozen=True):
    """One wrong declaration.

    `code` is a key of `CODES` (extension packages bring their own prefix), `reason` says what is wrong, `remedy` what
    to write instead.
    """

    code: str
    place: Place
    reason: str
    remedy: str

    def __str__(self) -> str:
        return f"{self.code} at {self.place}\n    wrong: {self.reason}\n    write: {self.remedy}"


class WiringError(Exception):
    """Raised once, at the end of startup, with every wrong declaration of the app."""

    def __init__(self, problems: Iterable[WiringProblem]) -> None:
        self.problems = tuple(problems)
        super().__init__(self.problems)

    def __str__(self) -> str:
        count = len(self.problems)
        head = "1 declaration is wrong" if count == 1 else f"{count} declarations are wrong"
        return "\n\n".join([f"{head}; no request was served.", *map(str, self.problems)])


class Refusal(Exception):  # noqa: N818  # a verdict that the planner collects, not an error that a user sees
    """A source or reply cannot serve the declaration at hand; raised while planning, never on a request."""

    def __init__(self, *, reason: str, remedy: str, code: str = "JERO-W016", place: Place | None = None) -> None:
        super().__init__(reason)
        self.code = code
        self.reason = reason
        self.remedy = remedy
        self.place = place
        """Where the fault is, if not at the declaration that is being planned."""
        self.others: tuple[Refusal, ...] = ()
        """Further faults of the same part, found together with this one."""

    def about(self, what: str) -> "Refusal":
        """The same fault, its reason said of `what`."""
        return Refusal(code=self.code, reason=f"{what}: {self.reason}", remedy=self.remedy, place=self.place)


def refuse(faults: Iterable[Refusal]) -> None:
    """Raise all faults as one `Refusal`; do nothing if there are none."""
    found = tuple(faults)
    if found:
        found[0].others = found[1:]
        raise found[0]
