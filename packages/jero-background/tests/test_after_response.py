"""Items that wait for the response, in an app."""

import asyncio
import contextlib
import contextvars
import inspect

import pytest
from msgspec import Struct

from jero_background import AfterResponse, AfterResponseSource, BackgroundClosedError, BackgroundTasks
from jero_core import BaseApp, Endpoint, HTTPError, JSONResponse
from jero_core.extend import Fragment, Reply

from .background_driver import run, started

VARIABLE = contextvars.ContextVar("VARIABLE", default=None)


class Mail(Struct):
    number: int


class Other(Struct):
    number: int


class Orders(Endpoint, path="/orders"):
    """Adds an item after the response, and then does what it is told to."""

    def __init__(self, tasks, then):
        self.tasks, self.then, self.ids = tasks, then, []

    async def post(self, after_response: AfterResponse) -> JSONResponse[Mail]:
        VARIABLE.set("the request")
        self.ids.append(self.tasks.add_after_response(Mail(1), after_response))
        VARIABLE.set("later")
        return self.then() or JSONResponse(json=Mail(1))

    get = post


class App(BaseApp):
    sources = {**BaseApp.sources, "after_response": AfterResponseSource()}

    def __init__(self, then=lambda: None, **settings):
        super().__init__()
        self.then, self.settings, self.events = then, settings, []
        self.gate = asyncio.Event()
        self.gate.set()

    async def handle(self, item: Mail) -> None:
        await self.gate.wait()
        self.events.append(VARIABLE.get())

    async def _wire(self):
        self.tasks = await self._aenter(BackgroundTasks(**self.settings))
        self.tasks.register(self.handle)
        self.orders = Orders(self.tasks, self.then)
        self._include_endpoint(self.orders)


def post(app, method="POST", send=None):
    async def main():
        async with started(app) as client:
            return await client.request(method, "/orders", send)

    return run(main())


def dropped(caplog):
    return [record.args[1] for record in caplog.records if "is dropped" in record.msg]


@pytest.mark.parametrize("method", ["POST", "GET", "HEAD"])
def test_the_item_runs_once_the_response_has_been_sent(method):
    async def note(message):
        await asyncio.sleep(0.01)
        app.events.append(message["type"])

    app = App()
    assert post(app, method, note).status == 200
    assert app.events == ["http.response.start", "http.response.body", "the request"]


def raiser(error):
    def then():
        raise error

    return then


@pytest.mark.parametrize(
    ("then", "status"),
    [
        (raiser(HTTPError(409)), 409),
        (raiser(ValueError()), 500),
        (lambda: JSONResponse(json=Mail(1), status_code=400), 400),
        (lambda: JSONResponse(json=Other(1)), 500),
        (lambda: JSONResponse(json=Mail(1), raw_headers={"x-broken": "a\nb"}), 500),
    ],
)
def test_a_response_that_failed_lets_nothing_run(then, status, caplog):
    app = App(then)
    assert post(app).status == status
    assert app.events == []
    assert app.tasks.stats().done == 0
    assert dropped(caplog) == []


@pytest.mark.parametrize("status", [200, 201, 204, 303])
def test_a_response_below_400_lets_it_run(status):
    app = App(lambda: JSONResponse(json=Mail(1), status_code=status))
    assert post(app).status == status
    assert app.events == ["the request"]


@pytest.mark.parametrize("at", ["http.response.start", "http.response.body"])
@pytest.mark.parametrize("error", [OSError("gone"), RuntimeError("broken")])
def test_a_client_that_is_gone_before_the_response_has_left_lets_nothing_run(at, error):
    async def send(message):
        if message["type"] == at:
            raise error

    app = App()

    async def main():
        async with started(app) as client:
            with contextlib.suppress(RuntimeError):
                await client.request("POST", "/orders", send)

    run(main())
    assert app.events == []


def test_a_request_that_is_cancelled_while_it_is_answered_lets_nothing_run(caplog):
    async def hang(message):
        await asyncio.get_running_loop().create_future()

    app = App()

    async def main():
        async with started(app) as client:
            request = asyncio.create_task(client.request("POST", "/orders", hang))
            await asyncio.sleep(0.01)
            request.cancel()
            await asyncio.wait([request])

    run(main())
    assert app.events == []
    assert dropped(caplog) == []


