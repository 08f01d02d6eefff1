"""A small ASGI driver for forms: builds bodies, sends them in pieces, and keeps what was answered."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from jero_core import BaseApp, Endpoint
from jero_multipart import FormSource

BOUNDARY = "----WebKitFormBoundaryABCDEFGHIJKLMNOP"
TYPE = f"multipart/form-data; boundary={BOUNDARY}"
URLENCODED = "application/x-www-form-urlencoded"


class FormApp(BaseApp):
    """A base of apps with forms. Each class has a source of its own, and with it threads of its own."""

    sources = {**BaseApp.sources, "form": FormSource()}

    async def _wire(self): ...


def app_of(*endpoints, base=FormApp):
    class App(base):
        async def _wire(self):
            for endpoint in endpoints:
                self._include_endpoint(endpoint)

    return App()


def echo(form, answer=repr, **keywords):
    """An app whose one endpoint answers with what `answer` makes of the form."""

    class Spot(Endpoint, path="/spot", **keywords):
        async def post(self, form: form) -> str:
            made = answer(form)
            return await made if asyncio.iscoroutine(made) else made

    return app_of(Spot())


def part(name, content=b"", filename=None, headers=()):
    """One part as bytes, without the boundary."""
    content = content.encode() if isinstance(content, str) else content
    head = f'Content-Disposition: form-data; name="{name}"'
    head += "" if filename is None else f'; filename="{filename}"'
    lines = [head, *(f"{key}: {value}" for key, value in headers)]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + content


def multipart(*parts, boundary=BOUNDARY):
    """A body of parts: made by `part`, or (name, content, filename, headers)."""
    made = [each if isinstance(each, bytes) else part(*each) for each in parts]
    mark = b"--" + boundary.encode()
    return b"".join(mark + b"\r\n" + each + b"\r\n" for each in made) + mark + b"--\r\n"


@dataclass
class Response:
    messages: list[dict] = field(default_factory=list)
    received: int = 0
    """The messages that the app has asked for."""
    received_bytes: int = 0

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def body(self):
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def text(self):
        return self.body.decode()

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def detail(self):
        return self.json["detail"]

    @property
    def invalid(self):
        """The problems by pointer; each is one of the form."""
        assert {error["source"] for error in self.json["errors"]} == {"form"}
        return {error["pointer"]: error["detail"] for error in self.json["errors"]}


@asynccontextmanager
async def started(app):
    """Start an app, and stop it."""
    incoming, sent = asyncio.Queue(), asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, sent.put))
    await incoming.put({"type": "lifespan.startup"})
    message = await asyncio.wait_for(sent.get(), 10)
    assert message == {"type": "lifespan.startup.complete"}, message.get("message", message)
    try:
        yield
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        assert (await asyncio.wait_for(sent.get(), 20))["type"] == "lifespan.shutdown.complete"
        await task


def scope_of(target="/spot", content_type=TYPE, length=None, method="POST", headers=()):
    pairs = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    if content_type is not None:
        pairs.append((b"content-type", content_type.encode("latin-1")))
    if length is not None:
        pairs.append((b"content-length", b"%d" % length))
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": target,
        "raw_path": target.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": pairs,
    }


async def send(app, body=b"", *, chunks=None, is_cut=False, announced=..., on_send=None, **options):
    """Send one request to a started app; `chunks` (an iterable) stands for a body without a length."""
    length = (None if chunks is not None else len(body)) if announced is ... else announced
    pieces = iter([body] if chunks is None else chunks)
    response = Response()
    is_over = False

    async def receive():
        nonlocal is_over
        response.received += 1
        piece = next(pieces, None)
        if piece is not None:
            response.received_bytes += len(piece)
            return {"type": "http.request", "body": piece, "more_body": True}
        if is_cut or is_over:
            return {"type": "http.disconnect"}
        is_over = True
        return {"type": "http.request", "body": b"", "more_body": False}

    async def keep(message):
        response.messages.append(message)
        if on_send is not None:
            await on_send(message)

    await app(scope_of(length=length, **options), receive, keep)
    return response


def post(app, body=b"", **options):
    """Send one request to an app that is started for it."""

    async def main():
        async with started(app):
            return await asyncio.wait_for(send(app, body, **options), 30)

    return asyncio.run(main())


def form_post(app, *parts, **options):
    """Send a multipart form."""
    return post(app, multipart(*parts), **options)
