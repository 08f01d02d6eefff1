"""Fuzzing: random requests, many of them hostile, to an app that has a bit of everything.

In the suite 20,000 requests run (test_fuzz.py). A million, over all cores, with times and memory:

    python packages/jero-core/tests/fuzzing.py --requests 1000000 --seed 1

What is demanded of every answer: legal ASGI messages in legal order, no status of 500 or above, nothing logged as an
error; of the command also no request slower than 250 ms and no growing memory. It ends with 1 if anything is otherwise,
and says with which seed and number the request can be made again (`--only NUMBER`).
"""

import argparse
import asyncio
import datetime
import enum
import logging
import os
import random
import re
import resource
import sys
import time
import uuid
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from decimal import Decimal
from typing import Annotated, Literal
from urllib.parse import quote, unquote

import msgspec
from msgspec import Meta, Struct

from jero_core import BaseApp, BytesResponse, Endpoint, HTTPError, JSONResponse, Link, Location, RawHeaders, Resource

SLOW = 0.25
MOST_GROWTH = 32
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9a-z]+")


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


class Item(Struct, rename="camel"):
    item_id: int
    name: Annotated[str, Meta(min_length=1, max_length=20)]
    tags: list[str] = []
    colour: Colour | None = None
    weight: float | None = None


class Cat(Struct, tag="cat"):
    lives: Annotated[int, Meta(ge=0, le=9)]


class Dog(Struct, tag="dog", forbid_unknown_fields=True):
    name: str
    friends: list["Cat | Dog"] = []


class Page[T](Struct):
    items: list[T]
    total: int = 0


class Keys(Struct):
    numbers: set[int] = set()
    ids: frozenset[uuid.UUID] = frozenset()
    map: dict[int, str] = {}
    sums: set[Decimal] = set()


class Times(Struct):
    at: datetime.datetime
    day: datetime.date | None = None
    data: bytes = b""
    either: int | str | None = None
    kind: Literal["a", "b", 3] = "a"
    pair: tuple[int, str] = (0, "")


class Tree(Struct):
    value: int
    children: list["Tree"] = []


class ItemPath(Struct):
    item_id: int


class ShopPath(Struct):
    shop: str
    day: datetime.date


class Query(Struct, rename="kebab"):
    q: str = ""
    page_size: Annotated[int, Meta(ge=1, le=100)] = 20
    tags: list[str] = []
    ids: set[int] = set()
    ratio: float | None = None
    exact: bool = False
    colour: Colour | None = None


class StrictQuery(Struct, forbid_unknown_fields=True):
    since: datetime.datetime
    limit: int | None = None


class Trace(Struct):
    x_trace_id: str
    x_depth: Annotated[int, Meta(ge=0)] | None = None
    x_user: str | None = None


class Total(Struct):
    x_total: int
    x_note: str | None = None


class Sold(HTTPError, status=409, type="/problems/sold", title="Sold"):
    item: int


class Items(Resource, path="/items", ref="items"):
    async def read_many(self, params: Query) -> Page[Item]:
        return Page([], len(params.tags))

    async def create(self, json: Item) -> JSONResponse[Item, Total]:
        location = Location.from_operation(Items.read_one, path=ItemPath(json.item_id))
        return JSONResponse(json=json, headers=Total(1, "new"), location=location)

    async def read_one(self, path: ItemPath, headers: Trace) -> JSONResponse[Item]:
        if path.item_id % 7 == 3:
            raise Sold(item=path.item_id)
        link = Link.from_ref("items.read_many", rel="collection", title=headers.x_user)
        return JSONResponse(json=Item(path.item_id, "x"), links=[link])

    def update(self, path: ItemPath, json: Item) -> Item:
        return json

    async def partial_update(self, path: ItemPath, content: bytes) -> bytes:
        return content

    async def delete(self, path: ItemPath) -> None:
        if path.item_id % 7 == 3:
            raise ExceptionGroup("several", [HTTPError(404, "gone"), Sold(item=1)])


class Days(Resource, path="/shops/{shop}/days"):
    async def read_one(self, path: ShopPath, *, params: StrictQuery, raw_headers: RawHeaders) -> str:
        return f"{path} {params} {len(raw_headers)}"


