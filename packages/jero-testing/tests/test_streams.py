"""Streams in both directions: nothing is sent ahead, and leaving ends the app."""

import asyncio
import threading

import httpx
import pytest

from jero_testing import AppTimeout, ASGIViolation, AsyncTestClient, TestClient

from .apps import Endless, answer, app_of, body, read, start

# request bodies


def test_a_body_in_pieces_reaches_the_app_in_these_pieces():
    async def respond(scope, receive, send):
        await answer(send, b"|".join(await read(receive)))

    with TestClient(app_of(respond)) as client:
        assert client.post("/", content=iter([b"a", b"", b"bc"])).text == "a|bc|"
        assert client.post("/", content=b"abc").text == "abc"
        assert client.post("/", content=iter([])).text == ""
        assert client.get("/").text == ""


def test_a_piece_is_made_when_the_app_asks_for_it():
    journal = []

    async def respond(scope, receive, send):
        for _ in range(2):
            journal.append("receive")
            await receive()
        await answer(send)

    def pieces():
        for number in range(100):
            journal.append(number)
            yield b"x"

    with TestClient(app_of(respond)) as client:
        client.post("/", content=pieces())
    assert journal == ["receive", 0, "receive", 1]


def test_a_body_that_the_app_does_not_read_is_never_made():
    async def respond(scope, receive, send):
        await answer(send, b"refused", 413)

    def pieces():
        pytest.fail("nobody asked")
        yield b""

    with TestClient(app_of(respond)) as client:
        assert client.post("/", content=pieces()).status_code == 413


def test_a_body_is_iterated_in_the_thread_of_the_test():
    threads = []

    async def respond(scope, receive, send):
        await read(receive)
        await answer(send)

    def pieces():
        threads.append(threading.current_thread())
        yield b"x"

    with TestClient(app_of(respond)) as client:
        client.post("/", content=pieces())
    assert threads == [threading.current_thread()]


def test_a_body_and_a_response_can_go_on_at_once():
    async def echo(scope, receive, send):
        await start(send)
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await body(send, message["body"], more=more)

    journal = []

    def pieces():
        for piece in (b"a", b"b", b"c"):
            journal.append(("sent", piece))
            yield piece

    with TestClient(app_of(echo)) as client, client.stream("POST", "/", content=pieces()) as response:
        journal.extend(("read", piece) for piece in response.iter_bytes())
    assert [piece for kind, piece in journal if kind == "read"] == [b"a", b"b", b"c"]
    assert journal.index(("read", b"a")) < journal.index(("sent", b"c"))


def test_a_body_that_fails_is_a_disconnect_for_the_app_and_raises_in_the_test():
    received = []

    async def respond(scope, receive, send):
        while (message := await receive())["type"] == "http.request":
            received.append(message["body"])
        received.append(message["type"])

    def pieces():
        yield b"a"
        raise KeyError("disk")

    with TestClient(app_of(respond)) as client, pytest.raises(KeyError, match="disk"):
        client.post("/", content=pieces())
    assert received == [b"a", "http.disconnect"]


def test_a_body_of_text_is_refused():
    async def respond(scope, receive, send):
        await read(receive)

    with TestClient(app_of(respond)) as client, pytest.raises(TypeError, match="a body is bytes") as caught:
        client.post("/", content=iter(["text"]))
    assert caught.value.__notes__ == ["And then: AssertionError: "]


def test_a_cancelled_receive_loses_nothing():
    async def respond(scope, receive, send):
        waiting = asyncio.create_task(receive())
        await asyncio.sleep(0)
        waiting.cancel()
        await asyncio.wait([waiting])
        await answer(send, b"|".join(await read(receive)))

    with TestClient(app_of(respond)) as client:
        assert client.post("/", content=iter([b"a", b"b"])).text == "a|b|"


