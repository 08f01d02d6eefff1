"""Hostile input, and the exact answer that each of it must get (issue 3): a clear 4xx or a clean, logged 500."""

import itertools
import json
import logging
import time
from typing import Annotated, Any, TypedDict
from urllib.parse import quote

import msgspec
import pytest
from msgspec import Meta, Struct

from jero_core import BytesResponse, Endpoint, HTTPError, JSONResponse, Link, Location, RawHeaders, Resource
from jero_core.nesting import nesting_check
from jero_core.sources.params import MOST_PARAMETERS

from .asgi_driver import app_of, request, serve


class Widget(Struct):
    name: str = ""
    size: int = 0
    weight: float = 0.0


class Cat(Struct, tag=True):
    lives: int = 9


class Dog(Struct, tag=True):
    name: str = ""


class Page[T](Struct):
    items: list[T] = []


class Keyed(Struct):
    keys: set[tuple[int, str]] = set()
    sizes: dict[int, int] = {}


BODIES = {"/struct": Widget, "/list": list[Widget], "/union": Cat | Dog, "/generic": Page[Widget], "/keyed": Keyed}
JSON = [("content-type", "application/json")]


@pytest.fixture(autouse=True)
def every_record(caplog):
    caplog.set_level(logging.DEBUG, logger="jero")


def taking(annotation, calls=None, **keywords):
    """An app that takes a JSON body of a type at /spot, and notes its calls."""

    class Spot(Endpoint, path="/spot", **keywords):
        async def post(self, json: annotation) -> None:
            if calls is not None:
                calls.append(json)

    return app_of(Spot())


def taking_each(calls):
    """An app that takes each kind of body, and notes its calls."""

    def endpoint(at, annotation):
        class Spot(Endpoint, path=at):
            async def post(self, json: annotation) -> None:
                calls.append(json)

        return Spot()

    return app_of(*(endpoint(path, annotation) for path, annotation in BODIES.items()))


def post(app, body, content_type="application/json", **options):
    headers = [] if content_type is None else [("content-type", content_type)]
    return request(app, "POST", "/spot", body=body, headers=headers, **options)


def is_problem(response, status):
    """Whether an answer is the Problem Details of a status, in two legal messages."""
    return (
        [message["type"] for message in response.messages] == ["http.response.start", "http.response.body"]
        and response.status == status == response.json["status"]
        and response.header("content-type") == "application/problem+json"
        and response.header("content-length") == str(len(response.body))
    )


# JSON that is none


@pytest.mark.parametrize(
    "body",
    {
        "empty": b"",
        "blank": b" \n",
        "truncated object": b'{"name": "a"',
        "truncated text": b'{"name": "a',
        "truncated escape": b'{"name": "\\u00',
        "truncated list": b'[{"name": "a"},',
        "100,000 brackets": b"[" * 100_000,
        "100,000 closed brackets": b"[" * 100_000 + b"]" * 100_000,
        "100,000 braces": b'{"a":' * 100_000,
        "100,000 brackets in an unknown member": b'{"unknown": ' + b"[" * 100_000 + b"]" * 100_000 + b"}",
        "invalid UTF-8": b'{"name": "\xff"}',
        "invalid UTF-8 in an unknown member": b'{"unknown": "\xff"}',
        "invalid UTF-8 in a name": b'{"\xff": 1}',
        "overlong UTF-8": b'{"name": "\xc0\xaf"}',
        "lone surrogate": b'{"name": "\\ud800"}',
        "lone low surrogate": b'{"name": "\\udc00"}',
        "swapped surrogates": b'{"name": "\\udc00\\ud800"}',
        "lone surrogate in an unknown member": b'{"unknown": "\\ud800"}',
        "lone surrogate in a name": b'{"\\ud800": 1}',
        "surrogate in UTF-8": b'{"name": "\xed\xa0\x80"}',
        "BOM": b'\xef\xbb\xbf{"name": "a"}',
        "UTF-16": '{"name": "a"}'.encode("utf-16"),
        "UTF-16 LE": '{"name": "a"}'.encode("utf-16-le"),
        "UTF-16 BE": '{"name": "a"}'.encode("utf-16-be"),
        "UTF-32": '{"name": "a"}'.encode("utf-32"),
        "NaN": b'{"weight": NaN}',
        "NaN alone": b"NaN",
        "Infinity": b'{"weight": Infinity}',
        "-Infinity": b'{"weight": -Infinity}',
        "NaN in an unknown member": b'{"unknown": [NaN]}',
        "two texts": b"{} {}",
        "trailing NUL": b"{}\x00",
        "raw control character": b'{"name": "\n"}',
        "comment": b"{} // none",
        "single quotes": b"{'name': 1}",
        "trailing comma": b'{"name": "a",}',
        "leading zero": b'{"size": 01}',
    }.items(),
    ids=lambda item: item[0],
)
def test_what_is_no_json_is_400(body, caplog):
    calls = []

    async def conversation(client):
        return [await client.request("POST", path, body=body[1], headers=JSON) for path in BODIES]

    responses = serve(taking_each(calls), conversation)
    assert [is_problem(response, 400) for response in responses] == [True] * len(BODIES)
    assert (calls, caplog.records) == ([], [])


