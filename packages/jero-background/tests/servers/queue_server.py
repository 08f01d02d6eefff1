"""A real server with apps/queue_app.py, and the accounting of what became of each item.

Every item has a number. A client that got 200 knows its number and its id; the app's journal has the numbers of the
items that ran; the log names what was dropped by id.
"""

import asyncio
import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path

APPS = Path(__file__).resolve().parent / "apps"
START_DEADLINE = 30.0
SERVERS = {
    "granian": ("granian", "--interface", "asgi", "--no-access-log", "--host", "127.0.0.1", "--port", "{port}"),
    "uvicorn": ("uvicorn", "--no-access-log", "--host", "127.0.0.1", "--port", "{port}"),
}


class QueueServer:
    """One server in a process group of its own, from which `with` lets nothing survive."""

    def __init__(self, server, folder, **environment):
        self.server, self.folder = server, folder
        self.journal = folder / "journal"
        self.journal.touch()
        self.log_file = folder / "log"
        self.port = free_port()
        self._start(environment)

    def _start(self, environment):
        module, *arguments = (part.format(port=self.port) for part in SERVERS[self.server])
        with self.log_file.open("ab") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments, "queue_app:app"],
                cwd=APPS,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", "JERO_JOURNAL": str(self.journal), **environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        deadline = time.monotonic() + START_DEADLINE
        while not self.answers():
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.kill()
                raise AssertionError(f"{self.server} does not serve:\n{self.log}")
            time.sleep(0.02)

    def answers(self):
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as connection:
                connection.sendall(b"GET /health HTTP/1.1\r\nhost: ready\r\nconnection: close\r\n\r\n")
                return bool(connection.recv(1))
        except OSError:
            return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.kill()

    def kill(self):
        """End the whole process group with SIGKILL."""
        with suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)

    @property
    def log(self):
        return self.log_file.read_text(encoding="utf-8", errors="replace")

    def ran(self):
        """How often each item ran. A last line without its end was cut off by a SIGKILL in the middle of a write."""
        text = self.journal.read_text(encoding="utf-8")
        return Counter(int(line) for line in text[: text.rfind("\n") + 1].splitlines())

    def dropped(self):
        """The ids of the items that the log names as dropped."""
        return re.findall(r"queue_app\.(?:Note|Hang) (\S+) is dropped: ", self.log)


class Connection:
    """One keep-alive connection. The answers are small JSON bodies with a content-length."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    @classmethod
    async def open(cls, port):
        return cls(*await asyncio.open_connection("127.0.0.1", port))

    async def post(self, target):
        """The status, and the decoded body; OSError or EOFError if the server goes away."""
        self.writer.write(f"POST {target} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 0\r\n\r\n".encode())
        await self.writer.drain()
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode().lower()
        length = int(re.search(r"content-length: (\d+)", head)[1])
        return int(head.split(" ")[1]), json.loads(await self.reader.readexactly(length))

    def close(self):
        self.writer.close()


async def post_all(port, targets, connections):
    """Send requests over some connections; the ids of those that got 200, by target."""
    taken, pending = {}, iter(targets)

    async def work():
        with suppress(OSError, EOFError):
            connection = await Connection.open(port)
            try:
                for target in pending:
                    status, body = await connection.post(target)
                    if status == 200:
                        taken[target] = body["id"]
            finally:
                connection.close()

    await asyncio.gather(*(work() for _ in range(connections)))
    return taken


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


def number_of(target):
    return int(target.rpartition("/")[2])


def terminate_round(server, folder, *, items, in_flight, drain, pause):
    """One round: queue items, put requests under way, SIGTERM; what is wrong with the outcome, and figures."""
    folder.mkdir()
    with QueueServer(server, folder, JERO_DRAIN=str(drain), JERO_PAUSE=str(pause)) as process:

        async def main():
            taken = await post_all(process.port, [f"/quick/{number}" for number in range(items)], 8)
            kinds = ("slow", "later")
            late = [f"/{kinds[number % 2]}/{number}" for number in range(items, items + in_flight)]
            under_way = asyncio.create_task(post_all(process.port, late, in_flight))
            await asyncio.sleep(0.2)
            process.terminate()
            at = time.monotonic()
            taken |= await under_way
            answered = time.monotonic()
            await asyncio.to_thread(process.process.wait, drain + 30)
            return taken, time.monotonic() - at, time.monotonic() - answered

        taken, seconds, after_requests = asyncio.run(main())
    return account(process, taken), seconds, after_requests, len(taken)


def account(process, taken):
    """What is wrong: items whose request got 200 and that neither ran exactly once nor are named as dropped."""
    ran, dropped = process.ran(), set(process.dropped())
    wrong = [f"{number} ran {count} times" for number, count in ran.items() if count > 1]
    for target, item_id in taken.items():
        has_run, is_dropped = number_of(target) in ran, item_id in dropped
        if has_run == is_dropped:
            wrong.append(f"{target} {item_id}: ran {has_run}, dropped {is_dropped}")
    return wrong
