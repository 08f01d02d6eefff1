"""A writer of generated text: lines at a depth, and the globals that they use."""

from collections.abc import Mapping
from typing import Final

from .fragment import Fragment

_INDENT: Final = "    "


class Writer:
    """One function under construction."""

    def __init__(self) -> None:
        self.depth = 0
        self.lines: list[str] = []
        self.namespace: dict[str, object] = {}
        self._fragments = 0

    def write(self, *lines: str) -> None:
        """Write lines at the present depth."""
        self.lines += [_INDENT * self.depth + line for line in lines]

    def write_fragment(self, fragment: Fragment, dialect: Mapping[str, str]) -> None:
        """Write a fragment, which gets the next number."""
        self.write(*fragment.render(self._fragments, dialect, self.namespace))
        self._fragments += 1
