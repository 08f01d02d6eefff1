"""A small ASGI driver for gates: starts an app, sends it requests in process, and counts its `receive()` calls."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote

from jero_auth import AuthGuards, UserSource
from jero_core import BaseApp, Resource


class AuthApp(BaseApp):
    """What an app of jero-core adds for jero-auth."""

    sources = {**BaseApp.sources, "user": UserSource()}
    guards = AuthGuards()


@dataclass
class Response:
    """What the app sent for one request, and how often it asked for a message."""

    messages: list[dict] = field(default_factory=list)
    received: int = 0

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        return [(name.decode("latin-1"), value.decode("latin-1")) for name, value in self.messages[0]["headers"]]

    def header(self, name):
        values = [value for key, value in self.headers if key == name]
        assert len(values) < 2, f"{name} is sent twice"
        return values[0] if values else None

    @property
    def body(self):
        return b"".join(message["body"] for message in self.messages[1:])

    @property
    def json(self):
        return json.loads(self.body)


def scope_of(method, target, headers=(), **items):
    """An HTTP scope; header values are str or bytes."""
    raw_path, _, query = target.partition("?")
    return {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.3"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(raw_path),
        "raw_path": raw_path.encode("latin-1"),
        "query_string": query.encode("latin-1"),
        "root_path": "",
        "headers": [
            (name.lower().encode("latin-1"), value if isinstance(value, bytes) else value.encode("latin-1"))
            for name, value in headers
        ],
        **items,
    }


async def ask(app, scope, body=b""):
    """Send one request to a started app."""
    response = Response()

    async def receive():
        response.received += 1
        return {"type": "http.request", "body": body, "more_body": False}

    async def send(message):
        response.messages.append(message)

    await app(scope, receive, send)
    return response


class StartupFailed(Exception):
    """The app refused to start; the message is what it told the server."""


@asynccontextmanager
async def started(app):
    """Start an app, and stop it."""
    incoming, sent = asyncio.Queue(), asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, sent.put))
    await incoming.put({"type": "lifespan.startup"})
    message = await asyncio.wait_for(sent.get(), 5)
    if message["type"] == "lifespan.startup.failed":
        await task
        raise StartupFailed(message["message"])
    try:
        yield
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        message = await asyncio.wait_for(sent.get(), 5)
        await task
    assert message == {"type": "lifespan.shutdown.complete"}


def serve(app, conversation):
    """Run `conversation(ask)` against a started app; `ask(method, target, headers, body, **scope items)`."""

    async def main():
        async with started(app):

            async def request(method, target, headers=(), body=b"", **items):
                if body:
                    headers = [*headers, ("content-length", str(len(body)))]
                return await ask(app, scope_of(method, target, headers, **items), body)

            return await conversation(request)

    return asyncio.run(main())


def request(app, method, target, headers=(), body=b"", **items):
    """One request to an app that is started for it."""
    return serve(app, lambda ask: ask(method, target, headers, body, **items))


def report_of(app):
    """What an app that does not start tells the server."""

    async def main():
        async with started(app):
            pass

    try:
        asyncio.run(main())
    except StartupFailed as failure:
        return str(failure)
    raise AssertionError("the app starts")


def app_of(*pairs, base=AuthApp, default=None):
    """An app that includes these (resource or endpoint, auth) pairs."""

    class App(base):
        default_auth = default

        async def _wire(self):
            for routable, auth in pairs:
                include = self._include_resource if isinstance(routable, Resource) else self._include_endpoint
                include(routable, auth=auth)

    return App()
