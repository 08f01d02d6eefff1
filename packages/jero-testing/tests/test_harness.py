"""FactoryHarness: a real factory with its lifecycle, without an app."""

import asyncio
import contextlib

import anyio
import pytest

from jero_core import BaseFactory
from jero_testing import AppTimeout, FactoryHarness


class Factory(BaseFactory):
    def __init__(self):
        self.journal = []
        self.enter("init")

    def enter(self, name):
        self.journal.append(f"open {name}")
        self._enter(contextlib.ExitStack()).callback(self.journal.append, f"close {name}")
        return name

    async def aenter(self, name, *, fails=False):
        self.journal.append(f"open {name}")

        @contextlib.asynccontextmanager
        async def manager():
            yield name
            await asyncio.sleep(0)
            self.journal.append(f"close {name}")
            if fails:
                raise ConnectionError(name)

        return await self._aenter(manager())


def test_the_factory_is_made_and_what_it_opens_is_closed_in_reverse():
    with FactoryHarness(Factory) as harness:
        factory = harness.factory
        assert isinstance(factory, Factory)
        assert harness.factory is factory
        assert harness.run(factory.aenter("database")) == "database"
        assert factory.enter("cache") == "cache"
        assert factory.journal == ["open init", "open database", "open cache"]
    assert factory.journal[3:] == ["close cache", "close database", "close init"]


def test_all_runs_share_one_loop():
    async def loop():
        return asyncio.get_running_loop()

    with FactoryHarness(Factory) as harness:
        assert harness.run(loop()) is harness.run(loop())


def test_everything_is_closed_when_the_test_fails():
    with pytest.raises(KeyError), FactoryHarness(Factory) as harness:
        factory = harness.factory
        harness.run(factory.aenter("database"))
        raise KeyError("test")
    assert factory.journal[2:] == ["close database", "close init"]


def test_one_failing_close_does_not_skip_the_rest():
    with pytest.raises(ConnectionError, match="database"), FactoryHarness(Factory) as harness:
        factory = harness.factory
        harness.run(factory.aenter("database", fails=True))
    assert factory.journal[-1] == "close init"


def test_an_exception_of_a_coroutine_is_its_own():
    async def fail():
        raise LookupError("key")

    with FactoryHarness(Factory) as harness, pytest.raises(LookupError):
        harness.run(fail())


def test_a_coroutine_that_takes_too_long_is_cancelled():
    cancelled = []

    async def wait():
        try:
            await asyncio.sleep(3600)
        except asyncio.CancelledError:
            cancelled.append(True)
            raise

    with FactoryHarness(Factory, timeout=0.05) as harness:
        with pytest.raises(AppTimeout, match="the coroutine has not ended within 0.05 s; it waits at .*in .*wait"):
            harness.run(wait())
        harness.run(asyncio.sleep(0))
        assert cancelled == [True]


def test_a_constructor_that_fails_leaves_nothing_open():
    journal = []

    class Broken(Factory):
        def __init__(self):
            super().__init__()
            self.journal = journal
            self.enter("second")
            raise ConnectionError("away")

    with pytest.raises(ConnectionError, match="away"), FactoryHarness(Broken):
        pytest.fail("it was made")
    assert journal == ["open second", "close second"]


def test_a_factory_that_is_made_already_can_be_given():
    class Configured(Factory):
        def __init__(self, url):
            self.url = url
            self.journal = []

    with FactoryHarness(Configured("db://")) as harness:
        assert harness.factory.url == "db://"
        harness.factory.enter("cache")
        journal = harness.factory.journal
    assert journal == ["open cache", "close cache"]


def test_a_harness_can_be_entered_again_with_a_new_factory():
    harness = FactoryHarness(Factory)
    with harness:
        first = harness.factory
    with harness:
        assert harness.factory is not first


def test_outside_of_its_block_there_is_no_factory():
    harness = FactoryHarness(Factory)
    with pytest.raises(RuntimeError, match="with FactoryHarness"):
        harness.factory  # noqa: B018
    with harness:
        pass
    with pytest.raises(RuntimeError, match="with FactoryHarness"):
        harness.factory  # noqa: B018

    async def nothing(): ...

    with pytest.raises(RuntimeError, match="await instead"):
        harness.run(nothing())


def test_in_async_code_it_uses_the_running_loop():
    async def main():
        async with FactoryHarness(Factory) as harness:
            factory = harness.factory
            assert await factory.aenter("database") == "database"
            factory.enter("cache")
        assert factory.journal[3:] == ["close cache", "close database", "close init"]

    asyncio.run(main())


