"""Drawn apps: classes of handlers that take what is drawn, return it, or raise, as their script says."""

import datetime
import functools
import types
from dataclasses import dataclass, field

from hypothesis import strategies as st
from msgspec import Struct

from jero_core import BaseApp, BytesResponse, Endpoint, HTTPError, JSONResponse, RawHeaders, Resource

from .drawn_types import (
    NAMES,
    TEXTS,
    Kind,
    below,
    decode_money,
    document,
    encode_money,
    maybe,
    pick,
    scalar,
    scalar_or_array,
    shape,
    some,
)

# Results and errors of handlers.


class Sold(HTTPError, status=409, type="/problems/sold", title="Sold"):
    item: object
    left: int = 0


class SoldOut(Sold, status=410):
    since: datetime.date = datetime.date(2026, 1, 2)


class Legacy(HTTPError):
    def __init__(self):
        super().__init__(418, "no coffee")


class Stranger(Struct):
    a: int = 0


RAW = [
    None, {}, {"X-Raw": "1", "x-other": " é "}, {"Content-Type": "text/csv"}, {"content-length": "3"}, {"x y": "1"},
    {"x-raw": "a\r\nb: c"}, {"x-raw": "日本"}, {"content-encoding": "br", "content-language": "de", "etag": '"1"'},
    RawHeaders([("Set-Cookie", "a"), ("set-cookie", "b")]), RawHeaders([("content-type", "a/b"), ("Content-Type", "c/d")]),
    {"Transfer-Encoding": "chunked"}, {"": "1"}, {"x-raw": "\0"},
]  # fmt: skip
STATUSES = [None, None, 200, 201, 299, 404, 500, 599, 204, 205, 304, 199, 600, 99, 1000, True, -1]
WRONG_RESULTS = [
    None, {}, [], "text", b"bytes", 1, Stranger(), [Stranger()], JSONResponse(json=Stranger()), JSONResponse(json={}),
    JSONResponse(json=Stranger(), headers=Stranger(), status_code="200"), BytesResponse(content=b"x"), BytesResponse(content="x"),
    BytesResponse(content=b"x", headers=Stranger()), float("nan"),
]  # fmt: skip
ERRORS = [
    HTTPError(404), HTTPError(400, "no\ud800"), HTTPError(499), HTTPError(503, headers={"Retry-After": "3", "x-a": "é"}),
    HTTPError(401, headers={"WWW-Authenticate": "Basic"}), HTTPError(400, headers={"Content-Type": "x/y"}), HTTPError(400, headers={"x": "\n"}),
    Sold(item=3), Sold(item=None, left=2, detail="gone", headers={"x-a": "b"}), Sold(item=object()), SoldOut(item=[1]), Legacy(),
    ValueError("secret"), OSError("secret"), KeyError(1), StopIteration(), RecursionError(), TypeError(),
    ExceptionGroup("", [HTTPError(404, "first"), Sold(item=1)]), ExceptionGroup("", [ExceptionGroup("", [Sold(item=2)]), HTTPError(400)]),
    ExceptionGroup("", [HTTPError(404), ValueError("secret")]),
]  # fmt: skip


def wrapped(draw, wrapper, content):
    """A response wrapper of a body, most often with typed headers."""
    body, arguments = ("content", ()) if wrapper is BytesResponse else ("json", (content.type,))
    headers = st.none()
    if maybe(draw, 70):
        typed = shape(draw, scalar_or_array, [*NAMES[:4], "content_type", "set_cookie"], plain=True)
        headers = st.one_of(typed.values, typed.values, typed.values.map(spoilt))
        arguments += (typed.type,)
    members = {body: content.values, "headers": headers}
    rare = {"raw_headers": st.sampled_from(RAW), "status_code": st.sampled_from(STATUSES)}
    values = st.fixed_dictionaries(members, optional=rare).map(lambda values: wrapper(**values))
    return Kind(wrapper[arguments] if arguments else wrapper, values)


def spoilt(struct):
    """A Struct with None in its first field, whatever that is."""
    for name in struct.__struct_fields__[:1]:
        setattr(struct, name, None)
    return struct


def reply(draw):
    """What a handler returns, plain or wrapped."""
    which = draw(below(7))
    if which == 0:
        return Kind(None, st.none())
    if which == 1:
        return Kind(str, TEXTS | st.just("\ud800"))
    if which == 2:
        return Kind(bytes, st.binary(max_size=9) | st.just(b"x" * 5000))
    if which == 3:
        return document(draw)
    if which == 4:
        return wrapped(draw, JSONResponse, document(draw))
    return wrapped(draw, BytesResponse, Kind(bytes, st.binary(max_size=9)))


