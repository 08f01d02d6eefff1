"""Whatever an app does, a test ends: each within 10 seconds, most within one."""

import asyncio
import gc
import os
import subprocess
import sys
import threading
import time
import warnings
from contextlib import ExitStack
from pathlib import Path

import httpx
import pytest

from jero_core import BaseApp, Endpoint
from jero_testing import AppTimeout, AsyncTestClient, FactoryHarness, TestClient, portal

from .apps import Endless, Shop, answer, app_of, body, start

HERE = Path(__file__).parent


@pytest.fixture(autouse=True)
def bound(request):
    """No test of this module takes 10 seconds, and none leaves a thread."""
    # A thousand clients are work, and no waiting: what other processes take of the machine meanwhile is not theirs.
    clock = time.process_time if "_1000_" in request.node.name else time.monotonic
    began = clock()
    yield
    assert clock() - began < 10
    settle()
    assert own_threads() == []


@pytest.fixture
def impatient(monkeypatch):
    """A blocked event loop is found out sooner than by default."""
    monkeypatch.setattr(portal, "_GRACE", 0.4)


def own_threads():
    return [thread for thread in threading.enumerate() if thread.name == "jero-testing"]


def settle():
    """Let threads that have been told to end do so, those of clients in reference cycles too."""
    gc.collect()
    for thread in own_threads():
        thread.join(8)


async def forever():
    await asyncio.sleep(3600)


def test_an_endless_stream():
    app = Endless()
    with TestClient(app) as client, client.stream("GET", "/") as response:
        assert next(response.iter_raw()) == b"0\n"
    assert app.journal == ["send failed", "torn down"]


def test_an_endless_stream_of_the_async_client():
    app = Endless()

    async def main():
        async with AsyncTestClient(app) as client, client.stream("GET", "/") as response:
            async for _ in response.aiter_raw():
                break

    asyncio.run(main())
    assert app.journal == ["send failed", "torn down"]


def test_an_endless_stream_that_sends_nothing():
    async def respond(scope, receive, send):
        await start(send)
        await body(send, b"", more=True)
        await forever()

    with (
        TestClient(app_of(respond)) as client,
        client.stream("GET", "/", timeout=0.1) as response,
        pytest.raises(httpx.ReadTimeout, match="await asyncio.sleep"),
    ):
        response.read()


def test_an_app_that_fails_before_its_response():
    async def respond(scope, receive, send):
        raise ValueError("before")

    with TestClient(app_of(respond)) as client, pytest.raises(ValueError, match="before"):
        client.get("/")


def test_an_app_that_fails_in_the_middle_of_its_response():
    async def respond(scope, receive, send):
        await start(send)
        await body(send, b"x", more=True)
        raise ValueError("middle")

    with TestClient(app_of(respond)) as client, pytest.raises(ValueError, match="middle"):
        client.get("/")


def test_an_app_that_fails_while_its_reader_sleeps():
    async def respond(scope, receive, send):
        await start(send)
        for _ in range(2):
            await body(send, b"x", more=True)
        raise ValueError("middle")

    with (
        TestClient(app_of(respond)) as client,
        pytest.raises(ValueError, match="middle"),
        client.stream("GET", "/") as response,
    ):
        assert [*response.iter_raw()] == [b"x", b"x"]


def test_an_app_that_never_answers():
    async def respond(scope, receive, send):
        await forever()

    with TestClient(app_of(respond)) as client, pytest.raises(httpx.ReadTimeout, match="sent nothing for 0.1 s"):
        client.get("/", timeout=0.1)


def test_an_app_that_waits_for_a_message_that_never_comes():
    async def respond(scope, receive, send):
        while True:
            await receive()

    with TestClient(app_of(respond), teardown_timeout=0.1) as client, pytest.raises(httpx.ReadTimeout):
        client.get("/", timeout=0.1)


@pytest.mark.parametrize("client_class", [TestClient, AsyncTestClient])
def test_a_start_that_fails(client_class):
    class Away(BaseApp):
        async def _wire(self):
            raise ConnectionError("away")

    with pytest.raises(ConnectionError, match="away"):
        enter(client_class(Away()))


