"""Mutated forms: random damage to multipart bodies, each sent in three chunkings.

In the suite 5,000 run (test_mutations.py). Many more, over all cores:

    python packages/jero-multipart/tests/mutations.py --bodies 100000 --seed 1

What is demanded of every body: the same answer (status, headers, content) whole, in single bytes and in random pieces;
no status of 500 or above, nothing logged, no exception; no descriptor and no temporary file left; no more than
`SLOW` seconds. It ends with 1 if anything is otherwise, and says with which seed and number the body can be made again
(`--only NUMBER`).
"""

import argparse
import asyncio
import gc
import logging
import os
import random
import signal
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated

from msgspec import Meta, Struct

from jero_core import BaseApp, Endpoint
from jero_multipart import FilePart, FormPart, FormSource, SpooledFilePart, spool

SLOW = 2
"""The most seconds for one body in one chunking."""
HELD = 64
"""What the spool holds in memory here: so little that files go to the disk."""


class Label(Struct, tag="label"):
    text: str
    size: int = 1


class Tag(Struct, tag="tag", forbid_unknown_fields=True):
    names: list[str]


class PartHead(Struct):
    x_note: str | None = None
    content_length: int = -1


class Upload(Struct):
    title: Annotated[str, Meta(max_length=40)]
    numbers: list[int] = []
    weight: float | None = None
    meta: Label | Tag | None = None
    raw: bytes = b""
    part: FormPart[str, PartHead] | None = None
    photo: FilePart | None = None
    files: list[SpooledFilePart[PartHead]] = []


class Strict(Struct, forbid_unknown_fields=True, rename="camel"):
    first_name: str
    the_file: SpooledFilePart


async def told(value):
    """Everything that a handler got, as text."""
    if isinstance(value, SpooledFilePart):
        head = (value.filename, value.content_type, value.headers, value.raw_headers.multi_items(), value.size)
        return f"{head} {await value.read()!r}"
    if isinstance(value, list):
        return "[" + ", ".join([await told(item) for item in value]) + "]"
    if isinstance(value, FormPart | FilePart):
        return f"{value!r} {value.raw_headers.multi_items()}"
    return repr(value)


async def told_all(form):
    return "\n".join([f"{name}: {await told(getattr(form, name))}" for name in form.__struct_fields__])


class Uploads(
    Endpoint,
    path="/upload",
    max_part_size=2_000,
    max_memory_size=5_000,
    max_part_headers=4,
    max_part_header_size=200,
    max_parts=12,
):
    async def post(self, form: Upload) -> str:
        return await told_all(form)

    async def put(self, form: Strict) -> str:
        return await told_all(form)


class App(BaseApp):
    sources = {**BaseApp.sources, "form": FormSource()}
    max_body_size = 20_000

    async def _wire(self):
        self._include_endpoint(Uploads())


def part(name, content, filename=None, *headers):
    disposition = f'form-data; name="{name}"' + ("" if filename is None else f'; filename="{filename}"')
    lines = [f"Content-Disposition: {disposition}", *headers]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


PARTS = [
    part("title", "Größe".encode()),
    part("title", b"x" * 41, None, "Content-Type: text/plain; charset=utf-8"),
    part("numbers", b"1"),
    part("numbers", b"-20", None, "Content-Type: text/plain"),
    part("weight", b"2.5"),
    part("meta", b'{"type": "label", "text": "a", "size": 2}', None, "Content-Type: application/json"),
    part("meta", b'{"type": "tag", "names": ["a", "b"]}', "blob", "Content-Type: application/json"),
    part("raw", bytes(range(0, 256, 4))),
    part("part", b"noted", None, "X-Note: \xe9", "Content-Length: 5"),
    part("photo", b"\r\n--\r\n\r\r\n-", "..\\a%22.png", "Content-Type: image/png"),
    part("photo", b"", ""),
    part("files", b"\n" * 30 + b"--", "a b.txt", "Content-Type: text/plain", "X-Note: n"),
    part("files", b"z" * 100, "/etc/passwd"),
    part("firstName", b"Ada"),
    part("theFile", b"\r" * 80, "f"),
    part("unknown", b"?"),
]
BOUNDARIES = [b"B", b"----WebKitFormBoundaryABCDEFGHIJKLMNOP", b"--", b"a'b(c)+_,-./:=?d"]
SPECIAL = [b"\r", b"\n", b"\r\n", b"--", b'"', b";", b"=", b":", b"\0", b" ", b"\t", b"%", b"\\", b"\xff", b"\r\n\r\n"]


