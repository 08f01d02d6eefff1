"""Adds looked for in functions at startup, so that an item without a handler is found before a request meets it.

A function's bytecode shows `self._tasks.add(SendReceipt(...))`, and its instance has the queue. What is not as plain as
that is skipped: a false alarm would be worse than a late TypeError. Plain is an `add` or `add_after_response` of an
object read from a global, a closure, or an attribute of the function's own instance, whose first argument is a call of
a Struct class that a global or closure names, and which every call of the function gets to: behind a test or in a loop
it may be that the app's settings keep everybody from it.
"""

import inspect
import types
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate, takewhile
from typing import Final

import msgspec

from .bytecode import NOTHING, Step, is_on_the_straight_way, steps_of

_METHODS: Final = frozenset({"add", "add_after_response"})


def adds_in(function: Callable[..., object]) -> Iterator[tuple[object, type[msgspec.Struct]]]:
    """What a function plainly adds to: the object, and the type of the item."""
    plain: object = function.__func__ if isinstance(function, types.MethodType) else function
    if hasattr(plain, "__wrapped__"):
        plain = inspect.unwrap(function)
        plain = getattr(plain, "__func__", plain)
    if isinstance(plain, types.FunctionType) and _may_add(plain.__code__):
        receiver: object = getattr(function, "__self__", NOTHING)
        yield from _adds_in(plain.__code__, _Names(plain, receiver))


def _may_add(code: types.CodeType) -> bool:
    """Whether a look at the bytecode may be worth its time: most functions add nothing."""
    return not _METHODS.isdisjoint(code.co_names)


class _Names:
    """What the names in a function stand for."""

    def __init__(self, function: types.FunctionType, receiver: object) -> None:
        self._globals = function.__globals__
        cells = zip(function.__code__.co_freevars, function.__closure__ or (), strict=False)
        self._cells = dict(cells)
        code = function.__code__
        self._receiver = receiver
        self._self = code.co_varnames[0] if receiver is not NOTHING and code.co_argcount else None

    def value(self, step: Step) -> object:
        """What a step loads."""
        if step.op in {"LOAD_GLOBAL", "LOAD_NAME"}:
            return self._globals.get(str(step.value), NOTHING)
        if step.op == "LOAD_DEREF" and step.value in self._cells:
            try:
                return self._cells[str(step.value)].cell_contents
            except ValueError:
                return NOTHING
        if step.op == "LOAD_FAST" and step.value == self._self is not None:
            return self._receiver
        return NOTHING


def _adds_in(code: types.CodeType, names: _Names) -> Iterator[tuple[object, type[msgspec.Struct]]]:
    steps = steps_of(code)
    rebound = {step.value for step in steps if step.op == "STORE_FAST"}
    for index, step in enumerate(steps):
        if step.value not in _METHODS or step.op not in {"LOAD_ATTR", "LOAD_METHOD"}:
            continue
        if not is_on_the_straight_way(steps, index):
            return
        item = _called(steps[index + 1 :], names)
        if item is not None:
            owner = _owner(steps[:index], names, rebound)
            if owner is not NOTHING:
                yield owner, item


def _owner(steps: Sequence[Step], names: _Names, rebound: set[object]) -> object:
    """What the attributes before a method lead to: `self._tasks`, `queues.mail`, `tasks`."""
    path = [*takewhile(lambda step: step.op == "LOAD_ATTR", reversed(steps))]
    first = steps[-len(path) - 1 :][:1]
    is_rebound = any(step.op == "LOAD_FAST" and step.value in rebound for step in first)
    thing = NOTHING if is_rebound or not first else names.value(first[0])
    for step in reversed(path):
        thing = _attribute(thing, str(step.value))
    return thing


def _attribute(thing: object, name: str) -> object:
    """An attribute that is plain data: nothing of the app's is run for a look at it."""
    own: object = getattr(thing, "__dict__", None)
    if isinstance(own, dict) and name in own:
        return own[name]
    kind = inspect.getattr_static(type(thing), name, NOTHING)
    if isinstance(kind, types.MemberDescriptorType):
        return getattr(thing, name, NOTHING)
    # An attribute of the class, such as a flag; what has a `__get__` would run.
    return NOTHING if kind is NOTHING or hasattr(type(kind), "__get__") else kind


def _called(steps: Sequence[Step], names: _Names) -> type[msgspec.Struct] | None:
    """The Struct class whose call is the first argument of the method that has just been loaded."""
    steps = [step for step in steps if step.op != "PUSH_NULL" or step is not steps[0]]
    if len(steps) < 2:
        return None
    item = names.value(steps[0])
    if not (isinstance(item, type) and issubclass(item, msgspec.Struct)) or steps[1].op == "LOAD_ATTR":
        return None
    depths = [*accumulate(step.effect for step in steps)]
    # Up to the first call that leaves one value, the item, or to what no plain call has.
    ends = (
        index
        for index, (step, depth) in enumerate(zip(steps, depths, strict=True))
        if index and (step.jumps or step.is_target or depth < 1 or (depth == 1 and step.op.startswith("CALL")))
    )
    end = next(ends, 0)
    is_plain = depths[end] == 1 and steps[end].op.startswith("CALL") and not steps[end].is_target
    return item if is_plain and _is_argument(steps[end + 1 :]) else None


def _is_argument(steps: Sequence[Step]) -> bool:
    """Whether the value just made is passed on as it is: alone, or with the name of one more argument."""
    following = [step.op for step in steps[:2]]
    return following[:1] == ["CALL"] or following == ["LOAD_FAST", "CALL"]
