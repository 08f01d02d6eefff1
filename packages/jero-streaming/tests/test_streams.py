"""What the three response classes send: bodies, heads, messages."""

import asyncio
import json
import logging
from contextlib import asynccontextmanager
from enum import Enum
from typing import Annotated, NewType

import msgspec
import pytest
from msgspec import Struct

from jero_core import HTTPError, Link
from jero_streaming import NDJSONStreamingResponse, ServerSentEvent, SSEResponse, StreamingResponse

from .asgi_stream import Exchange, VirtualLoop, run, settled


class Tick(Struct):
    n: int
    text: str = ""


class Bid(Struct, tag=True):
    price: float


class Ask(Struct, tag=True):
    price: float


class Trace(Struct):
    x_trace_id: str
    content_type: str | None = None
    cache_control: str | None = None


async def items(*values):
    for value in values:
        yield value


def whole(handler, target="/stream", **options):
    """The whole response of a handler to one request."""
    return run(lambda app: Exchange(app, target, **options).run(), handler)


def stream_of(cls, *values, annotation=None, **members):
    def handler():
        return cls(stream=items(*values), **members)

    handler.__annotations__["return"] = annotation or cls
    return handler


class TestBodies:
    def test_bytes_are_sent_as_they_are(self):
        exchange = whole(stream_of(StreamingResponse, b"ab", b"", b"\xffc"))
        assert exchange.body == b"ab\xffc"
        assert exchange.headers == [("content-type", "application/octet-stream")]

    def test_ndjson_is_one_line_for_each_value(self):
        handler = stream_of(
            NDJSONStreamingResponse, Tick(1, "a\nb"), Tick(2, "\u2028"), annotation=NDJSONStreamingResponse[Tick]
        )
        exchange = whole(handler)
        assert [json.loads(line) for line in exchange.body.split(b"\n")[:-1]] == [
            {"n": 1, "text": "a\nb"},
            {"n": 2, "text": "\u2028"},
        ]
        assert exchange.headers == [("content-type", "application/x-ndjson")]

    def test_events_of_text(self):
        exchange = whole(stream_of(SSEResponse, "a", "", " b\nc\r\nd\re", ServerSentEvent(data="x", id="1")))
        assert exchange.body == b"data: a\n\ndata: \n\ndata:  b\ndata: c\ndata: d\ndata: e\n\nid: 1\ndata: x\n\n"
        assert exchange.headers == [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
        ]

    def test_events_of_json(self):
        event = ServerSentEvent(data=Tick(2), event="tick", id="7", retry=3000)
        handler = stream_of(SSEResponse, Tick(1), event, ServerSentEvent(retry=5), annotation=SSEResponse[Tick])
        exchange = whole(handler)
        assert exchange.body == (
            b'data: {"n":1,"text":""}\n\nid: 7\nevent: tick\nretry: 3000\ndata: {"n":2,"text":""}\n\nretry: 5\n\n'
        )

    def test_only_three_line_breaks_split_data(self):
        text = "a\x0bb\x0cc\x1cd\x85e\u2028f\u2029g\0h"
        exchange = whole(stream_of(SSEResponse, text))
        assert exchange.body == f"data: {text}\n\n".encode()

    @pytest.mark.parametrize("annotation", [NDJSONStreamingResponse[Bid | Ask], SSEResponse[Bid | Ask]])
    def test_a_union_of_tagged_structs(self, annotation):
        cls = annotation.__origin__
        exchange = whole(stream_of(cls, Bid(1.0), Ask(2.0), annotation=annotation))
        assert exchange.body.count(b'"type":"Bid"') == exchange.body.count(b'"type":"Ask"') == 1

    def test_lists_of_structs(self):
        annotation = NDJSONStreamingResponse[list[Tick]]
        exchange = whole(stream_of(NDJSONStreamingResponse, [Tick(1)], [], annotation=annotation))
        assert exchange.body == b'[{"n":1,"text":""}]\n[]\n'

    @pytest.mark.parametrize("raw", [b'{"a":\n1}', b'{"a":\r\n1}', b'\r[\n"b"\r]\n'])
    def test_line_breaks_in_raw_json_do_not_split_a_line_or_a_field(self, raw):
        class Outer(Struct):
            inner: msgspec.Raw

        line = whole(
            stream_of(NDJSONStreamingResponse, Outer(msgspec.Raw(raw)), annotation=NDJSONStreamingResponse[Outer])
        ).body
        event = whole(stream_of(SSEResponse, Outer(msgspec.Raw(raw)), annotation=SSEResponse[Outer])).body
        assert line.count(b"\n") == 1
        assert b"\r" not in line + event
        assert json.loads(line) == {"inner": json.loads(raw)}
        assert event == b"data: " + line + b"\n"

    def test_the_app_s_enc_hook_is_honoured(self):
        class Colour:
            pass

        class Paint(Struct):
            colour: Colour

        handler = stream_of(NDJSONStreamingResponse, Paint(Colour()), annotation=NDJSONStreamingResponse[Paint])
        exchange = run(lambda app: Exchange(app, "/stream").run(), handler, enc_hook=staticmethod(lambda value: "red"))
        assert exchange.body == b'{"colour":"red"}\n'

    def test_a_stream_without_items_is_an_empty_body(self):
        exchange = whole(stream_of(StreamingResponse))
        assert exchange.bodies == [b""]
        assert exchange.is_complete

    def test_any_async_iterable_will_do(self):
        class Numbers:
            def __aiter__(self):
                self.left = [b"1", b"2"]
                return self

            async def __anext__(self):
                if not self.left:
                    raise StopAsyncIteration
                await asyncio.sleep(0)
                return self.left.pop(0)

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=Numbers())

        assert whole(handler).body == b"12"


