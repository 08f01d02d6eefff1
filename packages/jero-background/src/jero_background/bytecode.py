"""A function's bytecode as steps: the interpreter's instructions, with those that do two things taken apart."""

import dis
import types
from collections.abc import Iterator, Sequence
from typing import Final

import msgspec

NOTHING: Final = object()
"""What startup does not know."""

_SKIPPED: Final = frozenset({"CACHE", "EXTENDED_ARG", "NOP", "NOT_TAKEN", "PRECALL", "RESUME"})
_PAIRS: Final = {
    "LOAD_FAST_LOAD_FAST": ("LOAD_FAST", "LOAD_FAST"),
    "LOAD_FAST_BORROW_LOAD_FAST_BORROW": ("LOAD_FAST", "LOAD_FAST"),
    "STORE_FAST_LOAD_FAST": ("STORE_FAST", "LOAD_FAST"),
    "STORE_FAST_STORE_FAST": ("STORE_FAST", "STORE_FAST"),
}
_BRANCHES: Final = ("POP_JUMP", "JUMP_IF", "FOR_ITER", "GET_ANEXT", "PUSH_EXC_INFO")
"""What begins the names of steps behind which not everything is reached: tests, loops, the handlers of exceptions."""


class Step(msgspec.Struct, frozen=True):
    """One thing that the interpreter does."""

    op: str
    value: object
    """The argument: a name, a constant, the offset of a jump."""
    effect: int
    """How many values more there are on the stack after it, if it does not jump."""
    jumps: bool
    is_target: bool


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
            yield Step(op, value, effect, jumps=False, is_target=is_target)
        return
    op = "LOAD_FAST" if each.opname.startswith("LOAD_FAST") else each.opname
    jumps = each.opcode in dis.hasjump
    effect = dis.stack_effect(each.opcode, each.arg, jump=False)
    yield Step(op, values, effect, jumps=jumps, is_target=each.is_jump_target)


def is_on_the_straight_way(steps: Sequence[Step], index: int) -> bool:
    """Whether every call that does not fail gets to a step: no test, loop or handler of an exception is before it."""
    return not any(step.op.startswith(_BRANCHES) for step in steps[:index])
