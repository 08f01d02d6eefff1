"""What msgspec converts, proved at startup.

Rules
-----
- A class that msgspec does not know passes its decoders and then fails on every value; here it is refused.
- JSON carries msgspec's builtin types, Structs, dataclasses, attrs classes, NamedTuples and TypedDicts, to any depth.
- With the app's hook for them, classes that msgspec does not know are carried too.
- Text (a path segment, a query value, a header) carries one scalar, or a union of scalars.
"""

import datetime as dt
import decimal
import enum
import uuid
from collections import abc
from collections.abc import Callable
from typing import Any, Final, Literal, TypeVar, cast

import msgspec

from .annotations import Shape, attributes_of, members_of, parts_of, shape_of, struct_fields, structs_in, type_name
from .wiring import Refusal

type EncHook = Callable[[object], object]
"""Gives something that msgspec encodes for a value that it does not know."""
type DecHook = Callable[[type, object], object]
"""Makes a value of a type that msgspec does not know."""

# Tuples, not sets: an annotation may be any object, also one without a hash.
_SCALARS: Final = cast(
    "tuple[object, ...]",
    (
        *(type(None), bool, int, float, str, bytes, bytearray, memoryview, decimal.Decimal, uuid.UUID),
        *(dt.datetime, dt.date, dt.time, dt.timedelta),
        *(Any, object, msgspec.UnsetType),
    ),
)
_CONTAINERS: Final = cast(
    "tuple[object, ...]",
    (
        *(list, set, frozenset, tuple, dict),
        *(abc.Collection, abc.Sequence, abc.MutableSequence, abc.Set, abc.MutableSet, abc.Mapping, abc.MutableMapping),
    ),
)


def not_in_json(annotation: object, *, knows_all: bool = False) -> str | None:
    """The first part of an annotation that JSON has nothing for, and where it stands; None if it carries all.

    `knows_all` allows the classes that msgspec does not know: a hook converts them.
    """
    return _not_in_json(annotation, "", [], knows_all)


def untagged_fault(annotation: object, code: str) -> Refusal | None:
    """What is wrong with a union of Structs: nothing tells two of its members apart."""
    structs = structs_in(annotation) or ()
    untagged = [struct.__name__ for struct in structs if struct.__struct_config__.tag is None]
    if len(structs) < 2 or not untagged:
        return None
    return Refusal(
        code=code,
        reason=f"nothing tells the members of {type_name(annotation)} apart: {untagged[0]} has no tag.",
        remedy=f"a tag on each member: `class {untagged[0]}(Struct, tag=True)`.",
    )


def text_fault(annotation: object, *, knows_all: bool = False) -> Refusal | None:
    """Why text does not convert to a type (JERO-W016); None if it does."""
    for member in members_of(annotation):
        shape = shape_of(member)
        if not _is_scalar(shape.type, shape.origin) and not (knows_all and _is_unknown(shape)):
            return Refusal(
                reason=f"text does not convert to {type_name(shape.type)}.",
                remedy="a scalar that msgspec converts, such as str, int, bool, UUID, datetime or an Enum.",
            )
    shape = shape_of(annotation)
    if shape.constraints or shape.type not in _SCALARS:
        try:
            compile_decoder(annotation, "JERO-W016")
        except Refusal as refusal:
            return refusal
    return None


def _not_in_json(annotation: object, where: str, seen: list[object], knows_all: bool) -> str | None:  # noqa: FBT001
    for member in members_of(annotation):
        shape = shape_of(member)
        if shape.type in seen or _is_scalar(shape.type, shape.origin) or shape.type is msgspec.Raw:
            continue
        if shape.type is msgspec.Struct:
            return f"{where}Struct, the base class that names no members"
        if hasattr(shape.origin, "__jero_reply__"):
            return f"{where}{type_name(shape.type)}, which is a whole answer"
        names_members, parts = parts_of(shape, seen)
        if not names_members and shape.origin not in _CONTAINERS:
            if knows_all and _is_unknown(shape):
                continue
            return f"{where}{type_name(shape.type)}"
        for place, part in parts:
            if (wrong := _not_in_json(part, place or where, seen, knows_all)) is not None:
                return wrong
    return None


def _is_unknown(shape: Shape) -> bool:
    """Whether msgspec asks a hook for a type: a class that it does not know, or a generic one with arguments."""
    return (
        isinstance(shape.origin, type)
        and shape.origin not in _CONTAINERS
        and not hasattr(shape.origin, "__jero_reply__")
        and struct_fields(shape.type) is None
        and attributes_of(shape.origin) is None
    )


def _is_scalar(kind: object, origin: object) -> bool:
    if origin is Literal or isinstance(kind, TypeVar):  # A type variable of a generic Struct stands for any value.
        return True
    return isinstance(kind, type) and (kind in _SCALARS or issubclass(kind, enum.Enum))


def compile_decoder(annotation: object, code: str, dec_hook: DecHook | None = None) -> msgspec.json.Decoder[object]:
    """A decoder for an annotation. Raises `Refusal` with this code if msgspec refuses the type."""
    try:
        return msgspec.json.Decoder(cast("type[object]", annotation), dec_hook=dec_hook)
    except Exception as error:
        why, _, _ = str(error).partition(" - type `")
        raise Refusal(
            code=code,
            reason=f"msgspec refuses {type_name(annotation)}: {why}.",
            remedy="types and constraints that msgspec supports together.",
        ) from error
