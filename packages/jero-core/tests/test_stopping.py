"""The stop of an app, as a stranger's response that lasts sees it: by signal, by call, by the server's shutdown."""

import asyncio
import logging
import os
import signal
import threading

import pytest

from jero_core import Endpoint
from jero_core.extend import Fragment, Reply, Stopping

from .asgi_driver import Client, app_of, lifespan


class Patient:
    """A response that lasts until the app stops."""

    @classmethod
    def __jero_reply__(cls, returned, context):
        stopping = context.stopping.want()

        async def wait(send):
            told = asyncio.Event()
            stopping.watch(told.set)
            try:
                if not stopping.has_begun:
                    await told.wait()
            finally:
                stopping.unwatch(told.set)
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"stopped"})

        return Reply((), 200, "text/plain", bytes, send=Fragment.of("await $wait($send)", wait=wait))


class Waiting(Endpoint, path="/waiting"):
    async def get(self) -> Patient:
        return Patient()


class Failing(Endpoint, path="/failing"):
    async def get(self) -> "Refused":
        return Refused()


class Refused:
    """A response that answers an error as long as it has sent nothing."""

    @classmethod
    def __jero_reply__(cls, returned, context):
        send = Fragment.of("await $fail($Error('broken'), $scope, $send)", Error=ValueError)
        return Reply((), 200, "text/plain", bytes, send=send)


class Plain(Endpoint, path="/plain"):
    async def get(self) -> str:
        return "plain"


@pytest.fixture(params=[signal.SIGTERM, signal.SIGINT])
def number(request):
    """A signal that this process survives, with the list of what its server's handler was told."""
    before = signal.getsignal(request.param)
    request.param.told = told = []
    signal.signal(request.param, lambda *arguments: told.append(arguments))
    yield request.param
    signal.signal(request.param, before)


async def begun(client):
    request = asyncio.ensure_future(client.request("GET", "/waiting"))
    for _ in range(5):
        await asyncio.sleep(0)
    assert not request.done()
    return request


def test_a_signal_is_noticed_on_its_way_to_the_server(number):
    async def main():
        app = app_of(Waiting(), Plain())
        server = signal.getsignal(number)
        async with lifespan(app):
            request = await begun(Client(app))
            os.kill(os.getpid(), number)
            assert (await asyncio.wait_for(request, 5)).body == b"stopped"
            assert [arguments[0] for arguments in number.told] == [number]
            assert (await Client(app).request("GET", "/plain")).body == b"plain"
        assert signal.getsignal(number) is server

    asyncio.run(main())


def test_a_signal_is_noticed_where_python_has_no_siginterrupt(number, monkeypatch):
    monkeypatch.delattr(signal, "siginterrupt")
    test_a_signal_is_noticed_on_its_way_to_the_server(number)


def test_a_handler_that_somebody_else_has_chained_on_stays(number):
    async def main():
        app = app_of(Waiting())
        async with lifespan(app):
            ours = signal.getsignal(number)

            def theirs(*arguments):
                ours(*arguments)

            signal.signal(number, theirs)
        assert signal.getsignal(number) is theirs
        os.kill(os.getpid(), number)
        assert len(number.told) == 1

    asyncio.run(main())


@pytest.mark.parametrize("handler", [signal.SIG_DFL, signal.SIG_IGN])
def test_a_signal_that_no_server_handles_is_left_alone(number, handler):
    async def main():
        signal.signal(number, handler)
        async with lifespan(app_of(Waiting())):
            assert signal.getsignal(number) is handler

    asyncio.run(main())


def test_signals_are_left_alone_without_a_response_that_lasts_and_when_told_so(number):
    async def main():
        server = signal.getsignal(number)
        unwatched = app_of(Waiting())
        type(unwatched).watch_signals = False
        for app in (app_of(Plain()), unwatched):
            async with lifespan(app):
                assert signal.getsignal(number) is server

    asyncio.run(main())


def test_outside_of_the_main_thread_no_handler_is_set():
    outcome = []

    def run():
        async def main():
            app = app_of(Waiting())
            async with lifespan(app):
                request = await begun(Client(app))
                app.begin_shutdown()
                outcome.append((await asyncio.wait_for(request, 5)).body)

        asyncio.run(main())

    before = signal.getsignal(signal.SIGINT)
    thread = threading.Thread(target=run)
    thread.start()
    thread.join(10)
    assert outcome == [b"stopped"]
    assert signal.getsignal(signal.SIGINT) is before


def test_the_shutdown_can_be_begun_from_another_thread():
    async def main():
        app = app_of(Waiting())
        app.begin_shutdown()  # Not started: ignored.
        async with lifespan(app):
            request = await begun(Client(app))
            await asyncio.to_thread(app.begin_shutdown)
            assert (await asyncio.wait_for(request, 5)).body == b"stopped"
            app.begin_shutdown()
        app.begin_shutdown()

    asyncio.run(main())


def test_the_server_s_shutdown_ends_it_and_waits_for_it_and_the_next_start_begins_anew():
    async def main():
        app = app_of(Waiting())
        for _ in range(2):
            async with lifespan(app):
                request = await begun(Client(app))
            assert request.done()
            assert request.result().body == b"stopped"

    asyncio.run(main())


def test_a_signal_behind_the_end_of_the_loop_still_reaches_the_server(number):
    app = app_of(Waiting())

    async def main():
        incoming = iter([{"type": "lifespan.startup"}])

        async def receive():
            message = next(incoming, None)
            if message is None:
                await asyncio.Event().wait()
            return message

        async def send(message):
            started.set()

        started = asyncio.Event()
        task = asyncio.ensure_future(app({"type": "lifespan"}, receive, send))
        await started.wait()
        assert not task.done()

    asyncio.run(main())  # The app never stops.
    os.kill(os.getpid(), number)
    assert len(number.told) == 1


def test_what_a_reply_sends_itself_may_fail_as_long_as_nothing_is_sent(caplog):
    async def main():
        app = app_of(Failing())
        async with lifespan(app):
            return await Client(app).request("GET", "/failing")

    response = asyncio.run(main())
    assert response.status == 500
    assert [record.message for record in caplog.records] == ["GET '/failing' failed"]


class TestStopping:
    def test_who_watches_when_it_has_begun_is_told_at_once(self):
        stopping = Stopping()
        stopping.begin()
        told = []
        stopping.watch(lambda: told.append(1))
        assert told == [1]

    def test_it_begins_once(self):
        stopping, told = Stopping(), []
        stopping.watch(lambda: told.append(1))
        stopping.begin()
        stopping.begin()
        assert told == [1]
        assert stopping.has_begun

    def test_a_watcher_that_fails_keeps_it_from_no_other(self, caplog):
        stopping, told = Stopping(), []
        stopping.watch(lambda: 1 / 0)
        stopping.watch(lambda: told.append(1))
        caplog.set_level(logging.ERROR, logger="jero")
        stopping.begin()
        assert told == [1]
        assert len(caplog.records) == 1

    def test_one_that_no_longer_watches_is_not_told(self):
        stopping, told = Stopping(), []

        def watcher():
            told.append(1)

        stopping.watch(watcher)
        stopping.unwatch(watcher)
        stopping.unwatch(watcher)
        stopping.begin()
        assert told == []