class Streamed:
    """A response of several messages, as jero-streaming sends one."""

    def __init__(self, *steps):
        self.steps = steps

    async def send(self, send):
        for step in self.steps:
            if isinstance(step, Exception):
                raise step
            await send(step)

    @classmethod
    def __jero_reply__(cls, returned, context):
        send = Fragment.of("await result.send($send)")
        return Reply((), context.status, "application/octet-stream", bytes, decides_head=True, send=send)


START = {"type": "http.response.start", "status": 200, "headers": []}
PART = {"type": "http.response.body", "body": b"part", "more_body": True}
END = {"type": "http.response.body", "body": b"", "more_body": False}


class Streams(Endpoint, path="/orders"):
    def __init__(self, tasks, steps):
        self.tasks, self.steps = tasks, steps

    async def post(self, after_response: AfterResponse) -> Streamed:
        self.tasks.add_after_response(Mail(1), after_response)
        return Streamed(*self.steps)


class StreamApp(App):
    async def _wire(self):
        self.tasks = await self._aenter(BackgroundTasks())
        self.tasks.register(self.handle)
        self._include_endpoint(Streams(self.tasks, self.then))


def test_a_stream_that_has_been_sent_to_its_end_lets_it_run_and_not_earlier():
    async def note(message):
        await asyncio.sleep(0.01)
        app.events.append(message.get("more_body"))

    app = StreamApp((START, PART, PART, END))
    post(app, send=note)
    assert app.events == [None, True, True, False, None]  # The last is the handler's.


@pytest.mark.parametrize("steps", [(START, PART), (START, PART, ValueError()), (ValueError(),)])
def test_a_stream_that_breaks_off_lets_nothing_run(steps):
    app = StreamApp(steps)

    async def main():
        async with started(app) as client:
            with contextlib.suppress(ValueError):
                await client.request("POST", "/orders")

    run(main())
    assert app.events == []


def test_a_full_queue_makes_the_item_wait_behind_its_response():
    app = App(maxsize=1)

    async def main():
        async with started(app) as client:
            app.gate.clear()
            for number in range(2):
                await app.tasks.add(Mail(number))
            sent = asyncio.Event()

            async def note(message):
                if message["type"] == "http.response.body":
                    sent.set()

            request = asyncio.create_task(client.request("POST", "/orders", note))
            await sent.wait()
            await asyncio.sleep(0)
            assert not request.done()
            assert app.tasks.stats().queued == 1
            app.gate.set()
            assert (await request).status == 200

    run(main())
    assert app.tasks.stats().done == 3


def test_a_stop_waits_for_items_behind_their_responses():
    app = App(maxsize=1)

    async def main():
        async with started(app) as client:
            app.gate.clear()
            for number in range(2):
                await app.tasks.add(Mail(number))
            sent = asyncio.Event()

            async def note(message):
                if message["type"] == "http.response.body":
                    sent.set()

            requests = [asyncio.create_task(client.request("POST", "/orders", note)) for _ in range(5)]
            await sent.wait()
            asyncio.get_running_loop().call_later(0.05, app.gate.set)
        return [(await request).status for request in requests]

    assert run(main()) == [200] * 5
    assert app.tasks.stats().done == 7


def test_an_item_whose_request_is_cancelled_behind_the_response_is_logged_as_dropped(caplog):
    app = App(maxsize=1)

    async def main():
        async with started(app) as client:
            app.gate.clear()
            for number in range(2):
                await app.tasks.add(Mail(number))
            sent = asyncio.Event()

            async def note(message):
                if message["type"] == "http.response.body":
                    sent.set()

            request = asyncio.create_task(client.request("POST", "/orders", note))
            await sent.wait()
            await asyncio.sleep(0.01)
            request.cancel()
            await asyncio.wait([request])
            assert request.cancelled()
            app.gate.set()

    run(main())
    assert app.tasks.stats().done == 2
    assert app.tasks.stats().dropped == 1
    assert dropped(caplog) == app.orders.ids


def test_an_item_that_comes_after_the_queue_has_closed_is_logged_as_dropped(caplog):
    class Late(App):
        shutdown_timeout = 0.01

    app = Late()

    async def main():
        release = asyncio.Event()

        async def slow(message):
            if message["type"] == "http.response.body":
                await release.wait()

        async with started(app) as client:
            request = asyncio.create_task(client.request("POST", "/orders", slow))
            await asyncio.sleep(0.01)
        release.set()
        assert (await request).status == 200

    run(main())
    assert app.events == []
    assert dropped(caplog) == app.orders.ids


