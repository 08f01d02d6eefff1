"""An upload of 10 MB with three text fields: time and peak memory, in process.

python benchmarks/uploads.py [--only jero,falcon] [--rounds 30] [--no-save]
"""

import argparse
import asyncio
import ctypes
import gc
import importlib
import json
import os
import random
import statistics
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any

import report
from asgi import lifespan
from contenders import DISTRIBUTIONS, HERE

MIB = 1024 * 1024
SIZE = 10_000_000
PIECE = 64 * 1024
"""The bytes of one message, as servers send them."""
BASE = "falcon"
CONTENDERS = ("jero", "falcon", "falcon_threads", "starlette", "fastapi", "litestar", "blacksheep")
MEMORY_STARTS = 5
"""The processes of each contender whose memory is measured; the median counts."""
MOST_MEMORY = 4
"""MiB above the idle server, for jero."""
BOUNDARY = "----WebKitFormBoundaryABCDEFGHIJKLMNOP"
TOLD = {"title": "Größe", "author": "Ada Lovelace", "year": 1843, "filename": "engine.bin", "size": SIZE}


def body_of(size: int) -> bytes:
    """A form as Chromium writes it, the file last; of random bytes, in which the boundary has to be looked for."""
    texts = "".join(
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{TOLD[name]}\r\n'
        for name in ("title", "author", "year")
    )
    head = (
        f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="file"; filename="engine.bin"\r\n'
        "Content-Type: application/octet-stream\r\n\r\n"
    )
    return (texts + head).encode() + random.Random(1843).randbytes(size) + f"\r\n--{BOUNDARY}--\r\n".encode()


async def upload(app: Any, body: bytes) -> dict[str, Any]:
    """Send one upload, and give the answer."""
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": "/upload",
        "raw_path": b"/upload",
        "query_string": b"",
        "root_path": "",
        "headers": [
            (b"host", b"localhost:8000"),
            (b"content-type", f"multipart/form-data; boundary={BOUNDARY}".encode()),
            (b"content-length", b"%d" % len(body)),
        ],
        "client": ("127.0.0.1", 40000),
        "server": ("127.0.0.1", 8000),
    }
    view, position = memoryview(body), 0
    status, answer = 0, b""

    async def receive() -> dict[str, Any]:
        nonlocal position
        # As from a server: each message is bytes of its own, and costs a turn of the event loop.
        await asyncio.sleep(0)
        if position == len(body):
            await asyncio.Event().wait()
        piece = bytes(view[position : position + PIECE])
        position += len(piece)
        return {"type": "http.request", "body": piece, "more_body": position < len(body)}

    async def send(message: dict[str, Any]) -> None:
        nonlocal status, answer
        if message["type"] == "http.response.start":
            status = message["status"]
        else:
            answer += message.get("body", b"")

    await app(scope, receive, send)
    if status != 200:
        raise AssertionError(f"{status}: {answer!r}")
    return json.loads(answer)


def memory(name: str) -> int:
    """`VmRSS` or `VmHWM` (its peak) of this process, in bytes."""
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


async def serve(name: str) -> None:
    """In a child: answer each line of standard input (`memory` or a number of uploads) with a line of JSON."""
    app = importlib.import_module(f"apps.uploads.{name}_upload").app
    body, small = body_of(SIZE), body_of(1000)
    async with lifespan(app):
        told = await upload(app, small)
        if told != TOLD | {"size": 1000}:
            raise AssertionError(f"{told} is wrong")
        gc.collect()
        loop = asyncio.get_running_loop()
        print(json.dumps("ready"), flush=True)
        while line := (await loop.run_in_executor(None, sys.stdin.readline)).strip():
            if line == "memory":
                gc.collect()
                ctypes.CDLL(None).malloc_trim(0)  # What lies free already would hide what an upload needs.
                before = memory("VmRSS")
                Path("/proc/self/clear_refs").write_text("5")  # The peak is that from now on.
                told = await upload(app, body)
                result: Any = memory("VmHWM") - before
            else:
                gc.collect()
                cpu, wall = time.process_time_ns(), time.perf_counter_ns()
                for _ in range(int(line)):
                    told = await upload(app, body)
                result = [time.process_time_ns() - cpu, time.perf_counter_ns() - wall]
                result = [value / int(line) for value in result]
            if told != TOLD:
                raise AssertionError(f"{told} is not {TOLD}")
            print(json.dumps(result), flush=True)


@dataclass
class Child:
    """One contender in a process of its own."""

    name: str
    process: subprocess.Popen[str]
    grown: int = 0
    cpu: list[float] = field(default_factory=list)
    wall: list[float] = field(default_factory=list)

    @classmethod
    def start(cls, name: str) -> "Child":
        """Start it, and wait until it is ready."""
        command = [sys.executable, str(Path(__file__).resolve()), "--serve", name]
        environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
        process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=HERE
        )
        child = cls(name, process)
        child.read()
        return child

    def read(self) -> Any:
        """Its next answer."""
        line = self.pipe(self.process.stdout).readline()
        if not line:
            raise RuntimeError(f"{self.name} ended with {self.process.wait()}")
        return json.loads(line)

    def ask(self, line: str) -> Any:
        """Tell it what to do, and wait for the answer."""
        self.pipe(self.process.stdin).write(line + "\n")
        self.pipe(self.process.stdin).flush()
        return self.read()

    def stop(self) -> None:
        """End it."""
        self.pipe(self.process.stdin).close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()

    @staticmethod
    def pipe(stream: IO[str] | None) -> IO[str]:
        """A pipe that is there, as it was asked for."""
        if stream is None:
            raise AssertionError("no pipe")
        return stream


