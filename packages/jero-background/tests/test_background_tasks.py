"""The in-process queue: what is taken runs once, whatever handlers do."""

import asyncio
import contextlib
import contextvars
import gc
import inspect
import logging
import math

import pytest
from msgspec import Struct

from jero_background import BackgroundClosedError, BackgroundTasks, ItemFailure, QueueStats, item_id
from jero_core import BaseApp, HTTPError, WiringError

from .background_driver import run, run_timed, started


class Mail(Struct):
    number: int


class Letter(Struct):
    number: int


class SpecialMail(Mail): ...


class Journal:
    """A handler that notes what it is called with, and may be held."""

    def __init__(self):
        self.numbers = []
        self.gate = asyncio.Event()
        self.gate.set()
        self.running = self.most = 0

    async def take(self, item: Mail) -> None:
        self.running += 1
        self.most = max(self.most, self.running)
        try:
            await self.gate.wait()
            self.numbers.append(item.number)
        finally:
            self.running -= 1


@pytest.fixture
def journal():
    return Journal()


def dropped(caplog):
    """The ids that the log names as dropped."""
    return [record.args[1] for record in caplog.records if "is dropped" in record.msg]


def failed(caplog):
    return [record.args[1] for record in caplog.records if " failed in " in record.msg]


async def turns(count=10):
    """Let everything run that can."""
    for _ in range(count):
        await asyncio.sleep(0)


def test_each_item_runs_its_handler_once_in_the_order_of_adding(journal):
    async def main():
        async with BackgroundTasks(maxsize=3) as tasks:
            tasks.register(journal.take)
            for number in range(50):
                await tasks.add(Mail(number))
        return tasks.stats()

    assert run(main()) == QueueStats(queued=0, running=0, done=50, failed=0, dropped=0)
    assert journal.numbers == [*range(50)]


def test_adding_does_not_wait_for_the_handler(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks() as tasks:
            tasks.register(journal.take)
            await tasks.add(Mail(1))
            assert journal.numbers == []
            journal.gate.set()

    run(main())
    assert journal.numbers == [1]


def test_an_add_in_another_event_loop_raises_and_adds_nothing(journal):
    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(journal.take)
            with pytest.raises(RuntimeError, match=r"entered in another event loop.*run_coroutine_threadsafe"):
                await asyncio.to_thread(asyncio.run, tasks.add(Mail(1)))
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(lambda: asyncio.run_coroutine_threadsafe(tasks.add(Mail(2)), loop).result(5))
        return tasks.stats()

    assert run(main()) == QueueStats(queued=0, running=0, done=1, failed=0, dropped=0)
    assert journal.numbers == [2]


def test_add_waits_while_the_queue_is_full_and_no_longer(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=2) as tasks:
            tasks.register(journal.take)
            for number in range(3):  # One runs, two wait.
                await tasks.add(Mail(number))
            late = [asyncio.create_task(tasks.add(Mail(number))) for number in (3, 4)]
            await turns()
            assert not any(task.done() for task in late)
            assert tasks.stats() == QueueStats(queued=2, running=1, done=0, failed=0, dropped=0)
            journal.gate.set()
            await asyncio.gather(*late)

    run(main())
    assert journal.numbers == [0, 1, 2, 3, 4]


def test_adders_that_wait_are_served_in_their_order_and_nobody_overtakes_them(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=1) as tasks:
            tasks.register(journal.take)
            adders = []
            for number in range(20):
                adders.append(asyncio.create_task(tasks.add(Mail(number))))
                await turns(2)
            journal.gate.set()
            await adders[2]
            await tasks.add(Mail(99))

    run(main())
    assert journal.numbers == [*range(20), 99]


def test_an_add_that_is_cancelled_while_it_waits_adds_nothing(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=1) as tasks:
            tasks.register(journal.take)
            await tasks.add(Mail(0))
            await tasks.add(Mail(1))
            adder = asyncio.create_task(tasks.add(Mail(2)))
            await turns()
            adder.cancel()
            with pytest.raises(asyncio.CancelledError):
                await adder
            journal.gate.set()
            await tasks.add(Mail(3))

    run(main())
    assert journal.numbers == [0, 1, 3]


def test_an_add_that_is_cancelled_as_its_place_becomes_free_adds_nothing(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=1) as tasks:
            tasks.register(journal.take)
            await tasks.add(Mail(0))
            await tasks.add(Mail(1))
            adder = asyncio.create_task(tasks.add(Mail(2)))
            await turns()
            journal.gate.set()
            while not tasks.stats().done:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0)
            journal.gate.clear()
            is_in = adder.done()
            adder.cancel()
            outcome = await asyncio.gather(adder, return_exceptions=True)
            journal.gate.set()
            return is_in, isinstance(outcome[0], asyncio.CancelledError)

    is_in, is_cancelled = run(main())
    assert journal.numbers == ([0, 1, 2] if is_in or not is_cancelled else [0, 1])


@pytest.mark.parametrize("is_eager", [False, True])
@pytest.mark.parametrize("hops", range(6))
def test_an_add_that_is_cancelled_in_the_turn_in_which_several_handlers_end_adds_nothing(journal, hops, is_eager):
    async def main():
        if is_eager:
            asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        journal.gate.clear()
        async with BackgroundTasks(maxsize=1, concurrency=2) as tasks:
            tasks.register(journal.take)
            for number in range(3):
                await tasks.add(Mail(number))
            adder = asyncio.create_task(tasks.add(Mail(3)))
            await asyncio.sleep(0)
            journal.gate.set()
            await turns(hops)
            adder.cancel()
            await asyncio.wait([adder])
        return adder.cancelled(), tasks.stats()

    is_cancelled, stats = run(main())
    ran = [0, 1, 2] if is_cancelled else [0, 1, 2, 3]
    assert sorted(journal.numbers) == ran
    assert stats == QueueStats(queued=0, running=0, done=len(ran), failed=0, dropped=0)