@pytest.mark.parametrize("depth", [500, 1_000, 1_500, 5_000, 20_000, 1_000_000])
def test_nesting_of_any_depth_is_an_answer(depth, caplog):
    bodies = b"[" * depth, b"[" * depth + b"]" * depth, b'{"name":' * depth, b'{"items":[' * depth

    async def conversation(client):
        for path, body in itertools.product(BODIES, bodies):
            response = await client.request("POST", path, body=body[: 2 * 1024 * 1024], headers=JSON)
            assert is_problem(response, 400) or is_problem(response, 422)

    serve(taking_each([]), conversation)
    assert caplog.records == []


# Numbers of 5,000 digits


@pytest.mark.parametrize("member", ["name", "size", "weight"])
@pytest.mark.parametrize("sign", ["", "-"])
def test_a_number_of_5000_digits_in_a_body_is_400_or_422(member, sign, caplog):
    response = post(taking(Widget), f'{{"{member}": {sign}{"9" * 5000}}}'.encode())
    assert is_problem(response, response.status)
    assert response.status in {400, 422}
    assert caplog.records == []


@pytest.mark.parametrize("body", ["{}", "[{}]", '{{"size": "{}"}}'])
def test_a_number_of_5000_digits_in_another_place_is_400_or_422(body):
    assert post(taking(list[Widget]), body.format("9" * 5000).encode()).status in {400, 422}


@pytest.mark.parametrize("kind", [int, float, bool, Annotated[int, Meta(ge=0)], int | None, list[int]])
@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "9" * 5000, "0" * 5000 + "x"])
def test_a_number_of_5000_digits_in_a_query_is_400(kind, digits, caplog):
    class Spot(Endpoint, path="/spot"):
        async def get(self, params: msgspec.defstruct("Query", [("n", kind)])) -> None: ...

    response = request(app_of(Spot()), "GET", f"/spot?n={digits}")
    assert is_problem(response, 400)
    assert response.invalid[0][1].startswith("/n")
    assert caplog.records == []


@pytest.mark.parametrize("kind", [int, bool, Annotated[int, Meta(ge=0)]])
@pytest.mark.parametrize("digits", ["9" * 5000, "-" + "9" * 5000])
def test_a_number_of_5000_digits_in_a_path_is_404(kind, digits, caplog):
    class Spots(Resource, path="/spots"):
        async def read_one(self, path: msgspec.defstruct("Path", [("n", kind)])) -> None: ...

    assert is_problem(request(app_of(Spots()), "GET", f"/spots/{digits}"), 404)
    assert caplog.records == []


@pytest.mark.parametrize("kind", [int, Annotated[int, Meta(ge=0)]])
def test_a_number_of_5000_digits_in_a_header_is_400(kind, caplog):
    class Spot(Endpoint, path="/spot"):
        async def get(self, headers: msgspec.defstruct("Head", [("x_n", kind)])) -> None: ...

    response = request(app_of(Spot()), "GET", "/spot", headers=[("x-n", "9" * 5000)])
    assert is_problem(response, 400)
    assert response.invalid == [("headers", "/x-n")]
    assert caplog.records == []


