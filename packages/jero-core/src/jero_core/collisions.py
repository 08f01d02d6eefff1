"""Bodies made to be slow: keys of sets and mappings that all have the same hash.

Python's hash of a number is the number modulo 2**61 - 1, the same in every process. A set of `n` numbers that are
multiples of it takes time in proportion to n squared: a body of 2 MiB minutes. Texts are not concerned, their hash is
salted; nor are small numbers and floats, of which no two, or some 40 at most, have the same hash. So where a type has a
set or mapping with other keys than texts, a large body is looked through before msgspec builds them.
"""

import enum
import re
import uuid
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, Literal, cast

import msgspec

from .annotations import attributes_of, members_of, shape_of, struct_fields
from .errors import HTTPError

MOST_ALIKE: Final = 100
"""The most different keys of one hash that a body may have; honest ones have none."""

MOST_COMPOSED: Final = 20_000
"""The most values of a body with keys that are composed: tuples and frozen Structs."""

LARGE: Final = 2_000
"""The size in bytes from which a body is looked through: below it, its keys cost a millisecond at worst."""

# What a number of 18 digits and more, or a UUID, is written with; shorter ones collide with too few others.
_LONG_NUMBER: Final = rb"[0-9A-Fa-f.+_-]{18,}"
_LONG_NUMBER_IN_TEXT: Final = r"[\dA-Fa-f.+_-]{18,}"
_SALTED: Final = cast("tuple[object, ...]", (str, bytes, bool, float, type(None)))


def key_check(annotation: object) -> Callable[[bytes], None] | None:
    """What looks through large bodies of a type; None if no key in it, however deep, has a hash that a client chooses.

    It raises HTTPError 400. It looks at the whole body, not only where the type has keys: what is honest has no such
    values anywhere.
    """
    kinds = set(_kinds_of_keys(annotation, []))
    if "composed" in kinds:
        return check_composed_keys
    return check_numbers if kinds else None


def _kinds_of_keys(annotation: object, seen: list[object]) -> Iterable[str]:
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
            if is_keyed and shape.arguments:
                yield from _kinds_of_key(shape.arguments[0])
        if shape.origin is not Literal:
            for part in parts:
                if part is not ...:
                    yield from _kinds_of_keys(part, seen)


def _kinds_of_key(annotation: object) -> Iterable[str]:
    for member in members_of(annotation):
        shape = shape_of(member)
        if isinstance(shape.type, type) and issubclass(shape.type, enum.Enum):
            continue  # There are only a few to choose from.
        if shape.type in _SALTED or shape.origin is Literal:
            continue
        is_scalar = isinstance(shape.type, type) and issubclass(shape.type, int | uuid.UUID | Decimal)
        yield "number" if is_scalar else "composed"


def check_numbers(body: bytes) -> None:
    """Raise HTTPError 400 if a body has many different long numbers or UUIDs of one hash."""
    if b"\\u" in body:  # Digits may be escaped.
        try:
            body = msgspec.json.encode(msgspec.json.decode(body))
        except (msgspec.DecodeError, UnicodeError, RecursionError):
            return  # The decoder's own business.
    numbers = re.findall(_LONG_NUMBER, body)
    texts = (
        [number.decode() for number in numbers] if body.isascii() else re.findall(_LONG_NUMBER_IN_TEXT, _text_of(body))
    )
    if len(texts) > MOST_ALIKE and _has_many_alike([*set(texts)], _hash_of_number):
        raise _too_many()


def check_composed_keys(body: bytes) -> None:
    """Raise HTTPError 400 if a body has many different values of one hash, or more values than can be looked at."""
    check_numbers(body)
    if body.count(b",") >= MOST_COMPOSED:
        raise HTTPError(400, f"The body has more than {MOST_COMPOSED} values.")
    try:
        waiting: list[object] = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    while waiting:
        value = waiting.pop()
        items: Iterable[object] = ()
        if isinstance(value, list):
            items = cast("list[object]", value)
        elif isinstance(value, dict):
            items = cast("dict[str, object]", value).values()
        composed = [item for item in items if isinstance(item, list | dict)]
        waiting += composed
        if len(composed) > MOST_ALIKE and _has_many_alike(composed, _hash_of):
            raise _too_many()


def _too_many() -> HTTPError:
    return HTTPError(400, "The body has too many keys of the same hash.")


def _text_of(body: bytes) -> str:
    return body.decode("utf-8", "replace")


def _has_many_alike[V](items: Sequence[V], hash_of: Callable[[V], int]) -> bool:
    hashes = [*map(hash_of, items)]
    for common, count in Counter(hashes).most_common(1):
        if count > MOST_ALIKE:
            # Equal ones do not collide. As texts: their own hashes are salted.
            return len({repr(item) for item, each in zip(items, hashes, strict=True) if each == common}) > MOST_ALIKE
    return False


def _hash_of_number(text: str) -> int:
    """The hash that a number or UUID in a text has once it is a key; any other text's own."""
    for make in (int, uuid.UUID, Decimal):
        try:
            return hash(make(text))
        except (ValueError, ArithmeticError):
            continue
    return hash(text)


def _hash_of(value: object) -> int:
    """The hash that a JSON value has as a tuple, or as a part of one."""
    if isinstance(value, str):
        return _hash_of_number(value) if len(value) >= 18 else hash(value)
    if isinstance(value, list):
        return hash(tuple(map(_hash_of, cast("list[object]", value))))
    if isinstance(value, dict):
        return hash(tuple(map(_hash_of, cast("dict[str, object]", value).values())))
    return hash(value)
