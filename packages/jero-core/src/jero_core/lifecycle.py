"""The resources of an app: entered while it starts, closed in reverse when it stops.

Rules
-----
- Sync and async context managers share one stack, so that there is one true order.
- Every one that was entered is closed, also when startup fails half-way and when another one's close fails.
- A close sees no exception: resources are told to end, not that something else went wrong. One that answers True
  suppresses nothing.
- What was entered is remembered until the app is wired: it may have something to say about that (entered.py).
"""

import inspect
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AbstractContextManager

from .annotations import type_name
from .wiring import Refusal

type _Close = Callable[[], Awaitable[object]]


class Lifecycle:
    """The stack of one app's open resources."""

    def __init__(self) -> None:
        self._closes: list[_Close] = []
        self.entered: list[object] = []
        """The managers that were entered, and what they gave; emptied when the app is wired."""

    def enter[T](self, manager: AbstractContextManager[T]) -> T:
        """Enter a context manager now and exit it when the app stops."""
        value = manager.__enter__()
        self.entered += (manager, value)

        async def close() -> None:
            manager.__exit__(None, None, None)

        self._closes.append(close)
        return value

    async def aenter[T](self, manager: AbstractAsyncContextManager[T]) -> T:
        """Enter an async context manager now and exit it when the app stops."""
        value = await manager.__aenter__()
        self.entered += (manager, value)
        self._closes.append(lambda: manager.__aexit__(None, None, None))
        return value

    async def close(self) -> None:
        """Close everything, the last one first.

        Raises the one exception that a close raised, or a BaseExceptionGroup of several, after all have been closed.
        """
        self.entered.clear()
        errors: list[BaseException] = []
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
    if not (isinstance(declared, type) and issubclass(declared, BaseFactory)):
        raise _refusal(f"{type_name(declared)} is no BaseFactory.", "a class that derives from BaseFactory.")
    if inspect.isabstract(declared):
        missing = ", ".join(sorted(getattr(declared, "__abstractmethods__", ())))
        raise _refusal(f"{declared.__name__} is abstract: it has no {missing}.", f"a class that has {missing}.")
    try:
        inspect.signature(declared).bind()
    except TypeError as error:
        raise _refusal(
            f"{declared.__name__}() cannot be called: {error}.",
            "a factory whose constructor takes no arguments; it reads its configuration itself.",
        ) from error
    return factory_on(lifecycle, declared)


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
