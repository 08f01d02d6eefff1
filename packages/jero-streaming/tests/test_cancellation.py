"""Whose a cancellation is: the source's and what it waits for, or the message's that is being sent."""

import asyncio
import contextvars

import pytest
import uvloop

from jero_streaming import SSEResponse, StreamingResponse, watch

from .asgi_stream import Exchange, VirtualLoop, other_tasks, run, settled


def eager_loop():
    loop = asyncio.new_event_loop()
    loop.set_task_factory(asyncio.eager_task_factory)
    return loop


LOOPS = pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop, eager_loop], ids=["asyncio", "uvloop", "eager"]
)


def bytes_of(source):
    def handler() -> StreamingResponse:
        return StreamingResponse(stream=source())

    return handler


def events_of(source, **options):
    def handler() -> SSEResponse:
        return SSEResponse(stream=source(), **options)

    return handler


class Parent:
    """A source that waits for children of its own."""

    def __init__(self, waits_for):
        self.waits_for = waits_for
        self.told = []

    async def child(self):
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.told.append("cancelled")
            raise

    async def source(self):
        yield b"x"
        if self.waits_for == "gather":
            await asyncio.gather(self.child(), self.child())
        elif self.waits_for == "task":
            await asyncio.create_task(self.child())
        else:
            await asyncio.wait_for(self.child(), 60)


@LOOPS
@pytest.mark.parametrize("waits_for", ["gather", "task", "wait_for"])
@pytest.mark.parametrize(
    "end", ["leave while it waits", "leave in a send", "send fails", "cancel in a send", "stop", "late"]
)
def test_what_a_source_waits_for_is_cancelled_with_it(loop_factory, waits_for, end, monkeypatch):
    monkeypatch.setattr(watch, "GRACE", 0.02)
    parent = Parent(waits_for)

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = end not in {"leave while it waits", "stop"}
        exchange.begin()
        await settled()
        if end == "cancel in a send":
            exchange.task.cancel()
        elif end == "send fails":
            exchange.error_of_send = ConnectionResetError()
            exchange.let_send()
        elif end in {"stop", "late"}:
            await app.stop()
        else:
            exchange.leave()
        await exchange.end()
        await settled()
        assert len(other_tasks()) <= 1  # The lifespan's.

    run(conversation, bytes_of(parent.source), loop_factory=loop_factory)
    assert set(parent.told) == {"cancelled"}


@LOOPS
def test_what_a_source_waits_for_may_end_well_when_it_is_cancelled(loop_factory):
    async def child():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async def source():
        yield "x"
        await asyncio.create_task(child())

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await settled()
        exchange.leave()
        await exchange.end()
        assert not exchange.task.cancelled()

    run(conversation, events_of(source), loop_factory=loop_factory)


@LOOPS
@pytest.mark.parametrize("with_timeout", ["wait_for", "timeout"])
@pytest.mark.parametrize("waits", [True, False], ids=["the source waits", "the source is ready"])
def test_a_timeout_around_send_is_the_send_s(loop_factory, with_timeout, waits, caplog):
    told, seen = [], []

    async def source():
        try:
            yield b"x"
            while not waits:
                yield b"x" * 1000
            await asyncio.Event().wait()
        except BaseException as error:
            seen.append(type(error).__name__)
            raise

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = True
        send = exchange.send

        async def bounded(message):
            try:
                if with_timeout == "wait_for":
                    await asyncio.wait_for(send(message), 0.02)
                else:
                    async with asyncio.timeout(0.02):
                        await send(message)
            except TimeoutError:
                told.append("timeout")
                raise ConnectionAbortedError from None

        exchange.send = bounded
        exchange.begin()
        await exchange.end()
        assert exchange.task.exception() is None
        await settled()
        assert len(other_tasks()) == 1

    run(conversation, bytes_of(source), loop_factory=loop_factory)
    assert told == ["timeout"]
    assert seen == ["CancelledError" if waits else "GeneratorExit"]
    assert caplog.records == []


@LOOPS
def test_timeouts_of_both_do_not_meet(loop_factory):
    """The source's fire again and again while a message waits; the one around the message is told only at its end."""
    told = []

    async def source():
        yield b"a"
        for _ in range(3):
            try:
                async with asyncio.timeout(0.005):
                    await asyncio.Event().wait()
            except TimeoutError:
                told.append("source")
                yield b"t"

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = True
        send = exchange.send

        async def bounded(message):
            try:
                async with asyncio.timeout(0.1):
                    await send(message)
            except TimeoutError:
                told.append("send")
                raise

        exchange.send = bounded
        exchange.begin()
        await exchange.end()
        assert exchange.task.exception() is None  # A TimeoutError is an OSError.
        assert exchange.messages == []

    run(conversation, bytes_of(source), loop_factory=loop_factory)
    assert told == ["source"] * 3 + ["send"]


