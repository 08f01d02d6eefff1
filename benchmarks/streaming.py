"""What a stream costs: 1,000 lines of JSON and 200 Server-Sent Events, in process and served by granian.

python benchmarks/streaming.py [--only raw,jero] [--rounds 200] [--starts 2] [--served-rounds 4] [--no-served]
"""

import argparse
import asyncio
import importlib
import os
import random
import signal
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType, FunctionType

import report
from asgi import ASGIApp, Message, Receive, Scope, Send, lifespan, record
from contenders import BASE, DISTRIBUTIONS
from served import burst, script
from servers import HOST, running
from workloads import Request, Workload

MODULES = {
    BASE: "stream_apps.raw",
    "jero": "stream_apps.jero_app",
    "blacksheep": "stream_apps.blacksheep_app",
    "falcon": "stream_apps.falcon_app",
    "starlette": "stream_apps.starlette_app",
    "litestar": "stream_apps.litestar_app",
    "fastapi": "stream_apps.fastapi_app",
}
PEERS = ("blacksheep", "falcon", "starlette", "litestar", "fastapi")
WORKLOADS = {
    "lines": (Workload("lines", "GET /lines (1,000 lines of JSON)", Request("GET", "/lines")), 1000),
    "events": (Workload("events", "GET /events (200 Server-Sent Events)", Request("GET", "/events")), 200),
}
CONNECTIONS = 64
BAR = 1.0
SERVED_BAR = 4.0

clock = time.process_time_ns


async def run_batch(
    app: ASGIApp, template: Scope, headers: list[tuple[bytes, bytes]], receive: Receive, send: Send, count: int
) -> int:
    """Handle `count` requests, each with a fresh scope; the CPU time in ns."""
    start = clock()
    for _ in range(count):
        scope = template.copy()
        scope["headers"] = headers.copy()
        scope["state"] = {}
        await app(scope, receive, send)
    return clock() - start


async def send_nowhere(message: Message) -> None:
    """Take a message and drop it."""