def test_an_add_whose_coroutine_is_closed_while_it_waits_adds_nothing(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=1) as tasks:
            tasks.register(journal.take)
            await tasks.add(Mail(0))
            await tasks.add(Mail(1))
            adding = tasks.add(Mail(2))
            adding.send(None)
            adding.close()
            journal.gate.set()

    run(main())
    assert journal.numbers == [0, 1]


def test_nobody_overtakes_an_adder_whose_place_has_become_free(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=2) as tasks:
            tasks.register(journal.take)
            for number in range(3):
                await tasks.add(Mail(number))
            adder = asyncio.create_task(tasks.add(Mail(3)))
            await turns()
            journal.gate.set()
            while len(journal.numbers) < 2:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0)
            await tasks.add(Mail(4))
            await adder

    run(main())
    assert journal.numbers == [0, 1, 2, 3, 4]


@pytest.mark.parametrize("concurrency", [1, 3])
def test_at_most_so_many_handlers_run_at_a_time(journal, concurrency):
    async def main():
        async with BackgroundTasks(concurrency=concurrency) as tasks:
            tasks.register(journal.take)
            journal.gate.clear()
            for number in range(10):
                await tasks.add(Mail(number))
            await turns()
            assert tasks.stats().running == concurrency
            journal.gate.set()

    run(main())
    assert journal.most == concurrency
    assert sorted(journal.numbers) == [*range(10)]


def test_concurrency_holds_with_eager_tasks(journal):
    async def main():
        asyncio.get_running_loop().set_task_factory(asyncio.eager_task_factory)
        async with BackgroundTasks(concurrency=2) as tasks:

            async def relay(item: Letter) -> None:
                await tasks.add(Mail(item.number))
                await asyncio.sleep(0)
                assert tasks.stats().running <= 2

            tasks.register(journal.take)
            tasks.register(relay)
            for number in range(10):
                await tasks.add(Letter(number))
        return tasks.stats()

    assert run(main()) == QueueStats(queued=0, running=0, done=20, failed=0, dropped=0)
    assert journal.most <= 2


def test_dispatch_is_by_the_exact_type(journal):
    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(journal.take)
            with pytest.raises(TypeError, match="exactly that class"):
                await tasks.add(SpecialMail(1))
            with pytest.raises(TypeError, match=r"no handler is registered for .*\.Letter; `register` one in `_wire`"):
                await tasks.add(Letter(1))
            with pytest.raises(TypeError, match=r"1 is no item: an item is a Struct"):
                await tasks.add(1)
            with pytest.raises(TypeError, match=r"an item is an instance: `Mail\(\.\.\.\)`, not the class"):
                await tasks.add(Mail)

    run(main())
    assert journal.numbers == []


def test_several_handlers_of_one_type_each_run_once_by_themselves(journal, caplog):
    other = Journal()

    async def fail(item: Mail) -> None:
        raise RuntimeError("this one fails")

    async def main():
        async with BackgroundTasks(allow_one_to_many=True) as tasks:
            for handler in (journal.take, fail, other.take):
                tasks.register(handler)
            given = [await tasks.add(Mail(number)) for number in range(3)]
        return tasks.stats(), given

    stats, given = run(main())
    assert stats == QueueStats(queued=0, running=0, done=6, failed=3, dropped=0)
    assert journal.numbers == other.numbers == [0, 1, 2]
    assert failed(caplog) == given


def test_ids_are_unique_and_what_the_handler_sees():
    seen = []

    async def note(item: Mail) -> None:
        seen.append(item_id())

    async def main():
        given = []
        for _ in range(2):
            async with BackgroundTasks() as tasks:
                tasks.register(note)
                given += [await tasks.add(Mail(number)) for number in range(3)]
        with pytest.raises(LookupError):
            item_id()
        return given

    given = run(main())
    assert seen == given
    assert len(set(given)) == 6


# what handlers do

EXCEPTIONS = [
    RuntimeError("no"),
    HTTPError(404),
    asyncio.CancelledError(),
    ExceptionGroup("several", [ValueError("a"), OSError("b")]),
    BaseExceptionGroup("several", [SystemExit(), ValueError("b")]),
    SystemExit(3),
    StopIteration(),
    StopAsyncIteration(),
    TimeoutError(),
    BaseException("of no kind"),
    GeneratorExit(),
]


@pytest.mark.parametrize("error", EXCEPTIONS, ids=lambda error: type(error).__name__)
@pytest.mark.parametrize("waits", [False, True])
def test_a_handler_that_raises_is_logged_with_type_and_id_and_the_next_item_runs(error, waits, caplog):
    ran = []

    async def handle(item: Mail) -> None:
        if item.number == 1:
            if waits:
                await asyncio.sleep(0)
            raise error
        ran.append(item.number)

    async def main():
        async with BackgroundTasks(maxsize=1) as tasks:
            tasks.register(handle)
            given = [await tasks.add(Mail(number)) for number in range(4)]
        return tasks.stats(), given[1]

    stats, bad = run(main())
    assert ran == [0, 2, 3]
    assert stats == QueueStats(queued=0, running=0, done=3, failed=1, dropped=0)
    (record,) = caplog.records
    assert record.levelno == logging.ERROR
    assert record.name == "jero.background"
    assert record.getMessage().endswith(f"test_background_tasks.Mail {bad} failed in {handle.__qualname__}")
    assert record.exc_info is not None


