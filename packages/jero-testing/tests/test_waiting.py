"""What the messages of timeouts say: where a task waits, whatever is between it and that line."""

import asyncio
import contextlib
import threading
import types

import pytest

from jero_testing.waiting import describe_task, describe_thread


async def sleep_here():
    await asyncio.sleep(3600)


async def directly():
    await sleep_here()


async def in_a_generator():
    async for _ in generator():
        pass


async def generator():
    yield 1
    await sleep_here()


async def in_a_task():
    await asyncio.create_task(sleep_here())


async def in_a_group():
    async with asyncio.TaskGroup() as group:
        group.create_task(sleep_here())


async def with_a_timeout():
    async with asyncio.timeout(3600):
        await sleep_here()


async def waited_for():
    await asyncio.wait_for(sleep_here(), 3600)


async def in_a_manager():
    @contextlib.asynccontextmanager
    async def manager():
        await sleep_here()
        yield

    async with manager():
        pass


@types.coroutine
def old_style():
    yield from sleep_here().__await__()


async def in_an_old_style_coroutine():
    await old_style()


class Awaitable:
    def __await__(self):
        return sleep_here().__await__()


async def in_an_awaitable():
    await Awaitable()


def described(coroutine):
    async def main():
        task = asyncio.create_task(coroutine)
        for _ in range(5):
            await asyncio.sleep(0)
        text = describe_task(task)
        task.cancel()
        await asyncio.wait([task])
        return text

    return asyncio.run(main())


@pytest.mark.parametrize(
    "wait",
    [
        directly,
        in_a_generator,
        in_a_task,
        with_a_timeout,
        waited_for,
        in_a_manager,
        in_an_old_style_coroutine,
        in_an_awaitable,
    ],
)
def test_the_innermost_line_of_the_app_is_told(wait):
    line = sleep_here.__code__.co_firstlineno + 1
    assert described(wait()) == f"it waits at {__file__}:{line}, in sleep_here: await asyncio.sleep(3600)"


@types.coroutine
def passing_on(waits_for, jero_stepped):
    yield waits_for


async def stepping_by_hand():
    steps = in_a_generator()
    await passing_on(steps.send(None), steps)


def test_a_coroutine_that_is_stepped_by_hand_is_looked_into():
    line = sleep_here.__code__.co_firstlineno + 1
    assert described(stepping_by_hand()) == f"it waits at {__file__}:{line}, in sleep_here: await asyncio.sleep(3600)"


def test_what_waits_for_others_is_told_where_it_waits():
    assert f"it waits at {__file__}" in described(in_a_group())
    assert "in in_a_group" in described(in_a_group())


def test_a_task_that_only_the_library_knows_is_told_by_its_own_line():
    assert "in sleep: return await future" in described(asyncio.sleep(3600))


def test_a_task_that_has_ended_waits_nowhere():
    async def main():
        task = asyncio.create_task(asyncio.sleep(0))
        await task
        return describe_task(task)

    assert asyncio.run(main()) == "it waits, and nothing tells where"


def test_a_thread_is_told_where_it_is():
    entered, leave = threading.Event(), threading.Event()

    def block():
        entered.set()
        leave.wait(5)

    thread = threading.Thread(target=block)
    thread.start()
    entered.wait(5)
    text = describe_thread(thread.ident)
    leave.set()
    thread.join()
    assert f"it blocks the event loop at {__file__}:" in text
    assert text.endswith(("block: leave.wait(5)", "block: entered.set()"))
    assert describe_thread(None) == "it blocks the event loop, and nothing tells where"