def enter(client):
    if isinstance(client, TestClient):
        with client:
            return
    else:

        async def main():
            async with client:
                pass

        asyncio.run(main())


@pytest.mark.parametrize("client_class", [TestClient, AsyncTestClient])
def test_a_start_that_never_ends(client_class):
    class Slow(BaseApp):
        async def _wire(self):
            await self.connect()

        async def connect(self):
            await asyncio.sleep(3600)

    with pytest.raises(AppTimeout) as caught:
        enter(client_class(Slow(), startup_timeout=0.1))
    message = str(caught.value)
    assert message.startswith("the app has not started within 0.1 s (startup_timeout); it waits at ")
    assert "Slow.connect: await asyncio.sleep(3600)" in message


def test_a_start_that_blocks_the_event_loop(impatient):
    class Blocking(BaseApp):
        async def _wire(self):
            time.sleep(1)

    with pytest.raises(AppTimeout, match=r"it blocks the event loop at .*Blocking._wire: time.sleep\(1\)"):
        enter(TestClient(Blocking(), startup_timeout=0.1))


def test_a_start_that_refuses_to_be_cancelled():
    ended = threading.Event()

    class Stubborn(BaseApp):
        async def _wire(self):
            while not ended.is_set():
                try:
                    await asyncio.sleep(0.01)
                except asyncio.CancelledError:
                    continue

    with pytest.raises(AppTimeout, match=r"Stubborn._wire: await asyncio.sleep\(0.01\)"):
        enter(TestClient(Stubborn(), startup_timeout=0.1))
    ended.set()


@pytest.mark.parametrize("client_class", [TestClient, AsyncTestClient])
def test_a_stop_that_never_ends(client_class):
    class Slow(BaseApp):
        async def _wire(self):
            await self._aenter(Lock())

    class Lock:
        async def __aenter__(self):
            return self

        async def __aexit__(self, *_):
            await asyncio.sleep(3600)

    with pytest.raises(AppTimeout, match=r"not stopped within 0.1 s \(shutdown_timeout\).*Lock.__aexit__"):
        enter(client_class(Slow(), shutdown_timeout=0.1))


def test_a_teardown_that_never_ends():
    async def respond(scope, receive, send):
        try:
            await Endless()(scope, receive, send)
        finally:
            await forever()

    with (
        TestClient(app_of(respond), teardown_timeout=0.1) as client,
        pytest.raises(
            AppTimeout, match=r"not returned within 0.1 s after its client left \(teardown_timeout\); .*in forever"
        ),
        client.stream("GET", "/"),
    ):
        pass


@pytest.mark.parametrize("ignores", ["receive", "send"])
def test_an_app_that_ignores_that_its_client_has_left(ignores):
    async def respond(scope, receive, send):
        await start(send)
        await body(send, b"x", more=True)
        while ignores == "receive":
            await receive()
        while True:
            try:
                await body(send, b"x", more=True)
            except OSError:
                continue

    with (
        TestClient(app_of(respond), teardown_timeout=0.1) as client,
        pytest.raises(
            AppTimeout, match=r"after its client left \(teardown_timeout\); it waits at .*in (.*respond|body): await"
        ),
        client.stream("GET", "/"),
    ):
        pass


def test_an_app_that_never_returns_after_its_response():
    async def respond(scope, receive, send):
        await answer(send, b"fine")
        await forever()

    with (
        TestClient(app_of(respond), teardown_timeout=0.1) as client,
        pytest.raises(AppTimeout, match="after its client had the whole response"),
    ):
        client.get("/")


def test_a_handler_that_blocks_the_event_loop(impatient):
    class Blocking(Endpoint, path="/"):
        def get(self) -> str:
            time.sleep(1)
            return ""

    class App(BaseApp):
        async def _wire(self):
            self._include_endpoint(Blocking())

    client = TestClient(App(), teardown_timeout=0.1)
    with pytest.raises(AppTimeout, match=r"it blocks the event loop at .*Blocking.get: time.sleep\(1\)"):
        client.get("/", timeout=0.1)
    del client


