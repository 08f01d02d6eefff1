"""What a stopping app does with its streams."""

import asyncio
import os
import re
import signal

import pytest
import uvloop

from jero_streaming import ServerSentEvent, SSEResponse, StreamingResponse, watch

from .asgi_stream import Exchange, app_of, endpoint_of, run, settled, started


async def idle(*first):
    for item in first:
        yield item
    await asyncio.Event().wait()
    yield ""


def events(*first):
    def handler() -> SSEResponse:
        return SSEResponse(stream=idle(*first))

    return handler


def chunks(source):
    def handler() -> StreamingResponse:
        return StreamingResponse(stream=source())

    return handler


async def endless():
    while True:
        await asyncio.sleep(0.001)
        yield b"x"


def test_streams_of_events_end_with_a_hint_when_to_come_back():
    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_body(b"data: a\n\n")
        assert await app.stop() == {"type": "lifespan.shutdown.complete"}
        assert exchange.is_complete
        (delay,) = re.fullmatch(rb"data: a\n\nretry: (\d+)\n\n", exchange.body).groups()
        assert 1000 <= int(delay) <= 2000
        assert exchange.task.exception() is None

    run(conversation, events("a"))


def test_the_hint_is_the_one_that_the_client_has_been_given():
    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_messages(2)
        await app.stop()
        assert exchange.body.endswith(b"retry: 7000\n\n")

    run(conversation, events(ServerSentEvent(retry=7000), "a"))


def test_the_source_is_stopped_behind_the_end_of_the_response():
    told = []

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_messages(2)

        def told_so_far(exchange):
            if exchange.is_complete:
                told.append("end")
            return exchange.is_complete

        stop = asyncio.ensure_future(app.stop())
        await exchange.until(told_so_far)
        await stop

    async def source():
        try:
            yield "a"
            await asyncio.Event().wait()
        finally:
            await asyncio.sleep(0.02)
            told.append("closed")

    def handler() -> SSEResponse:
        return SSEResponse(stream=source())

    run(conversation, handler)
    assert told == ["end", "closed"]


def test_a_stream_that_ends_within_the_grace_is_whole():
    async def source():
        for _ in range(3):
            yield b"x"
            await asyncio.sleep(0.02)

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_body(b"x")
        await app.stop()
        assert exchange.body == b"xxx"
        assert exchange.is_complete

    run(conversation, chunks(source))


async def whole_in_time():
    yield b"x"
    await asyncio.sleep(0.01)
    yield b"y"


async def with_a_teardown():
    try:
        yield b"x"
        await asyncio.sleep(0.01)
        yield b"y"
    finally:
        await asyncio.sleep(0.01)


async def events_that_end():
    yield "x"
    await asyncio.sleep(0.01)
    yield "y"


@pytest.mark.parametrize("source", [whole_in_time, with_a_teardown, events_that_end])
@pytest.mark.parametrize("kind", ["before", "after"])
def test_a_client_that_does_not_take_the_last_message_is_cut_off(monkeypatch, source, kind):
    """Whether the source ends before the stop begins, or in the meantime."""
    monkeypatch.setattr(watch, "GRACE", 0.05)

    def handler() -> SSEResponse:
        return SSEResponse(stream=source())

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = True
        exchange.let_send(2)
        exchange.begin()
        await exchange.until_messages(2)
        if kind == "before":
            await asyncio.sleep(0.05)
        await app.stop()
        assert exchange.task.done()
        assert exchange.task.exception() is None
        assert not exchange.is_complete

    run(conversation, handler if source is events_that_end else chunks(source))


def test_a_middleware_behind_the_last_message_is_not_disturbed_by_the_client_that_has_it():
    told = []

    async def source():
        await asyncio.sleep(0)
        yield b"x"

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        send = exchange.send

        async def sending(message):
            await send(message)
            await settled()  # The server says by now that the client is gone.
            told.append(message.get("more_body"))

        exchange.send = sending
        await exchange.run()

    run(conversation, chunks(source))
    assert told[-1] is False


@pytest.mark.parametrize("is_slow", [False, True])
def test_what_has_not_ended_then_is_cut_off(monkeypatch, is_slow, caplog):
    monkeypatch.setattr(watch, "GRACE", 0.05)

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_messages(3)
        exchange.sends_wait = is_slow
        await app.stop()
        assert exchange.task.done()
        assert exchange.task.exception() is None
        assert not exchange.is_complete

    run(conversation, chunks(endless))
    assert caplog.records == []


def test_a_client_of_events_that_takes_nothing_is_cut_off(monkeypatch):
    monkeypatch.setattr(watch, "GRACE", 0.05)

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_messages(2)
        exchange.sends_wait = True
        await app.stop()
        assert exchange.task.exception() is None
        assert not exchange.is_complete

    run(conversation, events("a"))


def closed_unbegun(closed):
    class Stream:
        def __aiter__(self):
            raise AssertionError("it is not begun")

        async def aclose(self):
            closed.append(1)

    return Stream()


