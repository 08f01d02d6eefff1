"""However a stream ends, its source is closed, then its lifecycle; and nothing is left behind."""

import asyncio
import contextvars
import logging

import pytest
import uvloop
from msgspec import Struct

from jero_core import HTTPError
from jero_streaming import NDJSONStreamingResponse, SSEResponse, StreamingResponse

from .asgi_stream import DEADLINE, Exchange, endpoint_of, other_tasks, run, settled, started

LOOPS = pytest.mark.parametrize(
    "loop_factory", [asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"]
)


class Tick(Struct):
    n: int


class Story:
    """A lifecycle, a stream in it, and what happened to them."""

    def __init__(self, *, items=3, waits=True, error=None, hangs=False, teardown_waits=True):
        self.told = []
        self.items = items
        self.waits = waits
        self.error = error
        self.hangs = hangs
        self.teardown_waits = teardown_waits
        self.taken = 0

    async def pause(self):
        if self.waits:
            await asyncio.sleep(0)

    async def stream(self):
        try:
            for n in range(self.items):
                await self.pause()
                self.taken += 1
                yield b"%d" % n
            if self.error is not None:
                raise self.error
            if self.hangs:
                await asyncio.Event().wait()
        except BaseException as error:
            self.told.append(f"stream saw {type(error).__name__}")
            raise
        finally:
            await self.tear_down("stream closed")

    async def lifecycle(self):
        await self.pause()
        self.told.append("set up")
        try:
            yield self.stream()
        except BaseException as error:
            self.told.append(f"lifecycle saw {type(error).__name__}")
            raise
        finally:
            await self.tear_down("torn down")

    async def tear_down(self, told):
        try:
            if self.teardown_waits:
                await asyncio.sleep(0)
        finally:
            self.told.append(told)

    def handler(self):
        def handler() -> StreamingResponse:
            return StreamingResponse(stream=self.lifecycle())

        return handler


@LOOPS
@pytest.mark.parametrize("waits", [True, False])
@pytest.mark.parametrize("teardown_waits", [True, False])
def test_at_the_end(loop_factory, waits, teardown_waits):
    story = Story(waits=waits, teardown_waits=teardown_waits)

    async def conversation(app):
        exchange = await Exchange(app, "/stream").run()
        assert exchange.body == b"012"
        assert exchange.is_complete
        # A teardown that does not wait is over before the last message leaves.
        if not waits and not teardown_waits:
            assert len(exchange.messages) == 2
        await settled()
        assert len(other_tasks()) == 1  # The lifespan's.

    run(conversation, story.handler(), loop_factory=loop_factory)
    assert story.told == ["set up", "stream closed", "torn down"]


@LOOPS
def test_when_the_client_leaves_while_the_source_waits(loop_factory, caplog):
    caplog.set_level(logging.DEBUG, logger="jero")
    story = Story(hangs=True)

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_body(b"012")
        exchange.leave()
        await exchange.end()
        assert exchange.task.exception() is None
        assert not exchange.is_complete
        await settled()
        assert len(other_tasks()) == 1

    run(conversation, story.handler(), loop_factory=loop_factory)
    assert story.told == [
        *("set up", "stream saw CancelledError", "stream closed", "lifecycle saw GeneratorExit", "torn down")
    ]
    assert caplog.records == []


@LOOPS
def test_when_the_client_leaves_while_a_message_is_sent(loop_factory, caplog):
    story = Story(items=10**6, waits=False)

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = True
        exchange.begin()
        await settled()
        exchange.leave()
        await exchange.end()
        assert exchange.task.exception() is None
        assert exchange.messages == []

    run(conversation, story.handler(), loop_factory=loop_factory)
    assert story.told[1:] == [
        *("stream saw GeneratorExit", "stream closed", "lifecycle saw GeneratorExit", "torn down")
    ]
    assert caplog.records == []


@pytest.mark.parametrize("error", [ConnectionResetError(), OSError(32, "Broken pipe")])
@pytest.mark.parametrize("waits", [True, False])
def test_when_a_send_says_that_the_client_is_gone(error, waits, caplog):
    story = Story(items=10**6, waits=waits)

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_messages(2)
        exchange.error_of_send = error
        await exchange.end()
        assert exchange.task.exception() is None

    run(conversation, story.handler())
    assert story.told[-3:] == ["stream closed", "lifecycle saw GeneratorExit", "torn down"]
    assert caplog.records == []


def test_an_oserror_of_the_source_is_an_error_as_any_other(caplog):
    story = Story(error=ConnectionResetError("the database"))

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.end()
        assert exchange.task.exception() is story.error

    run(conversation, story.handler())
    assert story.told == [
        *("set up", "stream saw ConnectionResetError", "stream closed", "lifecycle saw ConnectionResetError"),
        "torn down",
    ]


@pytest.mark.parametrize("error", [RuntimeError("broken"), HTTPError(404), TimeoutError()])
def test_the_lifecycle_sees_the_error(error, caplog):
    story = Story(error=error)

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.end()
        assert exchange.task.exception() is error
        assert exchange.body == b"012"
        assert not exchange.is_complete

    run(conversation, story.handler())
    assert story.told[-2:] == [f"lifecycle saw {type(error).__name__}", "torn down"]


def test_the_client_is_gone_within_one_item_of_a_source_that_ignores_it(caplog):
    taken = []
    changed = asyncio.Event()

    async def stubborn():
        while True:
            try:
                await changed.wait()
            except asyncio.CancelledError:
                taken.append("ignored")
                await asyncio.sleep(0.01)
            taken.append("item")
            yield b"x"

    def handler() -> StreamingResponse:
        return StreamingResponse(stream=stubborn())

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await settled()
        exchange.leave()
        await exchange.end()
        assert exchange.task.exception() is None

    run(conversation, handler)
    assert taken == ["ignored", "item"]


def test_the_client_is_watched_with_one_receive_that_skips_what_is_left_of_the_body():
    story = Story(items=50, hangs=True)

    async def conversation(app):
        exchange = Exchange(app, "/stream", leftovers=3).begin()
        await exchange.until(lambda exchange: exchange.body.endswith(b"4849"))
        await settled()
        assert exchange.receives == 4
        exchange.leave()
        await exchange.end()
        assert exchange.receives == 4

    run(conversation, story.handler())


def test_a_client_that_leaves_in_the_middle_of_the_teardown_does_not_disturb_it():
    story = Story()
    may_close, closes = asyncio.Event(), asyncio.Event()

    async def lifecycle():
        try:
            yield story.stream()
        finally:
            closes.set()
            await may_close.wait()
            story.told.append("torn down")

    def handler() -> StreamingResponse:
        return StreamingResponse(stream=lifecycle())

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await closes.wait()
        exchange.leave()
        await settled()
        assert story.told == ["stream closed"]
        may_close.set()
        await exchange.end()
        assert exchange.task.exception() is None

    run(conversation, handler)
    assert story.told == ["stream closed", "torn down"]


class TestLifecycles:
    def test_an_error_of_the_set_up_is_an_ordinary_answer(self):
        for cls in (StreamingResponse, SSEResponse):

            async def lifecycle():
                await asyncio.sleep(0)
                raise HTTPError(409, "taken")
                yield

            def handler(cls=cls, lifecycle=lifecycle):
                return cls(stream=lifecycle())

            handler.__annotations__["return"] = cls
            assert run(lambda app: Exchange(app, "/stream").run(), handler).status == 409

    def test_the_head_of_events_does_not_wait_for_a_slow_set_up(self):
        go_on = asyncio.Event()

        async def lifecycle():
            await go_on.wait()
            yield self.events()

        def handler() -> SSEResponse:
            return SSEResponse(stream=lifecycle())

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until_messages(2)
            assert exchange.body == b""
            go_on.set()
            await exchange.end()
            assert exchange.body == b"data: a\n\n"

        run(conversation, handler)

    async def events(self):
        yield "a"

    def test_the_head_of_events_leaves_with_the_set_up(self):
        async def lifecycle():
            await asyncio.sleep(0)
            yield self.never()

        def handler() -> SSEResponse:
            return SSEResponse(stream=lifecycle())

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await settled()
            assert exchange.has_started
            exchange.leave()
            await exchange.end()

        run(conversation, handler)

    async def never(self):
        await asyncio.Event().wait()
        yield ""

    def test_the_client_can_leave_while_it_is_set_up(self):
        told = []

        async def lifecycle():
            try:
                await asyncio.Event().wait()
                yield self.events()
            finally:
                told.append("torn down")

        def handler() -> SSEResponse:
            return SSEResponse(stream=lifecycle())

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await settled()
            exchange.leave()
            await exchange.end()
            assert exchange.task.exception() is None
            assert exchange.messages == []

        run(conversation, handler)
        assert told == ["torn down"]

    def test_one_that_yields_twice_is_an_error(self, caplog):
        async def lifecycle():
            yield self.events()
            yield self.events()

        def handler() -> SSEResponse:
            return SSEResponse(stream=lifecycle())

        assert run(lambda app: Exchange(app, "/stream").run(), handler).status == 500
        assert "yields its stream once" in str(caplog.records[0].exc_info[1])

    def test_one_that_yields_nothing_is_an_empty_stream(self):
        async def lifecycle():
            return
            yield self.events()

        def handler() -> SSEResponse:
            return SSEResponse(stream=lifecycle())

        assert run(lambda app: Exchange(app, "/stream").run(), handler).bodies == [b""]

    def test_one_that_takes_an_error_away_does_not_make_the_response_whole(self, caplog):
        error = RuntimeError("broken")

        async def lifecycle():
            try:
                yield Story(error=error).stream()
            except RuntimeError:
                return

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=lifecycle())

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.end()
            assert exchange.task.exception() is error
            assert not exchange.is_complete

        run(conversation, handler)

    def test_one_that_fails_in_its_teardown_aborts_what_was_not_whole_yet(self, caplog):
        async def lifecycle():
            yield Story().stream()
            await asyncio.sleep(0)
            raise RuntimeError("commit")

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=lifecycle())

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.end()
            assert str(exchange.task.exception()) == "commit"
            assert exchange.body == b"012"
            assert not exchange.is_complete

        run(conversation, handler)

    def test_what_it_yields_may_be_any_async_iterable(self):
        class Lines:
            async def __aiter__(self):
                yield b"a"

        async def lifecycle():
            yield Lines()

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=lifecycle())

        assert run(lambda app: Exchange(app, "/stream").run(), handler).body == b"a"

    def test_context_variables_and_the_task_are_the_request_s_everywhere(self):
        variable = contextvars.ContextVar("variable", default="none")
        seen = []

        def note():
            seen.append((variable.get(), asyncio.current_task()))

        async def stream():
            note()
            yield b"a"
            await asyncio.sleep(0)
            note()
            yield b"b"

        async def lifecycle():
            token = variable.set("inside")
            note()
            yield stream()
            note()
            variable.reset(token)

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=lifecycle())

        run(lambda app: Exchange(app, "/stream").run(), handler)
        assert {value for value, _ in seen} == {"inside"}
        assert len({task for _, task in seen}) == 1
        assert variable.get() == "none"