# The content type


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "text/plain;charset=utf-8",
        "text/json",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=application/json",
        "application/jsonx",
        "application/json/x",
        "application/json,text/plain",
        "text/plain; x=application/json",
        "text/plain\tapplication/json",
        "application/+json x",
        "/+json",
        "+json",
        "\xff+json",
    ],
)
def test_json_sent_as_another_type_or_without_one_is_415_and_not_read(content_type, caplog):
    calls = []

    async def conversation(client):
        headers = [] if content_type is None else [("content-type", content_type)]
        for path in BODIES:
            response = await client.request("POST", path, body=b"{}", headers=headers)
            assert is_problem(response, 415)
            assert client.received == 0

    serve(taking_each(calls), conversation)
    assert (calls, caplog.records) == ([], [])


@pytest.mark.parametrize("second", ["text/plain", "application/json"])
def test_two_content_types_are_415(second):
    headers = [("content-type", "application/json"), ("content-type", second)]
    assert request(taking(Widget), "POST", "/spot", body=b"{}", headers=headers).status == 415


# The size of the body


def message(body, more_body=True):
    return {"type": "http.request", "body": body, "more_body": more_body}


@pytest.mark.parametrize("source", ["json", "content"])
def test_an_announced_body_over_the_limit_is_413_before_it_is_read(source):
    assert over_limit(source, [message(b"x" * 11, more_body=False)], [("content-length", "11")]) == (413, 0)


@pytest.mark.parametrize("source", ["json", "content"])
@pytest.mark.parametrize(
    ("sizes", "received"),
    [([11], 1), ([10, 1], 2), ([3, 3, 3, 3, 3, 3], 4), ([0, 0, 10, 0, 1, 1], 5), ([10_000_000, 1], 1), ([1] * 99, 11)],
)
def test_an_unannounced_body_over_the_limit_is_413_after_the_limit_and_one_message(source, sizes, received):
    messages = [message(b"x" * size) for size in sizes]
    assert over_limit(source, messages, []) == (413, received)


@pytest.mark.parametrize("source", ["json", "content"])
def test_a_body_longer_than_announced_is_400_or_413_after_the_limit_and_one_message(source):
    status, received = over_limit(source, [message(b"x" * 3)] * 100, [("content-length", "8")])
    assert (status, received) == (413, 4)
    status, received = over_limit(source, [message(b"x" * 9, more_body=False)], [("content-length", "8")])
    assert (status, received) == (400, 1)


def over_limit(source, messages, headers):
    """The status, and how many messages were received, of a body for an operation that takes 10 bytes."""
    calls = []
    annotation = Widget if source == "json" else bytes

    async def handler(self, **arguments) -> None:
        calls.append(arguments)

    namespace = {"annotation": annotation, "calls": calls}
    exec(f"async def handler(self, {source}: annotation) -> None:\n    calls.append({source})", namespace)
    spot = type("Spot", (Endpoint,), {"post": namespace["handler"]}, path="/spot", max_body_size=10)

    async def conversation(client):
        pairs = [("content-type", "application/json"), *headers]
        response = await client.request("POST", "/spot", chunks=messages, headers=pairs)
        assert is_problem(response, response.status)
        return response.status, client.received

    outcome = serve(app_of(spot()), conversation)
    assert calls == []
    return outcome


@pytest.mark.parametrize("source", ["json", "content"])
@pytest.mark.parametrize(
    "messages",
    {
        "at once": [],
        "after a part": [message(b'{"name":')],
        "after a part that is a whole text": [message(b"{}")],
        "after an empty part": [message(b"")],
        "before the last message": [message(b"{}"), message(b"")],
    }.items(),
    ids=lambda item: item[0],
)
@pytest.mark.parametrize("length", [None, "100"])
def test_a_body_cut_off_by_a_disconnect_calls_no_handler_sends_nothing_and_logs_nothing(
    source, messages, length, caplog
):
    calls = []

    class Both(Resource, path="/spot"):
        async def create(self, json: Widget) -> None:
            calls.append(json)

        async def update(self, content: bytes, path: msgspec.defstruct("Path", [("n", int)])) -> None:
            calls.append(content)

    method, target = ("POST", "/spot") if source == "json" else ("PUT", "/spot/1")
    headers = [("content-type", "application/json")] + ([] if length is None else [("content-length", length)])
    response = request(app_of(Both()), method, target, chunks=messages[1], headers=headers)
    assert (response.messages, calls, caplog.records) == ([], [], [])


