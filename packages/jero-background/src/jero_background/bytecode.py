"""A function's bytecode as steps, and whether a step is reached once the app is what it is at startup.

Rules
-----
- A branch on something that startup knows (an attribute of the function's instance, a global, a closure) goes the one
  way that it goes now: a feature that is switched off is never reached.
- A branch on anything else that no request decides (a comparison of settings, a call of them) may go either way, and a
  step counts as reached only if it is so both ways: the setting may be what keeps it from running.
- A branch on what a request brings (an argument, what was made of one or awaited) goes both ways in some request.

Theory
------
Steps are the interpreter's instructions, with those that do two things taken apart. The value that a branch looks at is
what the steps before it leave on top of the stack: going back, as many steps as together put one value there. A step is
reached if the game on the graph of steps is won from the first: requests choose at their branches, settings at theirs.
"""

import dis
import types
from collections.abc import Callable, Iterator, Sequence
from typing import Final, NamedTuple

NOTHING: Final = object()
"""What startup does not know."""

_SKIPPED: Final = frozenset({"CACHE", "EXTENDED_ARG", "NOP", "NOT_TAKEN", "PRECALL", "RESUME"})
_PAIRS: Final = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
}
_ENDS: Final = frozenset({"RETURN_VALUE", "RETURN_CONST", "RAISE_VARARGS", "RERAISE", "INTERPRETER_EXIT"})
_HAPPENS: Final = frozenset({"CHECK_EG_MATCH", "CHECK_EXC_MATCH", "GET_ANEXT", "GET_AWAITABLE", "SEND", "YIELD_VALUE"})
"""Steps whose outcome is the request's own, whatever they are made of: what was awaited, which exception was raised."""

_PLAIN: Final = (bool, int, float, str, bytes, tuple, list, dict, set, frozenset, type(None))


class Step(NamedTuple):
    """One thing that the interpreter does."""

    op: str
    value: object
    """The argument: a name, a constant, the offset of a jump."""
    effect: int
    """How many values more there are on the stack after it, if it does not jump."""
    jumps: bool
    is_target: bool
    offset: int


def steps_of(code: types.CodeType) -> list[Step]:
    """The steps of a function."""
    return [step for each in dis.get_instructions(code) if each.opname not in _SKIPPED for step in _taken_apart(each)]


def _taken_apart(each: dis.Instruction) -> Iterator[Step]:
    values: object = each.argval
    pair = _PAIRS.get(each.opname)
    if pair is not None and isinstance(values, tuple):
        for number, (op, value) in enumerate(zip(pair, values, strict=True)):
            effect = 1 if op == "LOAD_FAST" else -1
            is_target = each.is_jump_target and not number
            yield Step(op, value, effect, jumps=False, is_target=is_target, offset=each.offset)
        return
    op = "LOAD_FAST" if each.opname.startswith("LOAD_FAST") else each.opname
    jumps = each.opcode in dis.hasjump
    effect = dis.stack_effect(each.opcode, each.arg, jump=False)
    yield Step(op, values, effect, jumps=jumps, is_target=each.is_jump_target, offset=each.offset)


def value_before(steps: Sequence[Step], end: int) -> Sequence[Step]:
    """The steps that make the value on top of the stack before the step `end`; as far back as that can be seen."""
    depth = 0
    for index in range(end - 1, -1, -1):
        depth += steps[index].effect
        if depth == 1:
            return steps[index:end]
    return steps[:end]


def is_reached(
    code: types.CodeType, steps: Sequence[Step], goal: int, own: str | None, known: Callable[[Sequence[Step]], object]
) -> bool:
    """Whether some request reaches the step `goal`, whatever settings say that startup does not know.

    `own` is the name of the function's instance in it, and `known` what startup knows of the value that steps make, or
    NOTHING.
    """
    of_requests = _of_requests(code, steps, own)
    edges = [_edges(steps, index, of_requests, known) for index in range(len(steps))]
    for start, end, handler in _handlers(code):
        for index, step in enumerate(steps):
            if start <= step.offset < end and edges[index][0]:
                edges[index][1].append(_index_at(steps, handler))
    won = {goal}
    while True:
        more = {
            index
            for index, (any_will_do, following) in enumerate(edges)
            if index not in won and following and (any if any_will_do else all)(each in won for each in following)
        }
        if not more:
            return 0 in won
        won |= more