class Counted:
    """Counts the points at which a task waits, and cancels it at one of them."""

    def __init__(self, coroutine, cancel_at):
        self.coroutine = coroutine
        self.cancel_at = cancel_at
        self.count = 0

    def __await__(self):
        steps = self.coroutine.__await__()
        task = asyncio.current_task()
        value, error = None, None
        while True:
            try:
                waits_for = steps.throw(error) if error is not None else steps.send(value)
            except StopIteration as stop:
                return stop.value
            value, error = None, None
            self.count += 1
            if self.count == self.cancel_at:
                asyncio.get_running_loop().call_soon(task.cancel)
            try:
                value = yield waits_for
            except BaseException as raised:
                error = raised


@LOOPS
@pytest.mark.parametrize("kind", ["bytes", "events", "ndjson"])
def test_a_cancellation_at_any_point_closes_the_source_then_the_lifecycle_and_comes_out(loop_factory, kind):
    """The client is slow, so that sends wait too; the wrapper counts every wait of the task."""
    stories = []

    async def converted(stream):
        async for item in stream:
            yield item.decode() if kind == "events" else Tick(int(item))

    async def lifecycle(story):
        async for stream in story.lifecycle():
            yield stream

    class Wrapped:
        def __init__(self, story):
            self.inner = story.stream()
            self.outer = converted(self.inner)

        def __aiter__(self):
            return self

        def __anext__(self):
            return self.outer.__anext__()

        async def aclose(self):
            await self.outer.aclose()
            await self.inner.aclose()

    def handler():
        story = Story(items=4, waits=True)
        stories.append(story)
        if kind == "bytes":
            return StreamingResponse(stream=story.lifecycle())
        whole = story.lifecycle()

        async def changed():
            await anext(whole)
            try:
                yield Wrapped(story)
            finally:
                await whole.aclose()

        return (SSEResponse if kind == "events" else NDJSONStreamingResponse)(stream=changed())

    handler.__annotations__["return"] = {
        "bytes": StreamingResponse,
        "events": SSEResponse,
        "ndjson": NDJSONStreamingResponse[Tick],
    }[kind]

    async def conversation(app):
        cancel_at = 0
        while True:
            cancel_at += 1
            exchange = Exchange(app, "/stream")

            async def slowly(message, exchange=exchange):
                await asyncio.sleep(0)
                await Exchange.send(exchange, message)

            counted = Counted(app(exchange.scope, exchange.receive, slowly), cancel_at)

            async def main(counted=counted):
                await counted

            task = asyncio.ensure_future(main())
            await asyncio.wait([task])
            await settled()
            assert len(other_tasks()) == 1, "a task is left"
            story = stories.pop()
            if "set up" in story.told:
                order = [line for line in story.told if line in {"stream closed", "torn down"}]
                expected = ["stream closed", "torn down"] if story.taken else ["torn down"]
                assert order[-len(expected) :] == expected, (cancel_at, story.told)
            if counted.count < cancel_at:
                assert task.exception() is None
                assert exchange.is_complete
                return cancel_at
            if not exchange.is_complete:
                assert task.cancelled(), (cancel_at, task)

    points = run(conversation, handler, loop_factory=loop_factory)
    assert points > 12


