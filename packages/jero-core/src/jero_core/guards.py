"""Who may call: the decision of each include, and the guards that come of it.

Rules
-----
- An include is open or has one guard. `auth=` decides; without it the app's `default_auth` does. PUBLIC is the decision
  for open, and REQUIRED, as `default_auth`, demands that each include decides.
- A guard belongs to the operations that are planned with it, and runs inside their generated functions. Nothing
  compares paths: whatever leads to an operation, leads through its guard.
- The app's `guards` makes guards of what is given; core knows no authenticator. Includes with one object share a guard.
- What fails to become a guard is reported, and its operations are looked at as if it had: they are never served.
"""

import enum
from collections.abc import Iterable, Iterator
from typing import Any, Final, Literal

from .codec import Codec
from .fragment import Fragment
from .plan import Argument, Guard, GuardContext, GuardPlanner, Reads
from .wiring import Refusal


class _Decision(enum.Enum):
    PUBLIC = enum.auto()
    REQUIRED = enum.auto()

    def __repr__(self) -> str:
        return self.name


PUBLIC: Final[Literal[_Decision.PUBLIC]] = _Decision.PUBLIC
"""As `auth=`: everybody may call, whatever `default_auth` is."""
REQUIRED: Final[Literal[_Decision.REQUIRED]] = _Decision.REQUIRED
"""As `default_auth`: an include without `auth=` is a wiring error."""

UNKNOWN: Final = Guard(name="?", check=Fragment(), yields=Any)
"""Stands for a guard that could not be planned, so that what else is wrong with its operations is found."""

_NOT_READ: Final = object()


class Guards:
    """The guards of one app while it is wired."""

    def __init__(self, planner: GuardPlanner | None, codec: Codec) -> None:
        self._planner = planner
        self._context = GuardContext(codec)
        self._planned: dict[int, tuple[object, Guard]] = {}
        """Guards by the identity of what they were made of, which is kept so that no other gets its id."""
        self._default: object = _NOT_READ

    def guard_for(self, auth: object, default: object) -> Guard | None:
        """The guard of an include, by its `auth=` and the app's `default_auth`; None if it is open.

        Raises `Refusal`, or whatever the app's `guards` raises.
        """
        self.check_default(default)
        chosen = default if auth is None else auth
        if chosen is REQUIRED:
            raise Refusal(
                code="JERO-W041",
                reason="the include has no auth=, and the app's default_auth demands one."
                if auth is None
                else "auth=REQUIRED says not who may call.",
                remedy="`auth=` and an authenticator, or `auth=PUBLIC` to let everybody call.",
            )
        if chosen is None or chosen is PUBLIC:
            return None
        if id(chosen) not in self._planned:
            self._planned[id(chosen)] = chosen, self._plan(chosen, "auth" if auth is not None else "default_auth")
        return self._planned[id(chosen)][1]

    def check_default(self, default: object) -> None:
        """Raise `Refusal` (JERO-W051) if `default_auth` is not what it was for the includes before."""
        if self._default is _NOT_READ:
            self._default = default
        elif default is not self._default:
            raise Refusal(
                code="JERO-W051",
                reason="the app's default_auth is another object than it was for the first include.",
                remedy="one default_auth: an attribute of the class, or assigned before the first include.",
            )

    def _plan(self, auth: object, name: str) -> Guard:
        if self._planner is not None and not is_guard_planner(self._planner):
            return UNKNOWN  # Reported already, with the app's attributes.
        if self._planner is None:
            raise Refusal(
                code="JERO-W040",
                reason=f"{name}= is given, and this app has no package that authenticates.",
                remedy="add jero-auth, and in the app: `guards = jero_auth.AuthGuards()`; or leave it out, if "
                "everybody may call.",
            )
        guard: object = self._planner.plan(auth, self._context)
        if not isinstance(guard, Guard):
            raise TypeError(f"plan gave {guard!r}, no Guard")
        return guard


def is_guard_planner(thing: object) -> bool:
    """Whether an app's `guards` can make guards."""
    return not isinstance(thing, type) and callable(getattr(thing, "plan", None))


def anonymity_faults(guard: Guard | None, arguments: Iterable[Argument]) -> Iterator[Refusal]:
    """What is wrong with a handler that cannot tell the callers whom its guard knows from the others (JERO-W042)."""
    if guard is None or not guard.anonymous or any(each.binding.reads is Reads.GUARD for each in arguments):
        return
    yield Refusal(
        code="JERO-W042",
        reason=f"{guard.name} admits anonymous callers, and the handler takes nothing that tells who calls: the guard "
        "keeps nobody out.",
        remedy="an argument `user` that may be None, an authenticator that admits nobody unknown, or `auth=PUBLIC`.",
    )
