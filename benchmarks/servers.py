"""The server processes of the served benchmark: start, CPU time, stop. Only processes started here are ever touched."""

import contextlib
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from http.client import HTTPConnection, HTTPException
from pathlib import Path

from asgi import Answer
from contenders import HERE, MODULES
from workloads import Request

HOST = "127.0.0.1"
START_SECONDS = 60
STOP_SECONDS = 10

_PROBE = Request("GET", "/item")

COMMANDS = {
    "granian": (
        *("-m", "granian", "--interface", "asgi", "--workers", "1", "--no-ws", "--loop", "uvloop", "--http", "1"),
        *("--log-level", "warning", "--no-access-log"),
    ),
    "uvicorn": (
        *("-m", "uvicorn", "--workers", "1", "--ws", "none", "--loop", "uvloop", "--http", "httptools"),
        *("--log-level", "warning", "--no-access-log", "--lifespan", "on"),
    ),
}


@dataclass
class Server:
    """One running server with one contender in it."""

    kind: str
    contender: str
    port: int
    process: subprocess.Popen[bytes]
    log: Path

    @property
    def name(self) -> str:
        """Name it for messages."""
        return f"{self.contender} on {self.kind}"

    def require_alive(self) -> None:
        """Fail with its log if the server is gone."""
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.name} ended with {self.process.returncode}:\n{self.log.read_text()[-4000:]}")

    def ask(self, request: Request) -> Answer:
        """Send one request over a connection of its own."""
        connection = HTTPConnection(HOST, self.port, timeout=10)
        try:
            connection.putrequest(request.method, request.target, skip_host=True, skip_accept_encoding=True)
            for name, value in request.headers():
                connection.putheader(name.decode(), value)
            connection.endheaders(request.body or None)
            response = connection.getresponse()
            body = response.read()
            headers = [(name.lower().encode(), value.encode()) for name, value in response.getheaders()]
            return Answer(response.status, headers, body)
        finally:
            connection.close()

    def wait(self, request: Request) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + START_SECONDS
        while True:
            self.require_alive()
            try:
                self.ask(request)
            except (OSError, HTTPException):
                if time.monotonic() > deadline:
                    raise RuntimeError(f"{self.name} does not answer:\n{self.log.read_text()[-4000:]}") from None
                time.sleep(0.1)
            else:
                return

    def cpu_ns(self) -> int:
        """Sum the CPU time of all threads of the server and its descendants, in ns.

        schedstat rather than stat: its first field counts nanoseconds, where utime and stime count ticks of 10 ms.
        """
        total = 0
        for pid in tree(self.process.pid):
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                for task in Path(f"/proc/{pid}/task").iterdir():
                    with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                        total += int((task / "schedstat").read_text().split()[0])
        return total

    def stop(self) -> None:
        """Stop the server and everything that it started."""
        pids = tree(self.process.pid)
        if self.process.poll() is None:
            self.process.terminate()
            with contextlib.suppress(subprocess.TimeoutExpired):
                self.process.wait(STOP_SECONDS)
        # Each server leads a session and with it a process group: what is still in it is ours.
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        deadline = time.monotonic() + STOP_SECONDS
        while any(Path(f"/proc/{pid}").exists() for pid in pids) and time.monotonic() < deadline:
            time.sleep(0.02)


def tree(root: int) -> list[int]:
    """List a process and all its descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal():
            with contextlib.suppress(FileNotFoundError, ProcessLookupError):
                # The name, in parentheses, may hold anything; the parent is the second field after it.
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                children.setdefault(int(fields[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found.extend(children.get(pid, ()))
    return found


def free_port() -> int:
    """Ask the kernel for a loopback port."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        port: int = probe.getsockname()[1]
        return port


def start(kind: str, contender: str, cpu: int, logs: Path, modules: Mapping[str, str] = MODULES) -> Server:
    """Start one server, bound to one CPU."""
    port = free_port()
    log = logs / f"{kind}-{contender}.log"
    command = ["taskset", "-c", str(cpu)]
    # Should this script be killed outright, nobody would run its `finally`: the kernel then ends the server.
    if shutil.which("setpriv"):
        command += ["setpriv", "--pdeathsig", "TERM"]
    command += [sys.executable, *COMMANDS[kind], "--host", HOST, "--port", str(port), f"{modules[contender]}:app"]
    environment = {**os.environ, "PYTHONPATH": str(HERE), "PYTHONDONTWRITEBYTECODE": "1"}
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=HERE,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    return Server(kind, contender, port, process, log)


@contextlib.contextmanager
def running(
    kinds: list[str],
    contenders: list[str],
    cpu: int,
    modules: Mapping[str, str] = MODULES,
    probe: Request = _PROBE,
) -> Generator[list[Server]]:
    """Start every contender on every server, and stop them all whatever happens."""
    servers: list[Server] = []
    with tempfile.TemporaryDirectory(prefix="jero-bench-") as folder:
        try:
            servers.extend(start(kind, name, cpu, Path(folder), modules) for kind in kinds for name in contenders)
            for server in servers:
                server.wait(probe)
            yield servers
        finally:
            for server in servers:
                server.stop()
