"""A small ASGI driver for streams: an app started through its lifespan, and requests whose client can be slow, leave,
and read what has been sent so far.
"""

import asyncio
from contextlib import asynccontextmanager
from urllib.parse import unquote

DEADLINE = 5
"""Seconds after which a test that waits has failed; nothing here takes a tenth of it."""


class Exchange:
    """One request and what came back so far."""

    def __init__(self, app, target, *, method="GET", headers=(), leftovers=0, body=b""):
        raw_path, _, query = target.partition("?")
        self.scope = {
            "type": "http",
            "asgi": {"version": "3.0", "spec_version": "2.3"},
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(raw_path),
            "raw_path": raw_path.encode(),
            "query_string": query.encode(),
            "root_path": "",
            "headers": [(name.lower().encode(), value) for name, value in headers],
        }
        self.messages = []
        self.receives = 0
        """How often the app has asked for a message."""
        self.sends_wait = False
        """Whether each send waits until `let_send`."""
        self.error_of_send = None
        self._app = app
        self._incoming = [{"type": "http.request", "body": body, "more_body": False}] * (leftovers + bool(body))
        self._changed = asyncio.Event()
        self._gone = asyncio.Event()
        self._may_send = asyncio.Semaphore(0)
        self.task = None

    # the server's side

    async def receive(self):
        self.receives += 1
        if self._incoming:
            return self._incoming.pop(0)
        await self._gone.wait()
        return {"type": "http.disconnect"}

    async def send(self, message):
        if self.error_of_send is not None:
            raise self.error_of_send
        if self.sends_wait:
            await self._may_send.acquire()
        self.messages.append(message)
        self._changed.set()
        if message["type"] == "http.response.body" and not message.get("more_body"):
            self._gone.set()  # As servers have it: a receive() after the response is a disconnect.

    # the test's side

    def begin(self):
        self.task = asyncio.ensure_future(self._app(self.scope, self.receive, self.send))
        return self

    async def end(self):
        """Wait for the response to end, in whatever way."""
        await asyncio.wait_for(asyncio.wait([self.task]), DEADLINE)
        assert self.task.done()
        return self.task

    async def run(self):
        """The whole response; raises what the app raises."""
        self.begin()
        await asyncio.wait_for(asyncio.shield(self.task), DEADLINE)
        return self

    def leave(self):
        """Disconnect."""
        self._gone.set()

    def let_send(self, count=1):
        for _ in range(count):
            self._may_send.release()

    async def until(self, condition):
        """Wait until the condition holds for this exchange."""

        async def wait():
            while not condition(self):
                assert not self.task.done() or condition(self), "the response has ended"
                self._changed.clear()
                changed = asyncio.ensure_future(self._changed.wait())
                await asyncio.wait([self.task, changed], return_when=asyncio.FIRST_COMPLETED)
                changed.cancel()

        await asyncio.wait_for(wait(), DEADLINE)

    async def until_body(self, body):
        await self.until(lambda exchange: exchange.body == body)

    async def until_messages(self, count):
        await self.until(lambda exchange: len(exchange.messages) >= count)

    @property
    def has_started(self):
        return bool(self.messages)

    @property
    def status(self):
        return self.messages[0]["status"]

    @property
    def headers(self):
        return [(name.decode(), value.decode()) for name, value in self.messages[0]["headers"]]

    @property
    def bodies(self):
        return [message["body"] for message in self.messages[1:]]

    @property
    def body(self):
        return b"".join(self.bodies)

    @property
    def is_complete(self):
        return len(self.messages) > 1 and not self.messages[-1].get("more_body")


async def settled():
    """Let everything that is ready to run do so."""
    for _ in range(20):
        await asyncio.sleep(0)


def other_tasks():
    return asyncio.all_tasks() - {asyncio.current_task()}


@asynccontextmanager
async def started(app):
    """Start an app and stop it; gives a function that tells it to stop."""
    incoming, sent = asyncio.Queue(), asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, sent.put))
    await incoming.put({"type": "lifespan.startup"})
    message = await asyncio.wait_for(sent.get(), DEADLINE)
    assert message == {"type": "lifespan.startup.complete"}, message["message"]
    is_told = False

    async def stop():
        nonlocal is_told
        is_told = True
        await incoming.put({"type": "lifespan.shutdown"})
        return await asyncio.wait_for(sent.get(), DEADLINE)

    try:
        yield stop
    finally:
        if not is_told:
            await stop()
        await task


def app_of(*endpoints, base=None, **attributes):
    """An app that includes these endpoints."""
    from jero_core import BaseApp

    class App(base or BaseApp):
        async def _wire(self):
            for endpoint in endpoints:
                self._include_endpoint(endpoint)

    for name, value in attributes.items():
        setattr(App, name, value)
    return App()


def endpoint_of(handler, path="/stream"):
    """An endpoint whose `get` is this function of no arguments; its return annotation is the function's."""
    from jero_core import Endpoint

    async def get(self):
        return handler()

    get.__annotations__["return"] = handler.__annotations__["return"]
    return type("Streamed", (Endpoint,), {"get": get}, path=path)()


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


def run(conversation, *handlers, loop_factory=None, **attributes):
    """Run `conversation(app, begin)` against a started app of these handlers, at /stream, /stream1 and so on."""
    app = app_of(
        *(endpoint_of(handler, f"/stream{number or ''}") for number, handler in enumerate(handlers)), **attributes
    )

    async def main():
        async with started(app) as stop:
            app.stop = stop
            return await conversation(app)

    with asyncio.Runner(loop_factory=loop_factory) as runner:
        return runner.run(main())
