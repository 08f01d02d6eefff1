"""`python -m jero_core explain module:app`: what jero made of an app's operations, plan and generated source.

The app is started, which wires it and opens what it opens, and is stopped again. It serves nothing.

Of each operation it prints the plan, in the order in which a request is checked; the source; and what the names in it
stand for that the emitter made up (emit.py).
"""

import argparse
import asyncio
import importlib
import inspect
import os
import re
import sys
import traceback
from collections.abc import Iterable, Iterator, Mapping, Sequence
from types import FunctionType
from typing import Final, TextIO, cast

import msgspec

from .annotations import EMPTY, struct_fields, type_name
from .app import BaseApp
from .plan import Argument, Guard, OperationPlan, Reads
from .wiring import WiringError

_MADE_UP: Final = re.compile(r"\b[A-Za-z]\w*_\d+\b")


class _BadTarget(Exception):  # noqa: N818  # told to a person, not raised on
    """What was asked for is no app."""

    status = 2


class _NoOperation(_BadTarget):
    """The app has no operation like the one that was asked for."""

    status = 1


class _NotStarted(_BadTarget):
    """The app raised something when it started."""

    status = 1


def main(arguments: Sequence[str] | None = None, output: TextIO | None = None) -> int:
    """Run the command.

    Gives the exit status: 0, 1 for an app that does not start or has no such operation, 2 for a target that is no app.
    """
    parser = argparse.ArgumentParser(prog="python -m jero_core", description="Look into an app.")
    commands = parser.add_subparsers(required=True, metavar="command")
    explain = commands.add_parser("explain", help="print the plan and the generated source of operations")
    explain.add_argument("target", help="the app: `module:app`, an object or a class that derives from BaseApp")
    explain.add_argument("words", nargs="*", help="print only operations with all of these in `METHOD /path Name.op`")
    options = parser.parse_args(arguments)
    target: str = options.target
    words: list[str] = options.words
    try:
        app = load(target)
        text = asyncio.run(_explained(app, words))
    except _BadTarget as error:
        if isinstance(error, _NotStarted):
            traceback.print_exception(error.__cause__)
        print(f"{target}: {error}", file=sys.stderr)
        return error.status
    except WiringError as error:
        print(error, file=sys.stderr)
        return 1
    try:
        print(text, end="", file=output, flush=True)
    except BrokenPipeError:
        # Whoever reads has seen enough, as `head` does; at exit Python would flush what is left, and fail once more.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def load(target: str) -> BaseApp[object]:
    """The app that `module:attribute` names; a class is called without arguments."""
    module_name, _, attribute = target.partition(":")
    if not all(module_name.split(".")) or not attribute:
        raise _BadTarget("it is not written `module:app`")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  # as `python -m` does for the module that it runs
    try:
        thing: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # One that the app's module imports: the traceback tells where.
        raise _BadTarget(f"there is no module {error.name!r}") from error
    finally:
        sys.path.pop(0)
    for name in attribute.split("."):
        try:
            thing = getattr(thing, name)
        except AttributeError as error:
            raise _BadTarget(str(error)) from error
    if isinstance(thing, type) and issubclass(thing, BaseApp) and not inspect.isabstract(thing):
        try:
            inspect.signature(thing).bind()
        except TypeError as error:
            raise _BadTarget(f"it is a class that takes arguments ({error}); name an object") from error
        thing = thing()
    if not isinstance(thing, BaseApp):
        raise _BadTarget(f"it is no app, but a value of type {type(thing).__name__}")
    return thing


async def _explained(app: BaseApp[object], words: Sequence[str]) -> str:
    try:
        await app._jero_start()  # of this package
    except WiringError:
        raise
    except Exception as error:
        raise _NotStarted(f"the app does not start: {type(error).__name__}: {error}") from error
    try:
        operations = app._jero_explained()  # of this package
        chosen = [each for each in operations if all(word in f"{each[0].label} {each[0].name}" for word in words)]
        if not operations:
            raise _NoOperation("the app has no operations")
        if not chosen:
            labels = "".join(f"\n    {plan.label} {plan.name}" for plan, _ in operations)
            raise _NoOperation(f"no operation has all of {', '.join(map(repr, words))}; the app has{labels}")
        return "\n".join("\n".join((*describe(*operation), "")) for operation in chosen)
    finally:
        await app._jero_stop()  # of this package