# The query


class Query(Struct):
    q: str = ""
    ratio: float = 0.0
    ratios: list[float] = []
    tags: list[str] = []


class Search(Endpoint, path="/search"):
    async def get(self, params: Query) -> None: ...


@pytest.mark.parametrize(
    "query",
    [
        "q=%FF",
        "%FF=1",
        "q=%ED%A0%80",
        "q=%C0%AF",
        "q=%F5%80%80%80",
        "q=%E2%82",
        "unknown=%FF",
        "q=\xff",
        "q=1&q=2",
        "q=&q=",
        "q&q",
        "ratio=nan",
        "ratio=NaN",
        "ratio=inf",
        "ratio=-Infinity",
        "ratio=1e999",
        "ratios=1&ratios=nan",
        "&".join(["tags=a"] * 100_000),
        "&" * 100_000,
        "&".join(f"k{number}=v" for number in range(100_000)),
        "&".join(["q=a"] * 100_000),
    ],
    ids=lambda query: quote(query[:20], safe="=&%"),  # Ascii: it must be the same each time that pytest collects it.
)
def test_a_query_that_cannot_be_bound_is_400(query, caplog):
    began = time.perf_counter()
    response = request(app_of(Search()), "GET", f"/search?{query}")
    assert is_problem(response, 400)
    assert time.perf_counter() - began < 5, "it never hangs"
    assert caplog.records == []


def test_as_many_parameters_as_are_allowed_are_bound():
    query = "&".join(["tags=a"] * MOST_PARAMETERS)
    assert request(app_of(Search()), "GET", f"/search?{query}").status == 204
    response = request(app_of(Search()), "GET", f"/search?{query}&tags=a")
    assert (response.status, response.json["detail"]) == (400, "The query string has more than 1000 parameters.")


# The path


@pytest.mark.parametrize(
    "target",
    [
        *(
            "/%FF",
            "//x",
            "/x/",
            "/%00",
            "/x%FF",
            "/x%00",
            "/x%2F",
            "/%2Fx",
            "//",
            "/x//",
            "/X",
            "/x/..",
            "/./x",
            "x",
            "*",
        ),
        *("/%ED%A0%80", "/%C0%AF", "/x/%2e%2e/x", "http://evil/x", "@evil", "/x\xff", "/" + "a" * 70_000),
    ],
)
def test_a_path_that_is_not_exactly_a_template_s_is_404(target, caplog):
    class Spot(Endpoint, path="/x"):
        async def get(self) -> None: ...

    assert is_problem(request(app_of(Spot()), "GET", target), 404)
    assert caplog.records == []


@pytest.mark.parametrize(
    ("target", "got"),
    [
        *(("/%00", "\x00"), ("/a%00b", "a\x00b"), ("/%2F", "/"), ("/%0d%0a", "\r\n"), ("/...", "...")),
        *(("/.", None), ("/..", None), ("/%2e", None), ("/%2E%2e", None)),
        *(("/%FF", None), ("//x", None), ("/x/", None), ("/", None), ("/%ED%A0%80", None), ("/%C3", None)),
    ],
)
def test_a_slot_takes_any_text_but_none_and_dot_segments(target, got):
    class Items(Resource, path="/"):
        async def read_one(self, path: msgspec.defstruct("Path", [("name", str)])) -> Widget:
            return Widget(path.name)

    response = request(app_of(Items()), "GET", target)
    assert (response.json["name"] if response.status == 200 else None) == got
    assert response.status == (404 if got is None else 200)


# Headers