class TestHeads:
    def test_typed_and_raw_headers_and_a_status(self):
        def handler() -> NDJSONStreamingResponse[Tick, Trace]:
            return NDJSONStreamingResponse(
                stream=items(Tick(1)),
                headers=Trace(x_trace_id="t1"),
                raw_headers={"X-Raw": "r"},
                status_code=202,
                links=[Link.from_url("https://example.org/next", rel="next")],
            )

        exchange = whole(handler)
        assert exchange.status == 202
        assert exchange.headers == [
            ("content-type", "application/x-ndjson"),
            ("x-trace-id", "t1"),
            ("link", '<https://example.org/next>; rel="next"'),
            ("x-raw", "r"),
        ]

    def test_headers_of_its_own_replace_the_defaults(self):
        def typed() -> SSEResponse[str, Trace]:
            return SSEResponse(stream=items("a"), headers=Trace("t", "text/event-stream; x=1", "no-store"))

        def raw() -> SSEResponse:
            return SSEResponse(stream=items("a"), raw_headers={"Cache-Control": "no-store", "X-Accel-Buffering": "yes"})

        assert whole(typed).headers == [
            ("x-accel-buffering", "no"),
            ("x-trace-id", "t"),
            ("content-type", "text/event-stream; x=1"),
            ("cache-control", "no-store"),
        ]
        assert whole(raw).headers == [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-store"),
            ("x-accel-buffering", "yes"),
        ]

    def test_typed_headers_that_are_absent_leave_the_defaults(self):
        def handler() -> SSEResponse[str, Trace]:
            return SSEResponse(stream=items("a"), headers=Trace("t"))

        assert whole(handler).headers == [
            ("content-type", "text/event-stream"),
            ("cache-control", "no-cache"),
            ("x-accel-buffering", "no"),
            ("x-trace-id", "t"),
        ]

    @pytest.mark.parametrize(
        "members",
        [
            {"raw_headers": {"x-bad": "a\r\nb"}},
            {"raw_headers": {"content-length": "1"}},
            {"raw_headers": {"transfer-encoding": "chunked"}},
            {"status_code": 99},
            {"status_code": 600},
            {"keepalive": 0},
            {"keepalive": float("nan")},
            {"keepalive": True},
        ],
    )
    def test_a_head_that_cannot_be_sent_is_a_500_and_the_stream_never_runs(self, members, caplog):
        runs = []

        async def never():
            runs.append(1)
            yield "a"

        def handler() -> SSEResponse:
            return SSEResponse(stream=never(), **members)

        exchange = whole(handler)
        assert exchange.status == 500
        assert runs == []

    @pytest.mark.parametrize("options", [{"method": "HEAD"}, {"target": "/stream"}])
    def test_head_and_statuses_without_content_close_the_stream_without_running_it(self, options):
        closed = []

        class Source:
            def __aiter__(self):
                raise AssertionError("it is iterated")

            async def aclose(self):
                closed.append(1)

        def handler() -> SSEResponse:
            return SSEResponse(stream=Source(), status_code=None if options.get("method") else 204)

        exchange = whole(handler, **options)
        assert closed == [1]
        assert exchange.body == b""
        assert exchange.is_complete
        if options.get("method"):
            assert exchange.headers[0] == ("content-type", "text/event-stream")
        else:
            assert ("content-type", "text/event-stream") not in exchange.headers

    def test_a_stream_that_cannot_be_closed_is_a_500(self, caplog):
        class Source:
            def __aiter__(self):
                raise AssertionError("it is iterated")

            async def aclose(self):
                raise RuntimeError("stuck")

        def handler() -> SSEResponse:
            return SSEResponse(stream=Source(), status_code=204)

        assert whole(handler).status == 500

    def test_head_does_not_start_a_generator(self):
        begun = []

        async def events():
            begun.append(1)
            yield "a"

        def handler() -> SSEResponse:
            return SSEResponse(stream=events())

        exchange = whole(handler, method="HEAD")
        assert exchange.status == 200
        assert begun == []


