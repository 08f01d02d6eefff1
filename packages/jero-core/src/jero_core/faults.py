"""Faults, offered to whoever drives the app before they are logged.

A server never sees an exception that the app has answered by a 500, or told as `lifespan.startup.failed`: jero logs it.
A test client, or an error tracker, wants the exception itself. It puts an ASGI extension into the scope of a request or
of the lifespan::

    scope["extensions"] = {FAULTS: {"take": take}}

`take(error)` is called with each fault of that scope, in the task that serves it, in place of the log line. If it
gives True it has taken the fault; otherwise the fault is logged as ever. What is answered does not change, also when
`take` itself fails: that is logged too.

A response that is cut off on purpose, because the app stops and has waited long enough for it, is no fault, and has no
end. Without more, that looks like a mistake of the app; `cut_off()`, if the extension has it, is called to say so.
"""

import logging
from collections.abc import Callable, Mapping
from typing import Final, cast

from .asgi import Scope

FAULTS: Final = "jero.faults"
"""The name of the ASGI extension that takes faults."""

_logger: Final = logging.getLogger("jero")


def is_taken(error: BaseException, scope: Scope) -> bool:
    """Offer a fault to a scope's `jero.faults` extension. Gives whether it was taken, and need not be logged."""
    extension = _member(scope.get("extensions"), FAULTS)
    take = _member(extension, "take")
    if not callable(take):
        return False
    try:
        return cast("Callable[[BaseException], object]", take)(error) is True
    except Exception as failure:  # whoever listens must not cost the client its answer
        _logger.error("whoever takes faults failed", exc_info=failure)
        return False


def note_cut_off(scope: Scope) -> None:
    """Tell a scope's `jero.faults` extension that the response is left without its end on purpose."""
    cut_off = _member(_member(scope.get("extensions"), FAULTS), "cut_off")
    if callable(cut_off):
        cast("Callable[[], object]", cut_off)()


def _member(mapping: object, name: str) -> object:
    return cast("Mapping[str, object]", mapping).get(name) if isinstance(mapping, Mapping) else None