def test_after_the_body_and_the_response_the_app_receives_a_disconnect():
    received = []

    async def respond(scope, receive, send):
        await read(receive)
        watcher = asyncio.create_task(receive())
        await start(send)
        await body(send, b"x", more=True)
        await body(send)
        received.append((await watcher)["type"])
        received.append((await receive())["type"])

    with TestClient(app_of(respond)) as client:
        assert client.get("/").text == "x"
    assert received == ["http.disconnect"] * 2


# response bodies


def test_the_head_arrives_with_the_first_piece_as_on_the_strictest_server():
    sent = []

    async def respond(scope, receive, send):
        await start(send)
        sent.append("head")
        await body(send, b"", more=True)
        await receive()
        await receive()

    with TestClient(app_of(respond)) as client, client.stream("GET", "/") as response:
        assert (response.status_code, sent) == (200, ["head"])


def test_a_head_without_a_piece_does_not_arrive():
    async def respond(scope, receive, send):
        await start(send)
        await read(receive)
        await receive()

    with (
        TestClient(app_of(respond)) as client,
        pytest.raises(httpx.ReadTimeout),
        client.stream("POST", "/", content=iter([b"a"]), timeout=0.05),
    ):
        pytest.fail("the head arrived")


def test_pieces_arrive_as_they_are_sent():
    released = threading.Event()

    async def respond(scope, receive, send):
        await start(send)
        await body(send, b"first", more=True)
        while not released.is_set():
            await asyncio.sleep(0.001)
        await body(send, b"second")

    with TestClient(app_of(respond)) as client, client.stream("GET", "/") as response:
        pieces = response.iter_raw()
        assert next(pieces) == b"first"
        released.set()
        assert [*pieces] == [b"second"]


def test_the_app_is_never_more_than_one_message_ahead_of_its_reader():
    app = Endless()
    with TestClient(app) as client, client.stream("GET", "/") as response:
        for number, piece in zip(range(1, 51), response.iter_raw(), strict=False):
            assert piece == b"%d\n" % (number - 1)
            assert app.sent <= number + 1


def test_a_reader_that_does_not_read_holds_the_app_back():
    app = Endless()
    with TestClient(app) as client, client.stream("GET", "/"):
        for _ in range(20):
            with client.stream("GET", "/") as other:
                next(other.iter_raw())
        # Twenty others had their turn in the same loop.
        assert app.sent <= 20 * 3 + 1


def test_leaving_the_block_ends_the_app_and_waits_for_its_teardown():
    app = Endless()
    with TestClient(app) as client:
        with client.stream("GET", "/") as response:
            next(response.iter_raw())
        assert app.journal == ["send failed", "torn down"]


def test_leaving_is_a_disconnect_for_an_app_that_waits():
    journal = []

    async def respond(scope, receive, send):
        await start(send)
        await body(send, b"x", more=True)
        await receive()
        journal.append((await receive())["type"])
        try:
            await body(send, b"y", more=True)
        except OSError as error:
            journal.append(type(error).__mro__[1])

    with TestClient(app_of(respond)) as client:
        with client.stream("GET", "/"):
            pass
        assert journal == ["http.disconnect", OSError]


def test_what_fails_in_the_teardown_is_raised_where_the_block_ends():
    async def respond(scope, receive, send):
        try:
            await Endless()(scope, receive, send)
        finally:
            raise ValueError("teardown")

    with TestClient(app_of(respond)) as client:
        with pytest.raises(ValueError, match="teardown"), client.stream("GET", "/"):
            pass
        with pytest.raises(ValueError, match="teardown") as caught, client.stream("GET", "/"):
            raise KeyError("test")
        assert isinstance(caught.value.__context__, (KeyError, OSError))


def test_an_app_that_returns_when_its_client_has_left_breaks_no_rule():
    async def respond(scope, receive, send):
        await start(send)
        await body(send, b"x", more=True)
        await receive()
        await receive()

    with TestClient(app_of(respond)) as client, client.stream("GET", "/"):
        pass


def test_closing_the_client_leaves_its_open_streams():
    app = Endless()
    client = TestClient(app)
    response = client.send(client.build_request("GET", "/"), stream=True)
    client.close()
    assert app.journal == ["send failed", "torn down"]
    with pytest.raises(RuntimeError, match="closed"):
        next(response.iter_raw())


