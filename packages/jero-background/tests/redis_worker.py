"""A real Redis server, worker processes, and what they wrote."""

import asyncio
import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from jero_background.taskiq import run_worker

from .background_driver import started

APPS = Path(__file__).resolve().parent / "worker_apps"
DEADLINE = 40.0
REDIS = shutil.which("redis-server")


def free_port():
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


class RedisServer:
    """A redis-server (Debian: `apt-get install redis-server`) on a free port, which keeps nothing on disk."""

    def __init__(self, folder):
        self.port = free_port()
        self.url = f"redis://127.0.0.1:{self.port}"
        self._process = subprocess.Popen(
            [REDIS, "--port", str(self.port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"],
            cwd=folder,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.STDOUT,
        )
        wait_until(self._answers, "redis-server answers")

    def _answers(self):
        with suppress(OSError), socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
            connection.sendall(b"PING\r\n")
            return connection.recv(5) == b"+PONG"
        return False

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self._process.kill()
        self._process.wait()


def wait_until(condition, what, deadline=DEADLINE):
    """Wait for something that another process does."""
    end = time.monotonic() + deadline
    while not condition():
        assert time.monotonic() < end, f"not within {deadline} s: {what}"
        time.sleep(0.02)


class Workers:
    """Worker processes of worker_apps/worker_app.py, and the app's own side in this process."""

    def __init__(self, redis, folder, monkeypatch, **environment):
        self.redis, self.folder = redis, folder
        self.journal = folder / "journal"
        self.journal.touch()
        environment = {"JERO_REDIS": redis.url, "JERO_JOURNAL": str(self.journal), **environment}
        for name, value in environment.items():
            monkeypatch.setenv(name, value)
        self.processes = []
        self.module = load_app()

    def start(self, target="worker_app:app"):
        log = self.folder / f"log{len(self.processes)}"
        with log.open("wb") as output:
            process = subprocess.Popen(
                [sys.executable, "-m", "jero_background.taskiq", target, "--app-dir", str(APPS)],
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self.processes.append((process, log))
        return process

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process, _ in self.processes:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()

    @property
    def log(self):
        return "\n".join(log.read_text(encoding="utf-8", errors="replace") for _, log in self.processes)

    @property
    def lines(self):
        return self.journal.read_text(encoding="utf-8").splitlines()

    def ended(self):
        """The numbers of the items that ran to their end, as often as they did."""
        return [int(line.split()[1]) for line in self.lines if line.startswith("end ")]

    def add(self, *items):
        """Add items by the app, started in this process as a server starts it; their ids."""
        return asyncio.run(self.add_here(*items))

    async def add_here(self, *items):
        app = self.module.WorkerApp(knows_unknown=True)
        async with started(app):
            return [await app.tasks.add(item) for item in items]

    @asynccontextmanager
    async def working(self, **options):
        """A worker in this process, stopped at the end of the block."""
        stop = asyncio.Event()
        worker = asyncio.create_task(run_worker(self.module.WorkerApp(**options), stop=stop))
        try:
            yield worker
        finally:
            stop.set()
            await worker

    def wait_for(self, condition, what):
        try:
            wait_until(condition, what)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.lines[-20:]}\n{self.log[-4000:]}") from None

    async def until(self, condition, what):
        end = time.monotonic() + DEADLINE
        while not condition():
            assert time.monotonic() < end, f"not within {DEADLINE} s: {what}\n{self.lines[-20:]}"
            await asyncio.sleep(0.01)


def load_app():
    spec = importlib.util.spec_from_file_location("worker_app", APPS / "worker_app.py")
    module = sys.modules["worker_app"] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
