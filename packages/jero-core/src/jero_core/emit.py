"""The emitter: from a plan to the source text of one `async def`.

Rules
-----
- `emit` is a pure function; it runs nothing. Plans that differ only in objects give the same text, which is compiled
  once (compile.py).
- The text is straight-line code for exactly this operation: no loop over bindings, no dict of arguments, no branch
  that was decided at startup, no coroutine of its own beside the handler's.
- Only identifiers and `repr()` of plain values reach the text (fragment.py). An object becomes a global named
  `<placeholder>_<n>`, with n the fragment's number; a fragment's own locals are named `_<placeholder>_<n>`. The
  emitter's own names have no number behind an underscore, so the two never meet; user names appear only behind `arg_`,
  as keyword names of the handler's call, and as attribute names.
- The guard runs before any argument, and gets neither `receive` nor `send`: it cannot read a body or answer by itself.
- Errors before the response starts become an answer (`fail`); after it has started they are logged and reach the
  server, which aborts the connection.

The locals of the text: scope, receive, send, slot0..., header0... (bytes or None), admitted, refused, length, body,
result, and what the reply renders (payload, headers, status, ...). What speaks ASGI is in dialect.py.
"""

import inspect
from collections.abc import Mapping
from typing import Final

import msgspec

from . import dialect
from .annotations import EMPTY
from .errors import InvalidRequest, join_refusals
from .failures import Failures
from .plan import Argument, Guard, OperationPlan, Reads
from .writer import Writer

_CONTENT_LENGTH: Final = b"content-length"
_FAILURES: Final = Failures()


class Source(msgspec.Struct, frozen=True):
    """The text of one operation, the globals that it runs with, and the label to show it under."""

    text: str
    namespace: dict[str, object]
    label: str


class Emitter:
    """Emits the operations of one app. Those that share bindings and reply differ in few globals only."""

    def __init__(self, failures: Failures = _FAILURES) -> None:
        self._failures = failures
        self._emitted: dict[object, Source] = {}

    def emit(self, plan: OperationPlan) -> Source:
        """The source of the function that serves one operation."""
        # The identity of parts that the plan keeps alive, and whatever else `emit` reads.
        key = (
            *((argument.name, argument.positional, id(argument.binding)) for argument in plan.arguments),
            *(plan.is_async, plan.may_answer_itself),
            *(id(plan.reply), len(plan.template.slots), plan.max_body_size, id(plan.guard)),
        )
        like = self._emitted.get(key)
        if like is None:
            like = self._emitted[key] = emit(plan, self._failures)
            return like
        return Source(like.text, like.namespace | _globals_of(plan), plan.label)


def _globals_of(plan: OperationPlan) -> dict[str, object]:
    """The globals that no two operations share."""
    return {"route": plan.template, "handler": plan.handler, "operation_name": plan.name}


def emit(plan: OperationPlan, failures: Failures = _FAILURES) -> Source:
    """The source of the function that serves one operation."""
    writer = Writer()
    arguments = sorted(plan.arguments, key=lambda argument: argument.binding.reads)
    reads_body = bool(arguments) and arguments[-1].binding.reads.is_body
    wanted = _wanted_headers(plan, arguments, reads_body=reads_body)
    slots = [f"slot{index}" for index in range(len(plan.template.slots))]
    names = {**dialect.NAMES, "operation": "operation_name", "fail": "fail", **{slot: slot for slot in slots}}
    cleanups = [(argument.name, argument.binding.after) for argument in arguments if argument.binding.after is not None]

    writer.namespace |= {**_globals_of(plan), "fail": failures.fail}
    dialect.write_signature(writer, slots)
    for name, _ in cleanups:
        writer.write(f"arg_{name} = None")
    # One `finally` for each, so that a cleanup that fails skips no other.
    for _ in cleanups:
        writer.write("try:")
        writer.depth += 1
    writer.write("try:")
    writer.depth += 1
    together = _refused_together(arguments)
    is_scanned = plan.guard is not None
    if plan.guard is not None:
        _write_guard(writer, plan.guard, wanted)
    for argument in arguments:
        own_names = names | _names_for(argument, wanted, plan.max_body_size)
        # A path that is none of the app's is 404, whatever else the head holds.
        if not is_scanned and (argument.binding.reads is not Reads.PATH or argument.binding.headers):
            dialect.write_header_scan(writer, wanted)
            is_scanned = True
        if argument in together:
            _write_refusable(writer, argument, own_names, together)
            continue
        writer.write(f"# {argument.name}")
        if argument.binding.reads.is_body:
            dialect.write_length_check(writer, f"header{wanted.index(_CONTENT_LENGTH)}", plan.max_body_size)
        if argument.binding.admit is not None:
            writer.write_fragment(argument.binding.admit, own_names)
        if argument.binding.reads is Reads.BODY:
            dialect.write_body(writer, plan.max_body_size)
        writer.write_fragment(argument.binding.extract, own_names)
    writer.write("# handler")
    _write_call(writer, plan)
    writer.write("# reply")
    for fragment in plan.reply.render:
        writer.write_fragment(fragment, names)
    writer.depth -= 1
    dialect.write_failure(writer)
    dialect.write_send(writer, plan.reply, names)
    for name, cleanup in reversed(cleanups):
        writer.depth -= 1
        writer.write("finally:", f"    # after: {name}", "    try:")
        writer.depth += 2
        writer.write_fragment(cleanup, {**names, "target": f"arg_{name}"})
        writer.depth -= 1
        dialect.write_cleanup_failure(writer)
        writer.depth -= 1
    return Source("\n".join(writer.lines) + "\n", writer.namespace, plan.label)


