"""A factory with its lifecycle, without an app."""

import asyncio
from collections.abc import Coroutine
from typing import Final, Self

from jero_core import BaseFactory
from jero_core.extend import Lifecycle, factory_on

from .tasks import Lane, bounded

_TIMEOUT: Final = 30.0
_NOT_CLOSED: Final = "what the factory opened has not closed"


class FactoryHarness[F: BaseFactory]:
    """Makes a factory as an app would, and closes what it opened, in reverse order, at the block's end.

    As in an app, all of that happens in one task: what a factory opens may be a task group, or a cancel scope.
    `with FactoryHarness(Factory) as harness:` has an event loop of its own: `harness.run(harness.factory.database())`.
    In async code, `async with FactoryHarness(Factory) as harness:` uses the running one, and nothing needs `run`. A
    factory that is made already can be given in place of its class. `timeout` bounds each `run`, and the end, in
    seconds; None waits for ever. What takes longer is cancelled, again and again; in async code, something that ignores
    that for ever holds the block, whose task it shares.
    """

    def __init__(self, factory: type[F] | F, *, timeout: float | None = _TIMEOUT) -> None:
        self._given = factory
        self._timeout = timeout
        self._lifecycle = Lifecycle()
        self._factory: F | None = None
        self._lane: Lane | None = None

    @property
    def factory(self) -> F:
        """The factory. Raises RuntimeError outside the block."""
        if self._factory is None:
            raise RuntimeError("the factory is made in a block: `with FactoryHarness(Factory) as harness:`")
        return self._factory

    def run[T](self, coroutine: Coroutine[object, object, T]) -> T:
        """Run a coroutine to its end in the harness's loop. Raises AppTimeout if that takes too long."""
        __tracebackhide__ = True
        if self._lane is None:
            coroutine.close()
            raise RuntimeError("run() is for `with FactoryHarness(Factory) as harness:`; in async code, await instead")
        if _is_in_a_loop():
            coroutine.close()
            raise RuntimeError("run() would block the event loop in which it is called; in async code, await instead")
        return self._lane.run(coroutine, self._timeout, "the coroutine has not ended")

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        if _is_in_a_loop():
            raise RuntimeError("in async code it is `async with FactoryHarness(Factory) as harness:`")
        self._lane = Lane()
        try:
            # In the loop, so that a constructor that asks for the running loop finds it.
            self._factory = self._lane.run(self._made(), None, "")
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *exception: object) -> None:
        __tracebackhide__ = True
        lane, self._lane, self._factory = self._lane, None, None
        if lane is not None:
            try:
                lane.run(self._lifecycle.close(), self._timeout, _NOT_CLOSED)
            finally:
                lane.close()

    async def __aenter__(self) -> Self:
        __tracebackhide__ = True
        try:
            self._factory = await self._made()
        except BaseException:
            await self._closed()
            raise
        return self

    async def __aexit__(self, *exception: object) -> None:
        __tracebackhide__ = True
        self._factory = None
        await self._closed()

    async def _made(self) -> F:
        return factory_on(self._lifecycle, self._given)

    async def _closed(self) -> None:
        await bounded(self._lifecycle.close(), self._timeout, _NOT_CLOSED)


def _is_in_a_loop() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