class TestMessages:
    def test_items_that_are_ready_leave_in_one_message_which_is_the_last(self):
        ticks = [Tick(n) for n in range(100)]
        exchange = whole(stream_of(NDJSONStreamingResponse, *ticks, annotation=NDJSONStreamingResponse[Tick]))
        assert len(exchange.messages) == 2
        assert exchange.receives == 0

    def test_what_there_is_has_been_sent_before_the_source_waits(self):
        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until_body(b"data: 1\n\ndata: 2\n\n")
            assert exchange.bodies == [b"data: 1\n\ndata: 2\n\n"]
            await settled()
            assert exchange.bodies == [b"data: 1\n\ndata: 2\n\n"]
            event.set()
            await exchange.end()
            assert exchange.bodies[1:] == [b"data: 3\n\ndata: 4\n\n"]

        event = asyncio.Event()

        async def source():
            yield "1"
            yield "2"
            await event.wait()
            yield "3"
            yield "4"

        def handler() -> SSEResponse:
            return SSEResponse(stream=source())

        run(conversation, handler)

    @pytest.mark.parametrize("size", [1, 100, 1000, 65535, 65536, 70000, 200000])
    @pytest.mark.parametrize("kind", ["bytes", "ndjson", "text", "json"])
    def test_a_message_holds_whole_items_and_at_most_64_kib_unless_it_is_one_item(self, kind, size):
        count = 400000 // max(size, 100)
        text = "x" * size
        if kind == "bytes":
            handler = stream_of(StreamingResponse, *[text.encode()] * count)
            item = text.encode()
        elif kind == "ndjson":
            handler = stream_of(
                NDJSONStreamingResponse, *[Tick(1, text)] * count, annotation=NDJSONStreamingResponse[Tick]
            )
            item = msgspec.json.encode(Tick(1, text)) + b"\n"
        elif kind == "text":
            handler = stream_of(SSEResponse, *[text] * count)
            item = f"data: {text}\n\n".encode()
        else:
            handler = stream_of(SSEResponse, *[Tick(1, text)] * count, annotation=SSEResponse[Tick])
            item = b"data: " + msgspec.json.encode(Tick(1, text)) + b"\n\n"
        exchange = whole(handler)
        assert exchange.body == item * count
        for body in exchange.bodies:
            assert len(body) <= 65536 or body == item
            assert len(body) % len(item) == 0
        full = [body for body in exchange.bodies[:-1] if body != item]
        assert all(len(body) + len(item) > 65536 for body in full)

    def test_a_slow_client_pauses_the_source(self):
        taken = []

        async def endless():
            for n in range(10**9):
                taken.append(n)
                yield b"x" * 1024

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=endless())

        async def conversation(app):
            exchange = Exchange(app, "/stream")
            exchange.sends_wait = True
            exchange.begin()
            await settled()
            assert len(taken) == 64  # As many as a message holds.
            exchange.let_send(2)
            await exchange.until_messages(2)
            await settled()
            assert len(taken) == 64 + 64
            exchange.leave()
            await exchange.end()

        run(conversation, handler)

    def test_a_source_that_never_waits_leaves_the_loop_to_others(self):
        async def endless():
            while True:
                yield b"x" * 1000

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=endless())

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until_messages(3)
            exchange.leave()
            await exchange.end()
            assert exchange.task.exception() is None

        run(conversation, handler)


