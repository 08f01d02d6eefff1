"""`python -m jero_core explain module:app`: what jero made of an app's operations, plan and generated source.

The app is started, which wires it and opens what it opens, and is stopped again. It serves nothing.
"""

import argparse
import asyncio
import importlib
import inspect
import os
import sys
from collections.abc import Iterator, Sequence
from typing import TextIO

from .annotations import EMPTY, type_name
from .app import BaseApp
from .plan import Guard, OperationPlan, Reads
from .wiring import WiringError

_USAGE = 2


class _BadTarget(Exception):  # noqa: N818  # told to a person, not raised on
    """What was asked for is no app."""


def main(arguments: Sequence[str] | None = None, output: TextIO | None = None) -> int:
    """Run the command. Gives the exit status: 0, 1 for an app that does not start, 2 for a target that is no app."""
    parser = argparse.ArgumentParser(prog="python -m jero_core", description="Look into an app.")
    commands = parser.add_subparsers(required=True)
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
        print(f"{target}: {error}", file=sys.stderr)
        return _USAGE
    except WiringError as error:
        print(error, file=sys.stderr)
        return 1
    print(text, end="", file=output)
    return 0 if text else 1


def load(target: str) -> BaseApp[object]:
    """The app that `module:attribute` names; a class is called without arguments."""
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        raise _BadTarget("it is not written `module:app`")
    sys.path.insert(0, os.getcwd())  # noqa: PTH109  # as `python -m` does for the module that it runs
    try:
        thing: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        raise _BadTarget(f"there is no module {error.name!r}") from error
    finally:
        sys.path.pop(0)
    for name in attribute.split("."):
        try:
            thing = getattr(thing, name)
        except AttributeError as error:
            raise _BadTarget(str(error)) from error
    if isinstance(thing, type) and issubclass(thing, BaseApp) and not inspect.isabstract(thing):
        thing = thing()
    if not isinstance(thing, BaseApp):
        raise _BadTarget(f"it is no app, but a value of type {type(thing).__name__}")
    return thing


async def _explained(app: BaseApp[object], words: Sequence[str]) -> str:
    await app._jero_start()  # of this package
    try:
        operations = [
            (plan, source)
            for plan, source in app._jero_explained()  # of this package
            if all(word in f"{plan.label} {plan.name}" for word in words)
        ]
    finally:
        await app._jero_stop()  # of this package
    return "\n".join(line for plan, source in operations for line in (*describe(plan), "", source))


def describe(plan: OperationPlan) -> Iterator[str]:
    """A plan, in lines for a person."""
    yield plan.label
    yield f"    handler  {plan.name} ({plan.place.file}:{plan.place.line}){'' if plan.is_async else ', not async'}"
    if plan.guard is not None:
        yield f"    guard    {_described(plan.guard)}"
    for argument in plan.arguments:
        binding = argument.binding
        kinds = [type_name(binding.body.type)] if binding.body is not None else []
        kinds += [
            f"{fact.name}: {type_name(fact.type)}{'' if fact.required else ', optional'}" for fact in binding.parameters
        ]
        origin = "what the guard admitted" if binding.reads is Reads.GUARD else "as it came"
        yield f"    {argument.name:<8} {'; '.join(kinds) or origin}{_refusals(binding.problems)}"
        if binding.reads.is_body:
            yield f"             at most {plan.max_body_size} bytes"
    reply = plan.reply
    content = f"{reply.content_type}, {type_name(reply.body_type)}" if reply.content_type else "no content"
    typed = f", headers {type_name(reply.headers)}" if reply.headers is not None else ""
    yield f"    answer   {reply.status} {content}{typed}"
    for error in plan.meta.errors:
        yield f"    raises   {error.status} {type_name(error)}"


def _described(guard: Guard) -> str:
    yields = "" if guard.yields is EMPTY else f": {type_name(guard.yields)}"
    return f"{guard.name}{yields}{_refusals(guard.problems)}"


def _refusals(problems: tuple[int, ...]) -> str:
    return f" (refuses with {', '.join(map(str, problems))})" if problems else ""