def test_an_app_that_blocks_its_event_loop_for_good_with_the_default_bounds_of_the_stop(impatient):
    released = threading.Event()

    async def respond(scope, receive, send):
        released.wait(20)

    began = time.monotonic()
    with pytest.raises(AppTimeout) as caught, TestClient(app_of(respond), teardown_timeout=0.1) as client:
        client.get("/", timeout=0.1)
    assert time.monotonic() - began < 8
    assert "it blocks the event loop at" in str(caught.value)
    assert "respond: released.wait(20)" in str(caught.value)
    released.set()


def test_a_factory_that_never_answers_or_closes():
    from jero_core import BaseFactory

    class Factory(BaseFactory):
        async def wait(self):
            await forever()

    with FactoryHarness(Factory, timeout=0.1) as harness, pytest.raises(AppTimeout, match="in forever"):
        harness.run(harness.factory.wait())


# what is left behind


def alive():
    """All tasks and event loops that there are, finished or not."""
    gc.collect()
    return [thing for thing in gc.get_objects() if isinstance(thing, asyncio.Task | asyncio.AbstractEventLoop)]


def test_a_client_dropped_without_close_stops_its_app():
    app = Shop()
    client = TestClient(app)
    assert client.get("/widgets/1").status_code == 200
    del client
    gc.collect()
    settle()
    assert app.journal == ["start", "stop"]


def test_a_client_dropped_in_the_middle_of_a_stream_tears_it_down():
    app = Endless()
    client = TestClient(app)
    response = client.send(client.build_request("GET", "/"), stream=True)
    pieces = response.iter_raw()
    next(pieces)
    del client, response, pieces
    gc.collect()
    settle()
    assert app.journal == ["send failed", "torn down"]


def test_a_stream_that_is_closed_behind_its_client_is_no_error():
    app = Endless((b"content-type", b"application/x-ndjson"), piece=lambda number: b"{}\n")
    client = TestClient(app)
    with client.stream_get("/") as session:
        assert session.take(1) == [{}]
        client.close()
    assert app.journal == ["send failed", "torn down"]


def unraisable(monkeypatch):
    """What is raised where nobody can catch it, from now on."""
    raised = []
    monkeypatch.setattr(sys, "unraisablehook", lambda each: raised.append(repr(each.exc_value)))
    return raised


def begin_in_a_cycle(client):
    """Begin to read a stream, and lose it where only the garbage collector finds it."""
    opening = client.stream("GET", "/")
    cycle = [opening, opening.__enter__()]
    cycle.append(cycle)


def test_a_stream_that_is_collected_behind_its_closed_client_is_no_error(monkeypatch):
    raised, app = unraisable(monkeypatch), Endless()
    gc.disable()
    try:
        with TestClient(app) as client:
            begin_in_a_cycle(client)
    finally:
        gc.enable()
    gc.collect()
    assert raised == []
    assert app.journal == ["send failed", "torn down"]


def test_a_stream_that_is_collected_in_the_apps_own_thread_is_left(monkeypatch):
    raised, endless = unraisable(monkeypatch), Endless()

    async def app(scope, receive, send):
        if scope["type"] == "http" and scope["path"] == "/collect":
            gc.collect()
            await answer(send)
        else:
            await endless(scope, receive, send)

    with TestClient(app) as client:
        gc.disable()
        try:
            begin_in_a_cycle(client)
            client.get("/collect")
        finally:
            gc.enable()
        for _ in range(1000):  # Nobody can wait for it: it is left when the loop comes to it.
            if client.get("/collect") and endless.journal == ["send failed", "torn down"]:
                break
    assert (endless.journal, raised) == (["send failed", "torn down"], [])


def test_a_call_that_comes_as_the_loop_ends_is_told_at_once():
    lane = portal.Portal()
    close, raised, told = lane._loop.close, [], threading.Event()

    def call():
        lane._tell = lambda job: [type(lane)._tell(lane, job), told.set()][0]
        try:
            lane.call(forever, None)
        except portal.PortalClosed as error:
            raised.append(str(error))

    late = threading.Thread(target=call)

    def close_late():
        late.start()
        assert told.wait(5)
        close()

    lane._loop.close = close_late  # The last of it: nothing that is told now will run.
    lane.stop()
    late.join(5)
    assert raised == ["the client is closed"]