class Pets(Endpoint, path="/pets"):
    async def post(self, json: Cat | Dog) -> Cat | Dog:
        return json

    async def put(self, json: list[Cat | Dog], headers: Trace) -> list[Cat | Dog]:
        return json

    async def patch(self, json: Page[Item]) -> Page[Item]:
        return json


class Keyed(Endpoint, path="/keyed"):
    async def post(self, json: Keys) -> str:
        return str(len(json.numbers) + len(json.map))

    async def put(self, json: list[Keys]) -> None: ...


class Odd(Endpoint, path="/odd", max_body_size=500):
    async def get(self, raw_headers: RawHeaders) -> BytesResponse[Total]:
        return BytesResponse(
            content=b"x", headers=Total(2), raw_headers={"x-many": str(len(raw_headers.multi_items()))}
        )

    async def post(self, json: Times) -> Times:
        return json

    async def put(self, json: Tree) -> Tree:
        return json

    async def patch(self, content: bytes, params: Query) -> JSONResponse[Total]:
        return JSONResponse(json=Total(len(content)), status_code=200 + len(content) % 9)


class Root(Resource, path="/"):
    async def read_one(self, path: ItemPath) -> Item:
        return Item(path.item_id, "root")

    async def create(self, json: Tree) -> Tree:
        return json


class FuzzedApp(BaseApp):
    async def _wire(self) -> None:
        for resource_ in (Items(), Days(), Root()):
            self._include_resource(resource_)
        for endpoint in (Pets(), Keyed(), Odd()):
            self._include_endpoint(endpoint)


TEXTS = [
    "", "a", "1", "0", "-1", "01", "1_0", "1e3", "nan", "inf", "-inf", "1.5", "true", "null", "red", "x" * 300, "é", "日本",
    "2026-01-02", "2026-01-02T03:04:05Z", "9" * 30, "9" * 5000, "\x00", "\r\nx: y", "a/b", "..", ".", "%2F", "%", "+", "{}",
    "00000000-0000-0000-0000-000000000001", "\u2028", " ", "\t", "'\"<>", "a" * 20, "b" * 21, "cat", "dog", "type",
]  # fmt: skip
OPERATIONS = [
    ("GET", "/items"), ("HEAD", "/items"), ("POST", "/items"), ("GET", "/items/{}"), ("PUT", "/items/{}"), ("PATCH", "/items/{}"),
    ("DELETE", "/items/{}"), ("GET", "/shops/{}/days/2026-01-02"), ("POST", "/pets"), ("PUT", "/pets"), ("PATCH", "/pets"),
    ("POST", "/keyed"), ("PUT", "/keyed"), ("GET", "/odd"), ("POST", "/odd"), ("PUT", "/odd"), ("PATCH", "/odd"), ("GET", "/{}"),
    ("POST", "/"),
]  # fmt: skip
ESCAPES = ["%FF", "%ED%A0%80", "%00", "%2F", "%252F", "%", "%zz", "%C3%A9", "%0D%0A", "+", "%F0%9F%98%80", "%C0%AF"]
PATHS = [
    "/items", "/items/1", "/items/3", "/items/x", "/items/", "//items", "/items//1", "/", "//", "", "*", "/shops/a/days/2026-01-02",
    "/shops/%2F/days/2026-01-02", "/shops//days/2026-01-02", "/pets", "/keyed", "/odd", "/odd/", "/1", "/%31", "/é", "/missing/at/all",
    "/.", "/..", "/items/../items", "/items/%2e%2e", "/items/1?", "/" * 300, "/a" * 300,
]  # fmt: skip
BODIES = [
    b"", b"{", b"[", b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe{\x00}\x00", b"\xef\xbb\xbf{}", b'"\xed\xa0\x80"', b'"\\ud800"', b"NaN",
    b"[NaN]", b"Infinity", b"9" * 5000, b"[" + b"9" * 5000 + b"]", b"null", b"{}", b"[]", b'""', b"\x00", b"{}" + b" " * 3000, b"{}x",
    b'{"numbers":[' + b",".join(b"%d" % (n * (2**61 - 1)) for n in range(20_000)) + b"]}",
    b'{"map":{' + b",".join(b'"%d":""' % (n * (2**61 - 1)) for n in range(20_000)) + b"}}",
    b'{"type":"dog","name":"a","friends":' * 100 + b"[]" + b"}" * 100, b'{"value":1,"children":[' * 400 + b"]}" * 400,
    b"[" + b"1," * 300_000 + b"1]", b'{"items":[' + b"{}," * 100_000 + b"{}]}", b"x" * 3_000_000,
]  # fmt: skip
CONTENT_TYPES = [
    "application/json", "application/json; charset=utf-8", "application/problem+json", "APPLICATION/JSON", "text/plain", "", "json",
    "application/x-www-form-urlencoded", "application/json, text/plain", "application/+json", "a/b+json;x", "\xff",
]  # fmt: skip


