"""Where something waits, for the messages of timeouts: the innermost frame of the app's own code.

A task is looked into from its outermost coroutine to what it awaits, through async generators and other tasks, and
through coroutines that are stepped by hand: whoever does so waits in a frame that has one as `jero_stepped`. A thread
that never comes back to its event loop is looked up among the frames of all threads.
"""

import asyncio
import gc
import linecache
import sys
import sysconfig
import types
from collections.abc import Iterator
from typing import Final, cast

_OUTSIDE: Final = tuple(
    path for path in {sysconfig.get_path(name) for name in ("stdlib", "platstdlib", "purelib", "platlib")} if path
)
OWN: Final = frozenset({"jero_core", "jero_streaming", "jero_testing"})
"""The packages whose frames are not the app's."""
_STEPPED: Final = "jero_stepped"
_DEEPEST: Final = 1000

type Place = tuple[types.FrameType, int]


def describe_task(task: asyncio.Task[object]) -> str:
    """Where a task waits: `it waits at shop.py:12, in read_one: await asyncio.sleep(3600)`."""
    return _described("it waits", [*_places_of(task)])


def describe_thread(identity: int | None) -> str:
    """Where a thread is that does not come back to its event loop."""
    frame = None if identity is None else sys._current_frames().get(identity)
    places: list[Place] = []
    while frame is not None:
        places.append((frame, frame.f_lineno))
        frame = frame.f_back
    return _described("it blocks the event loop", places[::-1])


def _described(verb: str, places: list[Place]) -> str:
    """Tell the innermost frame of the app's code, or else the innermost of all."""
    if not places:
        return f"{verb}, and nothing tells where"
    frame, line = next((place for place in reversed(places) if _is_the_apps(place[0])), places[-1])
    code = frame.f_code
    text = linecache.getline(code.co_filename, line).strip()
    return f"{verb} at {code.co_filename}:{line}, in {code.co_qualname}" + (f": {text}" if text else "")


def _is_the_apps(frame: types.FrameType) -> bool:
    module = str(frame.f_globals.get("__name__", ""))
    file = frame.f_code.co_filename
    return module.partition(".")[0] not in OWN and not file.startswith((*_OUTSIDE, "<"))


def _places_of(task: asyncio.Task[object]) -> Iterator[Place]:
    """The frames of a suspended task, outermost first."""
    awaited: object = task.get_coro()
    for _ in range(_DEEPEST):
        if isinstance(awaited, types.CoroutineType):
            frame, following = awaited.cr_frame, awaited.cr_await
        elif isinstance(awaited, types.AsyncGeneratorType):
            generator = cast("types.AsyncGeneratorType[object, object]", awaited)
            frame, following = generator.ag_frame, generator.ag_await
        elif isinstance(awaited, types.GeneratorType):
            frame, following = awaited.gi_frame, awaited.gi_yieldfrom
        else:
            # `__anext__` objects and the iterators of futures show what they hold to the garbage collector alone.
            awaited = next((held for held in _held_by(awaited) if _is_awaitable(held)), None)
            if awaited is None:
                return
            continue
        if frame is not None:
            yield frame, frame.f_lineno
            if following is None:
                following = frame.f_locals.get(_STEPPED)
        awaited = following


def _held_by(thing: object) -> list[object]:
    return [] if thing is None else gc.get_referents(thing)


def _is_awaitable(thing: object) -> bool:
    return isinstance(thing, types.CoroutineType | types.AsyncGeneratorType | types.GeneratorType | asyncio.Task)
