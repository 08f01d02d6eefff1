"""A watch on introspection: which functions that take types apart are called inside a block."""

import dataclasses
import inspect
import sys
import types
import typing
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec.inspect
import msgspec.structs

_WATCHED: Final[tuple[Callable[..., object], ...]] = (
    inspect.signature,
    inspect.get_annotations,
    inspect.getfullargspec,
    typing.get_type_hints,
    typing.get_origin,
    typing.get_args,
    dataclasses.fields,
    msgspec.structs.fields,
    msgspec.inspect.type_info,
    msgspec.inspect.multi_type_info,
)
_TOOLS: Final = range(6)
"""The tool numbers of sys.monitoring; debuggers and coverage take the low ones."""


@contextmanager
def watch_introspection() -> Iterator[set[str]]:
    """Gives a set that holds the watched functions called so far, in any thread, such as `typing.get_type_hints`."""
    monitoring = sys.monitoring
    tool = next(number for number in reversed(_TOOLS) if monitoring.get_tool(number) is None)
    called: set[str] = set()
    names = {function.__code__: f"{function.__module__}.{function.__name__}" for function in _functions()}

    def started(code: types.CodeType, _offset: int) -> object:
        called.add(names[code])
        return None

    monitoring.use_tool_id(tool, "jero-testing")
    monitoring.register_callback(tool, monitoring.events.PY_START, started)
    try:
        for code in names:
            monitoring.set_local_events(tool, code, monitoring.events.PY_START)
        yield called
    finally:
        for code in names:
            monitoring.set_local_events(tool, code, monitoring.events.NO_EVENTS)
        monitoring.register_callback(tool, monitoring.events.PY_START, None)
        monitoring.free_tool_id(tool)


def _functions() -> Iterator[types.FunctionType]:
    for function in _WATCHED:
        if isinstance(function, types.FunctionType):
            yield function