class Generator:
    """Makes requests from a seed: (method, raw path, query, headers, messages, further scope items)."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def scope_and_messages(self):
        choose = self.random
        method, path = self.method_and_path()
        raw_path = path.encode("utf-8", "surrogatepass")
        body = self.body()
        headers = self.headers(body)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.4"},
            "http_version": "1.1",
            "scheme": "http",
            "method": method,
            "path": unquote(raw_path),
            "raw_path": raw_path,
            "query_string": self.query().encode("latin-1", "replace"),
            "root_path": choose.choice(["", "", "", "/api", "/items", "/"]),
            "headers": headers,
        }
        if choose.random() < 0.05:
            del scope["raw_path"]
        return scope, self.messages(body)

    def method_and_path(self):
        choose = self.random
        if choose.random() < 0.6:
            method, path = choose.choice(OPERATIONS)
            return method, path.format(choose.randint(0, 20))
        methods = ["GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS", "TRACE", "get", "X" * 50]
        return choose.choice(methods), self.path()

    def text(self):
        choose = self.random
        kind = choose.random()
        if kind < 0.7:
            return choose.choice(TEXTS)
        if kind < 0.9:
            return str(choose.randint(-10, 200))
        return "".join(
            chr(choose.choice([choose.randint(1, 127), choose.randint(128, 0x2FFF)]))
            for _ in range(choose.randint(0, 12))
        )

    def path(self):
        choose = self.random
        path = choose.choice(PATHS)
        kind = choose.random()
        if kind < 0.2:
            path = f"/items/{quote(self.text())}"
        elif kind < 0.3:
            path = f"/shops/{quote(self.text(), safe='')}/days/{quote(self.text())}"
        elif kind < 0.4:
            path += choose.choice(ESCAPES)
        return path

    def query(self):
        choose = self.random
        kind = choose.random()
        if kind < 0.3:
            return ""
        if kind < 0.31:
            return choose.choice(
                [
                    "&" * 100_000,
                    "tags=a&" * 100_000,
                    "ids=%d&" * 3000 % tuple(n * (2**61 - 1) for n in range(3000)),
                    "q=" + "a" * 100_000,
                ]
            )
        names = ["q", "page-size", "page_size", "tags", "ids", "ratio", "exact", "colour", "since", "limit", "x"]
        pairs = []
        for _ in range(choose.randint(1, 6)):
            text = self.text()
            value = choose.choice([quote(text), text.replace("&", ""), choose.choice(ESCAPES)])
            pairs.append(choose.choice([f"{choose.choice(names)}={value}", choose.choice(names), "", f"={value}"]))
        return "&".join(pairs)

    def headers(self, body):
        choose = self.random
        pairs = []
        if choose.random() < 0.85:
            pairs.append(
                ("content-type", choose.choice(CONTENT_TYPES) if choose.random() < 0.25 else "application/json")
            )
        if choose.random() < 0.7:
            pairs.append(("x-trace-id", self.text()))
        pairs.extend(
            (name, self.text())
            for name in (
                "x-depth",
                "x-user",
                "x_user",
                "x_trace_id",
                "content-length",
                "x-forwarded-host",
                "X-Trace-Id",
            )
            if choose.random() < 0.1
        )
        if choose.random() < 0.7:
            pairs.append(("content-length", str(len(body))))
        if choose.random() < 0.01:
            pairs += [("x-trace-id", "y" * 1000)] * 30
        choose.shuffle(pairs)
        return [(name.encode(), value.encode("utf-8", "replace")) for name, value in pairs]

    def value(self, depth=0):
        choose = self.random
        kind = choose.random()
        if kind < 0.5 or depth > 3:
            return choose.choice([self.text(), choose.randint(-5, 100), 1.5, True, None, 2**63, -(2**63), 1e308])
        if kind < 0.7:
            return [self.value(depth + 1) for _ in range(choose.randint(0, 4))]
        names = [
            "itemId",
            "name",
            "tags",
            "colour",
            "weight",
            "type",
            "lives",
            "friends",
            "items",
            "total",
            "numbers",
            "map",
            "value",
            "children",
            "at",
            "kind",
            "pair",
        ]
        return {choose.choice(names): self.value(depth + 1) for _ in range(choose.randint(0, 5))}

    def body(self):
        choose = self.random
        kind = choose.random()
        if kind < 0.02:
            return choose.choice(BODIES)
        if kind < 0.1:
            return choose.choice(BODIES[:20])
        if kind < 0.6:
            document = choose.choice([
                {"itemId": 1, "name": "a", "tags": ["b"], "colour": "red"},
                {"type": "cat", "lives": 9},
                {"type": "dog", "name": "rex", "friends": [{"type": "cat", "lives": 1}]},
                [{"type": "cat", "lives": 1}, {"type": "dog", "name": "rex"}],
                {"items": [{"itemId": 1, "name": "a"}], "total": 1},
                {"numbers": [1, 2], "map": {"1": "a"}, "ids": ["00000000-0000-0000-0000-000000000001"], "sums": ["1.5"]},
                {"at": "2026-01-02T03:04:05Z", "kind": "b", "pair": [1, "a"], "data": "YQ=="},
                {"value": 1, "children": [{"value": 2}, {"value": 3, "children": [{"value": 4}]}]},
            ])  # fmt: skip
            if choose.random() < 0.6:
                document = self.mutated(document)
        else:
            document = self.value()
        body = msgspec.json.encode(document)
        if choose.random() < 0.1:
            cut = choose.randint(0, len(body))
            body = body[:cut] + choose.choice([b"", b"\x00", b"\xff", b'"', b"}"]) + body[cut + choose.randint(0, 2) :]
        return body

    def mutated(self, value):
        choose = self.random
        if choose.random() < 0.25:
            return self.value(2)
        if isinstance(value, dict) and value:
            value = dict(value)
            name = choose.choice([*value])
            kind = choose.random()
            if kind < 0.2:
                del value[name]
            elif kind < 0.3:
                value["more"] = self.value(3)
            else:
                value[name] = self.mutated(value[name])
        elif isinstance(value, list) and value:
            value = [*value]
            index = choose.randrange(len(value))
            value[index] = self.mutated(value[index])
        return value

    def messages(self, body):
        choose = self.random
        kind = choose.random()
        if kind < 0.6:
            return [{"type": "http.request", "body": body, "more_body": False}]
        cuts = sorted(choose.randint(0, len(body)) for _ in range(choose.randint(0, 4)))
        pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        messages = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        if kind < 0.8:
            messages[-1]["more_body"] = False
        elif kind < 0.9:
            messages.append({"type": "http.request"})
        else:
            messages = messages[: choose.randint(0, len(messages))]
        return [*messages, {"type": "http.disconnect"}]


class Violation(Exception):
    """An answer that must not be."""


def check(condition, what):
    if not condition:
        raise Violation(what)


def check_answer(scope, sent):
    """The status of an answer, 0 if none was sent. Raises Violation."""
    if not sent:
        return 0
    start, *rest = sent
    check(start["type"] == "http.response.start", "the first message is no start")
    status, headers = start["status"], start["headers"]
    check(type(status) is int and 200 <= status < 500, f"status {status}")
    for name, value in headers:
        check(type(name) is bytes and TOKEN.fullmatch(name), f"header name {name!r}")
        check(type(value) is bytes and not re.search(rb"[\r\n\0]", value), f"header value {value!r}")
    names = [name for name, _ in headers]
    for name in (b"content-length", b"content-type", b"location", b"link"):
        check(names.count(name) < 2, f"{name!r} is sent twice")
    check(rest and all(message["type"] == "http.response.body" for message in rest), "no body, or more than a body")
    check([bool(message.get("more_body")) for message in rest] == [True] * (len(rest) - 1) + [False], "no last message")
    body = b"".join(message.get("body", b"") for message in rest)
    if status in {204, 205, 304} or scope["method"] == "HEAD":
        check(not body, "a body where there is none")
    if status in {204, 205, 304}:
        check(b"content-length" not in names and b"content-type" not in names, "content headers without content")
    elif scope["method"] != "HEAD":
        check(dict(headers)[b"content-length"] == b"%d" % len(body), "content-length is not the body's")
    if status >= 400 and body:
        problem = msgspec.json.decode(body)
        check(problem["status"] == status and problem["type"] and problem["title"], "no problem details")
    return status


class Recorder(logging.Handler):
    def __init__(self):
        super().__init__(logging.ERROR)
        self.records = []

    def emit(self, record):
        self.records.append(record)


async def run(count, seed, *, only=None, timed=False):
    """Send `count` requests; the counts by status, the slowest request and the memory's growth in MiB."""
    recorder = Recorder()
    logger = logging.getLogger("jero")
    logger.addHandler(recorder)
    app = FuzzedApp()
    await app._jero_start()
    statuses, slowest, before = Counter(), (0.0, -1), 0
    try:
        for number in range(count) if only is None else [only]:
            if number == count // 4:
                before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
            # A slow one is sent again: it is the machine that may have been busy.
            for _ in range(3):
                scope, messages = Generator(f"{seed}-{number}").scope_and_messages()
                sent, took = await send_one(app, scope, messages)
                if not timed or took <= SLOW:
                    break
            try:
                check(not isinstance(sent, Exception), repr(sent))
                check(not timed or took <= SLOW, f"{took * 1000:.0f} ms")
                statuses[check_answer(scope, sent)] += 1
                check(not recorder.records, "it was logged as an error")
            except Violation as violation:
                raise Violation(f"{violation}: --seed {seed} --only {number}: {scope!r}"[:3000]) from None
            slowest = max(slowest, (took, number))
    finally:
        await app._jero_stop()
        logger.removeHandler(recorder)
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024 if before else 0.0
    return statuses, slowest, grown