@pytest.mark.parametrize("name", ["x_user", "X_User", "x-user_", "-x-user", "x--user", "xuser", "x.user"])
def test_no_other_name_stands_in_for_a_header(name):
    class Spot(Endpoint, path="/spot"):
        async def get(self, headers: msgspec.defstruct("Head", [("x_user", str | None, None)])) -> Widget:
            return Widget(repr(headers.x_user))

    async def conversation(client):
        for pairs in ([(name, "root")], [(name, "root"), ("x-user", "me")], [("x-user", "me"), (name, "root")]):
            response = await client.request("GET", "/spot", headers=pairs)
            assert response.json["name"] == repr("me" if len(pairs) == 2 else None)

    serve(app_of(Spot()), conversation)


class Head(Struct):
    x_text: str | None = None
    x_number: int | str | None = None


LINE_BREAKS = {
    "CR LF and a header": "a\r\nset-cookie: b",
    "LF": "\n",
    "CR": "\r",
    "NUL": "\x00",
    "NUL at the end": "a\x00",
    "CR at the beginning": "\ra",
    "folded": "a\n b",
}


@pytest.mark.parametrize("value", LINE_BREAKS.values(), ids=LINE_BREAKS)
@pytest.mark.parametrize(
    "answer",
    {
        "typed": lambda value: JSONResponse(json=Widget(), headers=Head(x_text=value)),
        "typed union": lambda value: JSONResponse(json=Widget(), headers=Head(x_number=value)),
        "raw": lambda value: JSONResponse(json=Widget(), headers=Head(), raw_headers={"x-raw": value}),
        "raw pairs": lambda value: JSONResponse(
            json=Widget(), headers=Head(), raw_headers=RawHeaders([("a", "b"), ("c", value)])
        ),
        "raw name": lambda value: JSONResponse(json=Widget(), headers=Head(), raw_headers={value: "x"}),
        "content type": lambda value: JSONResponse(
            json=Widget(), headers=Head(), raw_headers={"content-type": f"a/b{value}"}
        ),
        "location": lambda value: JSONResponse(
            json=Widget(), headers=Head(), location=Location.from_path(f"/a{value}")
        ),
        "link": lambda value: JSONResponse(
            json=Widget(), headers=Head(), links=[Link.from_path("/a", rel=f"next{value}")]
        ),
        "error": lambda value: (_ for _ in ()).throw(HTTPError(400, headers={"x-error": value})),
        "error name": lambda value: (_ for _ in ()).throw(HTTPError(400, headers={value: "x"})),
    }.items(),
    ids=lambda item: item[0],
)
def test_a_line_break_or_nul_in_a_header_is_a_logged_500_before_the_start(answer, value, caplog):
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget, Head]:
            return answer[1](value)

    response = request(app_of(Spot()), "GET", "/spot")
    assert is_problem(response, 500)
    assert [name for name, _ in response.headers] == ["content-type", "content-length"]
    assert len(caplog.records) == 1


def test_a_line_break_in_a_links_title_is_escaped():
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget(), links=[Link.from_path("/a", rel="next", title="a\r\nb: c")])

    assert request(app_of(Spot()), "GET", "/spot").header("link").endswith("title*=UTF-8''a%0D%0Ab%3A%20c")


# What a handler gets wrong


@pytest.mark.parametrize("status", [99, 100, 199, 600, 999, 1000, -200, 0, 200.5, "200", b"200", True, [200]])
@pytest.mark.parametrize("wrapper", ["json", "content"])
def test_a_status_that_is_none_from_a_handler_is_a_logged_500(status, wrapper, caplog):
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> JSONResponse[Widget]:
            return JSONResponse(json=Widget(), status_code=status)

        async def post(self) -> BytesResponse:
            return BytesResponse(content=b"", status_code=status)

    assert is_problem(request(app_of(Spot()), "GET" if wrapper == "json" else "POST", "/spot"), 500)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("status", [99, 1000, 200, 399, 600, "404", None])
def test_an_error_s_status_that_is_none_from_a_handler_is_a_logged_500(status, caplog):
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> None:
            raise HTTPError(status)

    assert is_problem(request(app_of(Spot()), "GET", "/spot"), 500)
    assert len(caplog.records) == 1


