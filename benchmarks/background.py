"""What `BackgroundTasks.add` costs above `asyncio.Queue.put`, in process.

    uv run python benchmarks/background.py            # a few seconds; writes results/background.md
    uv run python benchmarks/background.py --no-save

Both take the same items into a queue that has room, in batches that alternate. Two figures: a queue whose handler (or
getter) is busy, so that an add only takes; and a whole life, added and run by a handler that does nothing, against a
worker that awaits `get` and the same handler. Bar: an add costs at most 3 microseconds above a put.
"""

import argparse
import asyncio
import os
import statistics
import sys
import time

from msgspec import Struct

import report
from jero_background import BackgroundTasks

BATCH = 500


class Note(Struct):
    number: int


async def nothing(item: Note) -> None: ...


async def time_put(items):
    queue = asyncio.Queue(maxsize=10 * BATCH)
    began = time.process_time_ns()
    for item in items:
        await queue.put(item)
    return time.process_time_ns() - began


async def time_add(items):
    gate = asyncio.Event()

    async def hold(item: Note) -> None:
        await gate.wait()

    async with BackgroundTasks(maxsize=10 * BATCH) as tasks:
        tasks.register(hold)
        await tasks.add(items[0])
        await asyncio.sleep(0)
        began = time.process_time_ns()
        for item in items:
            await tasks.add(item)
        spent = time.process_time_ns() - began
        gate.set()
    return spent


async def time_put_and_get(items):
    queue = asyncio.Queue(maxsize=10 * BATCH)

    async def work():
        while True:
            await nothing(await queue.get())
            queue.task_done()

    worker = asyncio.create_task(work())
    await asyncio.sleep(0)
    began = time.process_time_ns()
    for item in items:
        await queue.put(item)
    await queue.join()
    spent = time.process_time_ns() - began
    worker.cancel()
    await asyncio.wait([worker])
    return spent


async def time_add_and_run(items):
    tasks = BackgroundTasks(maxsize=10 * BATCH)
    tasks.register(nothing)
    await tasks.__aenter__()
    began = time.process_time_ns()
    for item in items:
        await tasks.add(item)
    await tasks.__aexit__(None, None, None)
    return time.process_time_ns() - began


async def measure(rounds):
    items = [Note(number) for number in range(BATCH)]
    contenders = (time_put, time_add, time_put_and_get, time_add_and_run)
    for contender in contenders:
        await contender(items)
    found = {contender: [] for contender in contenders}
    for _ in range(rounds):
        for contender in contenders:
            found[contender].append(await contender(items) / BATCH / 1000)
    return [found[contender] for contender in contenders]


def row(name, base, other):
    more = [b - a for a, b in zip(base, other, strict=True)]
    ratio = statistics.median(b / a for a, b in zip(base, other, strict=True))
    figures = statistics.median(base), statistics.median(other), statistics.median(more)
    return [name, *(f"{figure:.2f}" for figure in figures), f"{ratio:.2f}"], figures[2]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--no-save", action="store_true")
    options = parser.parse_args()
    put, add, put_get, add_run = asyncio.run(measure(options.rounds))
    taking, more = row("take one item", put, add)
    living, _ = row("take it and run its handler", put_get, add_run)
    header = ["what", "asyncio.Queue, us", "BackgroundTasks, us", "more, us", "ratio"]
    facts = report.environment(("jero", "jero-background"), os.cpu_count() or 1)
    bar = f"Bar: an add costs at most 3 us above a put: {report.verdict(more, 3.0)}."
    table = report.table(header, [taking, living])
    text = f"# Background: `add` against `asyncio.Queue.put`\n\n{facts}\n\n{table}\n\n{bar}\n"
    print(text)
    if not options.no_save:
        print(f"written to {report.save('background.md', text)}", file=sys.stderr)
    return more > 3


if __name__ == "__main__":
    sys.exit(main())