def made(random_):
    """A whole body, its boundary, and what the head says of it."""
    boundary = random_.choice(BOUNDARIES)
    chosen = [random_.choice(PARTS) for _ in range(random_.choice([0, 1, 1, 2, 2, 3, 6]))]
    if random_.random() < 0.7:
        chosen.append(PARTS[0])
    random_.shuffle(chosen)
    body = random_.choice([b"", b"", b"", b"\r\n", b"preamble\r\n"])
    body += b"".join(b"--" + boundary + b"\r\n" + each + b"\r\n" for each in chosen)
    body += b"--" + boundary + b"--" + random_.choice([b"", b"\r\n", b"\r\nepilogue"])
    return body, boundary


def damaged(random_, body, boundary):
    """The body with some damage."""
    for _ in range(random_.choice([0, 1, 1, 1, 2, 3, 5])):
        at = random_.randrange(len(body) + 1)
        until = min(len(body), at + random_.choice([1, 1, 2, 5, 40]))
        match random_.randrange(14):
            case 0:
                body = body[:at] + bytes([random_.randrange(256)]) + body[at + 1 :]
            case 1 if body:
                place = random_.randrange(len(body))
                body = body[:place] + bytes([body[place] ^ (1 << random_.randrange(8))]) + body[place + 1 :]
            case 2 | 3:
                body = body[:at] + random_.choice(SPECIAL) + body[at:]
            case 4:
                body = body[:at] + body[until:]
            case 5:
                body = body[:until] + body[at:until] + body[until:]
            case 6:
                body = body[:at] + random_.choice([b"", b"\r\n", b"\n"]) + b"--" + boundary + body[at:]
            case 7:
                body = body[:at] + b"\r\n--" + boundary + random_.choice([b"--", b"\r\n", b"-", b"x"]) + body[at:]
            case 8:
                old, new = random_.choice([(b"\r\n", b"\n"), (b"\n", b"\r\n"), (b"\r", b""), (b"\r\n", b"\r")])
                body = body.replace(old, new, random_.choice([1, 1, 2, -1]))
            case 9:
                body = body[:at]
            case 10:
                # Whole occurrences of a marker, at one place of several.
                places = [i for i in range(len(body)) if body.startswith((b"\r\n", b"--" + boundary), i)]
                if places:
                    place = random_.choice(places)
                    body = body[:place] + random_.choice([b"", *SPECIAL]) + body[place + random_.choice([0, 1, 2]) :]
            case 11:
                size = random_.choice([150, 195, 196, 197, 198, 199, 200, 201, 202, 203, 400])
                line = b"X-Long: " + b"y" * (size - 8) + random_.choice([b"\r\n", b"\r\n", b"\n", b"\r", b"\ry"])
                end = body.find(b"\r\n", at) + 2
                body = body[:end] + line + body[end:]
            case 12:
                body = (
                    body[:at]
                    + random_.choice([b"a", b"\r\n", b"\r\n--" + boundary[:1]]) * random_.choice([50, 50, 700])
                    + body[at:]
                )
            case _:
                end = body.find(b"\r\n", at) + 2
                header = random_.choice(
                    [
                        b"Content-Length: %d" % random_.choice([0, 4, 5, 6, 10**9, -1]),
                        b"Content-Transfer-Encoding: base64",
                        b"Content-Type: text/plain; charset=utf-16",
                        b'Content-Disposition: form-data; name="title"',
                        b" folded: x",
                        b"no colon",
                    ]
                )
                body = body[:end] + header + b"\r\n" + body[end:]
    return body