def test_a_handler_that_cancels_its_own_task_ends_only_itself(caplog):
    ran = []

    async def handle(item: Mail) -> None:
        if item.number == 0:
            asyncio.current_task().cancel()
            await asyncio.sleep(10)
        async with asyncio.timeout(10):
            await asyncio.sleep(0)
        ran.append(item.number)

    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(handle)
            for number in range(3):
                await tasks.add(Mail(number))

    run(main())
    assert ran == [1, 2]
    assert len(failed(caplog)) == 1


def test_ctrl_c_in_a_handler_is_logged_and_reaches_whoever_runs_the_loop(journal, caplog):
    async def handle(item: Letter) -> None:
        raise KeyboardInterrupt

    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(handle)
            tasks.register(journal.take)
            await tasks.add(Letter(1))
            await tasks.add(Mail(2))
            await asyncio.sleep(1)

    with pytest.raises(KeyboardInterrupt):
        run(main())
    assert len(failed(caplog)) == 1
    # asyncio.run ended the main task, which drained the queue on its way out.
    assert journal.numbers == [2]


def test_the_hook_is_told_of_each_failure():
    told = []

    async def handle(item: Mail) -> None:
        raise ValueError(item.number)

    async def hook(failure: ItemFailure) -> None:
        await asyncio.sleep(0)
        told.append(failure)

    async def main(on_error):
        async with BackgroundTasks(on_error=on_error) as tasks:
            tasks.register(handle)
            return await tasks.add(Mail(7))

    for on_error in (hook, told.append):
        given = run(main(on_error))
        failure = told.pop()
        assert (failure.item, failure.id, failure.handler) == (Mail(7), given, handle.__qualname__)
        assert repr(failure.error) == "ValueError(7)"


def test_ctrl_c_in_a_hook_reaches_whoever_runs_the_loop():
    async def handle(item: Mail) -> None:
        raise ValueError

    def hook(failure: ItemFailure) -> None:
        raise KeyboardInterrupt

    async def main():
        async with BackgroundTasks(on_error=hook) as tasks:
            tasks.register(handle)
            await tasks.add(Mail(1))

    with pytest.raises(KeyboardInterrupt):
        run(main())


def test_the_hook_is_told_whatever_a_handler_has_raised():
    told = []

    async def handle(item: Mail) -> None:
        raise EXCEPTIONS[item.number]

    async def main():
        async with BackgroundTasks(on_error=told.append) as tasks:
            tasks.register(handle)
            for number in range(len(EXCEPTIONS)):
                await tasks.add(Mail(number))

    run(main())
    assert [failure.item.number for failure in told] == [*range(len(EXCEPTIONS))]


@pytest.mark.parametrize("is_loop_there", [True, False])
def test_a_handler_whose_coroutine_is_closed_from_outside_tells_nobody(is_loop_there):
    told = []

    async def main():
        tasks = await BackgroundTasks(on_error=told.append).__aenter__()
        tasks.register(hang)
        await tasks.add(Letter(1))
        await asyncio.sleep(0)
        (task,) = tasks._running
        if is_loop_there:
            task.get_coro().close()
        return tasks, task

    loop = asyncio.new_event_loop()
    tasks, task = loop.run_until_complete(main())
    task.get_coro().close()
    assert told == []
    assert tasks.stats().failed == 0
    task.cancel()
    loop.run_until_complete(asyncio.wait([task]))
    loop.close()
    assert told == []


@pytest.mark.parametrize("error", [RuntimeError("hook"), asyncio.CancelledError(), SystemExit()])
def test_a_hook_that_raises_is_logged_and_stops_nothing(journal, error, caplog):
    async def handle(item: Letter) -> None:
        raise ValueError

    def hook(failure: ItemFailure) -> None:
        raise error

    async def main():
        async with BackgroundTasks(on_error=hook) as tasks:
            tasks.register(handle)
            tasks.register(journal.take)
            await tasks.add(Letter(1))
            await tasks.add(Mail(2))

    run(main())
    assert journal.numbers == [2]
    assert "on_error failed for" in caplog.text


# handlers that hang


async def hang(item: Letter) -> None:
    await asyncio.get_running_loop().create_future()


def test_behind_a_handler_that_hangs_the_others_run_and_it_has_failed(journal, caplog):
    told = []

    async def main():
        async with BackgroundTasks(handler_timeout=0.02, maxsize=1, on_error=told.append) as tasks:
            tasks.register(hang)
            tasks.register(journal.take)
            given = []
            for number in range(3):
                given.append(await tasks.add(Letter(number)))
                await tasks.add(Mail(number))
            while journal.numbers != [0, 1, 2]:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.001)
            return given, tasks.stats()

    given, stats = run_timed(main())
    assert stats == QueueStats(queued=0, running=0, done=3, failed=3, dropped=0)
    assert failed(caplog) == [failure.id for failure in told] == given
    assert isinstance(told[0].error, TimeoutError)
    assert str(told[0].error) == "hang took longer than handler_timeout, 0.02 s"
    assert "await asyncio.get_running_loop().create_future()" in caplog.text


def test_behind_a_handler_that_cannot_be_cancelled_the_others_run_too(journal, caplog, monkeypatch):
    monkeypatch.setattr("jero_background.background_tasks.CUT_GRACE", 0.02)
    release, told = asyncio.Event(), []

    async def stubborn(item: Letter) -> None:
        while not release.is_set():
            with contextlib.suppress(asyncio.CancelledError):
                await release.wait()

    async def main():
        async with BackgroundTasks(handler_timeout=0.01, on_error=told.append) as tasks:
            tasks.register(stubborn)
            tasks.register(journal.take)
            given = await tasks.add(Letter(0))
            await tasks.add(Mail(1))
            while journal.numbers != [1] or tasks.stats().running:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.001)
            stats = tasks.stats()
            release.set()
            await turns()
            assert tasks.stats() == stats
        return given, stats

    given, stats = run_timed(main())
    assert stats == QueueStats(queued=0, running=0, done=1, failed=1, dropped=0)
    assert [failure.id for failure in told] == [given]
    assert "cannot be cancelled, and goes on beside the others" in caplog.text


