"""The line by itself: places, who waits for them, and lines that wait for each other."""

import asyncio
import time

import pytest

from jero_background.line import Line

from .background_driver import run


async def turn():
    for _ in range(3):
        await asyncio.sleep(0)


class Waiters:
    """Those who wait for a place in a line, and put themselves there when they have one."""

    def __init__(self, line):
        self.line = line
        self.outcomes = {}

    async def _wait(self, name, count, source):
        self.outcomes[name] = has_place = await self.line.wait(count, source)
        if has_place:
            self.line.queued.extend([name] * count)

    async def come(self, name, count=1, source=None):
        task = asyncio.create_task(self._wait(name, count, source))
        await turn()
        return task


def pop(line):
    taken = line.queued.popleft()
    line.admit()
    return taken


def test_a_line_is_full_when_so_many_are_queued():
    line = Line(2)
    found = [line.is_full()]
    for item in "ab":
        line.queued.append(item)
        found.append(line.is_full())
    assert found == [False, False, True]


def test_a_place_that_is_free_goes_to_the_first_who_waits_and_is_kept_until_they_come():
    async def main():
        line = Line(1)
        line.queued.append("a")
        waiters = Waiters(line)
        for name in "bc":
            await waiters.come(name)
        taken = pop(line)
        while_kept = line.is_full(), line.is_deserted(), [*line.queued]
        await turn()
        return taken, while_kept, waiters.outcomes, [*line.queued]

    assert run(main()) == ("a", (True, False, []), {"b": True}, ["b"])


def test_nobody_overtakes_who_waits_or_has_a_place_kept():
    async def main():
        line = Line(2)
        line.queued.extend("ab")
        await Waiters(line).come("c")
        line.queued.clear()
        before_it_is_admitted = line.is_full()
        line.admit()
        return before_it_is_admitted, line.is_full()

    assert run(main()) == (True, True)


def test_the_places_kept_are_as_many_as_are_put_there():
    async def main():
        line = Line(3)
        line.queued.extend("abc")
        waiters = Waiters(line)
        await waiters.come("d", count=3)
        await waiters.come("e")
        line.queued.clear()
        line.admit()
        line.admit()
        await turn()
        return waiters.outcomes, line.is_full()

    assert run(main()) == ({"d": True}, True)


def test_who_has_come_together_has_one_place_together():
    async def main():
        line = Line(3)
        line.queued.extend("abc")
        waiters = Waiters(line)
        await waiters.come("d", count=2)
        await waiters.come("e")
        pop(line)
        await turn()
        before = [*line.queued]
        pop(line)
        pop(line)
        await turn()
        return before, [*line.queued]

    assert run(main()) == ([*"bcdd"], [*"dde"])


@pytest.mark.parametrize("has_a_place", [False, True])
def test_when_a_wait_is_cancelled_the_next_one_is_admitted(has_a_place):
    async def main():
        line = Line(1)
        line.queued.append("a")
        waiters = Waiters(line)
        first = await waiters.come("b")
        await waiters.come("c")
        if has_a_place:
            pop(line)
            first.cancel()
        else:
            first.cancel()
            pop(line)  # Before the first has noticed.
        await turn()
        queued = [*line.queued]
        pop(line)
        return waiters.outcomes, queued, line.is_deserted()

    assert run(main()) == ({"c": True}, ["c"], True)


@pytest.mark.parametrize("has_a_place", [False, True])
def test_closing_tells_all_who_wait_that_they_have_no_place(has_a_place):
    async def main():
        line = Line(2)
        line.queued.extend("ab")
        waiters = Waiters(line)
        for name in "cd":
            await waiters.come(name)
        if has_a_place:
            pop(line)
        left = line.close()
        is_deserted = line.is_deserted()
        await turn()
        return left, is_deserted, waiters.outcomes, line.is_full()

    left = ["b"] if has_a_place else ["a", "b"]
    assert run(main()) == (left, True, {"c": False, "d": False}, False)


@pytest.mark.parametrize("length", [1, 2, 3])
def test_where_the_last_of_a_circle_would_wait_there_is_a_place_at_once(length):
    async def main():
        lines = [Line(1) for _ in range(length)]
        for line in lines:
            line.queued.append("a")
        outcomes = []
        for source, line in zip(lines, [*lines[1:], lines[0]], strict=True):
            waiters = Waiters(line)
            await waiters.come("b", source=source)
            outcomes.append(waiters.outcomes)
        return outcomes, [len(line.queued) for line in lines]

    assert run(main()) == ([{}] * (length - 1) + [{"b": True}], [2] + [1] * (length - 1))


def test_a_circle_of_others_that_wait_for_each_other_is_no_reason_to_go_beyond_the_size():
    async def main():
        first, second, third = (Line(1) for _ in range(3))
        first._waits_for += [second, second]
        second._waits_for.append(first)
        first.queued.append("a")
        waiters = Waiters(first)
        await waiters.come("b", source=third)
        return waiters.outcomes

    assert run(main()) == {}


def test_who_waits_no_longer_is_not_waited_for():
    async def main():
        first, second = Line(1), Line(1)
        for line in (first, second):
            line.queued.append("a")
        waiting = await Waiters(second).come("b", source=first)
        waiting.cancel()
        await turn()
        waiters = Waiters(first)
        await waiters.come("c", source=second)
        return waiters.outcomes

    assert run(main()) == {}


def test_a_crowd_that_gives_up_does_so_quickly():
    async def main():
        line = Line(1)
        line.queued.append("a")
        waiters = Waiters(line)
        crowd = [asyncio.create_task(waiters._wait(number, 1, None)) for number in range(30_000)]
        await turn()
        began = time.process_time()
        for task in reversed(crowd):
            task.cancel()
        await asyncio.wait(crowd)
        return time.process_time() - began, pop(line), line.is_deserted()

    spent, *others = run(main())
    assert spent < 5  # Were each one looked for in the line, twelve seconds.
    assert others == ["a", True]
