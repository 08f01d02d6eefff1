"""Introspection: handlers, annotations and Structs read into plain facts.

This is the only module that knows `typing`. It reads each thing once, at startup, and reports what it cannot read as a
`Refusal`.
"""

import functools
import inspect
import keyword
import types
import typing
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Annotated, Final, TypeAliasType, TypeIs, Union

import msgspec

from .wiring import Place, Refusal

EMPTY: Final = inspect.Parameter.empty
"""Stands for "no annotation"."""


@dataclass(frozen=True, slots=True)
class Parameter:
    """One parameter of a handler, its annotation resolved."""

    name: str
    annotation: object
    positional: bool
    """Whether the handler is called with it by position: that is faster, and safe where no decorator is between."""


@dataclass(frozen=True, slots=True)
class Returned:
    """A handler's return annotation, taken apart: `JSONResponse[Widget]` has origin JSONResponse and one argument."""

    annotation: object
    origin: object
    arguments: tuple[object, ...]


@dataclass(frozen=True, slots=True)
class Signature:
    """What a handler's signature says."""

    names: tuple[str, ...]
    """The names of all parameters."""
    parameters: tuple[Parameter, ...]
    """The parameters without those that have a fault."""
    returned: Returned | None
    """The return annotation; None if it has a fault."""
    is_async: bool
    receiver: str | None
    """The name of the first argument, the one that gets the instance; None for a static method."""


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


def is_method(thing: object) -> TypeIs[Callable[..., object]]:
    """Whether something read from an instance is a method written in Python: bound, static or class method."""
    return callable(thing) and not isinstance(thing, type) and _code_of(thing) is not None


def read_signature(handler: Callable[..., object]) -> tuple[Signature, list[Refusal]]:
    """Read a bound handler's signature, with every fault that it has; what has a fault is left out."""
    refusals: list[Refusal] = []
    receiver = _receiver_of(handler)
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError) as error:
        raise Refusal(
            code="JERO-W017",
            reason=f"its signature cannot be read: {error}.",
            remedy="a method written in Python, with annotated arguments.",
        ) from error
    hints, unresolved = _resolve_hints(handler)
    is_wrapped = inspect.unwrap(handler) is not handler
    parameters: list[Parameter] = []
    for parameter in signature.parameters.values():
        name = parameter.name
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD):
            stars = "*" if parameter.kind is parameter.VAR_POSITIONAL else "**"
            refusals.append(
                Refusal(
                    code="JERO-W013",
                    reason=f"{stars}{name} has no name and no type to bind a value by.",
                    remedy="one named, annotated argument for each source that the handler reads; a decorator keeps "
                    "the arguments of what it decorates with `functools.wraps`.",
                )
            )
        elif name in unresolved:
            refusals.append(unresolved[name])
        else:
            by_name = parameter.kind is parameter.KEYWORD_ONLY or (
                is_wrapped and parameter.kind is not parameter.POSITIONAL_ONLY
            )
            parameters.append(Parameter(name, hints.get(name, EMPTY), positional=not by_name))
    returned = None
    if "return" in unresolved:
        refusals.append(unresolved["return"])
    else:
        returned = read_returned(hints.get("return", EMPTY))
    if inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler):
        refusals.append(
            Refusal(
                code="JERO-W018",
                reason="it yields, and what calling it gives is a generator, not an answer.",
                remedy="a handler that returns its whole answer.",
            )
        )
    # A decorator may be a plain function around a coroutine function, or the other way round.
    is_async = inspect.iscoroutinefunction(handler) or inspect.iscoroutinefunction(inspect.unwrap(handler))
    return Signature(tuple(signature.parameters), tuple(parameters), returned, is_async, receiver), refusals


def _receiver_of(handler: Callable[..., object]) -> str | None:
    """The name of a bound method's first argument. Raises `Refusal` (JERO-W017) if it has none."""
    code = _code_of(handler)
    if code is None or not inspect.ismethod(handler):
        return None
    if code.co_argcount:
        return code.co_varnames[0]
    if code.co_flags & inspect.CO_VARARGS:
        return None
    raise Refusal(
        code="JERO-W017",
        reason="it has no `self`, and a method is called with its instance.",
        remedy="`self` as the first argument, or `@staticmethod` above it.",
    )


def _resolve_hints(handler: Callable[..., object]) -> tuple[Mapping[str, object], dict[str, Refusal]]:
    """The handler's annotations with strings evaluated, and a refusal for each that cannot be."""
    function = inspect.unwrap(handler)
    function = getattr(function, "__func__", function)
    annotations: Mapping[str, object] = getattr(function, "__annotations__", {})
    hints: dict[str, object] = {}
    unresolved: dict[str, Refusal] = {}
    namespace: dict[str, object] = getattr(function, "__globals__", {})
    local = {parameter.__name__: parameter for parameter in getattr(function, "__type_params__", ())}
    for name, annotation in annotations.items():
        try:
            hints[name] = _resolve(annotation, namespace, local)
            _check_expands(hints[name], variables=False)
        except Refusal as refusal:
            unresolved[name] = refusal.about("the return annotation" if name == "return" else f"the argument {name!r}")
    return hints, unresolved


