"""Types that are safe to be made of what a client sends, which not everything that msgspec converts is.

Rules
-----
- An item of a set needs a hash: without one Python raises while msgspec builds the set. Types whose values may have
  none are refused at startup. What is left, a signaling NaN, is told to the client (`NO_HASH`).
- A Flag remembers every combination of its members that it is ever asked for, so clients could fill the memory. Those
  with many members, or that take unknown bits (every IntFlag that does not say otherwise), are refused at startup.
"""

import enum
from collections import abc
from typing import Any, Final, Literal, TypeVar

import msgspec

from .annotations import members_of, parts_of, shape_of, type_name
from .wiring import Refusal

NO_HASH: Final = "Expected a value that can be in a set"
"""What a client is told of an item, or a key, for which Python has no hash."""

_MOST_FLAGS: Final = 10
"""The most members of a Flag that a client may combine: it has 1,024 combinations then."""


def is_hash_fault(error: TypeError) -> bool:
    """Whether an exception of a decoder says that an item of a set, or a key, has no hash.

    Any other TypeError is the app's own fault: of those that are about a value msgspec makes a ValidationError.
    """
    return "hash" in str(error)


def check_safe(annotation: object) -> None:
    """Raise `Refusal` (JERO-W016) if a part of a type is not safe to be made of what a client sends."""
    _check(annotation, "", [])


def _check(annotation: object, where: str, seen: list[object]) -> None:
    for member in members_of(annotation):
        shape = shape_of(member)
        if shape.type in seen:
            continue
        if _is_boundless_flag(shape.type):
            raise Refusal(
                reason=f"{where}{type_name(shape.type)} remembers every combination of members that a client sends.",
                remedy=f"a list of an Enum; or a Flag with `boundary=STRICT` of at most {_MOST_FLAGS} members.",
            )
        _, parts = parts_of(shape, seen)
        if _is_set(shape.origin) and not _has_hash(parts[0][1] if parts else Any, []):
            raise Refusal(
                reason=f"{where}what a client sends for an item of {type_name(shape.type)} may have no hash.",
                remedy="a list; or items that cannot change: scalars, tuples of them, Structs with `frozen=True`.",
            )
        for place, part in parts:
            _check(part, place or where, seen)


def _is_set(origin: object) -> bool:
    return isinstance(origin, type) and (issubclass(origin, set | frozenset) or origin in {abc.Set, abc.MutableSet})


def _has_hash(annotation: object, seen: list[object]) -> bool:
    """Whether every value of a type has a hash, as far as its class can tell."""
    for member in members_of(annotation):
        shape = shape_of(member)
        cls = shape.origin
        if shape.type in seen or cls is Literal or isinstance(cls, TypeVar):
            continue
        if not isinstance(cls, type) or cls is object or cls is Any or cls.__module__ == "collections.abc":
            return False
        own_hash: object = cls.__hash__  # None where there is none, which typeshed does not know.
        if own_hash is None:
            return False
        # The hash of these is made of their parts. What another class makes its hash of, only the class knows.
        if issubclass(cls, msgspec.Struct) and own_hash is msgspec.Struct.__hash__:
            config = cls.__struct_config__
            if not config.eq:
                continue
            if not config.frozen:
                return False
        elif not issubclass(cls, tuple | frozenset):
            continue
        _, parts = parts_of(shape, seen)
        if (not parts and cls in {tuple, frozenset}) or not all(_has_hash(part, seen) for _, part in parts):
            return False
    return True


def _is_boundless_flag(kind: object) -> bool:
    if not (isinstance(kind, type) and issubclass(kind, enum.Flag)):
        return False
    boundary: object = getattr(kind, "_boundary_", None)  # Documented, but not in typeshed.
    return boundary not in {enum.STRICT, enum.CONFORM} or len(kind) > _MOST_FLAGS
