"""An app that shows what reached it and answers in every way: the same through each server and each test client."""

import asyncio
import contextlib
import gzip
import hashlib
from typing import Annotated

from msgspec import Meta, Struct

from jero import BaseApp, BytesResponse, Endpoint, HTTPError, JSONResponse, Resource


class TextPath(Struct):
    text: str


class Query(Struct):
    q: str = ""
    n: int = 0
    tag: list[str] = []
    flag: bool = False


class Head(Struct):
    x_trace: str = "none"
    x_count: int | None = None


class Seen(Struct):
    text: str
    query: Query
    trace: str
    count: int | None


class EchoEndpoint(Endpoint, path="/echo/{text}"):
    async def get(self, path: TextPath, params: Query, headers: Head) -> Seen:
        return Seen(path.text, params, headers.x_trace, headers.x_count)

    async def delete(self, path: TextPath, params: Query) -> None: ...


class Item(Struct):
    name: Annotated[str, Meta(min_length=1, max_length=100)]
    price: Annotated[float, Meta(ge=0)] = 0.0
    tags: list[str] = []


class ItemPath(Struct):
    item_id: int


class ItemResource(Resource, path="/items", max_body_size=64 * 1024):
    async def create(self, json: Item) -> Item:
        return json

    async def read_one(self, path: ItemPath) -> Item:
        if path.item_id == 0:
            raise HTTPError(404, "there is no item 0", headers={"x-hint": "1"})
        return Item(f"item {path.item_id}")

    async def update(self, path: ItemPath, json: Item) -> Item:
        return json

    async def partial_update(self, path: ItemPath, json: Item) -> JSONResponse[Item]:
        return JSONResponse(json=json, status_code=202, raw_headers={"x-patched": "yes"})

    async def delete(self, path: ItemPath) -> None: ...


class BytesEndpoint(Endpoint, path="/bytes"):
    async def get(self) -> bytes:
        return bytes(range(256)) * 4096

    async def post(self, content: bytes) -> bytes:
        return content

    async def put(self, content: bytes) -> str:
        return hashlib.sha256(content).hexdigest()

    async def patch(self, content: bytes) -> BytesResponse:
        return BytesResponse(content=content, raw_headers={"content-type": "text/css", "x-a": "é"})


class StatusPath(Struct):
    status: int


class StatusEndpoint(Endpoint, path="/status/{status}"):
    async def get(self, path: StatusPath) -> BytesResponse:
        return BytesResponse(content=b"content", status_code=path.status)

    async def post(self, path: StatusPath) -> None:
        raise HTTPError(path.status, "as asked")


class BrokenEndpoint(Endpoint, path="/broken"):
    async def get(self) -> str:
        raise ValueError("secret")

    async def post(self, content: bytes) -> str:
        raise ValueError("secret")


class AlikeApp(BaseApp):
    async def _wire(self) -> None:
        for endpoint in (EchoEndpoint(), BytesEndpoint(), StatusEndpoint(), BrokenEndpoint()):
            self._include_endpoint(endpoint)
        self._include_resource(ItemResource())


alike = AlikeApp()


async def app(scope, receive, send):
    """The app, and raw streams under /raw."""
    if scope["type"] == "http" and scope["path"].startswith("/raw/"):
        await globals()[f"raw_{scope['path'].removeprefix('/raw/')}"](scope, receive, send)
    else:
        await alike(scope, receive, send)


async def start(send, status=200, *headers):
    await send({"type": "http.response.start", "status": status, "headers": [*headers]})


async def piece(send, data, *, more=True):
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def raw_stream(scope, receive, send):
    """As many pieces of as many bytes as the query says."""
    count, size = map(int, scope["query_string"].split(b"x"))
    await start(send, 200, (b"content-type", b"application/x-ndjson"))
    for number in range(count if scope["method"] != "HEAD" else 0):
        await piece(send, b"%d " % number + b"x" * size + b"\n")
    await piece(send, b"", more=False)


async def raw_events(scope, receive, send):
    await start(send, 200, (b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache"))
    for number in range(3):
        await piece(send, f"id: {number}\nevent: tick\ndata: é\n\n".encode())
        await asyncio.sleep(0)
    await piece(send, b"", more=False)


async def raw_sized(scope, receive, send):
    """A stream whose length is known."""
    await start(send, 200, (b"content-length", b"6"))
    for _ in range(3):
        await piece(send, b"ab")
    await piece(send, b"", more=False)


async def raw_upload(scope, receive, send):
    digest, size, more = hashlib.sha256(), 0, True
    while more:
        message = await receive()
        digest.update(message.get("body", b""))
        size += len(message.get("body", b""))
        more = message.get("more_body", False)
    await start(send)
    await piece(send, f"{size} {digest.hexdigest()}".encode(), more=False)


async def raw_headers(scope, receive, send):
    """The request's headers, those that are the test's."""
    shown = [b"%s: %s" % pair for pair in scope["headers"] if pair[0].startswith(b"x-") or pair[0] == b"cookie"]
    await start(send, 200, (b"set-cookie", b"a=1"), (b"set-cookie", b"b=2; Path=/"), (b"x-empty", b""))
    await piece(send, b"\n".join(shown), more=False)


async def raw_scope(scope, receive, send):
    parts = scope["type"], scope["http_version"], scope["method"], scope["scheme"], scope["path"], scope["query_string"]
    await start(send)
    await piece(send, repr((*parts, scope.get("root_path", ""), scope.get("raw_path"))).encode(), more=False)


async def raw_gzip(scope, receive, send):
    data = gzip.compress(b"hello " * 1000, mtime=0)
    await start(send, 200, (b"content-encoding", b"gzip"), (b"content-length", b"%d" % len(data)))
    await piece(send, data, more=False)


async def raw_early(scope, receive, send):
    """An answer before the body has been read."""
    await start(send, 401, (b"www-authenticate", b"Basic"))
    await piece(send, b"no", more=False)


async def raw_abort(scope, receive, send):
    """A response that breaks off, with a known length or without."""
    known = [(b"content-length", b"1000")] if scope["query_string"] == b"known" else []
    await start(send, 200, *known)
    await piece(send, b"half")
    with contextlib.suppress(Exception):
        await asyncio.sleep(0.05)
    raise ValueError("in the middle")


async def raw_fail(scope, receive, send):
    raise ValueError("before the start")
