"""Real servers as child processes: started on a free loopback port, stopped with SIGTERM, never left behind."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Final, Self

START_DEADLINE: Final = 20.0
STOP_DEADLINE: Final = 10.0

SERVERS: Final[Mapping[str, Sequence[str]]] = {
    "granian": ("granian", "--interface", "asgi", "--no-access-log", "--host", "127.0.0.1", "--port", "{port}"),
    "uvicorn-h11": ("uvicorn", "--http", "h11", "--host", "127.0.0.1", "--port", "{port}"),
    "uvicorn-httptools": ("uvicorn", "--http", "httptools", "--host", "127.0.0.1", "--port", "{port}"),
    "hypercorn": ("hypercorn", "--bind", "127.0.0.1:{port}"),
}
"""The command of each server. Uvicorn stands twice: it answers broken requests as its HTTP parser does."""

CLEAN_EXIT: Final[Mapping[str, int]] = {
    "granian": 0,
    # Uvicorn ends its shutdown by raising the signal again, with the handler of before: 143 for a shell.
    "uvicorn-h11": -signal.SIGTERM,
    "uvicorn-httptools": -signal.SIGTERM,
    "hypercorn": 0,
}
"""How each server's process ends after SIGTERM and a complete shutdown."""

FAILED_START_EXIT: Final[Mapping[str, int]] = {
    "granian": 1,
    "uvicorn-h11": 3,
    "uvicorn-httptools": 3,
    # Hypercorn's worker dies of its exception, and its main process ends without a word: a supervisor cannot tell.
    "hypercorn": 0,
}
"""How each server's process ends when the app has sent lifespan.startup.failed."""


class ServerError(Exception):
    """A server did not do what it was told to do; the message holds its log."""


class ServerProcess:
    """One server with an app, in a process group of its own, from which `with` lets nothing survive."""

    def __init__(
        self,
        server: str,
        target: str,
        *,
        directory: Path,
        log: Path,
        options: Sequence[str] = (),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.server = server
        self.port = _free_port()
        self._log = log
        module, *arguments = (part.format(port=self.port) for part in SERVERS[server])
        with log.open("wb") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", module, *arguments, *options, target],
                cwd=directory,
                env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1", **(environment or {})},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_exception: object) -> None:
        self.kill()

    @property
    def log(self) -> str:
        """What the server has written so far."""
        return self._log.read_text(encoding="utf-8", errors="replace")

    @property
    def exit_code(self) -> int | None:
        """The exit code; None while the server runs."""
        return self._process.poll()

    def wait_until_serving(self) -> None:
        """Wait until the app answers. Raises ServerError if it does not, or if the process ends."""
        deadline = time.monotonic() + START_DEADLINE
        while not self.answers():
            if self.exit_code is not None:
                raise ServerError(f"{self.server} ended with {self.exit_code}:\n{self.log}")
            if time.monotonic() > deadline:
                raise ServerError(f"{self.server} does not answer within {START_DEADLINE} s:\n{self.log}")
            time.sleep(0.02)

    def answers(self) -> bool:
        """Whether a request gets an answer, whichever it is. A listening socket proves nothing: granian's main process
        listens before its workers have started.
        """
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=2) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nhost: ready\r\nconnection: close\r\n\r\n")
                return bool(connection.recv(1))
        except OSError:
            return False

    def wait(self, deadline: float = STOP_DEADLINE) -> int:
        """The exit code, once the process has ended by itself. Raises ServerError if it does not."""
        try:
            return self._process.wait(deadline)
        except subprocess.TimeoutExpired:
            raise ServerError(f"{self.server} still runs after {deadline} s:\n{self.log}") from None

    def wait_without_serving(self) -> int:
        """The exit code of a process that must end by itself. Raises ServerError if it answers a request before."""
        deadline = time.monotonic() + START_DEADLINE
        while self.exit_code is None and time.monotonic() < deadline:
            if self.answers():
                raise ServerError(f"{self.server} serves:\n{self.log}")
            time.sleep(0.02)
        return self.wait()

    def stop(self) -> int:
        """Send SIGTERM and wait for the exit code. Raises ServerError if the process does not end in time."""
        self.send_signal(signal.SIGTERM)
        return self.wait()

    def send_signal(self, number: int) -> None:
        """Send a signal to the main process."""
        self._process.send_signal(number)

    def still_listens(self) -> bool:
        """Whether anything takes connections: the main process, or a worker that it left behind."""
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=2).close()
        except OSError:
            return False
        return True

    def kill(self) -> None:
        """End the whole process group, granian's workers with it."""
        with suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait(STOP_DEADLINE)


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]
