"""What msgspec converts, proved at startup.

Rules
-----
- A class that msgspec does not know passes its decoders and then fails on every value; here it is refused.
- JSON carries msgspec's builtin types, Structs, dataclasses, attrs classes, NamedTuples and TypedDicts, to any depth.
- Text (a path segment, a query value, a header) carries one scalar, or a union of scalars.
"""

import datetime as dt
import decimal
import enum
import functools
import uuid
from collections import abc
from typing import Any, Final, Literal, TypeVar, cast

import msgspec

from .annotations import attributes_of, members_of, shape_of, struct_fields, structs_in, type_name
from .wiring import Refusal

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


def json_decoder(annotation: object, code: str = "JERO-W016") -> msgspec.json.Decoder[object]:
    """A decoder for an annotation. Raises `Refusal` with this code if JSON cannot carry every part of it."""
    try:
        hash(annotation)
    except TypeError:  # Such as `Annotated` with a list in its metadata.
        return _check_json(annotation, code)
    return _check_json_once(annotation, code)


def _check_json(annotation: object, code: str) -> msgspec.json.Decoder[object]:
    if (part := _not_in_json(annotation, "", [])) is not None:
        raise Refusal(
            code=code,
            reason=f"JSON cannot carry {part}.",
            remedy="a Struct, a dataclass or a builtin type in its place.",
        )
    structs = structs_in(annotation) or ()
    untagged = [struct.__name__ for struct in structs if struct.__struct_config__.tag is None]
    if len(structs) > 1 and untagged:
        raise Refusal(
            code=code,
            reason=f"nothing tells the members of {type_name(annotation)} apart: {untagged[0]} has no tag.",
            remedy=f"a tag on each member: `class {untagged[0]}(Struct, tag=True)`.",
        )
    return _compile(annotation, code)


# Operations of one app share their Structs.
_check_json_once = functools.lru_cache(maxsize=1024)(_check_json)


def check_text(annotation: object) -> None:
    """Raise `Refusal` (JERO-W016) unless text converts to a type."""
    for member in members_of(annotation):
        shape = shape_of(member)
        if not _is_scalar(shape.type, shape.origin):
            raise Refusal(
                reason=f"text does not convert to {type_name(shape.type)}.",
                remedy="a scalar that msgspec converts, such as str, int, bool, UUID, datetime or an Enum.",
            )
    shape = shape_of(annotation)
    if shape.constraints or shape.type not in _SCALARS:
        _compile(annotation, "JERO-W016")


def _not_in_json(annotation: object, where: str, seen: list[object]) -> str | None:
    """The first part of an annotation that JSON has nothing for, and where it stands."""
    for member in members_of(annotation):
        shape = shape_of(member)
        if shape.type in seen or _is_scalar(shape.type, shape.origin) or shape.type is msgspec.Raw:
            continue
        if shape.type is msgspec.Struct:
            return f"{where}Struct, the base class that names no members"
        if hasattr(shape.origin, "__jero_reply__"):
            return f"{where}{type_name(shape.type)}, which is a whole answer"
        if shape.origin in _CONTAINERS:
            parts = [(where, argument) for argument in shape.arguments if argument is not ...]
        elif (found := struct_fields(shape.type)) is not None:
            seen.append(shape.type)
            parts = [(f"{type_name(found[0])}.{field.name}: ", field.type) for field in found[1]]
        elif (attributes := attributes_of(shape.origin)) is not None:
            seen.append(shape.type)
            parts = [(f"{type_name(shape.origin)}.{name}: ", kind) for name, kind in attributes.items()]
        else:
            return f"{where}{type_name(shape.type)}"
        for place, part in parts:
            if (wrong := _not_in_json(part, place, seen)) is not None:
                return wrong
    return None


def _is_scalar(kind: object, origin: object) -> bool:
    if origin is Literal or isinstance(kind, TypeVar):  # A type variable of a generic Struct stands for any value.
        return True
    return isinstance(kind, type) and (kind in _SCALARS or issubclass(kind, enum.Enum))


def _compile(annotation: object, code: str) -> msgspec.json.Decoder[object]:
    try:
        return msgspec.json.Decoder(cast("type[object]", annotation))
    except Exception as error:
        why, _, _ = str(error).partition(" - type `")
        raise Refusal(
            code=code,
            reason=f"msgspec refuses {type_name(annotation)}: {why}.",
            remedy="types and constraints that msgspec supports together.",
        ) from error
