"""The emitter: from a plan to the source text of one `async def`, in the ASGI dialect.

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
- Errors before the response starts become an answer (`fail`); after it has started they reach the server, which aborts
  the connection.

The locals of the dialect: scope, receive, send, slot0..., header0... (bytes or None), length, body, result; a reply
adds its own (payload, headers, status, ...).
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .body import join_repeat, read_rest, refuse_length, refuse_size
from .failures import fail
from .fragment import Fragment
from .plan import Argument, OperationPlan, Reads

_CONTENT_LENGTH: Final = b"content-length"
_INDENT: Final = "    "


@dataclass(frozen=True, slots=True)
class Source:
    """The text of one operation, the globals that it runs with, and the label to show it under."""

    text: str
    namespace: dict[str, object]
    label: str


class _Writer:
    """Lines under construction, and the globals that they use."""

    def __init__(self) -> None:
        self.depth = 0
        self.lines: list[str] = []
        self.namespace: dict[str, object] = {}
        self._fragments = 0

    def write(self, *lines: str) -> None:
        self.lines += [_INDENT * self.depth + line for line in lines]

    def write_fragment(self, fragment: Fragment, dialect: Mapping[str, str]) -> None:
        self.write(*fragment.render(self._fragments, dialect, self.namespace))
        self._fragments += 1


def emit(plan: OperationPlan) -> Source:
    """The source of the function that serves one operation."""
    writer = _Writer()
    arguments = sorted(plan.arguments, key=lambda argument: argument.binding.reads)
    reads_body = bool(arguments) and arguments[-1].binding.reads.is_body
    wanted = _wanted_headers(arguments, reads_body=reads_body)
    slots = [f"slot{index}" for index in range(len(plan.template.slots))]
    dialect = {name: name for name in ("scope", "receive", "send", *slots)}
    cleanups = [argument for argument in arguments if argument.binding.after is not None]

    writer.namespace |= {"route": plan.template, "handler": plan.handler, "fail": fail}
    writer.write(f"async def operation({', '.join(['scope', 'receive', 'send', *slots])}):")
    writer.depth = 1
    writer.write("scope['route'] = route")
    for argument in cleanups:
        writer.write(f"arg_{argument.name} = None")
    # One `finally` for each, so that a cleanup that fails skips no other.
    for _ in cleanups:
        writer.write("try:")
        writer.depth += 1
    writer.write("try:")
    writer.depth += 1
    _write_header_scan(writer, wanted)
    for argument in arguments:
        names = _names_for(argument, wanted, dialect, plan.max_body_size)
        writer.write(f"# {argument.name}")
        if argument.binding.reads.is_body:
            _write_length_check(writer, f"header{wanted.index(_CONTENT_LENGTH)}", plan.max_body_size)
        if argument.binding.admit is not None:
            writer.write_fragment(argument.binding.admit, names)
        if argument.binding.reads is Reads.BODY:
            _write_body(writer, plan.max_body_size)
        writer.write_fragment(argument.binding.extract, names)
    writer.write("# handler")
    writer.write(f"result = {'await ' if plan.is_async else ''}handler({_call_arguments(plan)})")
    writer.write("# reply")
    for fragment in plan.reply.render:
        writer.write_fragment(fragment, dialect)
    writer.depth -= 1
    writer.write("except Exception as error:", "    await fail(error, scope, send)", "    return")
    writer.write_fragment(plan.reply.send, dialect)
    for argument in reversed(cleanups):
        writer.depth -= 1
        writer.write("finally:")
        writer.depth += 1
        _write_cleanup(writer, argument, dialect)
        writer.depth -= 1
    return Source("\n".join(writer.lines) + "\n", writer.namespace, plan.label)


def _wanted_headers(arguments: list[Argument], *, reads_body: bool) -> list[bytes]:
    """The headers that any binding wants, each once."""
    names = [name for argument in arguments for name in argument.binding.headers]
    if reads_body:
        names.append(_CONTENT_LENGTH)
    return list(dict.fromkeys(names))


def _write_header_scan(writer: _Writer, wanted: list[bytes]) -> None:
    """One pass over the headers picks every wanted one: for a few names cheaper than a dict, and repeats join."""
    if not wanted:
        return
    locals_ = [f"header{index}" for index in range(len(wanted))]
    writer.namespace["join_repeat"] = join_repeat
    writer.write(f"{' = '.join(locals_)} = None", "for name, value in scope['headers']:")
    branch = "if"
    for local, name in zip(locals_, wanted, strict=True):
        writer.write(
            f"    {branch} name == {name!r}:",
            f"        {local} = value if {local} is None else join_repeat({local}, value)",
        )
        branch = "elif"


def _write_length_check(writer: _Writer, header: str, limit: int) -> None:
    """Refuse a body that is announced too large, before a byte of it is read."""
    writer.namespace |= {"refuse_length": refuse_length, "refuse_size": refuse_size}
    writer.write(
        f"if {header} is None:",
        "    length = -1",
        f"elif len({header}) < 16 and {header}.isdigit():",
        f"    length = int({header})",
        f"    if length > {limit!r}:",
        f"        raise refuse_size({limit!r})",
        "else:",
        f"    raise refuse_length({header})",
    )


def _write_body(writer: _Writer, limit: int) -> None:
    """Read the whole body. One message that holds all of it is the common case, and the only one inlined."""
    writer.namespace["read_rest"] = read_rest
    writer.write(
        "message = await receive()",
        "body = message.get('body', b'')",
        "if len(body) != length:",
        f"    body = await read_rest(receive, message, length, {limit!r})",
    )


def _names_for(argument: Argument, wanted: list[bytes], dialect: Mapping[str, str], limit: int) -> dict[str, str]:
    """What the dialect calls the things that a binding's fragments may use."""
    binding = argument.binding
    names = {f"header{index}": f"header{wanted.index(name)}" for index, name in enumerate(binding.headers)}
    names |= {**dialect, "target": f"arg_{argument.name}"}
    if binding.reads is Reads.BODY:
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


def _write_cleanup(writer: _Writer, argument: Argument, dialect: Mapping[str, str]) -> None:
    if argument.binding.after is not None:
        writer.write(f"# after: {argument.name}")
        writer.write_fragment(argument.binding.after, {**dialect, "target": f"arg_{argument.name}"})
