"""Every invalid place of a JSON value, found after msgspec's decoder has refused it at the first.

Rules
-----
- This runs for refused bodies only; a valid one pays nothing.
- A walk (json_walk.py) goes through the value, along the nodes of its types (json_nodes.py).
- A place is a JSON Pointer (RFC 6901) of the names that the client used.
"""

from collections.abc import Sequence

import msgspec

from .convertible import DecHook
from .errors import Invalid
from .json_nodes import Nodes
from .json_paths import parts, pointer, sure_place
from .json_walk import Enough, Walk


class JSONProblems:
    """Finds what is wrong with values of one type. Made when the first bad body arrives."""

    def __init__(self, annotation: object, dec_hook: DecHook | None = None) -> None:
        self._root = Nodes(dec_hook).node(annotation)

    def find(
        self, value: object, error: msgspec.ValidationError, source: str = "json", place: Sequence[str] = ()
    ) -> tuple[Invalid, ...]:
        """Every invalid place in a JSON value, decoded without a type; `error` is what the type's decoder raised.

        There is at least one: what only the text shows, such as a member that is given twice, is told by the error
        alone. The pointers begin with the tokens of `place`. Exceptions of a Struct's `__post_init__` or of the hook
        that are no ValueError or TypeError pass through.
        """
        walk = Walk(source, pointer(place))
        try:  # noqa: SIM105  # suppress() costs 300 ns
            walk.descend(self._root, value, *parts(error))
        except (Enough, RecursionError):
            pass
        if not walk.found:
            detail, tokens = sure_place(error, value)
            walk.found.append(Invalid(source, pointer([*place, *tokens]), detail))
        return tuple(walk.found)
