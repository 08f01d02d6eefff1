"""Annotations taken apart: what a type is, what is in it, and how a reader would write it.

With introspect.py this is all that knows `typing`. What cannot be read is a `Refusal`.
"""

import functools
import inspect
import keyword
import types
import typing
import unicodedata
from collections.abc import Iterator, Mapping
from typing import Annotated, Any, Final, TypeAliasType, Union

import msgspec

from .wiring import Refusal

_DEMANDS: Final = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "tz")
"""The attributes of a `msgspec.Meta` that constrain values; its others are for documents."""

EMPTY: Final = inspect.Parameter.empty
"""Stands for "no annotation"."""


class Field(msgspec.Struct, frozen=True):
    """One field of a Struct."""

    name: str
    wire_name: str
    type: object
    """The annotation as written, constraints included."""
    required: bool
    default: object
    """The default, `msgspec.NODEFAULT` if there is none."""
    default_factory: object
    """The default's factory, `msgspec.NODEFAULT` if there is none."""

    @property
    def known_default(self) -> object:
        """The default, if it is the same each time; `msgspec.UNSET` if there is none, or a factory makes it up."""
        factory = self.default_factory
        if factory is list or factory is dict or factory is set:
            return factory()
        return msgspec.UNSET if self.default is msgspec.NODEFAULT else self.default


class Shape(msgspec.Struct, frozen=True):
    """An annotation without its wrappings: aliases expanded, `Annotated` and `| None` taken off."""

    type: object
    """The bare type: a class, a generic alias, or a union."""
    arguments: tuple[object, ...]
    origin: object
    constraints: tuple[msgspec.Meta, ...]
    """What demands something of values; a `Meta` that is only for documents is none."""
    optional: bool
    """Whether None is one of its values."""


def check_expands(annotation: object, *, variables: bool, outer: tuple[object, ...] = ()) -> None:
    """Raise `Refusal` (JERO-W011) for an alias without an end or without a value, and for a type variable.

    Everything below may rely on it: it expands aliases without looking back. `variables` allows type variables, as the
    fields of a generic Struct have them.
    """
    if isinstance(annotation, type):
        return
    if isinstance(annotation, typing.TypeVar) and not variables:
        raise Refusal(
            code="JERO-W011",
            reason=f"{annotation.__name__!r} is a type variable, and stands for no type when the app starts.",
            remedy="the type itself; for a generic base class, a subclass that gives the type: "
            "`class Widgets(Base[Widget], path=...)`.",
        )
    origin = typing.get_origin(annotation)
    alias = annotation if isinstance(annotation, TypeAliasType) else origin
    if isinstance(alias, TypeAliasType):
        if alias in outer:
            raise Refusal(
                code="JERO-W011",
                reason=f"the alias {alias.__name__!r} contains itself, and msgspec cannot follow it.",
                remedy="a Struct with a field of its own type for what nests.",
            )
        check_expands(_alias_value(annotation), variables=variables, outer=(*outer, alias))
    for argument in typing.get_args(annotation):
        check_expands(argument, variables=variables, outer=outer)


def has_strings(annotation: object) -> bool:
    """Whether a string, which stands for a type that is defined later, is somewhere in an annotation."""
    if annotation is None or isinstance(annotation, type):
        return False
    if isinstance(annotation, str | typing.ForwardRef):
        return True
    arguments = typing.get_args(annotation)
    if typing.get_origin(annotation) in (typing.Literal, Annotated):
        arguments = arguments[:1] if typing.get_origin(annotation) is Annotated else ()
    return any(map(has_strings, arguments))


def _alias_value(alias: object) -> object:
    """What a `type` alias stands for. Raises `Refusal` (JERO-W011)."""
    try:
        if isinstance(alias, TypeAliasType):
            return alias.__value__
        origin = typing.get_origin(alias)
        return origin.__value__[typing.get_args(alias)] if isinstance(origin, TypeAliasType) else alias
    except Exception as error:
        raise unresolvable(type_name(alias), error) from error


def unresolvable(annotation: str, error: Exception) -> Refusal:
    """The refusal (JERO-W011) of an annotation that raises when it is evaluated."""
    return Refusal(
        code="JERO-W011",
        reason=f"{annotation} cannot be resolved: {type(error).__name__}: {error}.",
        remedy="a name that the module has at run time: imported outside `if TYPE_CHECKING:`, and defined at module "
        "level.",
    )


