"""Responses and errors: SPEC sections 5 and 6."""

import asyncio
import datetime
import enum
import logging
from http import HTTPStatus
from typing import Annotated, Any, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from jero_core import BytesResponse, Endpoint, HTTPError, JSONResponse, RawHeaders, Resource

from .asgi_driver import app_of, request, serve


class Widget(Struct):
    id: int


class Special(Widget):
    extra: str = "e"


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    tricks: int


class Page[T](Struct):
    items: list[T]


type Alias = list[Widget]


def returning(annotation, result, method="get"):
    """An app whose one endpoint returns `result` (calls it, if it is a function) under this annotation."""

    async def handler(self) -> annotation:
        return result() if callable(result) and not isinstance(result, type) else result

    return app_of(type("Spot", (Endpoint,), {method: handler}, path="/spot")())


@pytest.mark.parametrize(
    ("annotation", "result", "body"),
    [
        (Widget, Widget(1), b'{"id":1}'),
        (Widget, Special(1), b'{"id":1,"extra":"e"}'),
        (list[Widget], [Widget(1), Widget(2)], b'[{"id":1},{"id":2}]'),
        (list[Widget], [], b"[]"),
        (Cat | Dog, Dog(1), b'{"type":"Dog","tricks":1}'),
        (list[Cat | Dog], [Cat(9)], b'[{"type":"Cat","lives":9}]'),
        (Page[Widget], Page([Widget(1)]), b'{"items":[{"id":1}]}'),
        (Annotated[Widget, Meta(title="w")], Widget(1), b'{"id":1}'),
        (Alias, [Widget(1)], b'[{"id":1}]'),
    ],
)
def test_structs_are_json(annotation, result, body):
    response = request(returning(annotation, result), "GET", "/spot")
    assert (response.status, response.body) == (200, body)
    assert response.headers == [("content-type", "application/json"), ("content-length", str(len(body)))]


@pytest.mark.parametrize(
    ("annotation", "result", "content_type", "body"),
    [
        (bytes, b"\x00", "application/octet-stream", b"\x00"),
        (str, "é", "text/plain; charset=utf-8", "é".encode()),
        (str, "x" * 5000, "text/plain; charset=utf-8", b"x" * 5000),
    ],
)
def test_bytes_and_text_have_their_types(annotation, result, content_type, body):
    response = request(returning(annotation, result), "GET", "/spot")
    assert response.headers == [("content-type", content_type), ("content-length", str(len(body)))]
    assert response.body == body


def test_none_is_204_without_body_and_content_headers():
    response = request(returning(None, None), "GET", "/spot")
    assert (response.status, response.headers, response.body) == (204, [], b"")


@pytest.mark.parametrize(
    ("annotation", "result"),
    [
        (Widget, None),
        (Widget, {"id": 1}),
        (Widget, JSONResponse(json=Widget(1))),
        (Widget, [Widget(1)]),
        (list[Widget], (Widget(1),)),
        (list[Widget], Widget(1)),
        (Cat | Dog, Widget(1)),
        (None, Widget(1)),
        (str, b"x"),
        (bytes, "x"),
        (bytes, bytearray(b"x")),
        (JSONResponse[Widget], Widget(1)),
        (JSONResponse[Widget], JSONResponse(json={"id": 1})),
        (BytesResponse, BytesResponse(content="x")),
        (BytesResponse, JSONResponse(json=Widget(1))),
    ],
)
def test_a_result_that_is_not_what_the_annotation_says_is_a_logged_500(annotation, result, caplog):
    response = request(returning(annotation, result), "GET", "/spot")
    assert response.status == 500
    assert response.json == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    assert "annotation says" in caplog.text
    assert "Spot.get" in caplog.text


def test_what_cannot_be_encoded_is_a_500_before_anything_is_sent(caplog):
    assert request(returning(str, "\ud800"), "GET", "/spot").status == 500
    widget = Widget(1)
    widget.id = object()
    assert request(returning(Widget, widget), "GET", "/spot").status == 500


# wrappers


class Level(enum.Enum):
    HIGH = "high"


class Headers(Struct):
    x_text: str
    x_flag: bool = True
    x_number: float = 1.5
    x_level: Level = Level.HIGH
    x_date: datetime.date = datetime.date(2026, 11, 22)
    x_nested: list[int] = []
    x_none: int | None = None
    x_maybe: str | None = None


