"""Adds looked for in functions at startup, so that an item without a handler is found before a request meets it.

A function's bytecode shows `self._tasks.add(SendReceipt(...))`, and its instance has the queue. What is not as plain as
that is skipped: a false alarm would be worse than a late TypeError. Plain is an `add` or `add_after_response` of this
very queue, read from a global, a closure, or an attribute of the function's own instance, whose first argument is a
call of a Struct class that a global or closure names, with no branch in between.
"""

import dis
import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Final

import msgspec

_METHODS: Final = frozenset({"add", "add_after_response"})
_SKIPPED: Final = frozenset({"CACHE", "EXTENDED_ARG", "NOP", "PRECALL", "RESUME"})
_NOTHING: Final = object()


def adds_in(function: Callable[..., object], queue: object) -> Iterator[type[msgspec.Struct]]:
    """The types of the items that a function plainly adds to this queue."""
    plain: object = inspect.unwrap(function) if hasattr(function, "__wrapped__") else function
    receiver: object = getattr(function, "__self__", _NOTHING)
    plain = getattr(plain, "__func__", plain)
    code: object = getattr(plain, "__code__", None)
    if isinstance(plain, types.FunctionType) and isinstance(code, types.CodeType):
        yield from _adds_in(code, _Names(plain, receiver), queue)


class _Names:
    """What the names in a function stand for."""

    def __init__(self, function: types.FunctionType, receiver: object) -> None:
        self._globals = function.__globals__
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
        self._cells = dict(cells)
        code = function.__code__
        self._receiver = receiver
        self._self = code.co_varnames[0] if receiver is not _NOTHING and code.co_argcount else None

    def value(self, step: dis.Instruction, code: types.CodeType) -> object:
        """What a step loads."""
        if step.opname in {"LOAD_GLOBAL", "LOAD_NAME"}:
            return self._globals.get(step.argval, _NOTHING)
        if step.opname == "LOAD_DEREF" and step.argval in self._cells:
            try:
                return self._cells[step.argval].cell_contents
            except ValueError:
                return _NOTHING
        # Only in the function itself: in one that is nested the name is another.
        if step.opname.startswith("LOAD_FAST") and step.argval == self._self and code.co_varnames[:1] == (self._self,):
            return self._receiver
        return _NOTHING


def _adds_in(code: types.CodeType, names: _Names, queue: object) -> Iterator[type[msgspec.Struct]]:
    for constant in code.co_consts:
        if isinstance(constant, types.CodeType):
            yield from _adds_in(constant, names, queue)
    if _METHODS.isdisjoint(code.co_names):
        return
    steps = [step for step in dis.get_instructions(code) if step.opname not in _SKIPPED]
    rebound = {step.argval for step in steps if step.opname.startswith("STORE_FAST")}
    for index, step in enumerate(steps):
        if step.argval not in _METHODS or step.opname not in {"LOAD_ATTR", "LOAD_METHOD"}:
            continue
        if _owner(steps[:index], code, names, rebound) is not queue:
            continue
        item = _called(steps[index + 1 :], code, names)
        if item is not None:
            yield item


def _owner(steps: Sequence[dis.Instruction], code: types.CodeType, names: _Names, rebound: set[object]) -> object:
    """What the attributes before a method lead to: `self._tasks`, `queues.mail`, `tasks`."""
    path: list[str] = []
    for step in reversed(steps):
        if step.opname == "LOAD_ATTR":
            path.append(str(step.argval))
            continue
        thing = _NOTHING if step.argval in rebound and step.opname.startswith("LOAD_FAST") else names.value(step, code)
        for name in reversed(path):
            thing = _attribute(thing, name)
        return thing
    return _NOTHING


def _attribute(thing: object, name: str) -> object:
    """An attribute that is plain data: nothing of the app's is run for a look at it."""
    own: object = getattr(thing, "__dict__", None)
    if isinstance(own, dict) and name in own:
        return own[name]
    kind = inspect.getattr_static(type(thing), name, _NOTHING)
    return getattr(thing, name, _NOTHING) if isinstance(kind, types.MemberDescriptorType) else _NOTHING


def _called(steps: Sequence[dis.Instruction], code: types.CodeType, names: _Names) -> type[msgspec.Struct] | None:
    """The Struct class whose call is the first argument of the method that has just been loaded."""
    steps = [step for step in steps if step.opname != "PUSH_NULL" or step is not steps[0]]
    if len(steps) < 2:
        return None
    item = names.value(steps[0], code)
    if not (isinstance(item, type) and issubclass(item, msgspec.Struct)) or steps[1].opname == "LOAD_ATTR":
        return None
    depth = dis.stack_effect(steps[0].opcode, steps[0].arg)
    for index, step in enumerate(steps[1:], 1):
        if step.opcode in dis.hasjump or step.is_jump_target:
            return None
        depth += dis.stack_effect(step.opcode, step.arg, jump=False)
        if depth < 1:
            return None
        if depth == 1 and step.opname.startswith("CALL"):
            return item if _is_argument(steps[index + 1 :]) else None
    return None


def _is_argument(steps: Sequence[dis.Instruction]) -> bool:
    """Whether the value just made is passed on as it is: alone, or with the name of one more argument."""
    following = [step.opname for step in steps[:2]]
    return following[:1] == ["CALL"] or (
        following[:1] != [] and following[0].startswith("LOAD_FAST") and following[1:] == ["CALL"]
    )
