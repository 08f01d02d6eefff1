"""Large uploads over a real socket: what they do to a server's memory and to its event loop.

    python packages/jero-multipart/tests/large_uploads.py --server uvicorn --size 1024 --uploads 1 20

starts the server with the app below, sends that many uploads of `--size` MiB at once, and tells by how much the server's
memory grew and how long its event loop was held up (a prober in the server that sleeps 10 ms at a time). It ends with 1
if that was 8 MiB or 50 ms. In the suite a smaller one runs; `pytest -m soak packages/jero-multipart` runs the whole.

Growth is the peak of the resident set, against what it was after as many uploads of `SMALL` bytes at once: so what a
server keeps for each connection, whatever is sent, is left out. (20 connections alone, with an app that throws away what
it receives, make uvicorn grow by 8 to 9 MiB and granian by 34; `--idle` measures against one connection.)
Where there are several CPUs, the server has one to itself, as the clients would be elsewhere.
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
from pathlib import Path

from msgspec import Struct, json

from jero_core import BaseApp, Endpoint
from jero_multipart import FormSource, SpooledFilePart

MIB = 1024 * 1024
SMALL = 2 * MIB
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
    sources = {**BaseApp.sources, "form": FormSource()}

    async def _wire(self):
        probes = Probes()
        self._include_endpoint(Uploads())
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
    cpus = sorted(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else []
    pinned = ["taskset", "-c", str(cpus[0])] if len(cpus) > 1 and shutil.which("taskset") else []
    if pinned:
        os.sched_setaffinity(0, cpus[1:])
    command = [*pinned, sys.executable, *(word.format(port=port) for word in COMMANDS[kind]), "large_uploads:app"]
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
        if pinned:
            os.sched_setaffinity(0, cpus)
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


def upload(port, size):
    """Upload a file of `size` bytes."""
    block = os.urandom(MIB)
    length = len(HEAD) + size + len(TAIL)
    request = b"POST /upload HTTP/1.1\r\nhost: t\r\nconnection: close\r\ncontent-length: %d\r\n" % length
    request += b"content-type: multipart/form-data; boundary=%s\r\n\r\n" % BOUNDARY

    def chunks():
        yield HEAD
        left = size
        while left:
            yield block[:left] if left < MIB else block
            left -= min(left, MIB)
        yield TAIL

    told = json.decode(exchange(port, request, chunks()), type=Told)
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


def upload_at_once(port, size, count):
    """Send some uploads at the same time; how long they took, in s."""
    failures = []

    def one():
        try:
            upload(port, size)
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


def measure(port, size, count, *, is_idle=False):
    """Growth of the server's memory in bytes, the longest lag of its loop in s, and how long it took in s."""
    upload_at_once(port, SMALL, 1 if is_idle else count)
    pid = probe(port).pid
    before = resident(pid, "VmRSS")
    Path(f"/proc/{pid}/clear_refs").write_text("5")  # The peak is that from now on.
    took = upload_at_once(port, size, count)
    return resident(pid, "VmHWM") - before, probe(port).lag, took


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--server", choices=COMMANDS, default="uvicorn")
    parser.add_argument("--size", type=int, default=1024, help="MiB of each upload")
    parser.add_argument("--uploads", type=int, nargs="+", default=[1, 20], help="how many at the same time")
    parser.add_argument("--idle", action="store_true", help="measure growth against a server with one connection")
    options = parser.parse_args()
    is_right = True
    for count in options.uploads:
        with serving(options.server) as port:
            growth, lag, took = measure(port, options.size * MIB, count, is_idle=options.idle)
        print(
            f"{options.server}: {count} x {options.size} MiB in {took:.1f} s; "
            f"memory grew by {growth / MIB:.1f} MiB, the loop was held up for {lag * 1000:.0f} ms at most"
        )
        is_right &= growth < MOST_GROWTH and lag < MOST_LAG
    return 0 if is_right else 1


if __name__ == "__main__":
    sys.exit(main())