def test_a_cancellation_that_the_source_ignores_does_not_reach_the_message():
    async def source():
        yield b"a"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield b"b"

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = True
        exchange.begin()
        await settled()
        exchange.task.cancel()
        await settled()
        exchange.let_send(100)
        await exchange.end()
        assert exchange.body == b"ab"
        assert exchange.is_complete

    run(conversation, bytes_of(source))


@pytest.mark.parametrize("end", ["leave", "stop"])
def test_a_cancellation_that_the_source_has_ignored_is_over(end):
    seen = []

    async def lifecycle():
        try:
            yield source()
        except BaseException as error:
            seen.append(type(error).__name__)
            raise

    async def source():
        yield "a"
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            yield "still here"
        await asyncio.Event().wait()

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_messages(2)
        exchange.task.cancel()
        await exchange.until(lambda exchange: b"still" in exchange.body)
        await settled()
        if end == "leave":
            exchange.leave()
        else:
            await app.stop()
        await exchange.end()
        assert exchange.task.exception() is None
        assert (b"retry: " in exchange.body) == (end == "stop")

    run(conversation, events_of(lifecycle))
    assert seen == ["GeneratorExit"]


def test_a_message_that_comes_up_while_another_is_sent_leaves_behind_it_and_does_not_wait_for_the_source():
    async def source():
        yield b"a"
        try:
            async with asyncio.timeout(0.01):
                await asyncio.Event().wait()
        except TimeoutError:
            yield b"b"
        await asyncio.Event().wait()

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = True
        exchange.begin()
        await asyncio.sleep(0.05)
        exchange.let_send(3)
        await exchange.until_body(b"ab")
        exchange.leave()
        await exchange.end()

    run(conversation, bytes_of(source))


def test_a_message_is_sent_in_the_context_of_its_request():
    variable = contextvars.ContextVar("variable", default="none")
    seen = []

    async def source():
        variable.set("request")
        yield b"a"
        await asyncio.sleep(0)
        yield b"b"
        seen.append(variable.get())

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        send = exchange.send

        async def looking(message):
            seen.append(variable.get())
            variable.set("send")
            await send(message)

        exchange.send = looking
        await exchange.run()

    run(conversation, bytes_of(source))
    assert set(seen[1:]) == {"send"}
    assert seen[0] == "request"


@pytest.mark.parametrize("kind", ["cancelled", "error"])
def test_what_a_send_raises_by_itself_ends_the_source_and_goes_on_to_the_server(kind):
    error = asyncio.CancelledError() if kind == "cancelled" else RuntimeError("confused")
    parent = Parent("gather")

    async def conversation(app):
        exchange = Exchange(app, "/stream")

        async def failing(message):
            await asyncio.sleep(0.01)
            raise error

        exchange.send = failing
        exchange.begin()
        await exchange.end()
        if kind == "cancelled":
            assert exchange.task.cancelled()
        else:
            assert exchange.task.exception() is error
        await settled()
        assert len(other_tasks()) == 1

    run(conversation, bytes_of(parent.source))
    assert set(parent.told) == {"cancelled"}


def test_the_teardown_is_not_broken_into_when_a_send_fails():
    told = []

    async def source():
        yield b"a"
        await asyncio.sleep(0)
        yield b"b"

    async def lifecycle():
        yield source()
        await asyncio.sleep(0.02)
        told.append("torn down")

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        send = exchange.send

        async def failing(message):
            if message.get("body") == b"b":
                raise RuntimeError("confused")
            await send(message)

        exchange.send = failing
        exchange.begin()
        await exchange.end()
        assert str(exchange.task.exception()) == "confused"

    run(conversation, bytes_of(lifecycle))
    assert told == ["torn down"]


def test_a_source_that_ignores_another_cancellation_than_ours_is_stopped_with_its_children():
    parent = Parent("gather")

    async def source():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            parent.told.append("ignored")
        await asyncio.gather(parent.child(), parent.child())
        yield b""

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await settled()
        exchange.leave()
        exchange.task.cancel()
        await exchange.end()
        await settled()
        assert len(other_tasks()) == 1

    run(conversation, bytes_of(source))
    assert parent.told == ["ignored"]  # They were cancelled before they began.


def test_a_source_whose_children_ignore_it_is_told_nevertheless_and_the_task_is_as_it_was():
    told = []

    async def stubborn():
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return

    async def source():
        try:
            await asyncio.gather(stubborn())
            await asyncio.Event().wait()
            yield b""
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await settled()
        exchange.leave()
        await exchange.end()
        assert exchange.task.exception() is None
        assert exchange.task.cancelling() == 0

    run(conversation, bytes_of(source))
    assert told == ["cancelled"]