class TestErrors:
    @pytest.mark.parametrize("cls", [StreamingResponse, SSEResponse, NDJSONStreamingResponse])
    @pytest.mark.parametrize("waits", [False, True])
    def test_an_error_before_the_first_item_is_an_ordinary_answer(self, cls, waits):
        async def source():
            if waits:
                await asyncio.sleep(0)
            raise HTTPError(404, "no such stream")
            yield

        def handler():
            return cls(stream=source())

        handler.__annotations__["return"] = NDJSONStreamingResponse[Tick] if cls is NDJSONStreamingResponse else cls
        exchange = whole(handler)
        assert exchange.status == 404
        assert json.loads(exchange.body)["detail"] == "no such stream"

    def test_an_error_behind_items_that_were_not_sent_yet_is_a_500(self, caplog):
        async def source():
            yield b"a"
            raise RuntimeError("broken")

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=source())

        exchange = whole(handler)
        assert exchange.status == 500
        assert [record.message for record in caplog.records] == ["GET '/stream' failed"]

    @pytest.mark.parametrize("error", [RuntimeError("broken"), HTTPError(404)])
    def test_an_error_behind_the_first_message_is_logged_once_and_aborts(self, error, caplog):
        async def source():
            yield b"a"
            await asyncio.sleep(0)
            yield b"b"
            raise error

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=source())

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.end()
            assert exchange.task.exception() is error
            assert exchange.body == b"ab"
            assert not exchange.is_complete

        run(conversation, handler)
        assert [record.message for record in caplog.records] == ["GET '/stream' failed after its response had started"]

    @pytest.mark.parametrize(
        ("annotation", "value"),
        [
            (StreamingResponse, "text"),
            (StreamingResponse, bytearray(b"a")),
            (NDJSONStreamingResponse[Tick], {"n": 1}),
            (NDJSONStreamingResponse[Tick], Bid(1.0)),
            (SSEResponse, b"bytes"),
            (SSEResponse, 3),
            (SSEResponse, None),
            (SSEResponse, ServerSentEvent(data=3)),
            (SSEResponse[Tick], "text"),
            (SSEResponse[Tick], ServerSentEvent(data="text")),
            (SSEResponse[Tick], Bid(1.0)),
        ],
    )
    def test_an_item_of_another_type_is_a_logged_500(self, annotation, value, caplog):
        cls = getattr(annotation, "__origin__", annotation)
        exchange = whole(stream_of(cls, value, annotation=annotation))
        assert exchange.status == 500
        assert "gave a value of type" in str(caplog.records[0].exc_info[1])

    @pytest.mark.parametrize("stream", [[b"a"], b"a", None, iter([b"a"])])
    def test_a_stream_that_is_no_async_iterable_is_a_logged_500(self, stream, caplog):
        def handler() -> StreamingResponse:
            return StreamingResponse(stream=stream)

        assert whole(handler).status == 500
        assert "a stream is an async iterable, not" in str(caplog.records[0].exc_info[1])

    def test_an_item_that_cannot_be_encoded_keeps_those_before_it(self, caplog):
        class Odd(Struct):
            text: str

        async def source():
            yield Odd("a")
            await asyncio.sleep(0)
            yield Odd("b")
            yield Odd("\ud800")

        def handler() -> NDJSONStreamingResponse[Odd]:
            return NDJSONStreamingResponse(stream=source())

        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.end()
            assert isinstance(exchange.task.exception(), UnicodeEncodeError)
            assert exchange.body == b'{"text":"a"}\n{"text":"b"}\n'

        run(conversation, handler)

    def test_another_response_than_the_annotation_says_is_a_500(self, caplog):
        def handler() -> StreamingResponse:
            return SSEResponse(stream=items("a"))

        assert whole(handler).status == 500

    def test_a_send_that_fails_ends_the_source_with_that_error(self, caplog):
        seen = []

        async def source():
            try:
                yield b"a"
                await asyncio.sleep(10)
            except BaseException as error:
                seen.append(type(error))
                raise

        def handler() -> StreamingResponse:
            return StreamingResponse(stream=source())

        async def conversation(app):
            exchange = Exchange(app, "/stream")
            exchange.error_of_send = RuntimeError("the server is confused")
            exchange.begin()
            await exchange.end()
            assert exchange.task.exception() is exchange.error_of_send

        run(conversation, handler)
        assert seen == [RuntimeError]