def test_typed_headers_are_sent_under_their_dashed_names():
    result = JSONResponse(json=Widget(1), headers=Headers("a", x_nested=[1, 2]))
    response = request(returning(JSONResponse[Widget, Headers], result), "GET", "/spot")
    assert response.headers == [
        ("content-type", "application/json"),
        ("content-length", "8"),
        ("x-text", "a"),
        ("x-flag", "true"),
        ("x-number", "1.5"),
        ("x-level", "high"),
        ("x-date", "2026-11-22"),
        ("x-nested", "[1,2]"),
    ]


class RawValues(Struct):
    x_number: msgspec.Raw
    x_text: msgspec.Raw
    x_nested: list[msgspec.Raw]
    x_none: msgspec.Raw | None = None


def test_typed_headers_may_be_json_that_is_encoded_already():
    typed = RawValues(msgspec.Raw(b"1.50"), msgspec.Raw(b'"a\\u0062"'), [msgspec.Raw(b'{"a":1}')])
    result = JSONResponse(json=Widget(1), headers=typed)
    response = request(returning(JSONResponse[Widget, RawValues], result), "GET", "/spot")
    assert response.headers[2:] == [("x-number", "1.50"), ("x-text", "ab"), ("x-nested", '[{"a":1}]')]


type Count = int | None


@pytest.mark.parametrize(
    "annotation",
    [int | None, int | str | None, int | Count, Count, Literal["a", None], Annotated[int | bool | None, "x"], Any],  # noqa: PYI061  # as some write it
)
def test_a_typed_header_that_is_none_is_left_out(annotation):
    headers = msgspec.defstruct("Headers", [("x_a", annotation), ("content_type", annotation)])
    result = BytesResponse(content=b"x", headers=headers(None, None))
    response = request(returning(BytesResponse[headers], result), "GET", "/spot")
    assert response.headers == [("content-type", "application/octet-stream"), ("content-length", "1")]


@pytest.mark.parametrize("annotation", [int, str, int | str, list[int]])
def test_a_typed_header_that_is_none_against_its_type_is_a_500(annotation, caplog):
    headers = msgspec.defstruct("Headers", [("x_a", annotation)])
    result = BytesResponse(content=b"x", headers=headers(None))
    assert request(returning(BytesResponse[headers], result), "GET", "/spot").status == 500
    assert "None is no header value" in caplog.text


class Word(enum.StrEnum):
    ONE = "word"


@pytest.mark.parametrize(("value", "sent"), [(5, "5"), (True, "true"), (Word.ONE, "word"), (b"\x00", "AA==")])
def test_a_typed_header_that_is_no_str_as_it_says_is_sent_as_its_text(value, sent):
    headers = msgspec.defstruct("Headers", [("x_a", str), ("x_b", str | None), ("x_c", int), ("x_d", str | None)])
    result = BytesResponse(content=b"x", headers=headers(value, value, 7, None))
    response = request(returning(BytesResponse[headers], result), "GET", "/spot")
    assert response.headers[2:] == [("x-a", sent), ("x-b", sent), ("x-c", "7")]


def test_a_typed_header_without_a_text_is_a_500(caplog):
    headers = msgspec.defstruct("Headers", [("x_a", str)])
    result = BytesResponse(content=b"x", headers=headers(object()))
    assert request(returning(BytesResponse[headers], result), "GET", "/spot").status == 500
    assert "Encoding objects of type object is unsupported" in caplog.text


def test_a_typed_header_that_is_missing_or_of_another_type_is_500():
    for headers in (None, Widget(1)):
        result = JSONResponse(json=Widget(1), headers=headers)
        assert request(returning(JSONResponse[Widget, Headers], result), "GET", "/spot").status == 500


@pytest.mark.parametrize(
    ("annotation", "result"),
    [
        (JSONResponse[Widget], JSONResponse(json=Widget(1), headers=Widget(1))),
        (BytesResponse, BytesResponse(content=b"", headers=Widget(1))),
    ],
)
def test_typed_headers_that_the_annotation_does_not_have_are_a_500(annotation, result, caplog):
    assert request(returning(annotation, result), "GET", "/spot").status == 500
    assert "headers=Widget(...) is given" in caplog.text


def test_a_wrapper_decides_the_status():
    result = JSONResponse(json=Widget(1), status_code=202)
    response = request(returning(JSONResponse[Widget], result), "GET", "/spot")
    assert (response.status, response.body) == (202, b'{"id":1}')