@pytest.mark.parametrize("is_failed", [True, False])
def test_a_handler_that_cannot_be_cancelled_and_still_runs_at_the_end_is_named_once(is_failed, caplog, monkeypatch):
    """Its time is over, and what it has to end then is too before the drain is, or not before the queue closes."""
    monkeypatch.setattr("jero_background.background_tasks.CUT_GRACE", 0.02)

    async def main():
        release, is_over = asyncio.Event(), asyncio.Event()

        async def stubborn(item: Letter) -> None:
            while not release.is_set():
                try:
                    await release.wait()
                except asyncio.CancelledError:
                    is_over.set()

        async with BackgroundTasks(handler_timeout=0.01, drain_timeout=10 if is_failed else 0) as tasks:
            tasks.register(stubborn)
            given = await tasks.add(Letter(0))
            await is_over.wait()
        release.set()
        await turns()
        return given, tasks.stats()

    given, stats = run_timed(main())
    assert stats == QueueStats(queued=0, running=0, done=0, failed=is_failed, dropped=not is_failed)
    assert (failed(caplog), dropped(caplog)) == (([given], []) if is_failed else ([], [given]))


def test_a_handler_that_saves_its_work_when_its_time_is_over_is_done(caplog):
    async def save(item: Mail) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)

    async def main():
        async with BackgroundTasks(handler_timeout=0.01) as tasks:
            tasks.register(save)
            await tasks.add(Mail(1))
        return tasks.stats()

    assert run_timed(main()) == QueueStats(queued=0, running=0, done=1, failed=0, dropped=0)
    assert caplog.records == []


@pytest.mark.parametrize("is_stubborn", [False, True])
def test_a_hook_that_hangs_does_not_keep_the_others_from_running(journal, caplog, monkeypatch, is_stubborn):
    monkeypatch.setattr("jero_background.background_tasks.CUT_GRACE", 0.02)
    release = asyncio.Event()

    async def handle(item: Letter) -> None:
        raise ValueError(item.number)

    async def hook(failure: ItemFailure) -> None:
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                if not is_stubborn:
                    raise

    async def main():
        async with BackgroundTasks(handler_timeout=0.01, on_error=hook) as tasks:
            tasks.register(handle)
            tasks.register(journal.take)
            await tasks.add(Letter(0))
            await tasks.add(Mail(1))
            while journal.numbers != [1]:  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0.001)
            release.set()
        return tasks.stats()

    assert run_timed(main()) == QueueStats(queued=0, running=0, done=1, failed=1, dropped=0)
    assert ("on_error cannot be cancelled" if is_stubborn else "on_error failed for") in caplog.text


def test_a_hook_that_is_told_of_a_handler_that_hung_may_have_a_time_limit_of_its_own():
    """The cancellation that ended the handler is not left to whatever comes after it."""
    seen = []

    async def hook(failure: ItemFailure) -> None:
        seen.append(asyncio.current_task().cancelling())
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(0.001):
                await asyncio.sleep(1)
        seen.append("told")

    async def main():
        async with BackgroundTasks(handler_timeout=0.01, on_error=hook) as tasks:
            tasks.register(hang)
            await tasks.add(Letter(0))

    run_timed(main())
    assert seen == [0, "told"]


def test_without_a_limit_a_handler_may_take_as_long_as_it_wants(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(handler_timeout=None) as tasks:
            tasks.register(journal.take)
            await tasks.add(Mail(1))
            asyncio.get_running_loop().call_later(0.05, journal.gate.set)

    run(main())
    assert journal.numbers == [1]


def test_by_default_the_limit_leaves_others_time_in_the_drain():
    parameters = inspect.signature(BackgroundTasks).parameters
    assert parameters["handler_timeout"].default < parameters["drain_timeout"].default


def test_running_items_survive_the_garbage_collector():
    ran = []

    async def handle(item: Mail) -> None:
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.001, future.set_result, None)
        gc.collect(0)
        await future
        ran.append(item.number)

    async def main():
        async with BackgroundTasks(concurrency=50) as tasks:
            tasks.register(handle)
            for number in range(200):
                await tasks.add(Mail(number))
            gc.collect()

    run(main())
    assert sorted(ran) == [*range(200)]


# context variables

VARIABLE = contextvars.ContextVar("VARIABLE", default="nobody")


def test_handlers_see_the_context_of_the_add_and_change_only_their_own():
    seen = []

    async def handle(item: Mail) -> None:
        seen.append(VARIABLE.get())
        VARIABLE.set("the handler")
        await asyncio.sleep(0)

    async def again(item: Mail) -> None:
        seen.append(VARIABLE.get())

    async def main():
        async with BackgroundTasks(allow_one_to_many=True) as tasks:
            tasks.register(handle)
            tasks.register(again)
            for name in ("Ada", "Grace"):
                token = VARIABLE.set(name)
                await tasks.add(Mail(1))
                VARIABLE.reset(token)
            await turns()
        assert VARIABLE.get() == "nobody"

    run(main())
    assert seen == ["Ada", "Ada", "Grace", "Grace"]


# full queues and circles


def test_a_handler_that_adds_to_its_own_full_queue_is_not_stuck():
    ran = []

    async def main():
        async with BackgroundTasks(maxsize=1) as tasks:

            async def split(item: Mail) -> None:
                ran.append(item.number)
                if item.number < 15:
                    await tasks.add(Mail(2 * item.number + 1))
                    await tasks.add(Mail(2 * item.number + 2))

            tasks.register(split)
            await tasks.add(Mail(0))
        return tasks.stats()

    assert run(main()).done == 31
    assert sorted(ran) == [*range(31)]


