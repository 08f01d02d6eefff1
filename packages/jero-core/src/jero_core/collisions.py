"""Bodies made to be slow: keys of sets and mappings that all have the same hash.

Python's hash of a number is the number modulo 2**61 - 1, the same in every process. A set of `n` numbers that are
multiples of it takes time in proportion to n squared: a body of 2 MiB minutes. Texts are not concerned, their hash is
salted. So where a type has a set or mapping with other keys than texts, a large body is looked through before msgspec
builds them.
"""

import enum
import uuid
from collections import Counter
from collections.abc import Iterable, Sequence
from typing import Final, Literal, cast

import msgspec

from .annotations import attributes_of, members_of, shape_of, struct_fields
from .errors import HTTPError

MOST_ALIKE: Final = 100
"""The most different keys of one hash that a set or mapping may have; honest ones have none."""

LARGE: Final = 2_000
"""The size in bytes from which a body is looked through: below it, 1,000 keys cost some milliseconds at worst."""

_SALTED: Final = cast("tuple[object, ...]", (str, bytes, bool, type(None)))


def has_hashed_keys(annotation: object) -> bool:
    """Whether a type has, anywhere in it, a set or mapping whose keys have hashes that a client can choose."""
    return _has_hashed_keys(annotation, [])


def _has_hashed_keys(annotation: object, seen: list[object]) -> bool:
    for member in members_of(annotation):
        shape = shape_of(member)
        if shape.type in seen:
            continue
        parts: Iterable[object] = shape.arguments
        if (found := struct_fields(shape.type)) is not None:
            seen.append(shape.type)
            parts = [field.type for field in found[1]]
        elif (attributes := attributes_of(shape.origin)) is not None:
            seen.append(shape.type)
            parts = attributes.values()
        elif isinstance(shape.origin, type) and not issubclass(shape.origin, str | bytes | list | tuple):
            is_keyed = hasattr(shape.origin, "keys") or hasattr(shape.origin, "isdisjoint")
            if is_keyed and shape.arguments and not _is_salted(shape.arguments[0]):
                return True
        if any(_has_hashed_keys(part, seen) for part in parts if part is not ... and shape.origin is not Literal):
            return True
    return False


def _is_salted(annotation: object) -> bool:
    """Whether the keys' hashes are salted, or there are only a few keys to choose from."""
    for member in members_of(annotation):
        shape = shape_of(member)
        is_enum = isinstance(shape.type, type) and issubclass(shape.type, enum.Enum)
        if shape.type not in _SALTED and shape.origin is not Literal and not is_enum:
            return False
    return True


def check_keys(body: bytes) -> None:
    """Raise HTTPError 400 if an array or object of a JSON body has many different keys of one hash.

    It looks at all of them, not only where the type has a set: what is honest has no such keys anywhere.
    """
    if body.count(b",") < MOST_ALIKE:
        return
    try:
        waiting: list[object] = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return  # The decoder's own business.
    while waiting:
        value = waiting.pop()
        if isinstance(value, list):
            items = cast("list[object]", value)
            waiting += [item for item in items if isinstance(item, list | dict)]
        elif isinstance(value, dict):
            members = cast("dict[str, object]", value)
            waiting += [item for item in members.values() if isinstance(item, list | dict)]
            items = [*members]
        else:
            continue
        if len(items) > MOST_ALIKE and _has_many_alike(items):
            raise HTTPError(400, "The body has too many keys of the same hash.")


def _has_many_alike(items: Sequence[object]) -> bool:
    hashes = [*map(_hash_of, items)]
    for common, count in Counter(hashes).most_common(1):
        if count > MOST_ALIKE:
            # Equal ones do not collide. As texts: their own hashes are salted.
            return len({repr(item) for item, each in zip(items, hashes, strict=True) if each == common}) > MOST_ALIKE
    return False


def _hash_of(value: object) -> int:
    """The hash that a JSON value has once it is a key: a number, or a text that stands for one."""
    if isinstance(value, str):
        try:
            return hash(int(value))
        except ValueError:
            pass
        try:
            return hash(uuid.UUID(value))
        except ValueError:
            pass
        try:
            return hash(float(value))
        except ValueError:
            return hash(value)
    if isinstance(value, list):
        return hash(tuple(map(_hash_of, cast("list[object]", value))))
    if isinstance(value, dict):
        return hash(tuple(map(_hash_of, cast("dict[str, object]", value).values())))
    return hash(value)
