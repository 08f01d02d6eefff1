"""Random schedules: whatever producers and handlers do, what was taken runs once, in order, and is counted."""

import asyncio
from collections import Counter

import pytest

pytest.importorskip("hypothesis")

from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec import Struct

from jero_background import BackgroundTasks, QueueStats

from .background_driver import run


class Job(Struct):
    number: int
    behaviour: str


BEHAVIOURS = ("end", "wait", "raise", "cancel itself", "exit", "add", "add twice")
producers = st.lists(
    st.lists(st.tuples(st.sampled_from(BEHAVIOURS), st.sampled_from(("go on", "pause", "give up"))), max_size=8),
    min_size=1,
    max_size=4,
)


@given(producers=producers, maxsize=st.integers(1, 4), concurrency=st.integers(1, 3))
@settings(max_examples=150, deadline=None)
def test_what_was_taken_runs_exactly_once_and_in_order(producers, maxsize, concurrency):  # noqa: PLR0915
    taken, begun, ids = [], [], iter(range(10_000))
    handlers_add = any(behaviour.startswith("add") for script in producers for behaviour, _ in script)
    running = 0

    async def main():
        async with BackgroundTasks(maxsize=maxsize, concurrency=concurrency, drain_timeout=None) as tasks:

            async def add(behaviour):
                number = next(ids)
                await tasks.add(Job(number, behaviour))
                taken.append(number)
                # What handlers add may go beyond it.
                assert handlers_add or tasks.stats().queued <= maxsize

            async def handle(item: Job) -> None:
                nonlocal running
                begun.append(item.number)
                running += 1
                assert running <= concurrency
                try:
                    if item.behaviour == "wait":
                        await asyncio.sleep(0)
                        await asyncio.sleep(0)
                    elif item.behaviour == "raise":
                        raise ValueError(item.number)
                    elif item.behaviour == "cancel itself":
                        asyncio.current_task().cancel()
                        await asyncio.sleep(0)
                    elif item.behaviour == "exit":
                        raise SystemExit
                    elif item.behaviour.startswith("add"):
                        await add("end")
                        if item.behaviour == "add twice":
                            await asyncio.sleep(0)
                            await add("wait")
                finally:
                    running -= 1

            async def produce(script):
                for behaviour, then in script:
                    adding = asyncio.create_task(add(behaviour))
                    await asyncio.sleep(0)
                    if then == "give up":
                        adding.cancel()
                    await asyncio.wait([adding])
                    if then == "pause":
                        await asyncio.sleep(0)

            tasks.register(handle)
            await asyncio.gather(*map(produce, producers))
        return tasks.stats()

    stats = run(main())
    counts = Counter(begun)
    assert max(counts.values(), default=1) == 1
    # Also of an add that was given up: either it was too late, and says so, or its item does not run.
    assert set(taken) == set(begun)
    failing = {"raise", "cancel itself", "exit"}
    assert stats == QueueStats(queued=0, running=0, done=len(begun) - stats.failed, failed=stats.failed, dropped=0)
    assert stats.failed <= sum(behaviour in failing for script in producers for behaviour, _ in script)
    if not handlers_add and not any(then == "give up" for script in producers for _, then in script):
        assert len(begun) == sum(map(len, producers))
        if len(producers) == 1:
            assert begun == sorted(begun)