def test_a_task_that_a_handler_has_begun_is_not_stuck_either():
    ran = []

    async def main():
        async with BackgroundTasks(maxsize=1) as tasks:

            async def split(item: Mail) -> None:
                ran.append(item.number)
                if item.number == 0:
                    async with asyncio.TaskGroup() as group:
                        for number in range(1, 10):
                            group.create_task(tasks.add(Mail(number)))

            tasks.register(split)
            await tasks.add(Mail(0))

    run(main())
    assert sorted(ran) == [*range(10)]


def test_two_full_queues_whose_handlers_add_to_each_other_are_not_stuck():
    ran = []

    async def main():
        async with BackgroundTasks(maxsize=1) as mails, BackgroundTasks(maxsize=1) as letters:

            async def to_letters(item: Mail) -> None:
                for step in range(3):
                    await letters.add(Letter(10 * item.number + step))
                    await asyncio.sleep(0)

            async def to_mails(item: Letter) -> None:
                ran.append(item.number)
                if item.number < 10:
                    await mails.add(Mail(item.number + 1))
                    await mails.add(Mail(item.number + 1))

            mails.register(to_letters)
            letters.register(to_mails)
            for number in range(3):
                await mails.add(Mail(number))
                await letters.add(Letter(number + 100))
            # The queue that was entered last closes first, for the other one's items as well.
            while any(each.stats().queued or each.stats().running for each in (mails, letters)):  # noqa: ASYNC110  # nothing tells when
                await asyncio.sleep(0)
        return mails.stats(), letters.stats()

    for stats in run(main()):
        assert (stats.queued, stats.running, stats.failed, stats.dropped) == (0, 0, 0, 0)


def test_a_handler_waits_for_a_full_queue_that_does_not_wait_for_it(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=1) as second, BackgroundTasks() as first:

            async def relay(item: Letter) -> None:
                await second.add(Mail(item.number))

            first.register(relay)
            second.register(journal.take)
            for number in range(5):
                await first.add(Letter(number))
            await turns()
            assert second.stats().queued == 1
            assert first.stats().queued == 2
            journal.gate.set()

    run(main())
    assert journal.numbers == [0, 1, 2, 3, 4]


def test_a_task_that_outlives_its_handler_waits_like_anybody(journal):
    async def main():
        journal.gate.clear()
        late = []
        async with BackgroundTasks(maxsize=1) as tasks:

            async def leave_a_task(item: Letter) -> None:
                async def add_later() -> None:
                    await event.wait()
                    await tasks.add(Mail(3))

                late.append(asyncio.create_task(add_later()))

            event = asyncio.Event()
            tasks.register(leave_a_task)
            tasks.register(journal.take)
            await tasks.add(Letter(0))
            await turns()
            await tasks.add(Mail(1))
            await tasks.add(Mail(2))
            event.set()
            await turns()
            assert tasks.stats().queued == 1
            journal.gate.set()
            await late[0]

    run(main())
    assert journal.numbers == [1, 2, 3]


# draining


def test_leaving_runs_everything_that_was_taken_also_what_is_added_meanwhile():
    ran = []

    async def main():
        async with BackgroundTasks() as tasks:

            async def handle(item: Mail) -> None:
                await asyncio.sleep(0)
                ran.append(item.number)
                if item.number < 100:
                    await tasks.add(Mail(item.number + 100))

            tasks.register(handle)
            for number in range(10):
                await tasks.add(Mail(number))

    run(main())
    assert sorted(ran) == [*range(10), *range(100, 110)]


@pytest.mark.parametrize("hops", range(12))
def test_what_is_added_in_the_very_turns_in_which_the_drain_ends_is_drained_or_refused(hops, caplog):
    ran, outcome = [], []

    async def main():
        async with BackgroundTasks() as tasks:

            async def leave_a_task(item: Letter) -> None:
                async def add_later() -> None:
                    await turns(hops)
                    try:
                        outcome.append(await tasks.add(Mail(1)))
                    except BackgroundClosedError as error:
                        outcome.append(error)

                late.append(asyncio.create_task(add_later()))

            async def handle(item: Mail) -> None:
                await asyncio.sleep(0)
                ran.append(item.number)

            late = []
            tasks.register(leave_a_task)
            tasks.register(handle)
            await tasks.add(Letter(0))
        await late[0]
        return tasks.stats()

    stats = run(main())
    is_refused = isinstance(outcome[0], BackgroundClosedError)
    assert ran == ([] if is_refused else [1])
    assert stats.dropped == 0
    assert dropped(caplog) == []


def test_an_item_whose_handler_had_no_time_to_begin_is_said_not_to_have_been_called(caplog):
    async def handle(item: Mail) -> None:
        raise AssertionError("it does not run")

    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(handle)
            await tasks.add(Mail(1))
            await tasks._close()

    run(main())
    assert "was not called before the queue closed" in caplog.text
    assert "was cut off" not in caplog.text


def test_an_adder_that_waits_when_the_drain_begins_gets_in(journal):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=1) as tasks:
            tasks.register(journal.take)
            await tasks.add(Mail(0))
            await tasks.add(Mail(1))
            adder = asyncio.create_task(tasks.add(Mail(2)))
            await turns()
            asyncio.get_running_loop().call_soon(journal.gate.set)
        await adder

    run(main())
    assert journal.numbers == [0, 1, 2]