def describe(plan: OperationPlan, function: FunctionType) -> Iterator[str]:
    """An operation, in lines for a person."""
    yield plan.label
    is_async = "" if plan.is_async else ", not async"
    yield from _row("handler", f"{plan.name} ({plan.place.file}:{plan.place.line}){is_async}")
    if plan.guard is not None:
        yield from _row("guard", f"{_admitted(plan.guard)}{_refusals(plan.guard.problems)}")
    for argument in sorted(plan.arguments, key=lambda argument: argument.binding.reads):
        origin = ", as the guard admitted it" if argument.binding.reads is Reads.GUARD else ""
        taken = f"{type_name(argument.annotation)}{origin}{_refusals(argument.binding.problems)}"
        yield from _row(argument.name, taken, _parts(argument, plan.max_body_size))
    reply = plan.reply
    content = f"{reply.content_type}, {type_name(reply.body_type)}" if reply.content_type else "no content"
    typed = [] if reply.headers is None else [f"headers {type_name(reply.headers)}"]
    typed += [f"  {field}" for field in _fields(reply.headers)]
    yield from _row("answer", f"{reply.status} {content}", typed)
    for error in plan.meta.errors:
        yield from _row("raises", f"{error.status} {type_name(error)}")
    source = inspect.getsource(function)
    yield from ("", *source.splitlines(), *_legend(source, function.__globals__))


def _row(name: str, text: str, more: Iterable[str] = ()) -> Iterator[str]:
    yield f"    {name:<11} {text}"
    for line in more:
        yield f"                {line}"


def _admitted(guard: Guard) -> str:
    return guard.name if guard.yields is EMPTY else f"{guard.name}, which gives {type_name(guard.yields)}"


def _refusals(problems: tuple[int, ...]) -> str:
    return f", else {', '.join(map(str, problems))}" if problems else ""


def _parts(argument: Argument, limit: int) -> Iterator[str]:
    """What an argument is made of."""
    binding = argument.binding
    if binding.body is not None:
        yield f"{', '.join(binding.body.content_types)}, at most {limit:,} bytes"
        yield from _fields(argument.annotation)
    for fact in binding.parameters:
        yield _part(fact.name, fact.type, fact.default, required=fact.required)
    found = struct_fields(argument.annotation)
    takes_names = binding.body is not None or any(fact.location == "query" for fact in binding.parameters)
    if takes_names and found is not None and found[0].__struct_config__.forbid_unknown_fields:
        yield "and nothing else"


def _fields(annotation: object) -> Iterator[str]:
    """The fields of a Struct; nothing for another type."""
    found = struct_fields(annotation)
    for field in found[1] if found is not None else ():
        yield _part(field.wire_name, field.type, field.known_default, required=field.required)


def _part(name: str, annotation: object, default: object, *, required: bool) -> str:
    shown = "" if required else f" = {'...' if default is msgspec.UNSET else repr(default)}"
    return f"{name}: {type_name(annotation)}{shown}"


def _legend(source: str, namespace: Mapping[str, object]) -> Iterator[str]:
    """What the names in a source stand for that the emitter made up."""
    yield from ("", "# where")
    # What is no global is a text: the wire name `page_1`.
    for name in dict.fromkeys(each for each in _MADE_UP.findall(source) if each in namespace):
        value = namespace[name]
        yield f"#     {name:<16} {type_name(value) if name.startswith('type_') else _meaning(value)}"


def _meaning(value: object) -> str:
    if isinstance(value, str | bytes | int | float | None):
        return repr(value)
    if isinstance(value, type):
        return type_name(value)
    if isinstance(value, tuple | frozenset):
        items = [_meaning(item) for item in cast("Iterable[object]", value)]
        return (
            ", ".join(items if isinstance(value, tuple) else sorted(items))
            if len(items) < 6
            else f"{len(items)} values"
        )
    name: object = getattr(value, "__qualname__", None)
    return name if isinstance(name, str) else f"a value of type {type(value).__qualname__}"
