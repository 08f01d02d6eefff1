"""Thousands of clients of Server-Sent Events that come, stall and leave in every way, on a real server.

    python packages/jero/tests/servers/soak_streams.py --server granian --clients 2000 --seconds 60
    python packages/jero/tests/servers/soak_streams.py --server uvicorn --clients 10000 --seconds 600 \
        --ramp 60 --period 10 --longest 60

The server streams pings to each client (with the time at which each was sent) from a lifecycle that counts
set-ups and teardowns. Each client stays for a random time and leaves by closing, by resetting, by closing its half of
the connection, or stalls for a while and reads nothing; another one takes its place. Afterwards everybody has left, and
it must hold that

- teardowns equal set-ups, and none of jero's tasks is left;
- the server's memory is back to within 10 % of what it was after a first round of as many clients;
- the median ping took less than 100 ms, and no error stands in the server's log.

Both processes need a file descriptor for each client (`ulimit -n`).
"""

import argparse
import asyncio
import random
import resource
import socket
import statistics
import sys
import tempfile
import time
from collections.abc import Coroutine
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

HERE = Path(__file__).resolve().parent

sys.path.insert(0, str(HERE))

import uvloop
from server_process import ServerProcess
from wire import exchange

SERVERS = {
    "granian": ("granian", ("--backlog", "16384", "--log-level", "warning")),
    "uvicorn": ("uvicorn-httptools", ("--backlog", "16384", "--log-level", "warning", "--no-access-log")),
}
REQUEST = "GET /pings?pause={period} HTTP/1.1\r\nhost: soak\r\naccept: text/event-stream\r\n\r\n"
WAYS = ("close", "reset", "half-close", "stall")


@dataclass
class Tally:
    """What the clients have seen."""

    connected: int = 0
    left: dict[str, int] = field(default_factory=lambda: dict.fromkeys(WAYS, 0))
    pings: int = 0
    failures: list[str] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)


class Client(asyncio.Protocol):
    """One client: it reads for a while, or stalls, and leaves."""

    def __init__(self, tally: Tally, way: str, stay: float, chance: random.Random, period: float) -> None:
        self.gone: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._tally = tally
        self._way = way
        self._stay = stay
        self._stall = chance.uniform(0, stay)
        self._received = b""
        self._period = period

    def connection_made(self, transport: asyncio.Transport) -> None:
        """Ask, and think of leaving."""
        loop = asyncio.get_running_loop()
        self._transport = transport
        self._tally.connected += 1
        transport.write(REQUEST.format(period=self._period).encode())
        if self._way == "stall":
            loop.call_later(self._stall, transport.pause_reading)
        loop.call_later(self._stay, self.leave)

    def data_received(self, data: bytes) -> None:
        """Count pings, and how long each was under way."""
        *lines, self._received = (self._received + data).split(b"\n")
        now = time.time()
        for line in lines:
            if line.startswith(b"data: "):
                self._tally.pings += 1
                if len(self._tally.delays) < 1_000_000:
                    self._tally.delays.append(now - float(line[6:]))

    def leave(self) -> None:
        """Leave in this client's way."""
        if self.gone.done():
            return
        self._tally.left[self._way] += 1
        connection = self._transport.get_extra_info("socket")
        if self._way == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        if self._way == "half-close":
            self._transport.write_eof()
            asyncio.get_running_loop().call_later(0.2, self._transport.abort)
        else:
            self._transport.abort()
        self.gone.set_result(None)

    def connection_lost(self, error: Exception | None) -> None:
        """The server has closed the connection, unless this client has."""
        if not self.gone.done():
            self._tally.failures.append(f"the server closed a stream: {error!r}")
            self.gone.set_result(None)


