"""Introspection: a handler's signature read into plain facts.

It reads each handler once, at startup; what it cannot read is a `Refusal`. annotations.py takes the types apart.
"""

import inspect
import sys
import types
import typing
from collections.abc import Callable, Mapping
from contextlib import suppress
from typing import Final, TypeIs

import msgspec

from .annotations import EMPTY, check_expands, has_strings, type_name, unresolvable, unwrapped
from .wiring import Place, Refusal

type _Kind = inspect._ParameterKind

_POSITIONAL_ONLY: Final[_Kind] = inspect.Parameter.POSITIONAL_ONLY
_POSITIONAL_OR_KEYWORD: Final[_Kind] = inspect.Parameter.POSITIONAL_OR_KEYWORD
_VAR_POSITIONAL: Final[_Kind] = inspect.Parameter.VAR_POSITIONAL
_KEYWORD_ONLY: Final[_Kind] = inspect.Parameter.KEYWORD_ONLY
_VAR_KEYWORD: Final[_Kind] = inspect.Parameter.VAR_KEYWORD
_YIELDS: Final = inspect.CO_GENERATOR | inspect.CO_ASYNC_GENERATOR
_VARIADIC: Final = {_VAR_POSITIONAL: "*", _VAR_KEYWORD: "**"}


class Parameter(msgspec.Struct, frozen=True):
    """One parameter of a handler, its annotation resolved."""

    name: str
    annotation: object
    positional: bool
    """Whether the handler is called with it by position: that is faster, and safe where no decorator is between."""


class Returned(msgspec.Struct, frozen=True):
    """A handler's return annotation, taken apart: `JSONResponse[Widget]` has origin JSONResponse and one argument."""

    annotation: object
    bare: object
    """The annotation without aliases and `Annotated`."""
    origin: object
    arguments: tuple[object, ...]


class Signature(msgspec.Struct, frozen=True):
    """What a handler's signature says."""

    names: tuple[str, ...]
    """The names of all parameters."""
    parameters: tuple[Parameter, ...]
    """The parameters without those that have a fault."""
    returned: Returned | None
    """The return annotation; None if it has a fault."""
    is_async: bool
    may_answer_itself: bool
    """Whether it is a plain function around a coroutine function: it may give an answer in place of a coroutine."""
    receiver: str | None
    """The name of the first argument, the one that gets the instance; None for a static method."""


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


def plain_function(thing: object) -> object:
    """The function of a bound method; anything else as it is. To ask a method what it does not have costs 300 ns."""
    return thing.__func__ if type(thing) is types.MethodType else thing


def _code_of(thing: object) -> types.CodeType | None:
    function = plain_function(thing)
    if hasattr(function, "__wrapped__") and callable(function):
        try:
            function = inspect.unwrap(function)
        except ValueError:  # A cycle of __wrapped__.
            return None
    code = getattr(function, "__code__", None)
    # Its own class is what counts: a mock passes isinstance.
    return code if type(code) is types.CodeType else None


def is_method(thing: object) -> TypeIs[Callable[..., object]]:
    """Whether something read from an instance is a method written in Python: bound, static or class method."""
    return callable(thing) and not isinstance(thing, type) and _code_of(thing) is not None