async def send_one(app, scope, messages):
    sent = []

    async def receive():
        return messages.pop(0) if messages else {"type": "http.disconnect"}

    async def send(message):
        sent.append(message)

    began = time.perf_counter()
    try:
        await app(scope, receive, send)
    except Exception as error:
        return error, 0.0
    return sent, time.perf_counter() - began


def run_part(count, seed):
    return asyncio.run(run(count, seed, timed=True))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--requests", type=int, default=20_000)
    parser.add_argument("--seed", default="1")
    parser.add_argument("--only", type=int)
    options = parser.parse_args()
    if options.only is not None:
        print(asyncio.run(run(options.only + 1, options.seed, only=options.only)))
        return 0
    parts = os.cpu_count() or 1
    statuses, failed = Counter(), False
    began = time.perf_counter()
    with ProcessPoolExecutor(parts) as pool:
        futures = [pool.submit(run_part, options.requests // parts, f"{options.seed}.{part}") for part in range(parts)]
        for part, future in enumerate(futures):
            try:
                counted, (took, number), grown = future.result()
            except Violation as violation:
                print(violation)
                failed = True
                continue
            statuses += counted
            is_flat = grown < MOST_GROWTH
            failed = failed or not is_flat
            print(
                f"part {part}: slowest {took * 1000:.1f} ms (--seed {options.seed}.{part} --only {number}), "
                f"memory grew by {grown:.1f} MiB after the first quarter{'' if is_flat else ': TOO MUCH'}"
            )
    print(f"{statuses.total()} requests in {time.perf_counter() - began:.0f} s: {dict(sorted(statuses.items()))}")
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
