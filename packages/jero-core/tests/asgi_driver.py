"""A small ASGI driver: starts an app through its lifespan and sends it one request at a time, in process."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from urllib.parse import unquote


@dataclass
class Response:
    """What the app sent for one request."""

    messages: list[dict] = field(default_factory=list)

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

    @property
    def invalid(self):
        """The places of a validation problem."""
        return [(error["source"], error["pointer"]) for error in self.json["errors"]]


class Client:
    """Sends requests to a started app."""

    def __init__(self, app):
        self.app = app

    async def request(self, method, target, *, body=None, headers=(), chunks=None, root_path="", **scope_items):
        raw_path, _, query = target.partition("?")
        pairs = [(name.lower().encode(), value.encode("latin-1")) for name, value in headers]
        if body is not None:
            pairs.append((b"content-length", b"%d" % len(body)))
        if chunks is None:
            chunks = [{"type": "http.request", "body": body or b"", "more_body": False}]
        messages = iter(chunks)
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode("latin-1"),
            "query_string": query.encode("latin-1"),
            "root_path": root_path,
            "headers": pairs,
            **scope_items,
        }
        scope = {key: value for key, value in scope.items() if value is not ...}
        response = Response()
        self.received = 0
        self.scope = scope

        async def receive():
            self.received += 1
            return next(messages, {"type": "http.disconnect"})

        async def send(message):
            response.messages.append(message)

        await self.app(scope, receive, send)
        return response

    async def json(self, method, target, body, headers=()):
        """Send a JSON body, as text."""
        return await self.request(
            method, target, body=body.encode(), headers=[("content-type", "application/json"), *headers]
        )


class StartupFailed(Exception):
    """The app refused to start; the message is what it told the server."""


@asynccontextmanager
async def lifespan(app):
    """Start an app, give the task and the messages it sent, and stop it."""
    incoming = asyncio.Queue()
    sent = asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, sent.put))
    await incoming.put({"type": "lifespan.startup"})
    message = await asyncio.wait_for(sent.get(), 5)
    if message["type"] == "lifespan.startup.failed":
        await task
        raise StartupFailed(message["message"])
    assert message == {"type": "lifespan.startup.complete"}
    outcome = {}
    try:
        yield outcome
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        outcome |= await asyncio.wait_for(sent.get(), 5)
        await task


def serve(app, conversation):
    """Run `conversation(client)` against a started app and give back its result."""

    async def main():
        async with lifespan(app) as outcome:
            result = await conversation(Client(app))
        assert outcome["type"] == "lifespan.shutdown.complete", outcome
        return result

    return asyncio.run(main())


def request(app, method, target, **options):
    """One request to an app that is started for it."""
    return serve(app, lambda client: client.request(method, target, **options))


def post_json(app, target, body, method="POST"):
    """One JSON request to an app that is started for it."""
    return serve(app, lambda client: client.json(method, target, body))


def app_of(*routables, base=None):
    """An app that includes these resources and endpoints."""
    from jero_core import BaseApp, Resource

    class App(base or BaseApp):
        async def _wire(self):
            for routable in routables:
                include = self._include_resource if isinstance(routable, Resource) else self._include_endpoint
                include(routable)

    return App()