def _resolve(annotation: object, namespace: dict[str, object], local: dict[str, object]) -> object:
    """An annotation with every string in it evaluated. Raises `Refusal` (JERO-W011)."""
    if annotation is None or isinstance(annotation, type):
        return annotation

    def holder() -> None: ...

    holder.__annotations__ = {"it": annotation}
    try:
        return typing.get_type_hints(holder, namespace, local, include_extras=True)["it"]
    except Exception as error:
        raise _unresolvable(type_name(annotation), error) from error


def _check_expands(annotation: object, *, variables: bool, outer: tuple[object, ...] = ()) -> None:
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
            remedy="the type itself; a handler of a generic base class is written out in each subclass.",
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
        _check_expands(_alias_value(annotation), variables=variables, outer=(*outer, alias))
    for argument in typing.get_args(annotation):
        _check_expands(argument, variables=variables, outer=outer)


def _alias_value(alias: object) -> object:
    """What a `type` alias stands for. Raises `Refusal` (JERO-W011)."""
    try:
        if isinstance(alias, TypeAliasType):
            return alias.__value__
        origin = typing.get_origin(alias)
        return origin.__value__[typing.get_args(alias)] if isinstance(origin, TypeAliasType) else alias
    except Exception as error:
        raise _unresolvable(type_name(alias), error) from error


def _unresolvable(annotation: str, error: Exception) -> Refusal:
    return Refusal(
        code="JERO-W011",
        reason=f"{annotation} cannot be resolved: {type(error).__name__}: {error}.",
        remedy="a name that the module has at run time: imported outside `if TYPE_CHECKING:`, and defined at module "
        "level.",
    )


def read_returned(annotation: object) -> Returned:
    """Take a return annotation apart, through aliases and `Annotated`."""
    bare = _unwrapped(annotation)
    return Returned(annotation, typing.get_origin(bare) or bare, typing.get_args(bare))


def _unwrapped(annotation: object) -> object:
    """The annotation with `type` aliases expanded and `Annotated` taken off."""
    while not isinstance(annotation, type):
        origin = typing.get_origin(annotation)
        if isinstance(annotation, TypeAliasType) or isinstance(origin, TypeAliasType):
            annotation = _alias_value(annotation)
        elif origin is Annotated:
            annotation = typing.get_args(annotation)[0]
        else:
            break
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
    members = tuple(members_of(annotation))
    found = (struct_of(member) or struct_of(typing.get_origin(member)) for member in members)
    structs = tuple(struct for struct in found if struct is not None)
    return structs if len(structs) == len(members) else None


def members_of(annotation: object) -> Iterator[object]:
    """The members of a union, also through aliases; the annotation itself if it is none."""
    bare = _unwrapped(annotation)
    if not isinstance(bare, type) and is_union(bare):
        for member in typing.get_args(bare):
            yield from members_of(member)
    else:
        yield bare


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
    if isinstance(annotation, type):
        return Shape(annotation, (), annotation, (), optional=False)
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    if isinstance(annotation, TypeAliasType) or isinstance(origin, TypeAliasType):
        return shape_of(_alias_value(annotation))
    if isinstance(annotation, typing.NewType):
        return shape_of(annotation.__supertype__)
    if origin is Final:
        return shape_of(arguments[0])
    if origin is Annotated:
        inner = shape_of(arguments[0])
        metas = tuple(item for item in arguments[1:] if isinstance(item, msgspec.Meta))
        return replace(inner, constraints=inner.constraints + metas)
    if is_union(annotation):
        members = [member for member in arguments if member is not type(None)]
        if len(members) == 1 < len(arguments):
            return replace(shape_of(members[0]), optional=True)
    return Shape(annotation, arguments, origin or annotation, (), optional=False)


def struct_fields(annotation: object) -> tuple[type[msgspec.Struct], tuple[Field, ...]] | None:
    """The Struct that an annotation names and its fields, those of a generic Struct with its arguments; or None."""
    bare = _unwrapped(annotation)
    struct = struct_of(bare) or struct_of(typing.get_origin(bare))
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
        raise _unresolvable(f"a field of {type_name(struct)}", error) from error
    for field in fields:
        try:
            _check_expands(field.type, variables=True)
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
        raise _unresolvable(f"a field of {type_name(cls)}", error) from error
    attributes = {name: hint for name, hint in hints.items() if typing.get_origin(hint) is not typing.ClassVar}
    for name, hint in attributes.items():
        try:
            _check_expands(hint, variables=True)
        except Refusal as refusal:
            raise refusal.about(f"{type_name(cls)}.{name}") from refusal
    return attributes


def is_writable(name: str) -> bool:
    """Whether Python source can name a field so: `msgspec.defstruct` also takes keywords."""
    return not keyword.iskeyword(name) and unicodedata.normalize("NFKC", name) == name


def type_name(annotation: object) -> str:
    """An annotation as a reader would write it, without modules."""
    if annotation is EMPTY:
        return "no annotation"
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
        return f"Annotated[{type_name(arguments[0])}, ...]"
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