@pytest.mark.parametrize("result", [None, {"name": ""}, JSONResponse(json=Widget()), BytesResponse(content=b"{}"), ""])
@pytest.mark.parametrize("is_async", [True, False])
def test_another_result_than_the_annotation_says_is_a_logged_500(result, is_async, caplog):
    class Spots(Resource, path="/spots"):
        async def read_many(self) -> Widget:
            return result

        def create(self) -> Widget:
            return result

    assert is_problem(request(app_of(Spots()), "GET" if is_async else "POST", "/spots"), 500)
    (record,) = caplog.records
    assert "its annotation says Widget" in str(record.exc_info[1])


# Keys of one hash


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (set[int], [number * (2**61 - 1) for number in range(20_000)]),
        (dict[int, int], {str(number * (2**61 - 1)): 0 for number in range(20_000)}),
        (set[tuple[int, ...]], [*itertools.islice(itertools.product((-1, -2), repeat=12), 1_500)]),
    ],
    ids=["set", "dict", "tuples"],
)
def test_keys_of_one_hash_are_refused_before_they_are_built(kind, keys, caplog):
    began = time.perf_counter()
    response = post(taking(msgspec.defstruct("Keys", [("keys", kind)])), json.dumps({"keys": keys}).encode())
    assert is_problem(response, 400)
    assert time.perf_counter() - began < 5, "it never hangs"
    assert caplog.records == []


# Nesting that can be read and not be sent


class Tree(Struct):
    """Itself within itself; the other types here hold anything, or each other."""

    at: "Tree | None" = None


class Anything(Struct):
    at: Any = None


class Bare(Struct):
    at: list = []


class Open[T](Struct):
    at: T | None = None


class Twice(Struct):
    first: Widget | None = None
    second: Widget | None = None
    at: "list[Once]" = []


class Once(TypedDict, total=False):
    at: list[Twice]


NESTING = {Tree: ('{"at":', "null", "}"), Anything: ("[", "", "]"), Bare: ("[", "", "]"), Open: ("[", "", "]")}
NESTING |= {Twice: ('{"at":[', "", "]}")}


@pytest.mark.parametrize("kind", NESTING)
def test_what_a_client_nests_can_be_sent_inside_an_answer_or_is_400(kind):
    class Spot(Endpoint, path="/spot"):
        async def post(self, json: kind) -> Page[Page[kind]]:
            return Page([Page([json])])

    opening, middle, closing = NESTING[kind]

    async def conversation(client):
        async def status(depth):
            text = opening * depth + middle + closing * depth
            return (await client.json("POST", "/spot", text if opening[0] == "{" else f'{{"at":{text}}}')).status

        low, high = 1, 20_000
        statuses = {}
        while high - low > 1:
            depth = (low + high) // 2
            statuses[depth] = await status(depth)
            low, high = (depth, high) if statuses[depth] == 200 else (low, depth)
        # From the deepest one that is taken to beyond all that msgspec reads.
        statuses |= {depth: await status(depth) for depth in range(low, low + 150)}
        return low, set(statuses.values())

    deepest, statuses = serve(app_of(Spot()), conversation)
    assert statuses == {200, 400}
    assert deepest > 2_000


@pytest.mark.parametrize("kind", [*BODIES.values(), Page[Page[Widget]], Annotated[Widget, Meta(title="x")]])
def test_a_type_that_ends_its_nesting_is_not_looked_through(kind):
    assert nesting_check(kind) is None


@pytest.mark.parametrize(
    ("body", "status"),
    [
        ('{"at":[' + ",".join(["[]"] * 20_000) + "]}", 204),
        ('{"at":"' + "[" * 20_000 + '"}', 204),
        ('{"at":[' + ",".join(["[]"] * 20_000) + "}", 400),
        ("]" * 20_000 + "[" * 20_000, 400),
        ("[" * 20_000, 400),
    ],
)
def test_many_brackets_that_nest_nothing_are_no_fault(body, status):
    assert post(taking(Anything), body.encode()).status == status
