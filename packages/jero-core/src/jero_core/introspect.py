"""Introspection: handlers, annotations and Structs read into plain facts.

This is the only module that knows `typing`. It reads each thing once, at startup, and reports what it cannot read as a
`Refusal`.
"""

import inspect
import types
import typing
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeAliasType, Union

import msgspec

from .wiring import Place, Refusal

EMPTY: Final = inspect.Parameter.empty
"""Stands for "no annotation"."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a handler, its annotation resolved."""

    name: str
    annotation: object
    positional_only: bool


@dataclass(frozen=True, slots=True)
class Returned:
    """A handler's return annotation, taken apart: `JSONResponse[Widget]` has origin JSONResponse and one argument."""

    annotation: object
    origin: object
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a handler's signature says."""

    parameters: tuple[Parameter, ...]
    returned: Returned
    is_async: bool


@dataclass(frozen=True, slots=True)
class Field:
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


@dataclass(frozen=True, slots=True)
class Shape:
    """An annotation without its wrappings: aliases expanded, `Annotated` and `| None` taken off."""

    type: object
    """The bare type: a class, a generic alias, or a union."""
    arguments: tuple[object, ...]
    origin: object
    constraints: tuple[msgspec.Meta, ...]
    optional: bool


def place_of(thing: object, name: str) -> Place:
    """Where a class or function stands in its source file."""
    if isinstance(thing, type):
        try:
            file = inspect.getsourcefile(thing) or inspect.getfile(thing)
        except (TypeError, OSError):
            file = f"<module {thing.__module__}>"
        return Place(file, vars(thing).get("__firstlineno__", 0), name)
    code = _code_of(thing)
    return Place("<unknown>", 0, name) if code is None else Place(code.co_filename, code.co_firstlineno, name)


def _code_of(thing: object) -> types.CodeType | None:
    try:
        function = inspect.unwrap(thing) if callable(thing) else thing
    except ValueError:  # A cycle of __wrapped__.
        return None
    code = getattr(function, "__code__", None)
    return code if isinstance(code, types.CodeType) else None


def read_signature(handler: Callable[..., object]) -> tuple[Signature, list[Refusal]]:
    """Read a bound handler's signature, with every fault that it has; faulty parameters are left out."""
    refusals: list[Refusal] = []
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError) as error:
        raise Refusal(
            code="JERO-W017",
            reason=f"its signature cannot be read: {error}.",
            remedy="a method written in Python, with annotated arguments.",
        ) from error
    hints, unresolved = _resolve_hints(handler)
    parameters: list[Parameter] = []
    for parameter in signature.parameters.values():
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            refusals.append(
                Refusal(
                    code="JERO-W013",
                    reason=f"{stars}{name} has no name and no type to bind a value by.",
                    remedy="one named, annotated argument for each source that the handler reads.",
                )
            )
        elif name in unresolved:
            refusals.append(unresolved[name])
        else:
            positional_only = parameter.kind is parameter.POSITIONAL_ONLY
            parameters.append(Parameter(name, hints.get(name, EMPTY), positional_only))
    if "return" in unresolved:
        refusals.append(unresolved["return"])
    returned = read_returned(hints.get("return", EMPTY))
    # A decorator may be a plain function around a coroutine function, or the other way round.
    is_async = inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(inspect.unwrap(handler))
    return Signature(tuple(parameters), returned, is_async), refusals


def _resolve_hints(handler: Callable[..., object]) -> tuple[Mapping[str, object], dict[str, Refusal]]:
    """The handler's annotations with strings evaluated, and a refusal for each that cannot be."""
    function = inspect.unwrap(handler)
    function = getattr(function, "__func__", function)
    annotations: Mapping[str, object] = getattr(function, "__annotations__", {})
    if not any(isinstance(annotation, str) for annotation in annotations.values()):
        return annotations, {}
    hints: dict[str, object] = {}
    unresolved: dict[str, Refusal] = {}
    namespace: dict[str, object] = getattr(function, "__globals__", {})
    local = {parameter.__name__: parameter for parameter in getattr(function, "__type_params__", ())}
    for name, annotation in annotations.items():
        if not isinstance(annotation, str):
            hints[name] = annotation
            continue
        try:
            hints[name] = eval(annotation, namespace, local)  # noqa: S307  # what typing.get_type_hints does
        except Exception as error:  # noqa: BLE001  # an annotation may be any expression
            unresolved[name] = _unresolvable(name, annotation, error)
    return hints, unresolved


def _unresolvable(name: str, annotation: str, error: Exception) -> Refusal:
    what = "the return annotation" if name == "return" else f"the annotation of {name!r}"
    return Refusal(
        code="JERO-W011",
        reason=f"{what}, {annotation!r}, cannot be resolved: {type(error).__name__}: {error}.",
        remedy="a name that the handler's module has at run time: import it outside `if TYPE_CHECKING:`, "
        "and define the Struct at module level.",
    )