def test_compressed_responses_are_decoded():
    import gzip

    async def respond(scope, receive, send):
        await answer(send, gzip.compress(b"hello"), 200, (b"content-encoding", b"gzip"))

    with TestClient(app_of(respond)) as client:
        assert client.get("/").text == "hello"


# the async client


def test_the_async_client_streams_in_both_directions():
    journal = []

    async def echo(scope, receive, send):
        await start(send)
        more = True
        while more:
            message = await receive()
            more = message["more_body"]
            await body(send, message["body"], more=more)

    async def pieces():
        for piece in (b"a", b"b"):
            journal.append(piece)
            yield piece
            await asyncio.sleep(0)

    async def main():
        async with (
            AsyncTestClient(app_of(echo)) as client,
            client.stream("POST", "/", content=pieces()) as response,
        ):
            return [piece async for piece in response.aiter_raw()]

    assert asyncio.run(main()) == [b"a", b"b"]
    assert journal == [b"a", b"b"]


def test_the_async_client_holds_the_app_back_and_waits_for_its_teardown():
    app = Endless()

    async def main():
        async with AsyncTestClient(app) as client:
            async with client.stream("GET", "/") as response:
                async for _ in response.aiter_raw():
                    break
                for _ in range(50):
                    await asyncio.sleep(0)
                assert app.sent <= 2
            assert app.journal == ["send failed", "torn down"]

    asyncio.run(main())


def test_the_async_client_raises_what_its_body_raises():
    async def respond(scope, receive, send):
        while (await receive())["type"] != "http.disconnect":
            pass

    async def pieces():
        yield b"a"
        raise KeyError("disk")

    async def main():
        async with AsyncTestClient(app_of(respond)) as client:
            with pytest.raises(KeyError, match="disk"):
                await client.post("/", content=pieces())

    asyncio.run(main())


def test_a_cancelled_request_of_the_async_client_leaves_no_task():
    async def respond(scope, receive, send):
        await receive()
        await receive()

    async def main():
        async with AsyncTestClient(app_of(respond)) as client:
            request = asyncio.create_task(client.get("/"))
            await asyncio.sleep(0.02)
            request.cancel()
            with pytest.raises(asyncio.CancelledError):
                await request
        return [task for task in asyncio.all_tasks() if task is not asyncio.current_task()]

    assert asyncio.run(main()) == []


def test_a_read_timeout_is_httpxs_own_and_says_where_the_app_waits():
    async def respond(scope, receive, send):
        await asyncio.sleep(3600)

    with TestClient(app_of(respond)) as client, pytest.raises(httpx.ReadTimeout) as caught:
        client.get("/slow", timeout=0.05)
    assert "GET /slow: the app has sent nothing for 0.05 s; it waits at " in str(caught.value)
    assert "in test_a_read_timeout_is_httpxs_own_and_says_where_the_app_waits.<locals>.respond" in str(caught.value)
    assert "await asyncio.sleep(3600)" in str(caught.value)
    assert caught.value.request.url == "http://testserver/slow"


def test_a_timeout_error_of_the_app_is_its_own():
    async def respond(scope, receive, send):
        raise TimeoutError("the app's")

    with TestClient(app_of(respond)) as client, pytest.raises(TimeoutError, match="the app's") as caught:
        client.get("/")
    assert not isinstance(caught.value, AppTimeout)


@pytest.mark.parametrize("says_so", [True, False])
def test_a_response_that_the_app_cuts_off_on_purpose_is_broken_off_and_otherwise_a_violation(says_so):
    async def respond(scope, receive, send):
        await start(send)
        await body(send, b"half", more=True)
        if says_so:
            scope["extensions"]["jero.faults"]["cut_off"]()

    with (
        TestClient(app_of(respond)) as client,
        pytest.raises(httpx.RemoteProtocolError if says_so else ASGIViolation),
        client.stream("GET", "/") as response,
    ):
        assert [*response.iter_raw()] == [b"half"]