def arguments_of(draw, method, slots, extra):
    """What a handler takes, by argument name, in the order of its signature."""
    found = {}
    if slots:
        # Fields beyond the mount path's slots extend it, in their order.
        mount, extended = slots[: len(slots) - extra], slots[len(slots) - extra :]
        found["path"] = shape(draw, scalar, must=[*pick(draw, [mount, mount[::-1]]), *extended], defaults=False)
    if maybe(draw, 50):
        found["params"] = shape(draw, scalar_or_array)
    if maybe(draw, 50):
        found["headers"] = shape(draw, scalar, [*NAMES, "content_type", "content_length"])
    if maybe(draw, 20):
        found["raw_headers"] = Kind(RawHeaders, st.nothing())
    if method in ("POST", "PUT", "PATCH") and not maybe(draw, 10):
        found |= {"content": Kind(bytes, st.nothing())} if maybe(draw, 20) else {"json": document(draw)}
    return {name: found[name] for name in draw(st.permutations([*found]))}


# Handlers and apps.


@dataclass
class Script:
    """What the handlers of an app do next, and what they were called with."""

    result: object = None
    error: Exception | None = None
    calls: list = field(default_factory=list)

    def call(self, name, values):
        self.calls.append((name, values))
        if self.error is not None:
            raise self.error
        return self.result


@dataclass(frozen=True)
class Operation:
    """What was drawn of one operation; in `template` the name of a slot stands in braces."""

    method: str
    template: tuple[str, ...]
    arguments: dict
    reply: Kind
    limit: int

    def __repr__(self):
        arguments = ", ".join(f"{name}: {kind!r}" for name, kind in self.arguments.items())
        return f"{self.method} /{'/'.join(self.template)} ({arguments}) -> {self.reply}, at most {self.limit} bytes"


@dataclass(frozen=True)
class Drawn:
    app: BaseApp
    operations: list[Operation]
    script: Script

    def __repr__(self):
        return "an app of:\n" + "\n".join(f"    {operation!r}" for operation in self.operations)


LIMIT = 100_000
LIMITS = [None, None, None, None, 1, 40, 200]
PARTS = ["a", "b", "{}", "é", "a~b", "{}"]
ITEM = {"read_one": "GET", "update": "PUT", "partial_update": "PATCH", "delete": "DELETE"}
RESOURCE = {"create": "POST", "read_many": "GET", **ITEM}
ENDPOINT = {"get": "GET", "post": "POST", "put": "PUT", "patch": "PATCH", "delete": "DELETE"}


@st.composite
def apps(draw):
    """One to three classes of handlers. A slot is named after its depth, so that templates collide only if equal."""
    script, operations, taken, routables = Script(), [], set(), []
    for _ in range(1 + draw(below(3))):
        parts = [pick(draw, PARTS) for _ in range(draw(below(4)))]
        mount = tuple(f"{{p{depth}}}" if part == "{}" else part for depth, part in enumerate(parts))
        kind, methods = pick(draw, [(Resource, RESOURCE), (Endpoint, ENDPOINT)])
        limit, handlers = pick(draw, LIMITS), {}
        for name in some(draw, methods, 1, 3):
            extra = draw(below(3)) if kind is Resource and name in ITEM else 0
            template = (*mount, *(f"{{p{len(mount) + index}}}" for index in range(extra)))
            slots = [part[1:-1] for part in template if part[0] == "{"]
            if (methods[name], template) in taken:
                continue
            taken.add((methods[name], template))
            arguments = arguments_of(draw, methods[name], slots, extra)
            operation = Operation(methods[name], template, arguments, reply(draw), limit or LIMIT)
            operations.append(operation)
            handlers[name] = handler_of(name, operation, draw(below(7)), draw(st.booleans()))
        if handlers:
            keywords = {"path": "/" + "/".join(mount)} | ({} if limit is None else {"max_body_size": limit})
            routables.append(type("Handlers", (kind,), {"script": script, **handlers}, **keywords)())
    return Drawn(app_of(routables), operations, script)


def handler_of(name, operation, keyword_from, is_async):
    """A handler that tells the script its arguments; those from `keyword_from` on are keyword-only."""
    code = handler_code(name, tuple(operation.arguments), keyword_from, is_async)
    handler = types.FunctionType(code, {})
    handler.__annotations__ = {each: kind.type for each, kind in operation.arguments.items()}
    handler.__annotations__["return"] = operation.reply.type
    return handler


@functools.cache
def handler_code(name, arguments, keyword_from, is_async):
    signature = ["self", *arguments]
    if keyword_from < len(arguments):
        signature.insert(1 + keyword_from, "*")
    values = ", ".join(f"{each!r}: {each}" for each in arguments)
    body = f"return self.script.call({name!r}, {{{values}}})"
    namespace = {}
    exec(f"{'async ' * is_async}def {name}({', '.join(signature)}):\n    {body}", namespace)
    return namespace[name].__code__


def app_of(routables):
    class App(BaseApp):
        max_body_size = LIMIT
        enc_hook = staticmethod(encode_money)
        dec_hook = staticmethod(decode_money)

        async def _wire(self):
            for routable in routables:
                include = self._include_resource if isinstance(routable, Resource) else self._include_endpoint
                include(routable)

    return App()
