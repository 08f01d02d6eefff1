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

from .annotations import members_of, parts_of, shape_of
from .errors import HTTPError

MOST_ALIKE: Final = 100
"""The most different keys of one hash that a body may have; honest ones have none."""

MOST_COMPOSED: Final = 20_000
"""The most values of a body with keys that are composed (tuples, frozen Structs), and the most arrays and objects."""

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
        names_members, parts = parts_of(shape, seen)
        if not names_members and _is_keyed(shape.origin) and parts:
            yield from _kinds_of_key(parts[0][1])
        for _, part in parts:
            yield from _kinds_of_keys(part, seen)


def _is_keyed(origin: object) -> bool:
    """Whether a type is a set or a mapping."""
    if not isinstance(origin, type) or issubclass(origin, str | bytes | list | tuple):
        return False
    return hasattr(origin, "keys") or hasattr(origin, "isdisjoint")


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
    if body.count(b",") >= MOST_COMPOSED or body.count(b"[") + body.count(b"{") >= MOST_COMPOSED:
        raise HTTPError(400, f"The body has more than {MOST_COMPOSED} values.")
    try:
        wholes: list[object] = [msgspec.json.decode(body)]
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return
    # Parts stand behind wholes. Backwards, every part is known before what it is a part of: each is looked at once,
    # and no recursion meets its limit.
    index = 0
    while index < len(wholes):
        wholes += filter(_is_composed, _parts_of(wholes[index]))
        index += 1
    known: dict[int, _Composed] = {}
    texts: dict[str, int] = {}
    for whole in reversed(wholes):
        parts = [known[id(part)] if _is_composed(part) else part for part in _parts_of(whole)]
        composed = [part for part in parts if isinstance(part, _Composed)]
        if len(composed) > MOST_ALIKE and _has_many_alike(composed, _hash_of):
            raise _too_many()
        # A text's hash is salted: a table of texts cannot be made slow.
        text = f"{dict(zip(whole, parts, strict=True))}" if isinstance(whole, dict) else f"{parts}"
        number = texts.setdefault(text, len(texts))
        known[id(whole)] = _Composed(number, hash(tuple(map(_hash_of, parts))))


class _Composed(msgspec.Struct, frozen=True, eq=False):
    """An array or object of a body: its number, the same for equal ones, and the hash that it has as a key."""

    number: int
    hash: int

    def __repr__(self) -> str:
        return f"#{self.number}"


def _is_composed(value: object) -> bool:
    return isinstance(value, list | dict)


def _parts_of(value: object) -> Iterable[object]:
    """The items of an array, the values of an object, nothing of anything else."""
    if isinstance(value, dict):
        return cast("dict[str, object]", value).values()
    return cast("list[object]", value) if isinstance(value, list) else ()


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


def _hash_of(part: object) -> int:
    """The hash that a part of a key has."""
    if isinstance(part, _Composed):
        return part.hash
    return _hash_of_number(part) if isinstance(part, str) and len(part) >= 18 else hash(part)