def _write_call(writer: Writer, plan: OperationPlan) -> None:
    call = f"handler({_call_arguments(plan)})"
    if plan.may_answer_itself:
        writer.namespace["isawaitable"] = inspect.isawaitable
        writer.write(f"result = {call}", "if isawaitable(result):", "    result = await result")
    else:
        writer.write(f"result = {'await ' if plan.is_async else ''}{call}")


def _wanted_headers(plan: OperationPlan, arguments: list[Argument], *, reads_body: bool) -> list[bytes]:
    """The headers that the guard or any binding wants, each once."""
    names = [] if plan.guard is None else [*plan.guard.headers]
    names += [name for argument in arguments for name in argument.binding.headers]
    if reads_body:
        names.append(_CONTENT_LENGTH)
    return list(dict.fromkeys(names))


def _refused_together(arguments: list[Argument]) -> list[Argument]:
    """The bindings of the head that may refuse, if there are several: one answer tells what all of them refuse."""
    head = [each for each in arguments if each.binding.reads is Reads.HEAD and each.binding.problems]
    return head if len(head) > 1 else []


def _write_refusable(writer: Writer, argument: Argument, names: Mapping[str, str], together: list[Argument]) -> None:
    writer.namespace |= {"InvalidRequest": InvalidRequest, "join_refusals": join_refusals}
    if argument is together[0]:
        writer.write("refused = None")
    writer.write(f"# {argument.name}", "try:")
    writer.depth += 1
    writer.write_fragment(argument.binding.extract, names)
    writer.depth -= 1
    writer.write("except InvalidRequest as error:", "    refused = join_refusals(refused, error)")
    if argument is together[-1]:
        writer.write("if refused is not None:", "    raise refused")


def _write_guard(writer: Writer, guard: Guard, wanted: list[bytes]) -> None:
    dialect.write_header_scan(writer, wanted)
    names = {**dialect.HEAD_NAMES, "operation": "operation_name", **_header_names(guard.headers, wanted)}
    if guard.yields is not EMPTY:
        names["target"] = "admitted"
    writer.write("# guard")
    writer.write_fragment(guard.check, names)


def _header_names(headers: tuple[bytes, ...], wanted: list[bytes]) -> dict[str, str]:
    """What stands for `$header0`, ... of a part that wants these headers."""
    return {f"header{index}": f"header{wanted.index(name)}" for index, name in enumerate(headers)}


def _names_for(argument: Argument, wanted: list[bytes], limit: int) -> dict[str, str]:
    """What stands for the things that a binding's fragments may use, beside the dialect's."""
    binding = argument.binding
    names = {**_header_names(binding.headers, wanted), "target": f"arg_{argument.name}"}
    if binding.reads is Reads.GUARD:
        names["admitted"] = "admitted"
    elif binding.reads is Reads.BODY:
        names["body"] = "body"
    elif binding.reads is Reads.STREAM:
        names |= {"length": "length", "limit": repr(limit)}
    return names


def _call_arguments(plan: OperationPlan) -> str:
    """The handler call's arguments, in the order of its signature."""
    return ", ".join(
        f"arg_{argument.name}" if argument.positional else f"{argument.name}=arg_{argument.name}"
        for argument in plan.arguments
    )
