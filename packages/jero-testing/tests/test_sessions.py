"""Stream sessions: items as they arrive, and the block's end."""

import asyncio
import threading
import time

import pytest
from msgspec import Struct

from jero_testing import AsyncTestClient, NoStream, TestClient, TestSSEEvent

from .apps import Endless, answer, app_of, body, read, start

NDJSON = (b"content-type", b"application/x-ndjson")
SSE = (b"content-type", b"text/event-stream; charset=utf-8")


class Row(Struct):
    id: int


def ndjson(*lines):
    async def respond(scope, receive, send):
        await start(send, 200, NDJSON)
        for line in lines:
            await body(send, line, more=True)
        await body(send)

    return app_of(respond)


def test_ndjson_is_decoded_as_it_arrives():
    released = threading.Event()

    async def respond(scope, receive, send):
        await start(send, 200, NDJSON)
        await body(send, b'{"id": 1}\n', more=True)
        while not released.is_set():
            await asyncio.sleep(0.001)
        await body(send, b'{"id": 2}\n')

    with TestClient(app_of(respond)) as client, client.stream_get("/") as stream:
        assert next(stream) == {"id": 1}
        released.set()
        assert [*stream] == [{"id": 2}]


def test_ndjson_is_decoded_to_a_type():
    with TestClient(ndjson(b'{"id": 1}\n{"id', b'": 2}\n')) as client, client.stream_get("/", item_type=Row) as stream:
        assert [*stream] == [Row(1), Row(2)]


def test_events_are_decoded_as_they_arrive_and_leaving_ends_the_app():
    app = Endless(SSE, piece=lambda number: b"id: %d\ndata: tick\n\n" % number)
    with TestClient(app) as client:
        with client.stream_get("/events", item_type=TestSSEEvent) as stream:
            assert next(stream) == TestSSEEvent("tick", id="0")
            assert [event.id for event in stream.take(3)] == ["1", "2", "3"]
            assert app.sent <= 6
        assert app.journal == ["send failed", "torn down"]


def test_the_content_type_decides_without_an_item_type():
    app = Endless(SSE, piece=lambda _: b"data: tick\n\n")
    with TestClient(app) as client, client.stream_get("/") as stream:
        assert next(stream) == TestSSEEvent("tick")
        assert stream.status_code == 200
        assert stream.headers["content-type"] == "text/event-stream; charset=utf-8"
        assert stream.response.request.method == "GET"


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_every_method_can_stream(method):
    async def respond(scope, receive, send):
        await start(send, 200, NDJSON)
        await body(send, b'"%s %s"\n' % (scope["method"].encode(), scope["query_string"]))

    async def main():
        async with (
            AsyncTestClient(app_of(respond)) as client,
            getattr(client, f"stream_{method}")("/", params={"a": 1}) as stream,
        ):
            return [item async for item in stream]

    expected = [f"{method.upper()} a=1"]
    with TestClient(app_of(respond)) as client, getattr(client, f"stream_{method}")("/", params={"a": 1}) as stream:
        assert [*stream] == expected
    assert asyncio.run(main()) == expected


def test_a_session_sends_a_body_and_headers_as_httpx_does():
    async def respond(scope, receive, send):
        data = b"".join(await read(receive))
        await start(send, 200, NDJSON)
        await body(send, data + b"\n")

    with TestClient(app_of(respond)) as client:
        with client.stream_post("/", json={"a": 1}) as stream:
            assert [*stream] == [{"a": 1}]
        with client.stream_post("/", content=iter([b"1", b"2"])) as stream:
            assert [*stream] == [12]


def test_take_gives_what_there_is():
    with TestClient(ndjson(b"1\n", b"2\n", b"3\n")) as client, client.stream_get("/") as stream:
        assert stream.take(2) == [1, 2]
        assert stream.take(2) == [3]
        assert stream.take(2) == []
        with pytest.raises(StopIteration):
            next(stream)


def test_an_answer_that_is_no_stream_is_shown():
    async def respond(scope, receive, send):
        await answer(send, b'{"detail": "no"}', 404, (b"content-type", b"application/problem+json"))

    with TestClient(app_of(respond)) as client, client.stream_get("/events") as stream:
        assert stream.status_code == 404
        with pytest.raises(NoStream) as caught:
            next(stream)
    assert str(caught.value) == (
        "GET http://testserver/events answered 404 with application/problem+json, and the test reads NDJSON or "
        'Server-Sent Events:\n{"detail": "no"}'
    )


