"""Links looked for in handlers at startup, so that one that leads nowhere is found before a request meets it.

A handler's bytecode shows `Location.from_operation(Cls.op, ...)` and `Link.from_ref("ref.op", ...)`. What is not as
plain as that is skipped: a false alarm would be worse than a late one.

Theory
------
A call pushes what it calls, then its arguments from the left to the right, each above the one before. So the value that
is pushed first is the first argument, whole, if nothing but the call takes it off the stack: not an operator, a call of
its own, or an f-string that it begins. `dis.stack_effect` tells the height of the stack after each instruction. As long
as what lies above the value is never used up and made anew in its place, and no instruction jumps, nothing has touched
it.
"""

import dis
import inspect
import types
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import takewhile
from typing import Final, cast

from .introspect import plain_function
from .links import Link, Location, Target

_MAKERS: Final = {"from_operation": "operation", "from_ref": "ref"}
"""The class methods, and the argument of each that says where the link leads."""
_JUMPS: Final = frozenset(dis.hasjump)
_REACHES_BELOW: Final = frozenset({"SWAP", "UNPACK_SEQUENCE", "UNPACK_EX"})
"""What may take a value from below, and put two or more in its place."""
_NOTHING: Final = object()

type _Cells = Mapping[str, types.CellType]
"""The free variables of a handler that its code, or code within it, knows by these names."""


def links_in(handler: Callable[..., object]) -> list[tuple[str, Target]]:
    """The targets of the links that a handler plainly makes, each with how it is written."""
    function = plain_function(handler)
    if hasattr(function, "__wrapped__"):
        function = inspect.unwrap(handler)
        function = getattr(function, "__func__", function)
    code: object = getattr(function, "__code__", None)
    if isinstance(code, types.CodeType) and isinstance(function, types.FunctionType) and _may_link(code):
        cells = dict(zip(code.co_freevars, function.__closure__ or (), strict=False))
        return [*_links_in(code, cells, function.__globals__)]
    return []


def _may_link(code: types.CodeType) -> bool:
    """Whether a look at the bytecode may be worth its time: most handlers make no links."""
    return not _MAKERS.keys().isdisjoint(code.co_names) or types.CodeType in map(type, code.co_consts)


def _links_in(code: types.CodeType, cells: _Cells, global_names: Mapping[str, object]) -> Iterator[tuple[str, Target]]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            # A variable of its own hides the handler's of the same name.
            known = {name: cells[name] for name in constant.co_freevars if name in cells}
            yield from _links_in(constant, known, global_names)
    if _MAKERS.keys().isdisjoint(code.co_names):
        return
    steps = [step for step in dis.get_instructions(code) if step.opname not in {"CACHE", "EXTENDED_ARG", "NOP"}]
    for index, step in enumerate(steps):
        if step.argval not in _MAKERS or not step.opname.startswith(("LOAD_ATTR", "LOAD_METHOD")):
            continue
        if _named(steps[index - 1], cells, global_names) not in (Location, Link):
            continue
        # Of a name that the module has imported, a PUSH_NULL completes what is called.
        first = index + 1 + (steps[index + 1].opname == "PUSH_NULL")
        argument = _first_argument(steps[first:], _MAKERS[step.argval])
        if not argument:
            continue
        if step.argval == "from_operation":
            thing = _named(argument[0], cells, global_names)
            for further in argument[1:]:
                # Nothing of the user's runs: a proxy may be of no use before a request.
                thing = inspect.getattr_static(thing, further.argval, _NOTHING)
            if isinstance(thing, classmethod | staticmethod):
                thing = cast("classmethod[object, ..., object]", thing).__func__
            if isinstance(thing, types.FunctionType):
                written = ".".join(str(each.argval) for each in argument)
                yield f"from_operation({written})", Target(operation=thing)
        elif argument[0].opname == "LOAD_CONST" and isinstance(argument[0].argval, str) and len(argument) == 1:
            yield f"from_ref({argument[0].argval!r})", Target(ref=argument[0].argval)


def _first_argument(steps: Sequence[dis.Instruction], name: str) -> Sequence[dis.Instruction]:
    """The instructions that load a call's first argument, a name with its attributes or a constant.

    Nothing if there is more to it, or if it is a keyword argument other than this.
    """
    if _effect(steps[0]) != 1:
        return ()  # An attribute of a local, or something that is called.
    attributes = takewhile(lambda step: step.opname == "LOAD_ATTR" and _effect(step) == 0, steps[1:])
    argument = [steps[0], *attributes]
    index, above = len(argument), 0
    while True:  # Straight on, an expression ends in its call.
        step = steps[index]
        if step.opname == "CALL" and step.arg == above + 1:
            return argument
        if step.opname == "CALL_KW" and step.arg == above:
            names = cast("tuple[str, ...]", steps[index - 1].argval)
            return argument if len(names) < above or names[0] == name else ()
        if step.opcode in _JUMPS or step.opname in _REACHES_BELOW or (above == 0 and not _pushes(step)):
            return ()
        above += _effect(step)
        if above < 1:
            return ()
        index += 1


def _effect(step: dis.Instruction) -> int:
    """By how much an instruction raises the stack."""
    return dis.stack_effect(step.opcode, step.arg, jump=False)


def _pushes(step: dis.Instruction) -> bool:
    """Whether an instruction raises the stack, and leaves what is there as it is."""
    return step.opname.startswith("LOAD_") and "ATTR" not in step.opname and _effect(step) > 0


def _named(step: dis.Instruction, cells: _Cells, global_names: Mapping[str, object]) -> object:
    """What a name in a handler stands for."""
    if step.opname == "LOAD_GLOBAL":
        return global_names.get(step.argval, _NOTHING)
    try:
        return cells[step.argval].cell_contents if step.opname == "LOAD_DEREF" else _NOTHING
    except (KeyError, ValueError):  # Its own, or not assigned yet.
        return _NOTHING