def test_without_a_status_a_wrapper_has_the_operation_s_own():
    class Widgets(Resource, path="/widgets"):
        async def create(self) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget(1))

    assert request(app_of(Widgets()), "POST", "/widgets").status == 201


@pytest.mark.parametrize("status", [204, 205, 304])
def test_a_status_without_content_has_no_body_and_no_content_headers(status):
    result = JSONResponse(
        json=Widget(1), status_code=status, raw_headers={"etag": '"1"', "content-type": "a/b", "content-location": "/a"}
    )
    response = request(returning(JSONResponse[Widget], result), "GET", "/spot")
    assert (response.status, response.headers, response.body) == (
        status,
        [("etag", '"1"'), ("content-location", "/a")],
        b"",
    )


@pytest.mark.parametrize("status", [0, 99, 100, 101, 199, 600, 1000, -1, "200", True])
def test_a_status_that_is_none_is_a_500(status, caplog):
    result = JSONResponse(json=Widget(1), status_code=status)
    assert request(returning(JSONResponse[Widget], result), "GET", "/spot").status == 500


def test_raw_headers_are_sent_after_the_typed_ones_with_repeats():
    class Trace(Struct):
        x_trace_id: str

    raw = RawHeaders([("Set-Cookie", "a=1"), ("set-cookie", "b=2"), ("X-Y", " padded ")])
    result = BytesResponse(content=b"x", headers=Trace("t"), raw_headers=raw)
    response = request(returning(BytesResponse[Trace], result), "GET", "/spot")
    assert response.headers[2:] == [
        ("x-trace-id", "t"),
        ("set-cookie", "a=1"),
        ("set-cookie", "b=2"),
        ("x-y", "padded"),
    ]


def test_content_type_is_replaced_by_a_typed_or_a_raw_header_and_never_sent_twice():
    class Image(Struct):
        content_type: str

    typed = BytesResponse(content=b"x", headers=Image("image/png"))
    assert request(returning(BytesResponse[Image], typed), "GET", "/spot").header("content-type") == "image/png"
    raw = BytesResponse(content=b"x", raw_headers={"Content-Type": "image/gif"})
    assert request(returning(BytesResponse, raw), "GET", "/spot").header("content-type") == "image/gif"


def test_an_optional_content_type_that_is_none_leaves_the_default():
    class Typed(Struct):
        content_type: str | None = None

    app = returning(JSONResponse[Widget, Typed], JSONResponse(json=Widget(1), headers=Typed()))
    assert request(app, "GET", "/spot").header("content-type") == "application/json"
    app = returning(JSONResponse[Widget, Typed], JSONResponse(json=Widget(1), headers=Typed("a/b")))
    assert request(app, "GET", "/spot").header("content-type") == "a/b"


def test_typed_headers_may_be_a_generic_struct():
    class Head[T](Struct):
        x_size: T
        x_name: str | None = None

    app = returning(JSONResponse[Widget, Head[int]], JSONResponse(json=Widget(1), headers=Head(5, "a")))
    response = request(app, "GET", "/spot")
    assert (response.header("x-size"), response.header("x-name")) == ("5", "a")


def test_two_raw_content_types_are_a_500(caplog):
    raw = RawHeaders([("content-type", "a/b"), ("Content-Type", "c/d")])
    app = returning(JSONResponse[Widget], JSONResponse(json=Widget(1), raw_headers=raw))
    assert request(app, "GET", "/spot").status == 500


def test_a_status_may_be_an_http_status():
    result = JSONResponse(json=Widget(1), status_code=HTTPStatus.ACCEPTED)
    status = request(returning(JSONResponse[Widget], result), "GET", "/spot").status
    assert (status, type(status)) == (202, int)


@pytest.mark.parametrize("name", ["content-length", "Transfer-Encoding", "connection", "a b", "a:", "", "é", "a\r\nb"])
def test_a_raw_header_name_that_must_not_leave_is_a_500(name, caplog):
    result = JSONResponse(json=Widget(1), raw_headers={name: "1"})
    assert request(returning(JSONResponse[Widget], result), "GET", "/spot").status == 500


def response_with(value, *, typed):
    """A response with one header of this value."""

    class Trace(Struct):
        x_trace_id: str

    result = (
        JSONResponse(json=Widget(1), headers=Trace(value))
        if typed
        else JSONResponse(json=Widget(1), headers=Trace("t"), raw_headers={"x": value})
    )
    return request(returning(JSONResponse[Widget, Trace], result), "GET", "/spot")