def read_signature(
    handler: Callable[..., object], given: Mapping[object, object] | None = None, owner: type | None = None
) -> tuple[Signature, list[Refusal]]:
    """Read a bound handler's signature, with every fault that it has; what has a fault is left out.

    `given` has what stands for the type variables of the handler's class (`type_arguments`). Annotations that are
    strings may name classes within `owner`, the class that the handler was read from, or its bases.
    """
    refusals: list[Refusal] = []
    receiver = _receiver_of(handler)
    plain = plain_function(handler)
    is_wrapped = hasattr(plain, "__wrapped__")
    function = inspect.unwrap(handler) if is_wrapped else handler
    code = None if is_wrapped or hasattr(plain, "__signature__") else _code_of(handler)
    kinds = _kinds_of(handler) if code is None else _plain_kinds_of(handler, code)
    hints, unresolved = _resolve_hints(function, given or {}, owner)
    parameters: list[Parameter] = []
    for name, kind in kinds.items():
        if kind in _VARIADIC:
            refusals.append(
                Refusal(
                    code="JERO-W013",
                    reason=f"{_VARIADIC[kind]}{name} has no name and no type to bind a value by.",
                    remedy="one named, annotated argument for each source that the handler reads; a decorator keeps "
                    "the arguments of what it decorates with `functools.wraps`.",
                )
            )
        elif name in unresolved:
            refusals.append(unresolved[name])
        else:
            by_name = kind is _KEYWORD_ONLY or (is_wrapped and kind is not _POSITIONAL_ONLY)
            parameters.append(Parameter(name, hints.get(name, EMPTY), positional=not by_name))
    returned = None
    if "return" in unresolved:
        refusals.append(unresolved["return"])
    else:
        returned = read_returned(hints.get("return", EMPTY))
    # A plain function's flags say it all; for others `inspect` looks behind what wraps them.
    flags = 0 if code is None else code.co_flags
    if flags & _YIELDS or (
        code is None and (inspect.isgeneratorfunction(handler) or inspect.isasyncgenfunction(handler))
    ):
        refusals.append(
            Refusal(
                code="JERO-W018",
                reason="it yields, and what calling it gives is a generator, not an answer.",
                remedy="a handler that returns: its whole answer, or a response that streams what an iterator gives, "
                "such as `NDJSONStreamingResponse[Widget]` of jero-streaming with `stream=`.",
            )
        )
    # A decorator may be a coroutine function around a plain one, or the other way round.
    is_coroutine_function = bool(flags & inspect.CO_COROUTINE) or inspect.iscoroutinefunction(handler)
    may_answer_itself = not is_coroutine_function and inspect.iscoroutinefunction(function)
    is_async = is_coroutine_function or may_answer_itself
    return Signature(tuple(kinds), tuple(parameters), returned, is_async, may_answer_itself, receiver), refusals


def _plain_kinds_of(handler: Callable[..., object], code: types.CodeType) -> dict[str, _Kind]:
    """The parameters of a function or method that nothing wraps, from its code: far cheaper than `inspect`."""
    names, positional, by_position = code.co_varnames, code.co_argcount, code.co_posonlyargcount
    last = positional + code.co_kwonlyargcount
    kinds = dict.fromkeys(names[:by_position], _POSITIONAL_ONLY)
    kinds |= dict.fromkeys(names[by_position:positional], _POSITIONAL_OR_KEYWORD)
    if code.co_flags & inspect.CO_VARARGS:
        kinds[names[last]] = _VAR_POSITIONAL
    kinds |= dict.fromkeys(names[positional:last], _KEYWORD_ONLY)
    if code.co_flags & inspect.CO_VARKEYWORDS:
        kinds[names[last + bool(code.co_flags & inspect.CO_VARARGS)]] = _VAR_KEYWORD
    if isinstance(handler, types.MethodType) and positional:
        del kinds[names[0]]
    return kinds


def _kinds_of(handler: Callable[..., object]) -> dict[str, _Kind]:
    """The parameters as `inspect` finds them behind decorators. Raises `Refusal` (JERO-W017)."""
    try:
        signature = inspect.signature(handler)
    except (TypeError, ValueError) as error:
        raise Refusal(
            code="JERO-W017",
            reason=f"its signature cannot be read: {error}.",
            remedy="a method written in Python, with annotated arguments.",
        ) from error
    return {parameter.name: parameter.kind for parameter in signature.parameters.values()}


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


def _resolve_hints(
    function: Callable[..., object], given: Mapping[object, object], owner: type | None
) -> tuple[Mapping[str, object], dict[str, Refusal]]:
    """The function's annotations with strings evaluated, and a refusal for each that cannot be."""
    function = getattr(function, "__func__", function)
    annotations: Mapping[str, object] = getattr(function, "__annotations__", None) or {}
    hints: dict[str, object] = {}
    unresolved: dict[str, Refusal] = {}
    for name, annotation in annotations.items():
        try:
            hint = _resolve(annotation, function, given, owner)
            if given:
                hint = substitute(hint, given)
                _check_evaluated(hint)
            hints[name] = hint
            check_expands(hint, variables=False)
        except Refusal as refusal:
            unresolved[name] = refusal.about("the return annotation" if name == "return" else f"the argument {name!r}")
    return hints, unresolved


def _resolve(
    annotation: object, function: Callable[..., object], given: Mapping[object, object], owner: type | None
) -> object:
    """An annotation with every string in it evaluated where its function stands. Raises `Refusal` (JERO-W011)."""
    if not has_strings(annotation):
        return annotation
    variables = (*given, *getattr(function, "__type_params__", ()))
    local: dict[str, object] = {each.__name__: each for each in variables if isinstance(each, typing.TypeVar)}
    return _evaluated(annotation, getattr(function, "__globals__", {}), local | _types_within(owner, function))