class Scoped(BaseFactory):
    """Opens what has to be closed in the task that opened it."""

    def __init__(self):
        self.tasks = [asyncio.current_task()]

    async def scope(self, kind):
        self.tasks.append(asyncio.current_task())
        return await self._aenter(kind())


@pytest.mark.parametrize("kind", [anyio.create_task_group, asyncio.TaskGroup, lambda: asyncio.timeout(30)])
def test_what_the_factory_opens_is_closed_in_the_task_that_opened_it(kind):
    with FactoryHarness(Scoped) as harness:
        factory = harness.factory
        harness.run(factory.scope(kind))
    assert len(set(factory.tasks)) == 1

    async def main():
        async with FactoryHarness(Scoped) as harness:
            await harness.factory.scope(kind)

    asyncio.run(main())


class Slow(BaseFactory):
    async def never_closes(self):
        @contextlib.asynccontextmanager
        async def manager():
            yield
            await asyncio.sleep(3600)

        return await self._aenter(manager())


def test_what_never_closes_is_given_up_and_told():
    late = r"what the factory opened has not closed within 0.05 s; it waits at .*in .*manager"
    with pytest.raises(AppTimeout, match=late), FactoryHarness(Slow, timeout=0.05) as harness:
        harness.run(harness.factory.never_closes())

    async def main():
        with pytest.raises(AppTimeout, match=late):
            async with FactoryHarness(Slow, timeout=0.05) as harness:
                await harness.factory.never_closes()
        assert asyncio.current_task().cancelling() == 0

    asyncio.run(main())


def test_a_coroutine_that_ignores_its_cancellation_does_not_hold_the_test():
    may_end = asyncio.Event()

    async def stubborn():
        while not may_end.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await may_end.wait()

    with FactoryHarness(Factory, timeout=0.05) as harness:
        with pytest.raises(AppTimeout, match="in .*stubborn"):
            harness.run(stubborn())
        may_end.set()
        assert harness.run(asyncio.sleep(0, "fine")) == "fine"


def test_a_harness_ends_although_a_coroutine_keeps_cancellations_to_itself(monkeypatch):
    monkeypatch.setattr("jero_testing.tasks.CANCEL_GRACE", 0.01)

    async def stubborn():
        for _ in range(5):
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.sleep(0.05)

    closed = []

    class Closes(BaseFactory):
        async def resource(self):
            return await self._aenter(self.manager())

        @contextlib.asynccontextmanager
        async def manager(self):
            yield
            closed.append("closed")

    with pytest.raises(AppTimeout, match="in .*stubborn"), FactoryHarness(Closes, timeout=0.02) as harness:
        harness.run(harness.factory.resource())
        harness.run(stubborn())
    assert closed == ["closed"]


def test_in_async_code_a_close_that_goes_on_when_it_is_cancelled_is_cancelled_again(monkeypatch):
    monkeypatch.setattr("jero_testing.tasks.CANCEL_GRACE", 0.01)

    class Stubborn(BaseFactory):
        async def resource(self):
            return await self._aenter(self.manager())

        @contextlib.asynccontextmanager
        async def manager(self):
            yield
            for _ in range(2):
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.Event().wait()
            await asyncio.Event().wait()

    async def main():
        with pytest.raises(AppTimeout, match="has not closed"):
            async with FactoryHarness(Stubborn, timeout=0.02) as harness:
                await harness.factory.resource()
        assert asyncio.current_task().cancelling() == 0

    asyncio.run(asyncio.wait_for(main(), 5))


def test_a_cancellation_from_outside_is_no_timeout():
    async def main():
        async with FactoryHarness(Slow) as harness:
            await harness.factory.never_closes()

    async def outside():
        task = asyncio.create_task(main())
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert asyncio.run(outside())


@pytest.mark.parametrize("error", [KeyboardInterrupt, SystemExit, asyncio.CancelledError])
def test_what_a_coroutine_raises_besides_exceptions_goes_on_to_the_test(error):
    async def fail():
        raise error

    with FactoryHarness(Factory) as harness:
        with pytest.raises(error):
            harness.run(fail())
        assert harness.run(asyncio.sleep(0, "fine")) == "fine"


def test_a_plain_block_in_async_code_says_what_to_write():
    async def main():
        with pytest.raises(RuntimeError, match="async with FactoryHarness"), FactoryHarness(Factory):
            pass

    asyncio.run(main())


def test_to_run_something_in_async_code_says_what_to_write():
    async def main():
        with pytest.raises(RuntimeError, match="in async code, await instead"):
            harness.run(asyncio.sleep(0))

    with FactoryHarness(Factory) as harness:
        asyncio.run(main())
        assert harness.run(asyncio.sleep(0, "fine")) == "fine"