@pytest.mark.parametrize("value", ["a\r\nset-cookie: x", "a\n", "\r", "a\x00", "€", "\x01", "a\x0bb", "\x1f", "\x7f"])
@pytest.mark.parametrize("typed", [True, False])
def test_a_header_value_that_must_not_leave_is_a_500_before_anything_is_sent(value, typed, caplog):
    response = response_with(value, typed=typed)
    assert response.status == 500
    assert len(response.messages) == 2


@pytest.mark.parametrize(("value", "sent"), [("a\tb", "a\tb"), (" \ta ", "a"), ("é\x85", "é\x85"), ("", "")])
@pytest.mark.parametrize("typed", [True, False])
def test_a_header_value_may_have_tabs_and_what_latin_1_has(value, sent, typed):
    response = response_with(value, typed=typed)
    assert response.header("x-trace-id" if typed else "x") == sent


# errors


def raising(error):
    def fail():
        raise error

    return returning(Widget, fail)


def test_an_http_error_is_problem_details():
    response = request(raising(HTTPError(404, "widget not found")), "GET", "/spot")
    assert (response.status, response.header("content-type")) == (404, "application/problem+json")
    assert response.json == {"type": "about:blank", "title": "Not Found", "status": 404, "detail": "widget not found"}


def test_an_http_error_without_a_known_phrase_or_detail():
    response = request(raising(HTTPError(599)), "GET", "/spot")
    assert response.json == {"type": "about:blank", "title": "Unknown status", "status": 599}


def test_a_detail_with_a_lone_surrogate_stays_an_answer():
    response = request(raising(HTTPError(404, "no \ud800")), "GET", "/spot")
    assert (response.status, response.json["detail"]) == (404, "no ?")


@pytest.mark.parametrize("status", [200, 399, 600, 0, "404", None])
def test_an_http_error_has_a_status_of_an_error(status):
    with pytest.raises(ValueError, match="400 to 599"):
        HTTPError(status)


@pytest.mark.parametrize("detail", [{"a": 1}, object(), b"x"])
def test_a_detail_that_is_no_text_is_refused(detail):
    with pytest.raises(TypeError, match="is a str"):
        HTTPError(404, detail)


def test_an_http_error_whose_init_forgets_to_call_ours_is_a_500():
    class Odd(HTTPError):
        def __init__(self):
            pass

    assert request(raising(Odd()), "GET", "/spot").status == 500


def test_an_uncaught_exception_is_logged_and_answered_by_a_500_that_shows_nothing(caplog):
    response = request(raising(RuntimeError("secret")), "GET", "/spot")
    assert response.json == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    (record,) = caplog.records
    assert (record.name, record.levelno) == ("jero", logging.ERROR)
    assert "secret" in caplog.text
    assert "GET '/spot' failed" in record.getMessage()


def test_a_path_is_logged_without_its_line_breaks(caplog):
    class Spot(Resource, path="/spot"):
        async def read_one(self, path: msgspec.defstruct("P", [("x", str)])) -> Widget:
            raise RuntimeError

    request(app_of(Spot()), "GET", "/spot/a%0d%0aERROR%1b[31m")
    assert "GET '/spot/a\\r\\nERROR\\x1b[31m' failed" in caplog.records[0].getMessage()


def test_an_http_error_is_not_logged(caplog):
    request(raising(HTTPError(503)), "GET", "/spot")
    assert caplog.records == []


def test_a_request_whose_task_is_cancelled_is_answered_by_nobody(caplog):
    class Waits(Endpoint, path="/spot"):
        async def get(self) -> Widget:
            waiting.set()
            await asyncio.Event().wait()

    waiting = asyncio.Event()

    async def conversation(client):
        task = asyncio.create_task(client.request("GET", "/spot"))
        await waiting.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task

    serve(app_of(Waits()), conversation)
    assert not caplog.records


def test_the_cancellation_of_something_else_is_a_fault_like_any_other(caplog):
    class Waits(Endpoint, path="/spot"):
        async def get(self) -> Widget:
            future = asyncio.get_running_loop().create_future()
            future.cancel()
            return await future

    response = request(app_of(Waits()), "GET", "/spot")
    assert response.json == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    assert "CancelledError" in caplog.text