def read_returned(annotation: object) -> Returned:
    """Take a return annotation apart, through aliases and `Annotated`."""
    bare = _unwrapped(annotation)
    return Returned(annotation, typing.get_origin(bare) or bare, typing.get_args(bare))


def _unwrapped(annotation: object) -> object:
    """The annotation with `type` aliases expanded and `Annotated` taken off."""
    while True:
        if isinstance(annotation, TypeAliasType):
            annotation = annotation.__value__
        elif isinstance(origin := typing.get_origin(annotation), TypeAliasType):
            annotation = origin.__value__[typing.get_args(annotation)]
        elif origin is Annotated:
            annotation = typing.get_args(annotation)[0]
        else:
            return annotation


def struct_of(annotation: object) -> type[msgspec.Struct] | None:
    """The Struct class that an annotation names, or None. A generic Struct's alias is no class: see `is_struct`."""
    bare = _unwrapped(annotation)
    return bare if isinstance(bare, type) and issubclass(bare, msgspec.Struct) else None


def is_struct(annotation: object) -> bool:
    """Whether an annotation is a Struct class or a generic Struct with arguments, such as `Page[Widget]`."""
    bare = _unwrapped(annotation)
    return struct_of(typing.get_origin(bare) or bare) is not None


def structs_in(annotation: object) -> tuple[type[msgspec.Struct], ...] | None:
    """The Struct classes of a Struct, a generic Struct, or a union of these; None if there is anything else in it."""
    bare = _unwrapped(annotation)
    members = typing.get_args(bare) if is_union(bare) else (bare,)
    origins = [typing.get_origin(_unwrapped(member)) or _unwrapped(member) for member in members]
    structs = tuple(struct for struct in map(struct_of, origins) if struct is not None)
    return structs if len(structs) == len(members) else None


def list_item(annotation: object) -> object:
    """The item type of a `list[...]`; `EMPTY` if the annotation is something else."""
    bare = _unwrapped(annotation)
    arguments = typing.get_args(bare)
    return arguments[0] if typing.get_origin(bare) is list and len(arguments) == 1 else EMPTY


def is_union(annotation: object) -> bool:
    """Whether an annotation is a union, in either spelling."""
    return typing.get_origin(annotation) in (Union, types.UnionType)


def shape_of(annotation: object) -> Shape:
    """Take a field's annotation apart (see `Shape`)."""
    if isinstance(annotation, TypeAliasType):
        return shape_of(annotation.__value__)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        inner = shape_of(arguments[0])
        metas = tuple(item for item in arguments[1:] if isinstance(item, msgspec.Meta))
        return replace(inner, constraints=inner.constraints + metas)
    if is_union(annotation):
        members = [member for member in arguments if member is not type(None)]
        if len(members) == 1 < len(arguments):
            return replace(shape_of(members[0]), optional=True)
    return Shape(annotation, arguments, origin or annotation, (), optional=False)


def fields_of(struct: type[msgspec.Struct]) -> tuple[Field, ...]:
    """The fields of a Struct. Raises `Refusal` (JERO-W011) if one of their annotations cannot be resolved."""
    try:
        fields = msgspec.structs.fields(struct)
    except Exception as error:
        raise Refusal(
            code="JERO-W011",
            reason=f"a field of {struct.__qualname__} cannot be resolved: {type(error).__name__}: {error}.",
            remedy="names that the Struct's module has at run time: import them outside `if TYPE_CHECKING:`.",
        ) from error
    return tuple(Field(f.name, f.encode_name, f.type, f.required, f.default, f.default_factory) for f in fields)


def type_name(annotation: object) -> str:
    """An annotation as a reader would write it."""
    if annotation is EMPTY:
        return "no annotation"
    if isinstance(annotation, type) and not typing.get_args(annotation):
        return annotation.__qualname__.rpartition("<locals>.")[2]
    return str(annotation).replace("typing.", "")


def generic_argument(cls: type, base: type) -> object:
    """The type argument that `cls` gives to the generic `base`, also through generic bases; None if it gives none."""

    def search(current: type, given: Mapping[object, object]) -> object:
        for parent in types.get_original_bases(current):
            origin = typing.get_origin(parent) or parent
            if not (isinstance(origin, type) and issubclass(origin, base)):
                continue
            arguments = [given.get(argument, argument) for argument in typing.get_args(parent)]
            if origin is base:
                return next((argument for argument in arguments if not isinstance(argument, typing.TypeVar)), None)
            parameters: tuple[object, ...] = getattr(origin, "__parameters__", ())
            found = search(origin, dict(zip(parameters, arguments, strict=False)))
            if found is not None:
                return found
        return None

    return search(cls, {})