def test_adding_before_the_response_to_a_closed_queue_is_503():
    class Late(App):
        shutdown_timeout = 0.01

    release = asyncio.Event()

    class Slow(Endpoint, path="/orders"):
        def __init__(self, tasks):
            self.tasks = tasks

        async def post(self) -> None:
            await release.wait()
            await self.tasks.add(Mail(1))

    class SlowApp(Late):
        async def _wire(self):
            self.tasks = await self._aenter(BackgroundTasks())
            self.tasks.register(self.handle)
            self._include_endpoint(Slow(self.tasks))

    async def main():
        async with started(SlowApp()) as client:
            request = asyncio.create_task(client.request("POST", "/orders"))
            await asyncio.sleep(0.01)
        release.set()
        response = await request
        return response.status, response.json["detail"]

    assert run(main()) == (503, BackgroundClosedError(detail="The server is being stopped.").detail)


def test_a_response_that_is_over_takes_nothing_more():
    kept = []

    class Keep(Endpoint, path="/orders"):
        async def post(self, after_response: AfterResponse) -> None:
            kept.append(after_response)

    class KeepApp(App):
        async def _wire(self):
            self.tasks = await self._aenter(BackgroundTasks())
            self.tasks.register(self.handle)
            self._include_endpoint(Keep())

    app = KeepApp()

    async def main():
        async with started(app) as client:
            await client.request("POST", "/orders")
            with pytest.raises(RuntimeError, match="over"):
                app.tasks.add_after_response(Mail(1), kept[0])

    run(main())
    assert app.events == []


def test_an_item_without_a_handler_is_told_at_once():
    class Wrong(Endpoint, path="/orders"):
        def __init__(self, tasks):
            self.tasks = tasks

        async def post(self, after_response: AfterResponse) -> None:
            item = Other(1)
            self.tasks.add_after_response(item, after_response)

    class WrongApp(App):
        async def _wire(self):
            self.tasks = await self._aenter(BackgroundTasks())
            self._include_endpoint(Wrong(self.tasks))

    assert post(WrongApp()).status == 500


def test_sync_handlers_can_add_after_the_response():
    class Sync(Endpoint, path="/orders"):
        def __init__(self, tasks):
            self.tasks = tasks

        def post(self, after_response: AfterResponse) -> None:
            self.tasks.add_after_response(Mail(1), after_response)

    class SyncApp(App):
        async def _wire(self):
            self.tasks = await self._aenter(BackgroundTasks())
            self.tasks.register(self.handle)
            self._include_endpoint(Sync(self.tasks))

    app = SyncApp()
    assert post(app).status == 204
    assert len(app.events) == 1


def test_an_operation_that_does_not_ask_pays_nothing():
    class Plain(Endpoint, path="/orders"):
        async def post(self) -> None: ...

    class PlainApp(App):
        async def _wire(self):
            self._include_endpoint(Plain())

    class CoreApp(BaseApp):
        async def _wire(self):
            self._include_endpoint(Plain())

    async def code(app):
        async with started(app):
            return [inspect.getsource(function) for _, function in app._jero_explained()]

    assert run(code(PlainApp())) == run(code(CoreApp()))


@pytest.mark.parametrize("hops", range(5))
def test_an_item_that_is_named_as_dropped_never_runs(hops, caplog):
    """The request is cancelled in a turn of the loop in which two handlers end, and its place becomes free."""
    ran = []

    async def send(message): ...

    async def main():
        gate = asyncio.Event()

        async def handle(item: Mail) -> None:
            await gate.wait()
            ran.append(item.number)

        async with BackgroundTasks(maxsize=1, concurrency=2) as tasks:
            tasks.register(handle)
            for number in range(3):
                await tasks.add(Mail(number))

            async def request():
                after = AfterResponse(send)
                tasks.add_after_response(Mail(9), after)
                await after({"type": "http.response.start", "status": 200, "headers": []})
                await after({"type": "http.response.body", "body": b""})
                await after.end()

            answering = asyncio.create_task(request())
            await asyncio.sleep(0)
            gate.set()
            for _ in range(hops):
                await asyncio.sleep(0)
            answering.cancel()
            await asyncio.wait([answering])
        return tasks.stats()

    stats = run(main())
    assert (9 in ran) + ("is dropped" in caplog.text) == 1
    assert (stats.done, stats.dropped) == (len(ran), "is dropped" in caplog.text)