@LOOPS
def test_a_timeout_of_the_source_s_own_is_its_own_also_while_a_message_is_sent(loop_factory):
    seen, timed_out = [], asyncio.Event()

    async def source():
        yield "a"
        for _ in range(3):
            try:
                async with asyncio.timeout(0.005):
                    await asyncio.Event().wait()
            except TimeoutError:
                seen.append("timeout")
                if len(seen) == 3:
                    timed_out.set()
                yield "timeout"

    def handler() -> SSEResponse:
        return SSEResponse(stream=source())

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = True
        exchange.begin()
        # They come while the first message waits for the client.
        await asyncio.wait_for(timed_out.wait(), DEADLINE)
        assert seen == ["timeout"] * 3
        exchange.let_send(100)
        await exchange.end()
        assert exchange.task.exception() is None
        assert exchange.body == b"data: a\n\n" + b"data: timeout\n\n" * 3
        assert exchange.task.cancelling() == 0

    run(conversation, handler, loop_factory=loop_factory)


@LOOPS
def test_a_task_group_of_the_source_s_own_may_fail_while_a_message_is_sent(loop_factory):
    async def fail():
        raise ValueError("child")

    async def source():
        yield "a"
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(fail())
                await asyncio.Event().wait()
        except* ValueError:
            pass
        yield "b"

    def handler() -> SSEResponse:
        return SSEResponse(stream=source())

    async def conversation(app):
        exchange = Exchange(app, "/stream")
        exchange.sends_wait = True
        exchange.begin()
        await asyncio.sleep(0.01)
        exchange.let_send(100)
        await exchange.end()
        assert exchange.task.exception() is None
        assert exchange.body == b"data: a\n\ndata: b\n\n"

    run(conversation, handler, loop_factory=loop_factory)