async def receive_nothing() -> Message:
    """Wait, as a server does for a client that stays."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError("nobody completes that future")


class Noticing:
    """A `send` and a `receive` that first hands over the empty body, and says that a complete response is a disconnect.

    Falcon and Litestar wait for these, as every server has them. The others do not, and are spared their price.
    """

    def __init__(self) -> None:
        self._done = asyncio.Event()
        self._has_asked = False

    async def send(self, message: Message) -> None:
        """Take a message and drop it."""
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._has_asked = False
            self._done.set()

    async def receive(self) -> Message:
        """Give the body, then wait for the end of the response."""
        if not self._has_asked:
            self._has_asked = True
            self._done.clear()
            return {"type": "http.request", "body": b"", "more_body": False}
        await self._done.wait()
        return {"type": "http.disconnect"}


@dataclass
class Lane:
    """One contender on one workload."""

    name: str
    app: ASGIApp
    request: Request
    times: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        """Prepare what does not change; a loop with a code object of its own, as in inprocess.py."""
        self.template = self.request.scope()
        self.headers = self.request.headers()
        self.batch = FunctionType(run_batch.__code__.replace(), globals())
        self.count = 4
        self.receive, self.send = receive_nothing, send_nowhere
        if self.name in {"falcon", "litestar"}:
            noticing = Noticing()
            self.receive, self.send = noticing.receive, noticing.send

    async def run(self) -> float:
        """Handle some requests; ns per request."""
        total: int = await self.batch(self.app, self.template, self.headers, self.receive, self.send, self.count)
        # What tasks are left ends outside of the measurement.
        for _ in range(3):
            await asyncio.sleep(0)
        return total / self.count


async def check(apps: dict[str, ASGIApp]) -> None:
    """All answer the same bytes."""
    for workload, _ in WORKLOADS.values():
        answers = {name: await record(app, workload.request.scope(), [b""]) for name, app in apps.items()}
        base = answers[BASE]
        for name, answer in answers.items():
            same = answer.status == 200 and answer.body == base.body and answer.media_type() == base.media_type()
            if not same:
                raise RuntimeError(f"{workload.title}: {name} answers {answer.status} {answer.body[:100]!r}")


async def in_process(names: list[str], rounds: int) -> str:
    """Check and measure in process; Markdown."""
    apps: dict[str, ASGIApp] = {name: importlib.import_module(MODULES[name]).app for name in names}
    parts: list[str] = []
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(lifespan(app))
        await check(apps)
        print("check: all stream the same bytes", file=sys.stderr)
        shuffle = random.Random(20250101)
        for workload, items in WORKLOADS.values():
            lanes = [Lane(name, app, workload.request) for name, app in apps.items()]
            for lane in lanes:
                for _ in range(5):
                    await lane.run()
            for _ in range(rounds):
                order = list(lanes)
                shuffle.shuffle(order)
                for lane in order:
                    lane.times.append(await lane.run())
            base = lanes[0]
            rows = []
            for lane in lanes:
                ratios = [mine / theirs for mine, theirs in zip(lane.times, base.times, strict=True)]
                low, mid, high = report.quartiles(ratios)
                median = report.quartiles(lane.times)[1]
                bar = report.verdict(mid, BAR) if lane.name == "jero" else ""
                rows.append([lane.name, f"{median / items:.0f}", f"{mid:.3f}", f"{low:.3f} to {high:.3f}", bar])
            header = ["contender", "CPU ns/item", f"ratio to {BASE}", "quartiles", f"bar {BAR}"]
            parts.append(f"## In process: {workload.title}\n\n{report.table(header, rows)}\n")
    return "\n".join(parts)


def served(names: list[str], args: argparse.Namespace) -> str:
    """Measure on granian, all servers up, one loaded at a time; Markdown."""
    cpus = sorted(os.sched_getaffinity(0))
    if len(cpus) < 2:
        raise SystemExit("the servers and wrk need a CPU each")
    rates: dict[tuple[str, str], list[float]] = {}
    cpu_times: dict[tuple[str, str], list[float]] = {}
    shuffle = random.Random(20250101)
    with tempfile.TemporaryDirectory(prefix="jero-bench-") as folder:
        scripts: dict[str, Path] = {}
        for key, (workload, _) in WORKLOADS.items():
            scripts[key] = Path(folder) / f"{key}.lua"
            scripts[key].write_text(script(workload.request), encoding="utf-8")
        for _ in range(args.starts):
            probe = WORKLOADS["events"][0].request
            with running(["granian"], names, cpus[0], MODULES, probe) as servers:
                for done in range(args.served_rounds + 1):  # The first warms up.
                    for key, (workload, items) in WORKLOADS.items():
                        order = list(servers)
                        shuffle.shuffle(order)
                        for server in order:
                            result = burst(server, workload, scripts[key], args.burst, cpus[1], CONNECTIONS)
                            if done:
                                rates.setdefault((key, server.contender), []).append(result.per_second * items)
                                cpu_times.setdefault((key, server.contender), []).append(result.cpu_us / items)
                    print(f"round {done}/{args.served_rounds}", file=sys.stderr, flush=True)
    parts: list[str] = []
    for key, (workload, _) in WORKLOADS.items():
        medians = {name: report.quartiles(rates[key, name])[1] for name in names}
        peers = {name: rate for name, rate in medians.items() if name in PEERS}
        best = max(peers, key=lambda name: peers[name]) if peers else BASE
        rows = []
        for name in names:
            ratios = [mine / theirs for mine, theirs in zip(rates[key, name], rates[key, best], strict=True)]
            low, mid, high = report.quartiles(ratios)
            verdict = ""
            if name == "jero" and peers:
                verdict = "holds" if mid >= SERVED_BAR else "**missed**"
            cpu = report.quartiles(cpu_times[key, name])[1]
            rows.append(
                [name, f"{medians[name]:,.0f}", f"{cpu:.2f}", f"{mid:.2f}", f"{low:.2f} to {high:.2f}", verdict]
            )
        header = ["contender", "items/s", "CPU us/item", f"items/s, times {best}'s", "quartiles", f"bar {SERVED_BAR}"]
        parts.append(
            f"## Served by granian, {CONNECTIONS} connections: {workload.title}\n\n{report.table(header, rows)}\n"
        )
    return "\n".join(parts)


NOTES = f"""\
All stream the same bytes, from the same async generator of Structs: `{BASE}` is written by hand and sends one message
per item, as do the peers. In process the ratio is of CPU time, the median of ratios taken round by round; the bar is at
most {BAR}. Served, it is of items per second, against the best peer (which is named); the bar is at least {SERVED_BAR}.
One worker on one CPU, wrk on another, at {HOST}.
"""


def main() -> None:
    """Check, measure, report."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", help=f"some contenders, comma-separated: {', '.join(MODULES)}")
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--starts", type=int, default=2, help="how often all servers are started anew; default: 2")
    parser.add_argument("--served-rounds", type=int, default=4, help="bursts of each on each start; default: 4")
    parser.add_argument("--burst", type=int, default=4, help="seconds; a slow peer needs more than one for a response")
    parser.add_argument("--no-served", action="store_true", help="in process only")
    parser.add_argument("--check", action="store_true", help="compare the answers and stop there")
    parser.add_argument("--no-save", action="store_true", help="do not write results/streaming.md")
    args = parser.parse_args()
    names = [name.strip() for name in args.only.split(",")] if args.only else list(MODULES)
    if unknown := [name for name in names if name not in MODULES]:
        raise SystemExit(f"unknown contender {', '.join(unknown)}; there are: {', '.join(MODULES)}")
    names = [BASE, *(name for name in dict.fromkeys(names) if name != BASE)]

    def leave(signum: int, frame: FrameType | None) -> None:
        raise SystemExit(128 + signum)

    signal.signal(signal.SIGTERM, leave)
    if args.check:
        asyncio.run(only_check(names))
        return
    text = asyncio.run(in_process(names, args.rounds))
    if not args.no_served:
        text += "\n" + served(names, args)
    facts = report.environment(("jero-streaming", *DISTRIBUTIONS, "granian", "uvloop"), os.cpu_count() or 1)
    taken = f"- rounds: {args.rounds} in process; {args.starts} starts of {args.served_rounds} bursts of {args.burst} s"
    text = f"# Streaming\n\n{facts}\n{taken}\n\n{text}\n{NOTES}"
    print(text)
    if not args.no_save:
        print(f"written to {report.save('streaming.md', text)}", file=sys.stderr)


async def only_check(names: list[str]) -> None:
    """Compare the answers."""
    apps: dict[str, ASGIApp] = {name: importlib.import_module(MODULES[name]).app for name in names}
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(lifespan(app))
        await check(apps)
    print(f"check: {len(apps)} contenders stream the same bytes")


if __name__ == "__main__":
    main()
