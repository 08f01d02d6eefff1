"""Links looked for in handlers at startup, so that one that leads nowhere is found before a request meets it.

A handler's bytecode shows `Location.from_operation(Cls.op, ...)` and `Link.from_ref("ref.op", ...)`. What is not as
plain as that is skipped: a false alarm would be worse than a late one.
"""

import dis
import inspect
import types
from collections.abc import Callable, Iterator
from itertools import takewhile
from typing import Final

from .links import Link, Location, Target

_MAKERS: Final = frozenset({"from_operation", "from_ref"})
_NAMES: Final = frozenset({"LOAD_GLOBAL", "LOAD_DEREF", "LOAD_NAME"})
_NOTHING: Final = object()


def links_in(handler: Callable[..., object]) -> list[tuple[str, Target]]:
    """The targets of the links that a handler plainly makes, each with how it is written."""
    function = inspect.unwrap(handler) if hasattr(handler, "__wrapped__") else handler
    function = getattr(function, "__func__", function)
    code: object = getattr(function, "__code__", None)
    if isinstance(code, types.CodeType) and isinstance(function, types.FunctionType) and _may_link(code):
        return [*_links_in(code, function)]
    return []


def _may_link(code: types.CodeType) -> bool:
    """Whether a look at the bytecode may be worth its time: most handlers make no links."""
    return not _MAKERS.isdisjoint(code.co_names) or types.CodeType in map(type, code.co_consts)


def _links_in(code: types.CodeType, function: types.FunctionType) -> Iterator[tuple[str, Target]]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _links_in(constant, function)
    if _MAKERS.isdisjoint(code.co_names):
        return
    steps = [step for step in dis.get_instructions(code) if step.opname not in {"PUSH_NULL", "CACHE", "EXTENDED_ARG"}]
    for index in range(1, len(steps) - 1):
        step, argument = steps[index], steps[index + 1]
        if step.argval not in _MAKERS or not step.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")):
            continue
        if _named(steps[index - 1], function) not in (Location, Link):
            continue
        if step.argval == "from_ref":
            if argument.opname == "LOAD_CONST" and isinstance(argument.argval, str):
                try:
                    yield f"from_ref({argument.argval!r})", Target.of_ref(argument.argval, None)
                except ValueError:
                    yield f"from_ref({argument.argval!r})", Target(ref=argument.argval)
            continue
        thing, written = _named(argument, function), str(argument.argval)
        for further in takewhile(lambda step: step.opname.startswith("LOAD_ATTR"), steps[index + 2 :]):
            thing = getattr(thing, further.argval, _NOTHING)
            written += f".{further.argval}"
        thing = getattr(thing, "__func__", thing)
        if isinstance(thing, types.FunctionType):
            yield f"from_operation({written})", Target(operation=thing)


def _named(step: dis.Instruction, function: types.FunctionType) -> object:
    """What a name in a handler stands for."""
    if step.opname not in _NAMES:
        return _NOTHING
    found = function.__globals__.get(step.argval, _NOTHING)
    if step.opname == "LOAD_DEREF":
        cells = dict(zip(function.__code__.co_freevars, function.__closure__ or (), strict=False))
        try:
            found = cells[step.argval].cell_contents
        except (KeyError, ValueError):
            return _NOTHING
    return found
