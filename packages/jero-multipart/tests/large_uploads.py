"""Large uploads over a real socket: what they do to a server's memory and to its event loop.

    python packages/jero-multipart/tests/large_uploads.py --server uvicorn --size 1024 --uploads 1 20

starts the server with the app below, sends that many uploads of `--size` MiB at once, and tells by how much its memory
grew and how long its event loop was held up (a prober in the server sleeps 10 ms at a time). It ends with 1 if that
was 8 MiB or 50 ms. In the suite a smaller one runs; `pytest -m soak packages/jero-multipart` runs the whole.

Growth is the peak of the resident set, against what it was after as many uploads of 8 MiB at once. The server has its
own part in it: some 400 KiB for each connection on uvicorn, 1.5 MiB on granian. So the same is measured with a handler
that drops what it receives, 10 ms a message, about what a disk takes that twenty write to. With several uploads the
bar holds for what jero adds to that. Beside the lag stands that of a loop in another process that does nothing, for
what the machine itself does to sleepers: run it on a quiet one.
"""

import argparse
import asyncio
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from msgspec import Struct, json

from jero_core import BaseApp, Endpoint
from jero_core.extend import Binding, Fragment, Reads
from jero_multipart import FormSource, SpooledFilePart

MIB = 1024 * 1024
SMALL = 8 * MIB
MOST_GROWTH = 8 * MIB
MOST_LAG = 0.05
COMMANDS = {
    "uvicorn": ["-m", "uvicorn", "--ws", "none", "--log-level", "warning", "--no-access-log", "--port", "{port}"],
    "uvicorn-h11": ["-m", "uvicorn", "--http", "h11", "--ws", "none", "--log-level", "warning", "--port", "{port}"],
    "hypercorn": ["-m", "hypercorn", "--bind", "127.0.0.1:{port}"],
    "granian": ["-m", "granian", "--interface", "asgi", "--no-ws", "--log-level", "warning", "--port", "{port}"],
}
BOUNDARY = b"----WebKitFormBoundaryABCDEFGHIJKLMNOP"
HEAD = b'--%s\r\nContent-Disposition: form-data; name="file"; filename="big"\r\n\r\n' % BOUNDARY
TAIL = b"\r\n--%s--\r\n" % BOUNDARY


class Upload(Struct):
    file: SpooledFilePart


async def drop(receive, length):
    """Receive a body, not faster than a disk would take it, and keep nothing of it."""
    taken = 0
    while taken < length:
        taken += len((await receive())["body"])
        await asyncio.sleep(0.01)
    return taken


class DropSource:
    """`dropped: int`: the size of a body that nobody wants."""

    def bind(self, parameter, operation, /):
        return Binding(Reads.STREAM, Fragment.of("$target = await $drop($receive, $length)", drop=drop))


class Told(Struct):
    size: int
    start: bytes
    end: bytes


class Probe(Struct):
    pid: int
    lag: float


class Uploads(Endpoint, path="/upload", max_body_size=2**40):
    async def post(self, form: Upload) -> Told:
        start = await form.file.read(8)
        await form.file.seek(-8, os.SEEK_END)
        return Told(form.file.size, start, await form.file.read())


class Drops(Endpoint, path="/drop", max_body_size=2**40):
    async def post(self, dropped: int) -> Told:
        return Told(dropped, b"", b"")


class Probes(Endpoint, path="/probe"):
    def __init__(self):
        self.lag = 0.0

    async def watch(self):
        loop = asyncio.get_running_loop()
        while True:
            begin = loop.time()
            await asyncio.sleep(0.01)
            self.lag = max(self.lag, loop.time() - begin - 0.01)

    async def get(self) -> Probe:
        lag, self.lag = self.lag, 0.0
        return Probe(os.getpid(), lag)


class App(BaseApp):
    sources = {**BaseApp.sources, "form": FormSource(), "dropped": DropSource()}

    async def _wire(self):
        probes = Probes()
        self._include_endpoint(Uploads())
        self._include_endpoint(Drops())
        self._include_endpoint(probes)
        self._watcher = asyncio.create_task(probes.watch())


app = App()