async def crowd(port: int, seconds: float, args: argparse.Namespace) -> Tally:
    """Keep as many clients connected for some seconds."""
    tally, chance = Tally(), random.Random(args.seed)
    loop = asyncio.get_running_loop()
    end = loop.time() + seconds

    async def place(number: int) -> None:
        await asyncio.sleep(args.ramp * number / args.clients)
        while (left := end - loop.time()) > 0:
            stay = min(chance.uniform(0.1, args.longest), left)
            try:
                make = partial(Client, tally, chance.choice(WAYS), stay, chance, args.period)
                _, client = await loop.create_connection(make, "127.0.0.1", port)
            except OSError as error:
                tally.failures.append(repr(error))
                return
            await client.gone
            await asyncio.sleep(chance.uniform(0, 0.05))

    async with asyncio.TaskGroup() as group:
        for number in range(args.clients):
            group.create_task(place(number))
    return tally


def run[T](coroutine: Coroutine[None, None, T]) -> T:
    """Run on the fastest loop there is: the clients are many, and must not be what is late."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        return runner.run(coroutine)


def counts(port: int) -> dict[str, int]:
    """The server's own counts."""
    return exchange(port, "GET", "/counts").json()


def settle(port: int) -> dict[str, int]:
    """Wait until everybody is known to have left."""
    deadline = time.monotonic() + 30
    found: dict[str, int] = {}
    while True:
        with suppress(TimeoutError):  # Thousands that leave at once take a while.
            found = counts(port)
            if found["torn_down"] == found["set_up"] and not found["tasks"]:
                return found
        if time.monotonic() > deadline:
            raise SystemExit(f"FAILED: not everybody has left: {found}")
        time.sleep(0.2)


def main() -> None:
    """Run one soak."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", choices=list(SERVERS), default="granian")
    parser.add_argument("--clients", type=int, default=2000)
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--ramp", type=float, default=5.0, help="seconds over which the clients arrive")
    parser.add_argument("--warm-up", type=float, default=30.0, help="seconds of the first round, behind the ramp")
    parser.add_argument("--period", type=float, default=1.0, help="seconds from one ping of a client to the next")
    parser.add_argument("--longest", type=float, default=10.0, help="the longest stay of a client, in seconds")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))
    if args.clients > most - 200:
        raise SystemExit(f"{args.clients} clients need as many file descriptors, and there are {most}")
    server, options = SERVERS[args.server]
    with tempfile.TemporaryDirectory() as folder:
        log = Path(folder) / "log"
        apps = HERE / "apps"
        with ServerProcess(server, "stream_app:app", directory=apps, log=log, options=options) as process:
            process.wait_until_serving()
            # A first round, after which every pool and cache has its size.
            warm_up = args.warm_up + args.ramp
            run(crowd(process.port, warm_up, args))
            before = settle(process.port)
            begun = time.monotonic()
            tally = run(crowd(process.port, args.seconds, args))
            took = time.monotonic() - begun
            after = settle(process.port)
            grown = after["memory"] / before["memory"] - 1
            median = statistics.median(tally.delays) if tally.delays else float("inf")
            last = statistics.quantiles(tally.delays, n=100)[-1] if len(tally.delays) > 1 else float("inf")
            print(
                f"{args.server}: {args.clients} clients, {took:.0f} s: {tally.connected} came, left {tally.left}; "
                f"{tally.pings} pings, median {median * 1000:.1f} ms, 99 % within {last * 1000:.1f} ms; "
                f"{after['set_up']} set up, {after['torn_down']} torn down, {after['tasks']} tasks left; "
                f"memory {before['memory'] / 1e6:.1f} MB before, {after['memory'] / 1e6:.1f} MB after ({grown:+.1%})"
            )
            failed = [
                *(["pings are late"] if median > 0.1 else []),
                *([f"memory has grown by {grown:.1%}"] if grown > 0.1 else []),
                *([f"{len(tally.failures)} failures, such as {tally.failures[0]}"] if tally.failures else []),
                *(["the log has errors"] if "Traceback" in process.log or "ERROR" in process.log else []),
            ]
            if failed:
                raise SystemExit(f"FAILED: {'; '.join(failed)}\n{process.log[-2000:]}")
    print("holds")


if __name__ == "__main__":
    main()
