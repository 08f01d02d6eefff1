"""A small ASGI driver: starts an app, sends it requests in process, and stops it."""

import asyncio
import json
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

DEADLINE = 20.0
"""So many seconds that only something that hangs takes longer."""


@dataclass
class Response:
    messages: list[dict] = field(default_factory=list)

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def body(self):
        return b"".join(message.get("body", b"") for message in self.messages[1:])

    @property
    def json(self):
        return json.loads(self.body)


class StartupFailed(Exception):
    """The app refused to start; the message is what it told the server."""


class Client:
    """Sends requests to a started app."""

    def __init__(self, app):
        self.app = app

    async def request(self, method, target, send=None):
        scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": target,
            "raw_path": target.encode(),
            "query_string": b"",
            "root_path": "",
            "headers": [],
        }
        response = Response()

        async def receive():
            return {"type": "http.request", "body": b"", "more_body": False}

        async def send_to_response(message):
            if send is not None:
                await send(message)
            response.messages.append(message)

        await self.app(scope, receive, send_to_response)
        return response


@asynccontextmanager
async def started(app):
    """Start an app, give a client, and stop it."""
    incoming, sent = asyncio.Queue(), asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, sent.put))
    await incoming.put({"type": "lifespan.startup"})
    message = await asyncio.wait_for(sent.get(), DEADLINE)
    if message["type"] == "lifespan.startup.failed":
        await task
        raise StartupFailed(message["message"])
    try:
        yield Client(app)
    finally:
        await incoming.put({"type": "lifespan.shutdown"})
        message = await asyncio.wait_for(sent.get(), DEADLINE)
        await task
    assert message == {"type": "lifespan.shutdown.complete"}


def run(coroutine):
    """Run a test's coroutine; a test that hangs fails."""

    return asyncio.run(_bounded(coroutine))


async def _bounded(coroutine):
    async with asyncio.timeout(DEADLINE):
        return await coroutine


class VirtualLoop(asyncio.SelectorEventLoop):
    """An event loop whose time passes only while nothing is ready, and then at once."""

    def __init__(self):
        super().__init__()
        self._now = 0.0
        select = self._selector.select

        def jump(timeout=None):
            self._now += timeout or 0.0
            return select(0 if timeout is not None else None)

        self._selector.select = jump

    def time(self):
        return self._now


def run_timed(coroutine):
    """As `run`, where the order of what is timed decides: it is the same on a machine that is busy. For no threads."""
    with asyncio.Runner(loop_factory=VirtualLoop) as runner:
        return runner.run(_bounded(coroutine))