def _handlers(code: types.CodeType) -> Iterator[tuple[int, int, int]]:
    """Where exceptions are handled: from and up to which offset, and the offset of the handler.

    CPython's Objects/exception_handling_notes.txt has the format: numbers of six bits a byte, the highest first, and
    the next bit says that there is more; each entry is start, length, target (in units of two bytes), and the stack.
    """
    rest = [*reversed(code.co_exceptiontable)]

    def number() -> int:
        value = 64
        result = 0
        while value & 64:
            value = rest.pop()
            result = result << 6 | value & 63
        return result

    while rest:
        start, length, target, _ = number() * 2, number() * 2, number() * 2, number()
        yield start, start + length, target


def _edges(
    steps: Sequence[Step], index: int, of_requests: set[object], known: Callable[[Sequence[Step]], object]
) -> tuple[bool, list[int]]:
    """The steps that may follow one, and whether requests choose among them, or else settings."""
    step = steps[index]
    if step.op in _ENDS:
        return True, []
    if not step.jumps:
        return True, [index + 1] if index + 1 < len(steps) else []
    target = _index_at(steps, step.value)
    if step.op.startswith("JUMP"):
        return True, [target]
    if not step.op.startswith("POP_JUMP_IF"):
        return True, [index + 1, target]
    made = value_before(steps, index)
    if _is_of_requests(made, of_requests):
        return True, [index + 1, target]
    value = known([each for each in made if each.op != "TO_BOOL"])
    jumps = _jumps(step.op, value)
    return (False, [index + 1, target]) if jumps is None else (True, [target if jumps else index + 1])


def _jumps(op: str, value: object) -> bool | None:
    """Whether a branch on a value jumps; None if nobody knows."""
    if value is NOTHING:
        return None
    if op.endswith("_NONE"):
        return (value is None) is (op == "POP_JUMP_IF_NONE")
    if isinstance(value, _PLAIN) and type(value) in _PLAIN:
        truth = bool(value)
    elif hasattr(type(value), "__bool__") or hasattr(type(value), "__len__"):
        return None  # Nothing of the app's is run.
    else:
        truth = True
    return truth is (op == "POP_JUMP_IF_TRUE")


def _of_requests(code: types.CodeType, steps: Sequence[Step], own: str | None) -> set[object]:
    """The names that hold what a request brings: the arguments, and what is made of them."""
    flags = bool(code.co_flags & 4) + bool(code.co_flags & 8)  # *args, **kwargs
    count = code.co_argcount + code.co_kwonlyargcount + flags
    found: set[object] = {name for name in code.co_varnames[:count] if name != own}
    stores = [index for index, step in enumerate(steps) if step.op in {"STORE_FAST", "STORE_DEREF"}]
    while True:
        more = {steps[index].value for index in stores if _is_of_requests(_stored(steps, index), found)} - found
        if not more:
            return found
        found |= more


def _stored(steps: Sequence[Step], index: int) -> Sequence[Step]:
    """The steps that make what is stored, which for one that is unpacked or iterated over are not seen."""
    before = index - 1
    while before >= 0 and steps[before].op.startswith("STORE"):  # Unpacked: `a, b = ...`.
        before -= 1
    if before >= 0 and steps[before].op in {"UNPACK_SEQUENCE", "UNPACK_EX", "FOR_ITER", "SWAP"}:
        return steps[: before + 1]
    return value_before(steps, index)


def _is_of_requests(made: Sequence[Step], of_requests: set[object]) -> bool:
    return any(
        step.op in _HAPPENS or (step.op in {"LOAD_FAST", "LOAD_DEREF", "LOAD_FAST_CHECK"} and step.value in of_requests)
        for step in made
    )


def _index_at(steps: Sequence[Step], offset: object) -> int:
    """The step at an offset, or the first one after it."""
    return next(
        (index for index, step in enumerate(steps) if isinstance(offset, int) and step.offset >= offset), len(steps)
    )
