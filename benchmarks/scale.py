"""What an app costs that has many routes, and what it costs to import and start one.

python benchmarks/scale.py [--rounds 200] [--starts 15] [--no-save]

Look-ups are compared in one process, finely interleaved, as in inprocess.py: the same requests to apps of 10 and of
10,000 operations. Starts and imports are measured in processes of their own, in turns; what counts is CPU time, and of
a start the time from the app object to the end of its lifespan startup.
"""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import tempfile
from contextlib import AsyncExitStack
from pathlib import Path

import report
from asgi import ASGIApp, lifespan
from contenders import DISTRIBUTIONS
from inprocess import Lane, clock, measure
from workloads import Request, Workload

SMALL, LARGE = 10, 10_000
LOOKUP_BAR, IMPORT_BAR = 1.15, 1.5
START_BARS = {500: 30.0, 10_000: 1000.0}
PER_CLASS = 5

LOOKUPS = {
    "item, plain": "/r1/4217",
    "two slots": "/t1/a/things/7",
    "static": "/r1",
    "miss, first segment": "/missing/1",
    "miss, last segment": "/t1/a/missing/7",
    "miss, one segment": "/missing",
}

IMPORTS = {"msgspec and asyncio": "import msgspec, asyncio", "jero": "import jero"}


def make_app(operations: int) -> ASGIApp:
    """An app of this many operations: Resources of five, every second one with a further slot."""
    from msgspec import Struct

    from jero import BaseApp, Resource

    class ItemPath(Struct):
        id: int

    class ThingPath(Struct):
        owner: str
        id: int

    class Query(Struct):
        page: int = 1

    class Item(Struct):
        id: int
        name: str = ""

    def flat(number: int) -> Resource:
        class Flat(Resource, path=f"/r{number}"):
            async def read_many(self, params: Query) -> list[Item]:
                return []

            async def create(self, json: Item) -> Item:
                return json

            async def read_one(self, path: ItemPath) -> Item:
                return Item(path.id)

            async def update(self, path: ItemPath, json: Item) -> Item:
                return json

            async def delete(self, path: ItemPath) -> None: ...

        return Flat()

    def deep(number: int) -> Resource:
        class Deep(Resource, path=f"/t{number}/{{owner}}/things"):
            async def read_many(self, path: OwnerPath, params: Query) -> list[Item]:
                return []

            async def create(self, path: OwnerPath, json: Item) -> Item:
                return json

            async def read_one(self, path: ThingPath) -> Item:
                return Item(path.id)

            async def update(self, path: ThingPath, json: Item) -> Item:
                return json

            async def delete(self, path: ThingPath) -> None: ...

        return Deep()

    class OwnerPath(Struct):
        owner: str

    resources = [(deep if number % 2 else flat)(number // 2 + 1) for number in range(operations // PER_CLASS)]

    class App(BaseApp):
        async def _wire(self) -> None:
            for resource in resources:
                self._include_resource(resource)

    return App()


async def lookups(rounds: int) -> str:
    """Compare each look-up in the two apps."""
    apps = {str(SMALL): make_app(SMALL), str(LARGE): make_app(LARGE)}
    workloads: list[Workload] = []
    for name, target in LOOKUPS.items():
        workloads.append(Workload(name, target, Request("GET", target)))
    async with AsyncExitStack() as stack:
        for app in apps.values():
            await stack.enter_async_context(lifespan(app))
        lanes = await measure(apps, workloads, rounds, 1000)
    rows: list[list[str]] = []
    for workload in workloads:
        group: dict[str, Lane] = {lane.name: lane for lane in lanes if lane.workload is workload}
        small, large = group[str(SMALL)], group[str(LARGE)]
        quotients = [many / few for many, few in zip(large.times, small.times, strict=True)]
        low, mid, high = report.quartiles(quotients)
        medians = [f"{report.quartiles(lane.times)[1] / 1000:.2f}" for lane in (small, large)]
        cells = [f"{workload.name}: `{workload.title}`", *medians, f"{mid:.3f}", f"{low:.3f} to {high:.3f}"]
        rows.append([*cells, report.verdict(mid, LOOKUP_BAR)])
    return report.table(
        ["GET", f"us, {SMALL} operations", f"us, {LARGE}", "ratio", "quartiles", f"bar {LOOKUP_BAR}"], rows
    )


async def start_once(operations: int) -> dict[str, float]:
    """CPU milliseconds that an app takes to start; the imports are not in them, nor the class statements."""
    app = make_app(operations)
    began = clock()
    async with lifespan(app):
        return {"ms": (clock() - began) / 1e6}


def in_process_of_its_own(bytecode: str, *arguments: str) -> float:
    """Run one measurement of this file in a fresh process, with bytecode cached in a folder, as installed code has."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environment["PYTHONPYCACHEPREFIX"] = bytecode
    command = [sys.executable, str(Path(__file__).resolve()), *arguments]
    if arguments[0] == "--import":  # Without what this file itself imports.
        code = (
            f"import time; t = time.process_time_ns(); {arguments[1]}; "
            "print('{\"ms\": %f}' % ((time.process_time_ns() - t) / 1e6))"
        )
        command = [sys.executable, "-c", code]
    done = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    return float(json.loads(done.stdout)["ms"])


def starts_and_imports(times: int) -> tuple[str, str]:
    """Take turns, each in a process of its own."""
    starts: dict[int, list[float]] = {operations: [] for operations in START_BARS}
    imports: dict[str, list[float]] = {name: [] for name in IMPORTS}
    with tempfile.TemporaryDirectory() as bytecode:
        for _ in range(times + 1):
            for operations, taken in starts.items():
                taken.append(in_process_of_its_own(bytecode, "--start", str(operations)))
            for name, taken in imports.items():
                taken.append(in_process_of_its_own(bytecode, "--import", IMPORTS[name]))
    for taken in (*starts.values(), *imports.values()):
        del taken[0]  # That one compiled.
    rows: list[list[str]] = []
    for (operations, taken), bar in zip(starts.items(), START_BARS.values(), strict=True):
        quartiles = report.quartiles(taken)
        figures = [f"{value:.1f}" for value in quartiles]
        rows.append([f"start, {operations} operations", *figures, f"{bar:.0f}", report.verdict(quartiles[1], bar)])
    base, ours = imports.values()
    quotients = report.quartiles([our / floor for our, floor in zip(ours, base, strict=True)])
    first = report.table(["ms of CPU time", "lower quartile", "median", "upper quartile", "bar", ""], rows)
    medians = [f"{report.quartiles(taken)[1]:.1f}" for taken in (base, ours)]
    spread = f"{quotients[0]:.3f} to {quotients[2]:.3f}"
    second = report.table(
        ["msgspec and asyncio, ms", "jero, ms", "ratio", "quartiles", f"bar {IMPORT_BAR}"],
        [[*medians, f"{quotients[1]:.3f}", spread, report.verdict(quotients[1], IMPORT_BAR)]],
    )
    return first, second


def main() -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--starts", type=int, default=15)
    parser.add_argument("--no-save", action="store_true", help="do not write results/scale.md")
    parser.add_argument("--start", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.start:
        print(json.dumps(asyncio.run(start_once(options.start))))
        return
    starts, imports = starts_and_imports(options.starts)
    found = asyncio.run(lookups(options.rounds))
    facts = report.environment(DISTRIBUTIONS, os.cpu_count() or 1)
    text = f"# Scale\n\n{facts}\n\n## Look-ups\n\n{found}\n\n## Starts\n\n{starts}\n\n## Imports\n\n{imports}\n"
    print(text)
    if not options.no_save:
        print(f"written to {report.save('scale.md', text)}", file=sys.stderr)


if __name__ == "__main__":
    main()