def test_a_future_s_exception_is_raised_where_the_source_waits_for_it():
    async def source():
        future = asyncio.get_running_loop().create_future()
        asyncio.get_running_loop().call_soon(future.set_exception, ValueError("late"))
        yield b"a"
        try:
            await future
        except ValueError as error:
            yield str(error).encode()

    def handler() -> StreamingResponse:
        return StreamingResponse(stream=source())

    assert run(lambda app: Exchange(app, "/stream").run(), handler).body == b"alate"


def test_a_thousand_clients_that_leave_leave_nothing_behind():
    open_streams = 0

    async def source():
        nonlocal open_streams
        open_streams += 1
        try:
            while True:
                yield "tick"
                await asyncio.sleep(0.001)
        finally:
            open_streams -= 1

    def handler() -> SSEResponse:
        return SSEResponse(stream=source())

    async def conversation(app):
        exchanges = [Exchange(app, "/stream").begin() for _ in range(1000)]
        await exchanges[-1].until_messages(3)
        for exchange in exchanges:
            exchange.leave()
        for exchange in exchanges:
            await exchange.end()
        await settled()
        assert open_streams == 0
        assert len(other_tasks()) == 1

    run(conversation, handler)


def test_two_apps_do_not_share_their_stop():
    async def main():
        def handler() -> SSEResponse:
            return SSEResponse(stream=Story(items=0, hangs=True).stream())

        from .asgi_stream import app_of

        first, second = app_of(endpoint_of(handler)), app_of(endpoint_of(handler))
        async with started(first) as stop, started(second):
            ones, others = Exchange(first, "/stream").begin(), Exchange(second, "/stream").begin()
            await ones.until_messages(1)
            await others.until_messages(1)
            await stop()
            await ones.end()
            assert not others.task.done()
            others.leave()
            await others.end()

    asyncio.run(main())