def _types_within(owner: type | None, function: Callable[..., object]) -> dict[str, object]:
    """The types that the body of a function's class defines; its methods hide no type of the module."""
    body = getattr(function, "__qualname__", "").rpartition(".")[0]
    for cls in () if owner is None else owner.__mro__:
        if cls.__qualname__ == body and cls.__module__ == function.__module__:
            return {name: value for name, value in vars(cls).items() if isinstance(value, type | typing.TypeAliasType)}
    return {}


def _evaluated(annotation: object, namespace: dict[str, object], local: Mapping[str, object]) -> object:
    """An annotation with every string in it evaluated. Raises `Refusal` (JERO-W011)."""

    def holder() -> None: ...

    holder.__annotations__ = {"it": annotation}
    try:
        return typing.get_type_hints(holder, namespace, local, include_extras=True)["it"]
    except Exception as error:
        raise unresolvable(type_name(annotation), error) from error


def read_returned(annotation: object) -> Returned:
    """Take a return annotation apart, through aliases and `Annotated`."""
    bare = unwrapped(annotation)
    return Returned(annotation, bare, typing.get_origin(bare) or bare, typing.get_args(bare))


def generic_arguments(annotation: object, base: type) -> tuple[object, ...]:
    """The type arguments that a class or generic alias gives to its generic base, also through other bases.

    A parameter without an argument is its default, or stays a type variable. Empty if `base` is no base.
    Raises `Refusal` (JERO-W011) for a string that cannot be evaluated.
    """
    origin = typing.get_origin(annotation) or annotation
    given = type_arguments(annotation)
    if not (isinstance(origin, type) and issubclass(origin, base)):
        return ()
    arguments = tuple(substitute(parameter, given) for parameter in _parameters_of(base))
    for argument in arguments:
        _check_evaluated(argument)
    return arguments


def type_arguments(annotation: object) -> dict[object, object]:
    """What stands for each type variable of the generic bases of a class or generic alias, by type variable."""
    origin = typing.get_origin(annotation) or annotation
    if not isinstance(origin, type) or not (hasattr(origin, "__orig_bases__") or _parameters_of(origin)):
        return {}
    found: dict[object, object] = {}

    def walk(cls: type, arguments: tuple[object, ...]) -> None:
        parameters = _parameters_of(cls)
        found.update(zip(parameters, arguments or (substitute(each, found) for each in parameters), strict=False))
        for base in types.get_original_bases(cls):
            parent = typing.get_origin(base) or base
            if isinstance(parent, type) and parent not in (object, typing.Generic):
                given = (_argument(each, cls) for each in typing.get_args(base))
                walk(parent, tuple(substitute(each, found) for each in given))

    walk(origin, typing.get_args(annotation))
    return found


def _argument(annotation: object, cls: type) -> object:
    """A type argument in a class statement: a string in it is evaluated where the class stands, if it can be.

    One that cannot is a fault only of what uses it (`_check_evaluated`).
    """
    if not has_strings(annotation):
        return annotation
    variables = {each.__name__: each for each in cls.__type_params__ if isinstance(each, typing.TypeVar)}
    with suppress(Refusal):
        return _evaluated(annotation, vars(sys.modules.get(cls.__module__, types)), variables)
    return annotation


def _check_evaluated(annotation: object) -> None:
    """Raise `Refusal` (JERO-W011) if a string is left that could not be evaluated where its class stands."""
    if has_strings(annotation):
        _evaluated(annotation, {}, {})


def substitute(annotation: object, given: Mapping[object, object]) -> object:
    """An annotation with its type variables replaced: by what is given, or by their defaults (PEP 696)."""
    if isinstance(annotation, typing.TypeVar):
        if annotation in given:
            return given[annotation]
        return substitute(annotation.__default__, given) if annotation.has_default() else annotation
    parameters = _parameters_of(annotation)
    if isinstance(annotation, type) or not parameters:
        return annotation
    values = tuple(substitute(parameter, given) for parameter in parameters)
    return typing.cast("types.GenericAlias", annotation)[values]


def _parameters_of(generic: object) -> tuple[object, ...]:
    parameters: object = getattr(generic, "__parameters__", ())
    return typing.cast("tuple[object, ...]", parameters) if isinstance(parameters, tuple) else ()