@pytest.mark.parametrize("end", ["leave", "cancel", "error"])
def test_a_message_that_takes_its_time_to_be_cancelled_is_waited_for(end):
    told = []

    async def source():
        yield b"x"
        if end == "error":
            try:
                await asyncio.Event().wait()
            finally:
                raise RuntimeError("torn")
        await asyncio.Event().wait()

    async def conversation(app):
        exchange = Exchange(app, "/stream")

        async def slow(message):
            try:
                await asyncio.Event().wait()
            finally:
                await settled()
                told.append("message")

        exchange.send = slow
        exchange.begin()
        await settled()
        if end == "cancel":
            exchange.task.cancel()
        else:
            exchange.leave()
        await exchange.end()
        assert told == ["message"]

    run(conversation, bytes_of(source))


@pytest.mark.parametrize("error", [ConnectionResetError(), RuntimeError("confused")], ids=repr)
def test_comments_do_not_go_on_in_a_teardown_when_nothing_can_be_sent_any_more(error):
    torn_down, sent = [], []

    async def source():
        yield "a"
        await asyncio.sleep(0)
        yield "b"

    async def lifecycle():
        yield source()
        await asyncio.sleep(60)
        torn_down.append(1)

    async def conversation(app):
        exchange = Exchange(app, "/stream")

        async def failing(message):
            sent.append(message)
            if b"b" in message.get("body", b""):
                raise error

        exchange.send = failing
        exchange.begin()
        await exchange.task if isinstance(error, OSError) else await asyncio.wait([exchange.task])

    async def bounded(app):
        await asyncio.wait_for(conversation(app), 600)

    run(bounded, events_of(lifecycle), loop_factory=VirtualLoop)
    assert torn_down == [1]
    assert len(sent) == 3


class TestWithEagerTasks:
    def test_comments_are_sent(self):
        async def source():
            yield "a"
            await asyncio.Event().wait()

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until(lambda exchange: exchange.body.count(b": keep-alive\n\n") >= 3)
            exchange.leave()
            await exchange.end()

        run(conversation, events_of(source, keepalive=0.01), loop_factory=eager_loop)

    def test_a_client_that_has_gone_before_is_noticed(self):
        torn_down = []

        async def source():
            try:
                await asyncio.sleep(0)
                yield "a"
                await asyncio.Event().wait()
            finally:
                torn_down.append(1)

        async def conversation(app):
            exchange = Exchange(app, "/stream")
            exchange.leave()
            exchange.begin()
            await exchange.end()
            assert exchange.task.exception() is None

        run(conversation, events_of(source), loop_factory=eager_loop)
        assert torn_down == [1]


@pytest.mark.parametrize("loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
@pytest.mark.parametrize("moment", ["at once", "before the head", "in the middle", "behind a refusal"])
def test_a_cancellation_of_what_a_source_waits_for_alone_is_an_error_like_any_other(moment, loop_factory, caplog):
    async def source():
        if moment == "at once":
            raise asyncio.CancelledError
        if moment != "before the head":
            yield b"a"
        shared = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_later(0.01, shared.cancel)
        try:
            await shared
        except asyncio.CancelledError:
            if moment == "behind a refusal":
                await asyncio.sleep(0)
            raise

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.end()
        return exchange

    exchange = run(conversation, bytes_of(source), loop_factory=loop_factory)
    (record,) = [record for record in caplog.records if record.name == "jero"]
    assert "CancelledError" in caplog.text
    if moment in {"at once", "before the head"}:
        assert record.getMessage() == "GET '/stream' failed"
        assert (exchange.status, exchange.is_complete) == (500, True)
        assert b"Internal Server Error" in exchange.body
    else:
        assert record.getMessage() == "GET '/stream' failed after its response had started"
        assert not exchange.task.cancelled()
        assert isinstance(exchange.task.exception(), RuntimeError)
        assert (exchange.body, exchange.is_complete) == (b"a", False)


def test_a_lifecycle_sees_the_cancellation_of_what_its_stream_waits_for():
    told = []

    async def source():
        shared = asyncio.get_running_loop().create_future()
        shared.cancel()
        await shared
        yield b""

    async def lifecycle():
        try:
            yield source()
        except asyncio.CancelledError:
            told.append("cancelled")
            raise

    async def conversation(app):
        exchange = await Exchange(app, "/stream").run()
        assert exchange.status == 500

    run(conversation, bytes_of(lifecycle))
    assert told == ["cancelled"]