def test_new_streams_are_refused_and_other_requests_are_served():
    closed = []

    async def conversation(app):
        old = Exchange(app, "/stream1").begin()
        await old.until_messages(2)
        app.begin_shutdown()
        await settled()
        assert old.is_complete
        exchange = await Exchange(app, "/stream").run()
        assert exchange.status == 503
        assert ("retry-after", "1") in exchange.headers
        assert closed == [1]
        assert (await Exchange(app, "/nowhere").run()).status == 404
        assert (await Exchange(app, "/stream", method="HEAD").run()).status == 200

    run(conversation, chunks(lambda: closed_unbegun(closed)), events("b"))


def test_who_asks_for_events_then_is_told_when_to_come_back():
    """An EventSource gives up for good at any status but 200 (WHATWG HTML, section 9.2.2)."""
    closed = []

    def handler() -> SSEResponse:
        return SSEResponse(stream=closed_unbegun(closed))

    async def conversation(app):
        app.begin_shutdown()
        await settled()
        exchange = await Exchange(app, "/stream").run()
        assert exchange.status == 200
        assert ("content-type", "text/event-stream") in exchange.headers
        (delay,) = re.fullmatch(rb"retry: (\d+)\n\n", exchange.body).groups()
        assert 1000 <= int(delay) <= 2000
        assert exchange.is_complete
        assert closed == [1]
        head = await Exchange(app, "/stream", method="HEAD").run()
        assert (head.status, head.body) == (200, b"")

    run(conversation, handler)


def test_events_whose_set_up_goes_on_are_told_too():
    torn_down = []

    async def lifecycle():
        try:
            await asyncio.Event().wait()
            yield idle()
        finally:
            torn_down.append(1)

    def handler() -> SSEResponse:
        return SSEResponse(stream=lifecycle())

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await settled()
        assert not exchange.has_started
        app.begin_shutdown()
        await exchange.end()
        assert exchange.status == 200
        assert exchange.body.startswith(b"retry: ")
        assert exchange.is_complete

    run(conversation, handler)
    assert torn_down == [1]


def test_a_stream_that_has_not_begun_is_refused_too():
    torn_down = []

    async def lifecycle():
        try:
            await asyncio.Event().wait()
            yield idle()
        finally:
            torn_down.append(1)

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await settled()
        app.begin_shutdown()
        await exchange.end()
        assert exchange.status == 503

    run(conversation, chunks(lifecycle))
    assert torn_down == [1]


def test_the_app_can_be_started_again():
    app = app_of(endpoint_of(events("a")))

    async def main():
        for _ in range(2):
            async with started(app) as stop:
                exchange = Exchange(app, "/stream").begin()
                await exchange.until_body(b"data: a\n\n")
                await stop()
                assert exchange.is_complete

    asyncio.run(main())


def test_a_shutdown_of_an_app_that_is_not_started_is_ignored():
    app = app_of(endpoint_of(events("a")))
    app.begin_shutdown()

    async def main():
        async with started(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until_body(b"data: a\n\n")
            exchange.leave()
            await exchange.end()

    asyncio.run(main())
    app.begin_shutdown()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
@pytest.mark.parametrize("kind", ["signal.signal", "asyncio", "uvloop"])
def test_a_signal_ends_the_streams_and_reaches_the_server(number, kind):
    told = []
    before = signal.getsignal(number)

    async def main():
        loop = asyncio.get_running_loop()
        if kind == "signal.signal":
            signal.signal(number, lambda *_: told.append("server"))
        else:
            loop.add_signal_handler(number, told.append, "server")
        own = signal.getsignal(number)
        app = app_of(endpoint_of(events("a")))
        async with started(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until_messages(2)
            os.kill(os.getpid(), number)
            await exchange.end()
            assert exchange.is_complete
            await settled()
            assert told == ["server"]
            os.kill(os.getpid(), number)
            async with asyncio.timeout(5):
                while len(told) < 2:  # noqa: ASYNC110  # nothing tells when
                    await asyncio.sleep(0.01)
            assert told == ["server"] * 2
        assert signal.getsignal(number) == own
        if kind != "signal.signal":
            loop.remove_signal_handler(number)

    try:
        with asyncio.Runner(loop_factory=uvloop.new_event_loop if kind == "uvloop" else None) as runner:
            runner.run(main())
    finally:
        signal.signal(number, before)


def test_an_app_that_does_not_want_it_leaves_signals_alone():
    async def main():
        before = signal.getsignal(signal.SIGINT)
        async with started(app_of(endpoint_of(events("a")), watch_signals=False)):
            assert signal.getsignal(signal.SIGINT) is before
        async with started(app_of(endpoint_of(events("a")))):
            assert signal.getsignal(signal.SIGINT) is not before

    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)  # It may be ignored, as behind `nohup`.
    try:
        asyncio.run(main())
    finally:
        signal.signal(signal.SIGINT, inherited)