def grown(name: str) -> int:
    """The peak of memory in a fresh process."""
    child = Child.start(name)
    try:
        return int(child.ask("memory"))
    finally:
        child.stop()


def measure(children: list[Child], rounds: int, batch: int) -> None:
    """Memory first, in fresh processes; then time, in turns whose order is shuffled anew."""
    for child in children:
        child.grown = int(statistics.median(grown(child.name) for _ in range(MEMORY_STARTS)))
    for child in children:
        child.ask(str(batch))
    shuffle = random.Random(20250101)
    for _ in range(rounds):
        for child in shuffle.sample(children, len(children)):
            cpu, wall = child.ask(str(batch))
            child.cpu.append(cpu)
            child.wall.append(wall)


def ratio(mine: list[float], theirs: list[float]) -> tuple[float, float, float]:
    """Quartiles of the ratios within each round."""
    return report.quartiles([a / b for a, b in zip(mine, theirs, strict=True)])


def render(children: list[Child]) -> str:
    """Write the result as Markdown."""
    by_name = {child.name: child for child in children}
    base = by_name[BASE]
    rows: list[list[str]] = []
    for child in children:
        cpu, wall = ratio(child.cpu, base.cpu), ratio(child.wall, base.wall)
        rows.append(
            [
                child.name,
                f"{report.quartiles(child.cpu)[1] / 1e6:.1f}",
                f"{cpu[1]:.3f}",
                f"{cpu[0]:.3f} to {cpu[2]:.3f}",
                f"{report.quartiles(child.wall)[1] / 1e6:.1f}",
                f"{wall[1]:.3f}",
                f"{child.grown / MIB:.1f}",
            ]
        )
    header = ["contender", "CPU ms", f"ratio to {BASE}", "quartiles", "wall ms", f"ratio to {BASE}", "peak MiB"]
    text = report.table(header, rows)
    if "jero" in by_name:
        jero = by_name["jero"]
        least = min(child.grown for child in children)
        text += (
            f"\n\n- jero's CPU time at most {BASE}'s: {report.verdict(ratio(jero.cpu, base.cpu)[1], 1.0)}"
            f"\n- jero's time on the wall at most {BASE}'s: {report.verdict(ratio(jero.wall, base.wall)[1], 1.0)}"
            f"\n- jero's memory the least: {report.verdict(jero.grown, least)}"
            f"\n- jero's memory at most {MOST_MEMORY} MiB above idle: {report.verdict(jero.grown / MIB, MOST_MEMORY)}"
        )
    return text


NOTES = f"""\
One upload of {SIZE:,} random bytes and three text fields, in messages of 64 KiB. All contenders answer alike: the
texts, the year as an int, the file's name and its size. Each runs in a process of its own; they take turns, in an order
that is shuffled anew in each round, and ratios are taken within a round. CPU time is that of all threads. `peak MiB` is
the highest resident set during the first upload, above that of the process with one small upload behind it: the median
of {MEMORY_STARTS} processes.

The file is spooled in all of them: jero goes to disk from 64 KiB on, in a thread, and the others from 1 MiB on: Falcon
(by the app's own lines), Litestar and BlackSheep in the event loop's thread, which blocks the loop, Starlette and
FastAPI in a thread. `falcon_threads` is Falcon with its writes in a thread.
"""


def main() -> None:
    """Run what the command line asks for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", help="contenders, separated by commas")
    parser.add_argument("--rounds", type=int, default=30)
    parser.add_argument("--batch", type=int, default=3, help="uploads of one contender in one round")
    parser.add_argument("--no-save", action="store_true")
    parser.add_argument("--check", action="store_true", help="only see that all answer alike")
    parser.add_argument("--serve", help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.serve:
        asyncio.run(serve(args.serve))
        return
    names = [name.strip() for name in args.only.split(",")] if args.only else list(CONTENDERS)
    names = [*dict.fromkeys([*names, BASE])]
    children: list[Child] = []
    try:
        children.extend(Child.start(name) for name in names)
        if args.check:
            print(f"check: {len(children)} contenders answer alike", file=sys.stderr)
            return
        measure(children, args.rounds, args.batch)
    finally:
        for child in children:
            child.stop()
    text = f"# Uploads\n\n{report.environment(DISTRIBUTIONS, os.cpu_count() or 1)}\n\n{render(children)}\n\n{NOTES}"
    print(text)
    if not args.no_save:
        print(f"saved to {report.save('uploads.md', text)}", file=sys.stderr)


if __name__ == "__main__":
    main()