class TestEventStreams:
    def test_the_head_leaves_within_100_ms_when_no_event_is_ready(self):
        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            started = asyncio.get_running_loop().time()
            await exchange.until_messages(2)
            assert asyncio.get_running_loop().time() - started <= 0.1
            assert exchange.messages[1] == {"type": "http.response.body", "body": b"", "more_body": True}
            exchange.leave()
            await exchange.end()

        async def generator():
            await asyncio.Event().wait()
            yield ""

        class Iterator:
            def __aiter__(self):
                return self

            async def __anext__(self):
                await asyncio.Event().wait()

        for source in (generator, Iterator):

            def handler(source=source) -> SSEResponse:
                return SSEResponse(stream=source())

            run(conversation, handler, loop_factory=VirtualLoop)

    @pytest.mark.parametrize("keepalive", [2.5, 15])
    def test_a_comment_comes_after_that_many_idle_seconds_and_not_before(self, keepalive):
        sent = []

        async def conversation(app):
            exchange = Exchange(app, "/stream")
            send = exchange.send

            async def timed(message):
                await send(message)
                sent.append((round(asyncio.get_running_loop().time(), 6), message.get("body")))

            exchange.send = timed
            exchange.begin()
            await asyncio.sleep(1000)
            exchange.leave()
            await exchange.end()

        async def source():
            for _ in range(20):  # Faster than comments, for longer than they wait.
                await asyncio.sleep(2)
                yield "x"
            await asyncio.Event().wait()

        def handler() -> SSEResponse:
            return SSEResponse(stream=source(), keepalive=keepalive)

        run(conversation, handler, loop_factory=VirtualLoop)
        events = [time for time, body in sent if body == b"data: x\n\n"]
        comments = [time for time, body in sent if body == b": keep-alive\n\n"]
        assert events == [2.0 * number for number in range(1, 21)]
        assert comments[:4] == [40 + keepalive * number for number in range(1, 5)]

    def test_comments_are_sent_while_nothing_happens(self):
        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until(lambda exchange: exchange.body.count(b": keep-alive\n\n") >= 3)
            exchange.leave()
            await exchange.end()

        async def generator():
            yield "a"
            await asyncio.Event().wait()

        def handler() -> SSEResponse:
            return SSEResponse(stream=generator(), keepalive=0.01)

        run(conversation, handler)

    def test_comments_run_from_the_head_on(self):
        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until(lambda exchange: exchange.body.startswith(b": keep-alive\n\n"))
            exchange.leave()
            await exchange.end()

        async def generator():
            await asyncio.Event().wait()
            yield ""

        def handler() -> SSEResponse:
            return SSEResponse(stream=generator(), keepalive=0.01)

        run(conversation, handler)

    def test_no_comment_is_sent_without_keepalive_or_in_other_streams(self):
        async def conversation(app):
            for target in ("/stream", "/stream1"):
                exchange = Exchange(app, target).begin()
                await exchange.until_messages(2)
                await asyncio.sleep(0.1)
                assert b"keep" not in exchange.body
                exchange.leave()
                await exchange.end()

        async def generator(item):
            yield item
            await asyncio.Event().wait()

        def quiet() -> SSEResponse:
            return SSEResponse(stream=generator("a"), keepalive=None)

        def other() -> StreamingResponse:
            return StreamingResponse(stream=generator(b"a"))

        run(conversation, quiet, other)

    def test_a_comment_that_is_being_sent_and_an_event_do_not_overtake_each_other(self):
        async def conversation(app):
            exchange = Exchange(app, "/stream").begin()
            await exchange.until_body(b"data: a\n\n")
            exchange.sends_wait = True
            await asyncio.sleep(0.05)  # The comment is on its way, and waits.
            event.set()
            await settled()
            assert exchange.body == b"data: a\n\n"
            exchange.let_send(2)
            await exchange.until(lambda exchange: b"data: b" in exchange.body)
            assert exchange.body == b"data: a\n\n: keep-alive\n\ndata: b\n\n"
            exchange.leave()
            await exchange.end()

        event = asyncio.Event()

        async def generator():
            yield "a"
            await event.wait()
            yield "b"
            await asyncio.Event().wait()

        def handler() -> SSEResponse:
            return SSEResponse(stream=generator(), keepalive=0.02)

        run(conversation, handler)

    def test_nothing_is_logged_for_a_good_stream(self, caplog):
        caplog.set_level(logging.DEBUG, logger="jero")
        whole(stream_of(SSEResponse, "a"))
        assert caplog.records == []


