"""What a request costs inside the framework: all contenders in one process, finely interleaved, no sockets.

python benchmarks/inprocess.py [--only raw,jero] [--workload item] [--rounds 300] [--batch 1000]
"""

import argparse
import asyncio
import gc
import json
import os
import random
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FunctionType

import report
from asgi import ASGIApp, Headers, Message, Receive, Scope, Send, lifespan
from check import CheckError, check
from contenders import BASE, DISTRIBUTIONS, MODULES, choose, load
from workloads import WORKLOADS, Workload

# An app that does nothing: what is left is the loop, the fresh scope and the await. It is reported, not compared.
HARNESS = "(harness)"

# No batch takes longer than this, so that the batches that are compared stay close in time; a slow contender gets fewer
# requests per batch instead.
MAX_BATCH_NS = 5_000_000

# CPU time of the process, not the clock on the wall: these machines are shared, and a batch that was preempted would
# count the neighbour's time. Of the process rather than of the thread, so that work moved to a helper thread still
# counts. Its resolution is 1 ns on Linux and a reading costs well under a microsecond, against batches of milliseconds.
clock = time.process_time_ns

type Batch = Callable[[ASGIApp, Scope, bytes, Headers, Receive, Send, int], Awaitable[int]]


async def run_batch(
    app: ASGIApp, template: Scope, path: bytes, headers: Headers, receive: Receive, send: Send, count: int
) -> int:
    """Handle `count` requests and give the CPU time that took, in ns.

    Every request gets a scope of its own with a list of headers of its own, as from a server. Both forms of the path
    are made anew too: one that was looked up before carries its hash and may be found by identity, which no path from
    a socket is.
    """
    start = clock()
    for _ in range(count):
        scope = template.copy()
        scope["path"] = text = path.decode()
        scope["raw_path"] = text.encode()
        scope["headers"] = headers.copy()
        scope["state"] = {}
        await app(scope, receive, send)
    return clock() - start


def own_batch() -> Batch:
    """Give a copy of run_batch with a code object of its own.

    The interpreter specializes call sites in place. Were the loop shared, its call site would see seven kinds of app
    and stay general, or favour whoever happened to run when it was specialized.
    """
    return FunctionType(run_batch.__code__.replace(), globals())


async def do_nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Stand in for an app, to measure the harness itself."""


async def send_nowhere(message: Message) -> None:
    """Take a message and drop it."""


def receiver(body: bytes) -> Receive:
    """Give a receive that hands over the body in one final message; a GET's is empty, and some apps ask for it."""

    async def receive() -> Message:
        return {"type": "http.request", "body": body, "more_body": False}

    return receive


