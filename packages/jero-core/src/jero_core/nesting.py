"""Bodies that can be read and then not be sent: nested almost as deeply as msgspec goes.

msgspec decodes and encodes down to the same depth, some 10,000 levels, and raises RecursionError below. What a client
nested to the last of them could be read, but not be sent again inside an answer, which would be a 500 of the client's
making. So where a type nests without end (itself within itself, or `Any`), a body has to leave the answer some levels.
No body below `DEEP` bytes comes near: a level takes two.
"""

from collections.abc import Callable, Collection
from contextlib import suppress
from typing import Any, Final, TypeVar

import msgspec

from .annotations import members_of, parts_of, shape_of

DEEP: Final = 10_000
"""The size in bytes from which a body is looked through."""

LEFT_TO_ANSWERS: Final = 100
"""The levels that an answer may add to what a body had."""

_MOST_UNSUSPECTED: Final = DEEP // 2
"""Bodies with no more arrays and objects than that are not skimmed, whatever their size."""

_TEXTS: Final = (str, bytes, bytearray, memoryview)


def nesting_check(annotation: object) -> Callable[[bytes], None] | None:
    """What looks through large bodies of a type; None if the type itself ends its nesting.

    It raises RecursionError, as the decoder does for what is nested more deeply still.
    """
    if not _nests(annotation, [], []):
        return None
    skim = msgspec.json.Decoder(msgspec.Raw).decode
    before, behind = b"[" * LEFT_TO_ANSWERS, b"]" * LEFT_TO_ANSWERS

    def check(body: bytes) -> None:
        if body.count(b"[") + body.count(b"{") <= _MOST_UNSUSPECTED:
            return
        with suppress(msgspec.DecodeError):  # That is the decoder's own business.
            skim(before + body + behind)

    return check


def _nests(annotation: object, above: list[object], done: list[object]) -> bool:
    """Whether a type allows values of any depth. `above` has the classes around it, `done` those that do not nest."""
    for member in members_of(annotation):
        shape = shape_of(member)
        if shape.type in above or shape.type is Any or shape.type is object or isinstance(shape.type, TypeVar):
            return True
        if shape.type in done:
            continue
        names_members, parts = parts_of(shape, [])
        if not names_members and _holds_anything(shape.type):
            return True
        if any(_nests(part, [*above, shape.type], done) for _, part in parts):
            return True
        done.append(shape.type)
    return False


def _holds_anything(cls: object) -> bool:
    """Whether this is a list, or the like, that does not say of what."""
    return isinstance(cls, type) and issubclass(cls, Collection) and not issubclass(cls, _TEXTS)
