"""The ASGI checker: every rule, by an app that breaks it, and its section of the specification."""

import asyncio
from http import HTTPStatus

import pytest

from jero_testing import ASGIViolation, AsyncTestClient, TestClient

from .apps import answer, app_of, body, start

START = "http.response.start"
BODY = "http.response.body"


def sending(*messages):
    """An app that sends these messages."""

    async def respond(scope, receive, send):
        for message in messages:
            await send(message)

    return app_of(respond)


def head(*headers, status=200, **more):
    return {"type": START, "status": status, "headers": list(headers), **more}


END = {"type": BODY}
LENGTH_3 = (b"content-length", b"3")

BROKEN = {
    "no dict": ([("type", START)], "events are dicts", "Events"),
    "no type": ([{"status": 200}], "an event has a `type`", "Events"),
    "a type of bytes": ([{"type": b"http.response.start"}], "an event has a `type`", "Events"),
    "an unknown type": ([{"type": "http.response.head"}], "an http connection takes", "Events"),
    "a websocket message": ([{"type": "websocket.accept"}], "an http connection takes", "Events"),
    "an extension": (
        [head(), {"type": "http.response.pathsend", "path": "/x"}],
        "extensions are not offered",
        "Events",
    ),
    "a body first": ([END], "http.response.start comes first", "Response Start"),
    "two starts": ([head(), head()], "a response starts once", "Response Start"),
    "a start after the end": ([head(), END, head()], "nothing follows", "Response Body"),
    "a body after the end": ([head(), END, END], "nothing follows", "Response Body"),
    "no response": ([], "http.response.start begins one", "Response Start"),
    "no body": ([head()], "the last http.response.body", "Response Body"),
    "no end": ([head(), {"type": BODY, "more_body": True}], "the last http.response.body", "Response Body"),
    "a status of text": ([head(status="200")], "`status` is an int", "Response Start"),
    "a status of True": ([head(status=True)], "`status` is an int", "Response Start"),
    "no status": ([{"type": START}], "`status` is an int", "Response Start"),
    "a status of 99": ([head(status=99)], "200 to 599", "RFC 9110, section 15"),
    "a status of 103": ([head(status=103)], "200 to 599", "RFC 9110, section 15"),
    "a status of 600": ([head(status=600)], "200 to 599", "RFC 9110, section 15"),
    "headers of a dict": ([{"type": START, "status": 200, "headers": {b"a": b"b"}}], "an iterable", "Response Start"),
    "headers of None": ([{"type": START, "status": 200, "headers": None}], "an iterable", "Response Start"),
    "headers of text": ([{"type": START, "status": 200, "headers": "ab"}], "an iterable", "Response Start"),
    "a header of three": ([head((b"a", b"b", b"c"))], "a [name, value] pair", "Response Start"),
    "a header of bytes": ([head(b"ab")], "a [name, value] pair", "Response Start"),
    "a header name of text": ([head(("a", b"b"))], "are byte strings", "Response Start"),
    "a header value of text": ([head((b"a", "b"))], "are byte strings", "Response Start"),
    "an upper-case name": ([head((b"X-Up", b"b"))], "in lower case", "Response Start"),
    "a name with a space": ([head((b"x up", b"b"))], "a header name is a token", "sections 5.1 and 5.6.2"),
    "an empty name": ([head((b"", b"b"))], "a header name is a token", "sections 5.1 and 5.6.2"),
    "a pseudo-header": ([head((b":status", b"200"))], "a header name is a token", "sections 5.1 and 5.6.2"),
    "a value with CR": ([head((b"a", b"b\rc"))], "no CR, LF or NUL", "section 5.5"),
    "a value with LF": ([head((b"a", b"b\nc: d"))], "no CR, LF or NUL", "section 5.5"),
    "a value with NUL": ([head((b"a", b"\0"))], "no CR, LF or NUL", "section 5.5"),
    "a value with space": ([head((b"a", b" b"))], "no space around it", "section 5.5"),
    "trailers": ([head(trailers=True)], "`trailers` needs the extension", "HTTP Trailers"),
    "two lengths": ([head(LENGTH_3, LENGTH_3)], "content-length is one number", "section 8.6"),
    "a length of text": ([head((b"content-length", b"three"))], "content-length is one number", "section 8.6"),
    "a negative length": ([head((b"content-length", b"-3"))], "content-length is one number", "section 8.6"),
    "a length beyond all bounds": (
        [head((b"content-length", b"9" * 5000))],
        "content-length is one number",
        "section 8.6",
    ),
    "a length on 204": ([head(LENGTH_3, status=204)], "without content-length", "section 8.6"),
    "a body of text": ([head(), {"type": BODY, "body": "text"}], "`body` is a byte string", "Response Body"),
    "a body of a bytearray": ([head(), {"type": BODY, "body": bytearray(b"x")}], "`body` is a byte", "Response Body"),
    "a body of None": ([head(), {"type": BODY, "body": None}], "`body` is a byte string", "Response Body"),
    "more_body of 1": ([head(), {"type": BODY, "more_body": 1}], "`more_body` is a bool", "Response Body"),
    "a body on 204": ([head(status=204), {"type": BODY, "body": b"x"}], "a 204 has no content", "section 15.3.5"),
    "a body on 205": ([head(status=205), {"type": BODY, "body": b"x"}], "a 205 has no content", "section 15.3.6"),
    "a body on 304": ([head(status=304), {"type": BODY, "body": b"x"}], "a 304 has no content", "section 15.4.5"),
    "too short a body": ([head(LENGTH_3), {"type": BODY, "body": b"ab"}], "as long as its", "section 8.6"),
    "too long a body": ([head(LENGTH_3), {"type": BODY, "body": b"abcd"}], "as long as its", "section 8.6"),
    "too long a stream": (
        [head(LENGTH_3), *[{"type": BODY, "body": b"ab", "more_body": True}] * 2],
        "as long as its",
        "section 8.6",
    ),
}