def test_after_the_timeout_each_item_that_did_not_run_is_logged_by_type_and_id(caplog):
    async def hang(item: Mail) -> None:
        await asyncio.get_running_loop().create_future()

    async def main():
        async with BackgroundTasks(drain_timeout=0.05, concurrency=2) as tasks:
            tasks.register(hang)
            given = [await tasks.add(Mail(number)) for number in range(5)]
            await turns()
        return tasks.stats(), given

    stats, given = run_timed(main())
    assert stats == QueueStats(queued=0, running=0, done=0, failed=0, dropped=5)
    assert sorted(dropped(caplog)) == sorted(given)
    assert f"test_background_tasks.Mail {given[0]} is dropped: test_after_the_timeout" in caplog.text
    assert "was cut off" in caplog.text
    assert "was not called before the queue closed" in caplog.text


def test_what_was_about_to_take_its_first_step_is_dropped_by_name_too(caplog):
    async def handle(item: Mail) -> None:
        raise AssertionError("it does not run")

    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(handle)
            given = [await tasks.add(Mail(number)) for number in range(2)]
            await tasks._close()  # As the drain ends in the very turn of the loop in which the first one begins.
        return given

    assert sorted(run(main())) == sorted(dropped(caplog))


def test_a_handler_that_uses_its_last_moment_is_done(caplog):
    ran = []

    async def save(item: Mail) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            await asyncio.sleep(0)
            ran.append(item.number)

    async def main():
        async with BackgroundTasks(drain_timeout=0.01) as tasks:
            tasks.register(save)
            await tasks.add(Mail(1))
        return tasks.stats()

    assert run_timed(main()) == QueueStats(queued=0, running=0, done=1, failed=0, dropped=0)
    assert ran == [1]
    assert dropped(caplog) == []


def test_a_handler_that_cannot_be_cancelled_does_not_hold_the_leaving(caplog):
    release = []

    async def stubborn(item: Mail) -> None:
        release.append(asyncio.get_running_loop().create_future())
        while not release[0].done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.shield(release[0])

    async def main():
        async with BackgroundTasks(drain_timeout=0.01) as tasks:
            tasks.register(stubborn)
            given = await tasks.add(Mail(1))
        stats = tasks.stats()
        release[0].set_result(None)
        await turns()
        return stats, given

    stats, given = run_timed(main())
    assert stats.dropped == 1
    assert dropped(caplog) == [given]
    assert "goes on all the same" in caplog.text


def test_a_handler_that_fails_when_it_is_cut_off_is_logged_as_failed(caplog):
    async def convert(item: Mail) -> None:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            raise RuntimeError("half done") from None

    async def main():
        async with BackgroundTasks(drain_timeout=0.01) as tasks:
            tasks.register(convert)
            await tasks.add(Mail(1))
        return tasks.stats()

    assert run_timed(main()) == QueueStats(queued=0, running=0, done=0, failed=1, dropped=0)
    assert len(failed(caplog)) == 1


def test_leaving_that_is_cancelled_closes_at_once_and_logs_what_did_not_run(caplog):
    async def hang(item: Mail) -> None:
        await asyncio.get_running_loop().create_future()

    async def main():
        async def use():
            async with BackgroundTasks(drain_timeout=None) as tasks:
                tasks.register(hang)
                given.extend([await tasks.add(Mail(number)) for number in range(3)])

        given = []
        user = asyncio.create_task(use())
        await turns()
        user.cancel()
        with pytest.raises(asyncio.CancelledError):
            await user
        return given

    given = run(main())
    assert sorted(dropped(caplog)) == sorted(given)


def test_adding_after_the_drain_raises_a_503():
    async def nothing(item: Mail) -> None: ...

    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(nothing)
        for _ in range(2):
            with pytest.raises(BackgroundClosedError) as caught:
                await tasks.add(Mail(1))
        return caught.value

    error = run(main())
    assert isinstance(error, HTTPError)
    assert error.status == 503


def test_an_adder_that_still_waits_when_the_queue_closes_is_told(caplog):
    async def hang(item: Mail) -> None:
        await asyncio.get_running_loop().create_future()

    async def main():
        async with BackgroundTasks(maxsize=1, drain_timeout=0.01) as tasks:
            tasks.register(hang)
            given = [await tasks.add(Mail(number)) for number in range(2)]
            adder = asyncio.create_task(tasks.add(Mail(2)))
            await turns()
        with pytest.raises(BackgroundClosedError):
            await adder
        return given

    given = run_timed(main())
    assert sorted(dropped(caplog)) == sorted(given)


@pytest.mark.parametrize("is_cancelled", [False, True])
def test_an_adder_whose_place_is_free_as_the_queue_closes_is_told(journal, is_cancelled, caplog):
    async def main():
        journal.gate.clear()
        async with BackgroundTasks(maxsize=1) as tasks:
            tasks.register(journal.take)
            await tasks.add(Mail(0))
            await tasks.add(Mail(1))
            adder = asyncio.create_task(tasks.add(Mail(2)))
            await turns()
            if is_cancelled:  # It has not come to withdraw.
                adder.cancel()
            else:
                journal.gate.set()
                while not tasks._line._admitted:  # noqa: ASYNC110  # nothing tells when
                    await asyncio.sleep(0)
            await tasks._close()
        (outcome,) = await asyncio.gather(adder, return_exceptions=True)
        return outcome

    assert isinstance(run(main()), asyncio.CancelledError if is_cancelled else BackgroundClosedError)
    assert 2 not in journal.numbers


def test_a_time_that_is_over_while_the_queue_closes_changes_nothing(caplog, monkeypatch):
    monkeypatch.setattr("jero_background.background_tasks.CUT_GRACE", 0.05)

    async def stubborn(item: Letter) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.sleep(60)
        await asyncio.sleep(0.03)

    async def main():
        async with BackgroundTasks(handler_timeout=0.03, drain_timeout=0.01) as tasks:
            tasks.register(stubborn)
            await tasks.add(Letter(1))
        return tasks.stats()

    assert run_timed(main()) == QueueStats(queued=0, running=0, done=1, failed=0, dropped=0)
    assert caplog.records == []


