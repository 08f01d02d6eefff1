"""The resources of an app: entered while it starts, closed in reverse when it stops.

Rules
-----
- Sync and async context managers share one stack, so that there is one true order.
- Every one that was entered is closed, also when startup fails half-way and when another one's close fails.
- A close sees no exception: resources are told to end, not that something else went wrong. One that answers True
  suppresses nothing.
- What drains (`Drained`: a queue) does so before anything closes: what its items need is still open, in whatever order
  it was entered. All are asked, the last one first, until none had work: they may give each other some.
- What was entered is remembered until the app is wired: it may have something to say about that (entered.py).
"""

import asyncio
import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager
from typing import Protocol, get_origin, runtime_checkable

from .annotations import type_name, unwrapped
from .wiring import Refusal

type _Close = Callable[[], Awaitable[object]]


@runtime_checkable
class Drained(Protocol):
    """Something that an app enters, and that has work to end before the app's resources close."""

    async def __jero_drain__(self) -> bool:
        """End the work, before anything is closed; whether there was any.

        If there was, all are asked again: to end it may have made work for others. It bounds the time that it takes.
        """
        ...


class Lifecycle:
    """The stack of one app's open resources."""

    def __init__(self) -> None:
        self._closes: list[_Close] = []
        self._drained: list[Drained] = []
        self.entered: list[object] = []
        """The managers that were entered, and what they gave; emptied when the app is wired."""

    def enter[T](self, manager: AbstractContextManager[T]) -> T:
        """Enter a context manager now and exit it when the app stops."""
        value = manager.__enter__()
        self._remember(manager, value)

        async def close() -> None:
            manager.__exit__(None, None, None)

        self._closes.append(close)
        return value

    async def aenter[T](self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter an async context manager now and exit it when the app stops."""
        value = await manager.__aenter__()
        self._remember(manager, value)
        self._closes.append(lambda: manager.__aexit__(None, None, None))
        return value

    def _remember(self, manager: object, value: object) -> None:
        for thing in (manager,) if manager is value else (manager, value):
            self.entered.append(thing)
            if isinstance(thing, Drained) and not isinstance(thing, type):
                self._drained.append(thing)

    async def close(self, *, is_patient: bool = True) -> None:
        """Drain what drains, for no time if nobody is patient, then close everything, the last one first.

        Raises the one exception that a close raised, or a BaseExceptionGroup of several, after all have been closed.
        """
        self.entered.clear()
        errors: list[BaseException] = []
        drained, self._drained = self._drained[::-1], []
        had_work = True
        while had_work:
            had_work = False
            for thing in [*drained]:
                try:
                    async with asyncio.timeout(None if is_patient else 0):
                        had_work |= await thing.__jero_drain__()
                except TimeoutError:
                    drained.remove(thing)
                except BaseException as error:  # noqa: BLE001  # as below
                    errors.append(error)
                    drained.remove(thing)
        while self._closes:
            try:
                await self._closes.pop()()
            except BaseException as error:  # noqa: BLE001  # also CancelledError must not skip the rest
                errors.append(error)
        if len(errors) == 1:
            raise errors[0]
        if errors:
            raise BaseExceptionGroup("several resources failed to close", errors)


class BaseFactory:
    """Builds an app's dependencies, on the app's own stack of resources.

    `BaseApp[Factory]` makes the factory at startup, without arguments, and offers it as `self._factory`.
    """

    _jero_lifecycle: Lifecycle

    def _enter[T](self, manager: AbstractContextManager[T]) -> T:
        """Enter a context manager; it is exited when the app stops."""
        return self._jero_lifecycle.enter(manager)

    async def _aenter[T](self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter an async context manager; it is exited when the app stops."""
        return await self._jero_lifecycle.aenter(manager)


def ready_factory(declared: object, given: object, lifecycle: Lifecycle) -> object:
    """The factory of an app, its resources on this stack: the given one, or a new one of the declared class.

    Raises `Refusal` (JERO-W050) for a class of which none can be made, and whatever its constructor raises.
    """
    if given is not None:
        if isinstance(given, BaseFactory):
            factory_on(lifecycle, given)
        return given
    if declared is None or declared is type(None):
        return None
    bare = unwrapped(declared)
    cls = get_origin(bare) or bare
    if not (isinstance(cls, type) and issubclass(cls, BaseFactory)):
        raise _refusal(f"{type_name(declared)} is no BaseFactory.", "a class that derives from BaseFactory.")
    if inspect.isabstract(cls):
        missing = ", ".join(sorted(getattr(cls, "__abstractmethods__", ())))
        raise _refusal(f"{cls.__name__} is abstract: it has no {missing}.", f"a class that has {missing}.")
    try:
        inspect.signature(cls).bind()
    except TypeError as error:
        raise _refusal(
            f"{cls.__name__}() cannot be called: {error}.",
            "a factory whose constructor takes no arguments; it reads its configuration itself.",
        ) from error
    return factory_on(lifecycle, cls)


def factory_on[F: BaseFactory](lifecycle: Lifecycle, factory: type[F] | F) -> F:
    """A factory whose resources go on this stack: made without arguments if it is a class, or the given one."""
    made = factory.__new__(factory) if isinstance(factory, type) else factory
    object.__setattr__(made, "_jero_lifecycle", lifecycle)  # Its own may refuse: a frozen dataclass.
    if isinstance(factory, type):
        # The stack first, so that the factory's own __init__ may open resources on it.
        factory.__init__(made)
    return made


def _refusal(reason: str, remedy: str) -> Refusal:
    return Refusal(code="JERO-W050", reason=reason, remedy=remedy)