@dataclass
class Lane:
    """One contender on one workload."""

    name: str
    app: ASGIApp
    workload: Workload
    count: int
    batch: Batch = field(default_factory=own_batch)
    # ns per request, one per round
    times: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare what does not change between requests."""
        request = self.workload.request
        self.template = request.scope()
        self.path = request.path.encode()
        self.headers = request.headers()
        self.receive = receiver(request.body)

    async def run(self, count: int) -> float:
        """Handle some requests; ns per request."""
        # Each starts from an empty nursery, and pays for the garbage it makes itself.
        gc.collect()
        total = await self.batch(self.app, self.template, self.path, self.headers, self.receive, send_nowhere, count)
        return total / count

    async def calibrate(self) -> None:
        """Warm up and cut the batch to what fits its time."""
        await self.run(min(self.count, 200))
        per_request = await self.run(min(self.count, 200))
        self.count = max(20, min(self.count, int(MAX_BATCH_NS / per_request)))


async def measure(apps: dict[str, ASGIApp], workloads: list[Workload], rounds: int, batch: int) -> list[Lane]:
    """Take turns: in every round each contender handles one batch of each workload, in an order that changes."""
    lanes = {
        workload.name: [
            Lane(name, app, workload, batch)
            for name, app in [(HARNESS, do_nothing), *apps.items()]
            if name == HARNESS or not workload.only or name in workload.only
        ]
        for workload in workloads
    }
    for group in lanes.values():
        for lane in group:
            await lane.calibrate()
    # What is alive now stays alive: the collector need not look at it in the middle of a batch.
    gc.collect()
    gc.freeze()
    shuffle = random.Random(20250101)
    for done in range(rounds):
        for group in lanes.values():
            order = list(group)
            shuffle.shuffle(order)
            for lane in order:
                lane.times.append(await lane.run(lane.count))
        if sys.stderr.isatty():
            print(f"\rround {done + 1}/{rounds}", end="", file=sys.stderr, flush=True)
    if sys.stderr.isatty():
        print(file=sys.stderr)
    return [lane for group in lanes.values() for lane in group]


def ratios(lane: Lane, base: Lane) -> list[float]:
    """Divide round by round: what slows the machine for a while slows both."""
    return [mine / theirs for mine, theirs in zip(lane.times, base.times, strict=True)]


def render(lanes: list[Lane], workloads: list[Workload]) -> str:
    """Write the result as Markdown."""
    parts: list[str] = []
    for workload in workloads:
        group = {lane.name: lane for lane in lanes if lane.workload is workload}
        base = group[BASE]
        harness = report.quartiles(group[HARNESS].times)[1]
        rows: list[list[str]] = []
        for name, lane in group.items():
            low, mid, high = report.quartiles(ratios(lane, base))
            median = report.quartiles(lane.times)[1]
            net = (median - harness) / (report.quartiles(base.times)[1] - harness)
            bar = report.verdict(mid, workload.bar) if name == "jero" else ""
            rows.append(
                [
                    name,
                    f"{median / 1000:.2f}",
                    f"{mid:.3f}",
                    f"{low:.3f} to {high:.3f}",
                    "" if name == HARNESS else f"{net:.2f}",
                    bar,
                ]
            )
        header = ["contender", "median us", f"ratio to {BASE}", "quartiles", "net ratio", f"bar {workload.bar}"]
        parts.append(f"## {workload.title}\n\n{report.table(header, rows)}\n")
    return "\n".join(parts)


NOTES = f"""\
`median us` is CPU time per request. `ratio to {BASE}` is the median of the ratios taken round by round, `quartiles`
theirs. `{HARNESS}` is an app that does nothing: the loop and the fresh scope, which all rows contain; `net ratio` is
the ratio of the medians without it. The bar is on the first ratio and for jero only. Read ratios, not microseconds.
"""


async def main(args: argparse.Namespace) -> str:
    """Check, measure, render."""
    names = choose(args.only, tuple(MODULES))
    apps = {name: load(name) for name in names}
    workloads = [WORKLOADS[args.workload]] if args.workload else list(WORKLOADS.values())
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(lifespan(app))
        compared = await check(apps)
        print(f"check: {compared} answers compared, all alike", file=sys.stderr)
        if args.check:
            return ""
        lanes = await measure(apps, workloads, args.rounds, args.batch)
    if args.json_out:
        data = [{"contender": lane.name, "workload": lane.workload.name, "ns": lane.times} for lane in lanes]
        Path(args.json_out).write_text(json.dumps(data), encoding="utf-8")
    facts = report.environment(DISTRIBUTIONS, os.cpu_count() or 1)
    taken = f"- rounds: {args.rounds}, requests per batch: at most {args.batch}"
    return f"# In process\n\n{facts}\n{taken}\n\n{render(lanes, workloads)}\n{NOTES}"


def parse() -> argparse.Namespace:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=300)
    parser.add_argument("--batch", type=int, default=1000, help="requests per batch; fewer where they take over 5 ms")
    parser.add_argument("--only", help=f"some contenders, comma-separated: {', '.join(MODULES)}")
    parser.add_argument("--workload", choices=list(WORKLOADS))
    parser.add_argument("--json-out", help="write every round's numbers to this file")
    parser.add_argument("--no-save", action="store_true", help="do not write results/inprocess.md")
    parser.add_argument("--pin", type=int, metavar="CPU", help="run on this CPU only")
    parser.add_argument("--check", action="store_true", help="compare the answers and stop there")
    return parser.parse_args()


if __name__ == "__main__":
    arguments = parse()
    if arguments.pin is not None:
        os.sched_setaffinity(0, {arguments.pin})
    try:
        text = asyncio.run(main(arguments))
    except CheckError as failure:
        raise SystemExit(str(failure)) from None
    print(text)
    if text and not arguments.no_save:
        print(f"written to {report.save('inprocess.md', text)}", file=sys.stderr)