def unwrapped(annotation: object) -> object:
    """The annotation with `type` aliases and `NewType` expanded and `Annotated` taken off."""
    while not isinstance(annotation, type):
        origin = typing.get_origin(annotation)
        if isinstance(annotation, typing.NewType):
            annotation = annotation.__supertype__
        elif isinstance(annotation, TypeAliasType) or isinstance(origin, TypeAliasType):
            annotation = _alias_value(annotation)
        elif origin is Annotated:
            annotation = typing.get_args(annotation)[0]
        else:
            break
    return annotation


def struct_of(annotation: object) -> type[msgspec.Struct] | None:
    """The Struct class that an annotation names, or None; a generic Struct with arguments is no class."""
    bare = unwrapped(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, msgspec.Struct) else None


def struct_class_of(annotation: object) -> type[msgspec.Struct] | None:
    """The Struct class that an annotation names, of a generic Struct with arguments its class; or None."""
    bare = unwrapped(annotation)
    return struct_of(bare if isinstance(bare, type) else typing.get_origin(bare))


def structs_in(annotation: object) -> tuple[type[msgspec.Struct], ...] | None:
    """The Struct classes of a Struct, a generic Struct, or a union of these; None if there is anything else in it."""
    members = tuple(members_of(annotation))
    structs = tuple(struct for struct in map(struct_class_of, members) if struct is not None)
    return structs if len(structs) == len(members) else None


def members_of(annotation: object) -> Iterator[object]:
    """The members of a union, also through aliases; the annotation itself if it is none."""
    bare = unwrapped(annotation)
    if not isinstance(bare, type) and is_union(bare):
        for member in typing.get_args(bare):
            yield from members_of(member)
    else:
        yield bare


def constrained_members_of(annotation: object) -> Iterator[object]:
    """The members of a union, each with its constraints, as an `Annotated`; msgspec has none for a union itself."""
    constraints: tuple[msgspec.Meta, ...] = ()
    while not isinstance(annotation, type):
        if typing.get_origin(annotation) is Annotated:
            constraints += tuple(meta for meta in typing.get_args(annotation)[1:] if isinstance(meta, msgspec.Meta))
            annotation = typing.get_args(annotation)[0]
        elif (value := _alias_value(annotation)) is not annotation:
            annotation = value
        else:
            break
    if is_union(annotation):
        for member in typing.get_args(annotation):
            yield from constrained_members_of(member)
    else:
        yield typing.cast("types.GenericAlias", Annotated)[annotation, *constraints] if constraints else annotation


def list_item(annotation: object) -> object:
    """The item type of a `list[...]`; `EMPTY` if the annotation is something else."""
    bare = unwrapped(annotation)
    arguments = typing.get_args(bare)
    return arguments[0] if typing.get_origin(bare) is list and len(arguments) == 1 else EMPTY


def is_union(annotation: object) -> bool:
    """Whether an annotation is a union, in either spelling."""
    return typing.get_origin(annotation) in (Union, types.UnionType)


def shape_of(annotation: object) -> Shape:
    """Take a field's annotation apart (see `Shape`)."""
    if isinstance(annotation, type):
        return Shape(annotation, (), annotation, (), optional=_has_none(annotation))
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, TypeAliasType) or isinstance(origin, TypeAliasType):
        return shape_of(_alias_value(annotation))
    if isinstance(annotation, typing.NewType):
        return shape_of(annotation.__supertype__)
    if origin is Final:
        return shape_of(arguments[0])
    if origin is Annotated:
        inner = shape_of(arguments[0])
        metas = tuple(item for item in arguments[1:] if isinstance(item, msgspec.Meta) and _demands(item))
        return msgspec.structs.replace(inner, constraints=inner.constraints + metas)
    if is_union(annotation):
        members = tuple(member for member in arguments if member is not type(None))
        if len(members) < len(arguments):
            whole = shape_of(typing.cast("types.GenericAlias", Union)[members])
            return msgspec.structs.replace(whole, optional=True)
    return Shape(annotation, arguments, origin or annotation, (), optional=any(map(_has_none, members_of(annotation))))


def _has_none(annotation: object) -> bool:
    """Whether None is a value of an annotation that is no union."""
    if isinstance(annotation, type):
        return annotation is type(None) or annotation is Any or annotation is object
    return typing.get_origin(annotation) is typing.Literal and None in typing.get_args(annotation)


def struct_fields(annotation: object) -> tuple[type[msgspec.Struct], tuple[Field, ...]] | None:
    """The Struct that an annotation names and its fields, those of a generic Struct with its arguments; or None."""
    bare = unwrapped(annotation)
    struct = struct_class_of(bare)
    if struct is None:
        return None
    return struct, fields_of(struct) if bare is struct else _read_fields(bare)