def case(seed, number):
    """A request: its method, headers, body and end."""
    random_ = random.Random(f"{seed}.{number}")
    body, boundary = made(random_)
    body = damaged(random_, body, boundary)
    header = b"multipart/form-data; boundary=" + (b'"' + boundary + b'"' if len(boundary) < 20 else boundary)
    if random_.random() < 0.02:
        header = header[: random_.randrange(len(header))]
    headers = [(b"content-type", header)]
    size = len(body)
    announced = random_.choice([None, size, size, size, max(0, size - 1), size + 1, size // 2, 10**6, size - 2])
    if announced is not None:
        headers.append((b"content-length", b"%d" % announced))
    return random_.choice(["POST", "POST", "PUT"]), headers, body, random_.random() < 0.03, random_


def pieces_of(body, kind, random_):
    if kind == "whole" or not body:
        return [body]
    if kind == "bytes":
        return [body[index : index + 1] for index in range(len(body))]
    cuts = sorted(random_.sample(range(len(body) + 1), min(len(body), random_.randrange(12))))
    return [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]


async def answer(app, method, headers, pieces, is_cut):
    """What was sent for one request, and nothing may be raised."""
    messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    messages.append(
        {"type": "http.disconnect"} if is_cut else {"type": "http.request", "body": b"", "more_body": False}
    )
    incoming = iter(messages)
    sent = []
    scope = {"type": "http", "method": method, "path": "/upload", "raw_path": b"/upload", "query_string": b""}
    scope |= {"headers": [*headers], "root_path": ""}

    async def receive():
        return next(incoming, {"type": "http.disconnect"})

    async def send(message):
        sent.append(message)

    await app(scope, receive, send)
    return sent


class Faults(logging.Handler):
    def __init__(self):
        super().__init__()
        self.records = []

    def emit(self, record):
        self.records.append(self.format(record))


@contextmanager
def watched(folder):
    """A place of its own for temporary files, a small spool, and a log that is looked at."""
    faults = Faults()
    logger = logging.getLogger("jero")
    held, spool.HELD, before, tempfile.tempdir = spool.HELD, HELD, tempfile.tempdir, str(folder)
    logger.addHandler(faults)
    try:
        yield faults
    finally:
        logger.removeHandler(faults)
        spool.HELD, tempfile.tempdir = held, before


def descriptors():
    return len([*Path("/proc/self/fd").iterdir()]) if Path("/proc/self/fd").exists() else 0


async def check(app, seed, number, faults, folder):
    """What is wrong with the answers to one body, and their status."""
    method, headers, body, is_cut, random_ = case(seed, number)
    answers = {}
    before = descriptors()
    for kind in ("whole", "bytes", "random"):
        signal.setitimer(signal.ITIMER_REAL, SLOW)
        try:
            answers[kind] = await answer(app, method, headers, pieces_of(body, kind, random_), is_cut)
        except BaseException as error:
            return f"{kind}: {error!r}", 0
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
    if answers["bytes"] != answers["whole"] or answers["random"] != answers["whole"]:
        return f"answers differ: {answers}", 0
    status = answers["whole"][0]["status"] if answers["whole"] else 0
    if status >= 500 or faults.records:
        return f"{status}: {faults.records}", status
    App.sources["form"]._disk.submit(int).result()  # An abandoned spool is closed behind what is under way.
    if descriptors() > before or [*Path(folder).iterdir()]:
        return f"descriptors {before} to {descriptors()}, files {[*Path(folder).iterdir()]}", status
    return None, status


async def run(seed, numbers, folder):
    """Problems by number, and how often each status came."""
    problems, statuses = {}, Counter()
    with watched(folder) as faults:
        app = App()
        await app._jero_start()
        disk = App.sources["form"]._disk
        disk._threads = ThreadPoolExecutor(1)  # One, so that jobs have an order.
        disk.submit(gc.collect).result()
        for number in numbers:
            faults.records.clear()
            problem, status = await check(app, seed, number, faults, folder)
            statuses[status] += 1
            if problem is not None:
                problems[number] = problem
        await app._jero_stop()
    return problems, statuses


def run_range(seed, numbers):
    def slow(*_):
        raise TimeoutError(f"more than {SLOW} s")

    before = signal.signal(signal.SIGALRM, slow)
    try:
        with tempfile.TemporaryDirectory() as folder:
            return asyncio.run(run(seed, numbers, folder))
    finally:
        signal.signal(signal.SIGALRM, before)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--bodies", type=int, default=100_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", type=int)
    parser.add_argument("--processes", type=int, default=os.cpu_count())
    options = parser.parse_args()
    begin = time.perf_counter()
    if options.only is not None:
        print(*case(options.seed, options.only)[:3], sep="\n")
        problems, statuses = run_range(options.seed, [options.only])
    else:
        step = 500
        ranges = [range(start, min(start + step, options.bodies)) for start in range(0, options.bodies, step)]
        problems, statuses = {}, Counter()
        with ProcessPoolExecutor(options.processes) as pool:
            for found, counted in pool.map(run_range, [options.seed] * len(ranges), ranges):
                problems |= found
                statuses += counted
                for number, problem in found.items():
                    print(f"--seed {options.seed} --only {number}: {problem}"[:2_000])
    print(
        f"{statuses.total()} bodies in three chunkings, {time.perf_counter() - begin:.0f} s; status: {dict(statuses)}"
    )
    if problems:
        print(f"{len(problems)} problems")
    return 1 if problems else 0


if __name__ == "__main__":
    sys.exit(main())