def test_adding_to_a_queue_that_was_never_entered_is_an_error():
    tasks = BackgroundTasks()

    async def nothing(item: Mail) -> None: ...

    tasks.register(nothing)
    with pytest.raises(RuntimeError, match="_aenter"):
        run(tasks.add(Mail(1)))


def test_a_queue_cannot_be_entered_twice():
    async def main():
        async with BackgroundTasks() as tasks:
            with pytest.raises(RuntimeError, match="entered already"):
                await tasks.__aenter__()

    run(main())


def test_a_queue_can_be_entered_again_and_keeps_what_was_registered_before(journal):
    tasks = BackgroundTasks()
    tasks.register(journal.take)

    async def handle(item: Letter) -> None: ...

    async def main():
        async with tasks:
            tasks.register(handle)
            await tasks.add(Mail(1))
            await tasks.add(Letter(1))

    run(main())
    run(main())
    assert journal.numbers == [1, 1]
    assert tasks.stats().done == 2


def test_a_handler_that_outlives_a_stop_is_not_counted_again_when_the_queue_is_entered_again(caplog, monkeypatch):
    monkeypatch.setattr("jero_background.background_tasks.CUT_GRACE", 0.01)

    async def main():
        release = asyncio.Event()

        async def stubborn(item: Mail) -> None:
            while item.number == 0 and not release.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await release.wait()

        tasks = BackgroundTasks(drain_timeout=0.01)
        tasks.register(stubborn)
        async with tasks:
            await tasks.add(Mail(0))
        assert tasks.stats().dropped == 1
        async with tasks:
            release.set()
            await tasks.add(Mail(1))
        return tasks.stats()

    assert run_timed(main()) == QueueStats(queued=0, running=0, done=1, failed=0, dropped=0)
    assert "Exception in callback" not in caplog.text


def test_a_handler_that_outlives_a_stop_and_waits_for_another_queue_gets_its_place_there(journal, monkeypatch):
    monkeypatch.setattr("jero_background.background_tasks.CUT_GRACE", 0.01)

    async def main():
        journal.gate.clear()
        full = BackgroundTasks(maxsize=1)
        full.register(journal.take)
        left = BackgroundTasks(drain_timeout=0)
        ended = asyncio.Event()

        async def stubborn(item: Letter) -> None:
            adding = asyncio.ensure_future(full.add(Mail(3)))
            while not adding.done():
                with contextlib.suppress(asyncio.CancelledError):
                    await asyncio.shield(adding)
            ended.set()

        left.register(stubborn)
        async with full:
            await full.add(Mail(1))
            await full.add(Mail(2))
            async with left:
                await left.add(Letter(1))
                await turns()
            async with left:
                journal.gate.set()
                await ended.wait()

    run(main())
    assert journal.numbers == [1, 2, 3]


def test_the_limit_of_a_handler_that_outlives_a_stop_is_nothing_to_the_next_run(caplog, monkeypatch):
    monkeypatch.setattr("jero_background.background_tasks.CUT_GRACE", 0.01)

    async def main():
        release = asyncio.Event()
        running = most = 0

        async def handle(item: Mail) -> None:
            nonlocal running, most
            while item.number == 0 and not release.is_set():
                with contextlib.suppress(asyncio.CancelledError):
                    await release.wait()
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1

        tasks = BackgroundTasks(drain_timeout=0, handler_timeout=0.05)
        tasks.register(handle)
        async with tasks:
            await tasks.add(Mail(0))
            await asyncio.sleep(0)
        tasks._drain_timeout = 10
        async with tasks:
            for number in range(1, 11):
                await tasks.add(Mail(number))
            await asyncio.sleep(0.2)
            release.set()
        return tasks.stats(), most

    stats, most = run_timed(main())
    assert (stats.done, stats.dropped) == (10, 0)
    assert most <= 2  # The old one's own end may meet one.
    assert "cannot be cancelled" not in caplog.text


# in an app, beside other resources


class Noted:
    """A resource that notes when it closes, and may do something then."""

    def __init__(self, events, before_closing=None):
        self.events, self.before_closing = events, before_closing

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        if self.before_closing is not None:
            await self.before_closing()
        self.events.append("closed")


def test_a_queue_is_drained_before_a_resource_closes_that_was_entered_after_it():
    events = []

    async def handle(item: Mail) -> None:
        await asyncio.sleep(0)
        events.append(item.number)

    class App(BaseApp):
        async def _wire(self):
            self.tasks = await self._aenter(BackgroundTasks())
            self.tasks.register(handle)
            await self._aenter(Noted(events))

    async def main():
        app = App()
        async with started(app):
            for number in range(3):
                await app.tasks.add(Mail(number))
        return app.tasks.stats()

    assert run(main()) == QueueStats(queued=0, running=0, done=3, failed=0, dropped=0)
    assert events == [0, 1, 2, "closed"]


def test_a_resource_that_adds_what_is_left_as_it_closes_was_entered_after_the_queue_and_is_served():
    events = []

    async def handle(item: Mail) -> None:
        await asyncio.sleep(0)
        events.append(item.number)

    class App(BaseApp):
        async def _wire(self):
            tasks = await self._aenter(BackgroundTasks())
            tasks.register(handle)

            async def add_the_rest():
                await tasks.add(Mail(1))

            await self._aenter(Noted(events, add_the_rest))

    async def main():
        async with started(App()):
            pass

    run(main())
    assert sorted(events, key=str) == [1, "closed"]


