"""A walk through a refused JSON value: where it is, what it has found, and when it has to end.

Rules
-----
- msgspec's decoders judge, here as in the first pass; a walk only knows where to go on. A decoder stops at the first
  misfit and says where it is: what comes before it in the document is fine, and what comes after is looked at piece by
  piece, each encoded again for a decoder of its own type (cheaper than `msgspec.convert`, and the same rules). So each
  piece is decoded once or twice, and the whole takes time in proportion to the document.
- What the parts of a value are, the node of its type knows (json_nodes.py).
- A hostile document must not become work without end, or an answer many times its size: a walk ends after `MOST`
  problems, `MOST_TEXT` characters or `PATIENCE`.
"""

from collections.abc import Callable, Iterator
from time import perf_counter
from typing import Final, Protocol

import msgspec

from .errors import Invalid
from .json_paths import first_index, parts, step
from .safe_values import NO_HASH, is_hash_fault

MOST: Final = 1_000
"""The most problems of one document that are told."""

MOST_TEXT: Final = 100_000
"""The characters, of pointers and reasons together, after which no further problem is told."""

PATIENCE: Final = 0.1
"""The most seconds that are given to the search in one document."""

CHUNK: Final = 512
"""The most items that are looked at together."""

encode: Final = msgspec.json.Encoder().encode

type Decode = Callable[[bytes], object]


class Node(Protocol):
    """What a walk has to know of a type."""

    decode: Decode
    is_plain: bool
    """Whether a value of it has no parts."""

    def visit(self, walk: "Walk", value: object, detail: str, path: str) -> None:
        """Note what is wrong with the parts of a refused value; nothing if it is wrong as a whole."""
        ...


class Enough(Exception):  # noqa: N818  # ends the walk, nobody's error
    """Enough problems have been found, or enough time spent."""


class Walk:
    """One walk through a document: where it is, and what it has found."""

    def __init__(self, source: str, place: str) -> None:
        self._source = source
        self._place = place
        self._end = perf_counter() + PATIENCE
        self._text = 0
        self.found: list[Invalid] = []

    def add(self, detail: str, token: str | None = None) -> None:
        """Note a problem here, or under `token`."""
        place = self._place if token is None else self._place + step(token)
        self.found.append(Invalid(self._source, place, detail))
        self._text += len(place) + len(detail)
        if len(self.found) == MOST or self._text > MOST_TEXT:
            raise Enough

    def refusal(self, value: object, decode: Decode) -> tuple[str, str] | None:
        """Why msgspec refuses a value, and the path to the misfit; None if it does not."""
        if perf_counter() > self._end:
            raise Enough
        try:
            decode(encode(value))
        except msgspec.ValidationError as error:
            return parts(error)
        except TypeError as error:
            if not is_hash_fault(error):
                raise
            return NO_HASH, ""
        return None

    def misfits(self, items: list[object], start: int, decode: Decode) -> Iterator[tuple[int, str, str]]:
        """The refused items of a list from `start` on, each with the reason and the path within it.

        `decode` decodes a list of such items.
        """
        while start < len(items):
            chunk = items[start : start + CHUNK]
            refusal = self.refusal(chunk, decode)
            if refusal is None:
                start += len(chunk)
                continue
            index, path = first_index(refusal[1])
            start += index or 0
            yield start, refusal[0], path
            start += 1

    def look(self, node: Node, value: object, token: str) -> None:
        """Note what is wrong with a value that stands under `token`."""
        refusal = self.refusal(value, node.decode)
        if refusal is not None:
            self.descend(node, value, *refusal, token)

    def descend(self, node: Node, value: object, detail: str, path: str, token: str | None = None) -> None:
        """Note what is wrong with a refused value, which stands here or under `token`: `detail`, at a path from it."""
        if node.is_plain:
            self.add(detail, token)
            return
        outside = self._place
        if token is not None:
            self._place += step(token)
        before = len(self.found)
        node.visit(self, value, detail, path)
        if len(self.found) == before:
            self.add(detail)
        self._place = outside