@contextmanager
def serving(kind):
    """The port of a server that runs this module's app; uploads go to a folder of their own."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    folder = Path(tempfile.mkdtemp(prefix="jero-uploads-", dir="/var/tmp" if Path("/var/tmp").exists() else None))
    log = folder / "log"
    environment = {**os.environ, "TMPDIR": str(folder), "PYTHONPATH": str(Path(__file__).parent)}
    command = [sys.executable, *(word.format(port=port) for word in COMMANDS[kind]), "large_uploads:app"]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment, stdout=output, stderr=output, start_new_session=True)
    try:
        for _ in range(400):
            try:
                exchange(port, b"GET /probe HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n")
                break
            except OSError:
                assert process.poll() is None, log.read_text()
                time.sleep(0.05)
        yield port
    finally:
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(10)
        said = log.read_text()
        left = [path.name for path in folder.iterdir() if path != log]
        shutil.rmtree(folder)
    assert left == []
    assert "Traceback" not in said, said


def exchange(port, request, chunks=()):
    """The body of the answer to one request on a connection of its own."""
    with socket.create_connection(("127.0.0.1", port), timeout=600) as connection:
        connection.sendall(request)
        for chunk in chunks:
            connection.sendall(chunk)
        answer = b""
        while received := connection.recv(65536):
            answer += received
    head, _, body = answer.partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200"), answer[:1000]
    return body


def upload(port, size, path="/upload"):
    """Upload a file of `size` bytes."""
    block = os.urandom(MIB)
    length = len(HEAD) + size + len(TAIL)
    request = b"POST " + path.encode() + b" HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: %d\r\n" % length
    request += b"content-type: multipart/form-data; boundary=%s\r\n\r\n" % BOUNDARY

    def chunks():
        yield HEAD
        left = size
        while left:
            yield block[:left] if left < MIB else block
            left -= min(left, MIB)
        yield TAIL

    told = json.decode(exchange(port, request, chunks()), type=Told)
    if path == "/drop":
        assert told.size == length
        return
    last = block[: size % MIB or MIB]
    end = last[-8:] if len(last) >= 8 else (block + last)[-8:]
    assert told == Told(size, block[:8], end), told


def probe(port):
    return json.decode(exchange(port, b"GET /probe HTTP/1.1\r\nhost: t\r\nconnection: close\r\n\r\n"), type=Probe)


def resident(pid, name):
    """`VmRSS` or `VmHWM` (its peak) of a process, in bytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024
    raise AssertionError(name)


def upload_at_once(port, size, count, path):
    """Send some uploads at the same time; how long they took, in s."""
    failures = []

    def one():
        try:
            upload(port, size, path)
        except BaseException as error:
            failures.append(error)

    threads = [threading.Thread(target=one) for _ in range(count)]
    begin = time.perf_counter()
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return time.perf_counter() - begin


@dataclass
class Measured:
    growth: int
    """Of the server's memory, in bytes."""
    lag: float
    """The longest of the server's loop, in s."""
    control: float
    """The longest lag of a loop that does nothing."""
    took: float


def is_small(found, dropped, count):
    """Whether the memory grew by less than the bar."""
    return found.growth - (dropped.growth if count > 1 else 0) < MOST_GROWTH


CONTROL = """
import asyncio, sys, threading

async def main():
    loop, lag, done = asyncio.get_running_loop(), 0.0, asyncio.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), loop.call_soon_threadsafe(done.set))).start()
    while not done.is_set():
        begin = loop.time()
        await asyncio.sleep(0.01)
        lag = max(lag, loop.time() - begin - 0.01)
    print(lag)

asyncio.run(main())
"""


def measure(port, size, count, path="/upload"):
    """Send uploads at the same time."""
    upload_at_once(port, SMALL, count, path)
    pid = probe(port).pid
    before = resident(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # The peak is that from now on.
    control = subprocess.Popen(
        [sys.executable, "-c", CONTROL], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    try:
        took = upload_at_once(port, size, count, path)
        lag = probe(port).lag
    finally:
        said, _ = control.communicate()
    return Measured(resident(pid, "VmHWM") - before, lag, float(said), took)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", choices=COMMANDS, default="uvicorn")
    parser.add_argument("--size", type=int, default=1024, help="MiB of each upload")
    parser.add_argument("--uploads", type=int, nargs="+", default=[1, 20], help="how many at the same time")
    options = parser.parse_args()
    is_right = True
    for count in options.uploads:
        with serving(options.server) as port:
            found = measure(port, options.size * MIB, count)
        with serving(options.server) as port:
            dropped = measure(port, options.size * MIB, count, "/drop")
        print(
            f"{options.server}: {count} x {options.size} MiB in {found.took:.1f} s; memory grew by "
            f"{found.growth / MIB:.1f} MiB (dropped: {dropped.growth / MIB:.1f}), the loop was held up for "
            f"{found.lag * 1000:.0f} ms at most (dropped: {dropped.lag * 1000:.0f}; one that does nothing: "
            f"{found.control * 1000:.0f})",
            flush=True,
        )
        is_right &= is_small(found, dropped, count) and found.lag < MOST_LAG
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