def test_a_drain_that_takes_too_long_is_over_before_anything_closes(caplog):
    events = []

    async def handle(item: Letter) -> None:
        try:
            await asyncio.get_running_loop().create_future()
        finally:
            events.append("cut off")

    class App(BaseApp):
        async def _wire(self):
            self.tasks = await self._aenter(BackgroundTasks(drain_timeout=0.05))
            self.tasks.register(handle)
            await self._aenter(Noted(events))

    async def main():
        app = App()
        async with started(app):
            return [await app.tasks.add(Letter(number)) for number in range(2)]

    given = run_timed(main())
    assert events == ["cut off", "closed"]
    assert sorted(dropped(caplog)) == sorted(given)


@pytest.mark.parametrize("pauses", [1, 20])
def test_two_queues_that_feed_each_other_are_both_drained(pauses, caplog):
    ran = []

    class App(BaseApp):
        async def _wire(self):
            self.mails = await self._aenter(BackgroundTasks())
            letters = await self._aenter(BackgroundTasks())

            async def to_letters(item: Mail) -> None:
                await turns(pauses)
                await letters.add(Letter(item.number))

            async def to_mails(item: Letter) -> None:
                await turns(pauses)
                ran.append(item.number)
                if item.number < 5:
                    await self.mails.add(Mail(item.number + 1))

            self.mails.register(to_letters)
            letters.register(to_mails)

    async def main():
        app = App()
        async with started(app):
            await app.mails.add(Mail(0))

    run(main())
    assert ran == [0, 1, 2, 3, 4, 5]
    assert caplog.records == []


def test_a_stop_that_is_cancelled_while_it_drains_cuts_off_at_once(caplog):
    class App(BaseApp):
        async def _wire(self):
            self.tasks = await self._aenter(BackgroundTasks(drain_timeout=None, handler_timeout=None))
            self.tasks.register(hang)

    async def main():
        app = App()
        await app._jero_start()
        given = await app.tasks.add(Letter(1))
        stopping = asyncio.create_task(app._jero_stop())
        await turns()
        stopping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await stopping
        return given

    assert [run(main())] == dropped(caplog)


def test_the_time_of_a_drain_is_counted_once(journal, caplog):
    """What the app's own drain has used, leaving has no more."""

    async def main():
        journal.gate.clear()
        tasks = BackgroundTasks(drain_timeout=0.2)
        loop = asyncio.get_running_loop()
        async with tasks:
            tasks.register(journal.take)
            tasks.register(hang)
            await tasks.add(Mail(1))
            loop.call_later(0.15, journal.gate.set)
            await tasks.__jero_drain__()
            await tasks.add(Letter(1))
            began = loop.time()
        return loop.time() - began

    assert run_timed(main()) < 0.19
    assert len(dropped(caplog)) == 1


# settings and registration without an app


@pytest.mark.parametrize("name", ["maxsize", "concurrency"])
@pytest.mark.parametrize(
    ("value", "error"), [(0, ValueError), (-1, ValueError), (1.5, TypeError), (True, TypeError), ("8", TypeError)]
)
def test_a_size_that_is_none_is_refused(name, value, error):
    with pytest.raises(error, match=name):
        BackgroundTasks(**{name: value})


@pytest.mark.parametrize(
    ("value", "error"),
    [(-1, ValueError), (math.inf, ValueError), (math.nan, ValueError), (True, TypeError), ("8", TypeError)],
)
@pytest.mark.parametrize("name", ["drain_timeout", "handler_timeout"])
def test_a_time_that_is_none_is_refused(name, value, error):
    with pytest.raises(error, match=name):
        BackgroundTasks(**{name: value})


def test_no_time_at_all_is_no_limit_for_a_handler():
    with pytest.raises(ValueError, match="handler_timeout is more than 0 seconds"):
        BackgroundTasks(handler_timeout=0)


@pytest.mark.parametrize("hook", ["log", lambda: None, lambda failure, more: None, lambda *, failure: None])
def test_a_hook_that_cannot_be_called_with_a_failure_is_refused(hook):
    with pytest.raises(TypeError, match="on_error is a function of one ItemFailure, or None"):
        BackgroundTasks(on_error=hook)


def test_a_hook_that_does_not_say_what_it_takes_is_accepted():
    class Hook:
        __signature__ = "not to be read"

        def __call__(self, failure): ...

    for hook in ([].append, print, lambda failure=None: None, lambda *failures: None, Hook(), iter):
        BackgroundTasks(on_error=hook)


def test_without_an_app_a_wrong_handler_is_told_when_its_item_is_added():
    def handle(item: Mail) -> None: ...

    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(handle)
            with pytest.raises(WiringError, match="JERO-W070"):
                await tasks.add(Mail(1))

    run(main())


def test_callable_objects_keyword_only_and_decorated_handlers_run(journal):
    class Sender:
        async def __call__(self, item: Mail) -> None:
            journal.numbers.append(item.number)

    def decorated(function):
        import functools

        @functools.wraps(function)
        async def wrapper(*args, **kwargs):
            return await function(*args, **kwargs)

        return wrapper

    @decorated
    async def letters(*, item: Letter) -> None:
        journal.numbers.append(-item.number)

    async def main():
        async with BackgroundTasks() as tasks:
            tasks.register(Sender())
            tasks.register(letters)
            await tasks.add(Mail(1))
            await tasks.add(Letter(2))

    run(main())
    assert journal.numbers == [1, -2]


def test_the_constructor_s_settings_are_those_of_the_documentation():
    parameters = inspect.signature(BackgroundTasks).parameters
    assert {name: each.default for name, each in parameters.items()} == {
        "maxsize": 1024,
        "drain_timeout": 30.0,
        "allow_one_to_many": False,
        "concurrency": 1,
        "handler_timeout": 20.0,
        "on_error": None,
    }
    assert {each.kind for each in parameters.values()} == {inspect.Parameter.KEYWORD_ONLY}