@pytest.mark.parametrize("case", BROKEN)
def test_a_broken_rule_is_named_with_its_section(case):
    messages, rule, section = BROKEN[case]
    with TestClient(sending(*messages)) as client, pytest.raises(ASGIViolation) as caught:
        client.get("/")
    assert isinstance(caught.value, AssertionError)
    assert rule in caught.value.rule
    assert section in caught.value.section
    lines = str(caught.value).splitlines()
    assert lines[1:] == [f"    rule: {caught.value.rule}", f"    in: {caught.value.section}"]


@pytest.mark.parametrize("case", ["an upper-case name", "no end", "two starts"])
def test_the_async_client_checks_the_same(case):
    messages, rule, _ = BROKEN[case]

    async def main():
        async with AsyncTestClient(sending(*messages)) as client:
            await client.get("/")

    with pytest.raises(ASGIViolation) as caught:
        asyncio.run(main())
    assert rule in caught.value.rule


def test_the_answer_to_head_has_no_body():
    async def respond(scope, receive, send):
        await answer(send, b"body")

    with TestClient(app_of(respond)) as client, pytest.raises(ASGIViolation, match=r"RFC 9110, section 9.3.2"):
        client.head("/")


def test_the_traceback_ends_at_the_line_that_broke_the_rule():
    async def respond(scope, receive, send):
        await start(send, 200, (b"X-Up", b"1"))

    with TestClient(app_of(respond)) as client, pytest.raises(ASGIViolation) as caught:
        client.get("/")
    assert str(caught.traceback[-1].path).endswith("apps.py")
    assert caught.traceback[-1].name == "start"


ALLOWED = {
    "bare": [{"type": START, "status": 200}, END],
    "tuples": [{"type": START, "status": 200, "headers": ((b"a", b"b"), [b"a", b""])}, END],
    "an iterator": [{"type": START, "status": 200, "headers": iter([(b"a", b"b")])}, END],
    "a stream of its length": [head(LENGTH_3), *[{"type": BODY, "body": b"a", "more_body": True}] * 3, END],
    "empty pieces": [head(), *[{"type": BODY, "more_body": True}] * 3, END],
    "a 304 with a length": [head(LENGTH_3, status=304), END],
    "bytes beyond ASCII": [head((b"a", "ü".encode())), END],
    "a status of the enum": [head(status=HTTPStatus.CREATED), END],
    "a tab within": [head((b"a", b"b\tc")), END],
}


@pytest.mark.parametrize("case", ALLOWED)
def test_what_is_allowed_is_not_complained_about(case):
    with TestClient(sending(*ALLOWED[case])) as client:
        client.get("/")


def test_the_answer_to_head_may_have_a_length():
    with TestClient(sending(head(LENGTH_3), END)) as client:
        assert client.head("/").headers["content-length"] == "3"


def test_an_app_of_another_shape_is_told_so():
    def asgi2(scope):
        return None

    def nothing(scope, receive, send):
        return None

    with TestClient(asgi2) as client, pytest.raises(TypeError):
        client.get("/")
    with pytest.raises(ASGIViolation, match=r"an app is one callable"), TestClient(nothing) as client:
        client.get("/")


# the lifespan


def lifespan_of(*steps):
    """An app that receives where a step is None, and sends what the others are."""

    async def app(scope, receive, send):
        for step in steps:
            await (receive() if step is None else send(step))

    return app


STARTED = {"type": "lifespan.startup.complete"}
STOPPED = {"type": "lifespan.shutdown.complete"}

BROKEN_LIFESPANS = {
    "no answer to the start": ([None], "answers it", "Startup Complete"),
    "no answer to the stop": ([None, STARTED, None], "answers it", "Shutdown Complete"),
    "an answer before the start": ([STARTED, None], "an answer follows its event", "Startup Complete"),
    "a stop before its time": ([None, STOPPED], "an answer follows its event", "Shutdown Complete"),
    "two answers": ([None, STARTED, STARTED], "a step is answered once", "Startup Complete"),
    "an unknown type": ([None, {"type": "lifespan.startup.done"}], "the lifespan takes", "Scope"),
    "an http message": ([None, head()], "the lifespan takes", "Scope"),
    "no dict": ([None, "lifespan.startup.complete"], "events are dicts", "Events"),
    "a message of bytes": ([None, {"type": "lifespan.startup.failed", "message": b"x"}], "is a str", "Startup Failed"),
}


@pytest.mark.parametrize("case", BROKEN_LIFESPANS)
def test_a_broken_rule_of_the_lifespan_is_named_with_its_section(case):
    steps, rule, section = BROKEN_LIFESPANS[case]
    with pytest.raises(ASGIViolation) as caught, TestClient(lifespan_of(*steps)):
        pass
    assert rule in caught.value.rule
    assert section in caught.value.section


def test_a_whole_lifespan_breaks_no_rule():
    with TestClient(lifespan_of(None, STARTED, None, STOPPED)):
        pass


def test_a_client_that_left_is_no_broken_rule():
    async def respond(scope, receive, send):
        await start(send)
        while True:
            try:
                await body(send, b"x", more=True)
            except OSError:
                return

    with TestClient(app_of(respond)) as client, client.stream("GET", "/"):
        pass