def test_a_stream_of_other_items_is_told():
    endless = Endless(SSE, piece=lambda _: b"data: tick\n\n")
    with TestClient(endless) as client, client.stream_get("/", item_type=Row) as stream:
        with pytest.raises(NoStream, match="text/event-stream.*the test reads a stream of Row"):
            next(stream)
    with TestClient(ndjson()) as client, client.stream_get("/", item_type=TestSSEEvent) as stream:
        with pytest.raises(NoStream, match="application/x-ndjson.*a stream of TestSSEEvent"):
            next(stream)


def test_an_answer_without_a_content_type_is_no_stream():
    async def respond(scope, receive, send):
        await answer(send)

    async def main():
        async with AsyncTestClient(app_of(respond)) as client, client.stream_get("/") as stream:
            with pytest.raises(NoStream, match="no content type"):
                await anext(stream)

    asyncio.run(main())
    with TestClient(app_of(respond)) as client, client.stream_get("/") as stream:
        with pytest.raises(NoStream, match="no content type"):
            next(stream)


def test_a_failure_of_the_app_is_raised_behind_the_items_before_it():
    async def respond(scope, receive, send):
        await start(send, 200, NDJSON)
        await body(send, b"1\n", more=True)
        raise ConnectionError("away")

    with TestClient(app_of(respond)) as client, client.stream_get("/") as stream:
        assert next(stream) == 1
        with pytest.raises(ConnectionError, match="away"):
            next(stream)


def test_a_session_is_open_in_its_block_only():
    with TestClient(ndjson()) as client:
        session = client.stream_get("/")
        with pytest.raises(RuntimeError, match="inside its block"):
            session.status_code  # noqa: B018


def test_a_failing_test_leaves_the_stream_too():
    app = Endless(NDJSON)
    with TestClient(app) as client:
        with pytest.raises(KeyError), client.stream_get("/") as stream:
            next(stream)
            raise KeyError("test")
        assert app.journal == ["send failed", "torn down"]


def test_the_async_session_does_the_same():
    app = Endless(SSE, piece=lambda number: b"id: %d\ndata: tick\n\n" % number)

    async def main():
        async with AsyncTestClient(app) as client:
            async with client.stream_get("/", item_type=TestSSEEvent) as stream:
                assert await anext(stream) == TestSSEEvent("tick", id="0")
                assert [event.id for event in await stream.take(2)] == ["1", "2"]
                async for event in stream:
                    assert event.id == "3"
                    break
            assert app.journal == ["send failed", "torn down"]

    asyncio.run(main())


def test_the_async_session_ends_with_its_stream():
    async def main():
        async with AsyncTestClient(ndjson(b"1\n2")) as client, client.stream_get("/") as stream:
            return await stream.take(5), [item async for item in stream]

    assert asyncio.run(main()) == ([1, 2], [])


@pytest.mark.parametrize("status", [200, 500])
@pytest.mark.parametrize("is_async", [True, False])
def test_an_idle_answer_that_is_no_stream_is_told_soon(status, is_async):
    """And of an error, what there is of it is shown."""

    async def respond(scope, receive, send):
        await start(send, status)
        await body(send, b"the reason", more=True)
        while (await receive())["type"] != "http.disconnect":
            pass

    async def main():
        async with AsyncTestClient(app_of(respond)) as client, client.stream_get("/") as stream:
            await anext(stream)

    begin = time.monotonic()
    with pytest.raises(NoStream) as caught:
        if is_async:
            asyncio.run(main())
        else:
            with TestClient(app_of(respond)) as client, client.stream_get("/") as stream:
                next(stream)
    assert str(caught.value).endswith("\nthe reason") == (status == 500)
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize("is_async", [True, False])
def test_of_an_endless_error_the_beginning_is_shown(is_async):
    async def respond(scope, receive, send):
        await start(send, 500)
        while True:
            await body(send, b"x" * 100, more=True)

    async def main():
        async with AsyncTestClient(app_of(respond)) as client, client.stream_get("/") as stream:
            await anext(stream)

    with pytest.raises(NoStream) as caught:
        if is_async:
            asyncio.run(main())
        else:
            with TestClient(app_of(respond)) as client, client.stream_get("/") as stream:
                next(stream)
    assert str(caught.value).endswith("\n" + "x" * 2000)