def test_a_call_whose_loop_ends_is_told_at_once():
    lane, begun, raised = portal.Portal(), threading.Event(), []

    async def begin():
        begun.set()
        await forever()

    def call():
        with pytest.raises(portal.PortalClosed) as caught:
            lane.call(begin, None)
        raised.append(str(caught.value))

    caller = threading.Thread(target=call)
    caller.start()
    assert begun.wait(5)
    lane.stop()
    caller.join(5)
    assert raised == ["the client is closed"]


@pytest.mark.parametrize("shutdown_timeout", [5, None])
def test_an_async_client_dropped_without_close_stops_its_app(shutdown_timeout, caplog):
    app = Shop()

    async def main():
        client = AsyncTestClient(app, shutdown_timeout=shutdown_timeout)
        assert (await client.get("/widgets/1")).status_code == 200
        del client
        gc.collect()
        async with asyncio.timeout(8):
            while len(asyncio.all_tasks()) > 1:
                await asyncio.sleep(0.01)
        gc.collect()
        assert app.journal == ["start", "stop"]

    asyncio.run(main())
    assert caplog.records == []


def test_an_async_client_that_outlives_its_loop_leaves_nothing(caplog):
    app, clients = Shop(), []

    async def main():
        clients.append(AsyncTestClient(app))
        assert (await clients[0].get("/widgets/1")).status_code == 200

    asyncio.run(main())
    clients.clear()
    gc.collect()
    assert caplog.records == []


def test_1000_clients_in_sequence_leave_no_thread_task_or_warning():
    async def respond(scope, receive, send):
        await answer(send, b"fine")

    app = app_of(respond)
    threads, before = threading.active_count(), alive()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for number in range(1000):
            if number % 3 == 0:
                client = TestClient(app)
                assert client.get("/").text == "fine"
                del client
            else:
                with TestClient(app) as client:
                    assert client.get("/").text == "fine"
        settle()
        after = alive()
    assert caught == []
    assert threading.active_count() == threads
    assert [thing for thing in after if not any(thing is other for other in before)] == []


def test_30_clients_of_a_jero_app_leave_no_more():
    app = Shop()
    for _ in range(30):
        with TestClient(app) as client:
            assert client.get("/widgets/1").status_code == 200
    assert app.journal == ["start", "stop"] * 30


def test_1000_async_clients_in_sequence_leave_no_task_or_warning():
    async def respond(scope, receive, send):
        await answer(send, b"fine")

    app = app_of(respond)

    async def main():
        for _ in range(1000):
            async with AsyncTestClient(app) as client:
                assert (await client.get("/")).text == "fine"
        return asyncio.all_tasks()

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        assert len(asyncio.run(main())) == 1
        gc.collect()
    assert caught == []


@pytest.mark.parametrize("ending", ["pass", "raise SystemExit(0)", "del client"])
def test_a_process_that_closes_no_client_ends_at_once_and_in_silence(ending):
    code = f"""
import asyncio
from jero_testing import TestClient

async def app(scope, receive, send):
    if scope["type"] == "lifespan":
        await receive()
        await send({{"type": "lifespan.startup.complete"}})
        await receive()
        await send({{"type": "lifespan.shutdown.complete"}})
        return
    await send({{"type": "http.response.start", "status": 200}})
    await send({{"type": "http.response.body", "more_body": True}})
    await receive()
    await receive()

client = TestClient(app)
response = client.send(client.build_request("GET", "/"), stream=True)
print(response.status_code)
{ending}
"""
    result = subprocess.run(
        [sys.executable, "-X", "dev", "-W", "error", "-c", code],
        capture_output=True,
        text=True,
        timeout=8,
        env={**os.environ},
    )
    assert (result.returncode, result.stdout, result.stderr) == (0, "200\n", "")


def test_closing_runs_what_the_app_entered_even_after_a_timeout():
    journal = []

    class App(BaseApp):
        async def _wire(self):
            self._enter(ExitStack()).callback(journal.append, "closed")
            self._include_endpoint(Slow())

    class Slow(Endpoint, path="/"):
        async def get(self) -> str:
            await forever()
            return ""

    with TestClient(App()) as client, pytest.raises(httpx.ReadTimeout):
        client.get("/", timeout=0.1)
    assert journal == ["closed"]