@functools.lru_cache(maxsize=1024)
def fields_of(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a Struct. Raises `Refusal` (JERO-W011) if one of their annotations cannot be resolved."""
    return _read_fields(struct)


def _read_fields(struct: object) -> tuple[Field, ...]:
    try:
        fields = msgspec.structs.fields(typing.cast("type[msgspec.Struct]", struct))
    except Exception as error:
        raise unresolvable(f"a field of {type_name(struct)}", error) from error
    for field in fields:
        try:
            check_expands(field.type, variables=True)
        except Refusal as refusal:
            raise refusal.about(f"{type_name(struct)}.{field.name}") from refusal
    return tuple(Field(f.name, f.encode_name, f.type, f.required, f.default, f.default_factory) for f in fields)


def attributes_of(cls: object) -> Mapping[str, object] | None:
    """The annotated attributes of a dataclass, attrs class, NamedTuple or TypedDict; None for anything else.

    Raises `Refusal` (JERO-W011) if one of the annotations cannot be resolved.
    """
    marks = ("__dataclass_fields__", "__attrs_attrs__", "_fields", "__total__")
    if not isinstance(cls, type) or not any(hasattr(cls, mark) for mark in marks):
        return None
    try:
        hints: Mapping[str, object] = typing.get_type_hints(cls)
    except Exception as error:
        raise unresolvable(f"a field of {type_name(cls)}", error) from error
    attributes = {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not typing.ClassVar}
    for name, hint in attributes.items():
        try:
            check_expands(hint, variables=True)
        except Refusal as refusal:
            raise refusal.about(f"{type_name(cls)}.{name}") from refusal
    return attributes


def parts_of(shape: Shape, seen: list[object]) -> tuple[bool, list[tuple[str, object]]]:
    """Whether a class names its members, and the types of what a value holds: these, or the arguments of the type.

    Each with where it stands, such as "Widget.name: "; "" for an argument. A class that names its members goes into
    `seen`, for it may hold itself. Raises `Refusal` (JERO-W011) if one of their annotations cannot be resolved.
    """
    if (found := struct_fields(shape.type)) is not None:
        seen.append(shape.type)
        return True, [(f"{type_name(found[0])}.{field.name}: ", field.type) for field in found[1]]
    if (attributes := attributes_of(shape.origin)) is not None:
        seen.append(shape.type)
        return True, [(f"{type_name(shape.origin)}.{name}: ", kind) for name, kind in attributes.items()]
    arguments = () if shape.origin is typing.Literal else shape.arguments
    return False, [("", argument) for argument in arguments if argument is not ...]


def is_writable(name: str) -> bool:
    """Whether Python source can name a field so: `msgspec.defstruct` also takes keywords."""
    return not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name


def _demands(meta: msgspec.Meta) -> list[tuple[str, object]]:
    """What a Meta demands of values, and how much of it."""
    values: list[tuple[str, object]] = [(name, getattr(meta, name)) for name in _DEMANDS]
    return [(name, value) for name, value in values if value is not None]


def _meta_name(meta: object) -> str:
    """What stands in an `Annotated`: of a Meta what it demands, of other things nothing."""
    shown = [f"{name}={value!r}" for name, value in _demands(meta)] if isinstance(meta, msgspec.Meta) else []
    return f"Meta({', '.join(shown)})" if shown else "..."


def type_name(annotation: object) -> str:
    """An annotation as a reader would write it, without modules."""
    if annotation is None or annotation is type(None):
        return "None"
    if isinstance(annotation, type):
        return annotation.__qualname__.rpartition("<locals>.")[2]
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if is_union(annotation):
        return " | ".join(map(type_name, arguments))
    if origin is typing.Literal:
        return f"Literal[{', '.join(map(repr, arguments))}]"
    if origin is Annotated:
        return f"Annotated[{', '.join([type_name(arguments[0]), *map(_meta_name, arguments[1:])])}]"
    if arguments:
        shown = [type_name(argument) for argument in arguments]
        parameters: tuple[typing.TypeVar, ...] = getattr(origin, "__type_params__", ())
        while 1 < len(shown) <= len(parameters) and shown[-1] == type_name(parameters[len(shown) - 1].__default__):
            shown.pop()  # As if it had been left out.
        return f"{type_name(origin)}[{', '.join(shown)}]"
    if isinstance(annotation, list):  # The arguments of a Callable.
        return f"[{', '.join(map(type_name, typing.cast('list[object]', annotation)))}]"
    if isinstance(annotation, typing.ForwardRef):
        return repr(annotation.__forward_arg__)
    if annotation is ...:
        return "..."
    name: object = getattr(annotation, "__name__", None)
    return name if isinstance(name, str) else repr(annotation).replace("typing.", "")