class Size(Enum):
    small = 1


class Named(Struct):
    name: Annotated[str, msgspec.Meta(min_length=1)]
    size: Size = Size.small


def test_generic_subclasses_of_the_responses_are_planned_as_they_are():
    class Named2[T](NDJSONStreamingResponse[T]):
        pass

    def handler() -> Named2[Named]:
        return Named2(stream=items(Named("a")))

    assert whole(handler).body == b'{"name":"a","size":1}\n'


class Closable:
    """A stream that notes that it is closed."""

    def __init__(self):
        self.closed = 0

    def __aiter__(self):
        return self

    async def __anext__(self):
        raise StopAsyncIteration

    async def aclose(self):
        self.closed += 1


@pytest.mark.parametrize("options", [{"raw_headers": {"x": "a\r\nb"}}, {"keepalive": 0}, {"status_code": 99}], ids=str)
def test_a_response_that_is_refused_closes_its_stream(options):
    stream = Closable()

    def handler() -> SSEResponse:
        return SSEResponse(stream=stream, **options)

    assert whole(handler).status == 500
    assert stream.closed == 1


type Text = str
Name = NewType("Name", str)


@pytest.mark.parametrize("annotation", [Text, Annotated[str, "text"], Name], ids=str)
def test_text_is_text_however_it_is_spelled(annotation):
    def handler():
        return SSEResponse(stream=items("a"))

    handler.__annotations__["return"] = SSEResponse[annotation]
    assert whole(handler).body == b"data: a\n\n"


def test_a_source_of_empty_chunks_alone_does_not_hold_the_loop():
    taken = 0

    async def source():
        nonlocal taken
        while taken < 5_000_000:  # Without this a mistake would hang here.
            taken += 1
            yield b""

    def handler() -> StreamingResponse:
        return StreamingResponse(stream=source())

    async def conversation(app):
        exchange = Exchange(app, "/stream").begin()
        await exchange.until_messages(2)
        assert taken < 1_000_000
        exchange.leave()
        await exchange.end()

    run(conversation, handler)


async def _a_coroutine():
    return [b"x"]


@asynccontextmanager
async def _a_context():
    yield b"x"


@pytest.mark.parametrize(
    ("make", "hint"),
    [
        (_a_coroutine, "await what _a_coroutine returns, or have it `yield` the items itself"),
        (lambda: _a_coroutine, "call it, `stream=_a_coroutine()`"),
        (_a_context, "without the `@asynccontextmanager`"),
        (lambda: iter([b"x"]), "`yield` the items in an `async def` function"),
        (lambda: 5, "not a value of type int"),
    ],
)
def test_what_is_no_stream_is_told_with_what_was_meant(make, hint, caplog):
    def handler() -> StreamingResponse:
        return StreamingResponse(stream=make())

    async def conversation(app):
        assert (await Exchange(app, "/stream").run()).status == 500

    run(conversation, handler)
    assert hint in str(caplog.records[0].exc_info[1])
