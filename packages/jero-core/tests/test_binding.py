"""Binding: arguments bind by name (SPEC section 4)."""

import copy
import dataclasses
import datetime
import enum
import itertools
import json
import tracemalloc
import uuid
from decimal import Decimal
from typing import Annotated, Final, Literal

import msgspec
import pytest
from msgspec import Meta, Struct

from jero_core import BaseApp, Endpoint, HTTPError, RawHeaders, Resource
from jero_core.collisions import MOST_COMPOSED, check_composed_keys, check_numbers, key_check
from jero_core.extend import JSONProblems
from jero_core.sources.content import ContentSource

from .asgi_driver import app_of, post_json, request, serve


class Echo(Struct):
    """What the handler got, as text."""

    got: str


def echo(argument, annotation, method="post", **keywords):
    """An app whose one endpoint answers with the repr of its argument."""

    async def handler(self, **arguments) -> Echo: ...

    namespace = {"annotation": annotation, "Echo": Echo}
    exec(f"async def handler(self, {argument}: annotation) -> Echo:\n    return Echo(repr({argument}))", namespace)
    return app_of(type("Spot", (Endpoint,), {method: namespace["handler"]}, path="/spot", **keywords)())


# path


class Color(enum.Enum):
    RED = "red"


@pytest.mark.parametrize(
    ("annotation", "text", "value"),
    [
        (str, "x", "x"),
        (int, "42", 42),
        (int, "-1", -1),
        (int, "0", 0),
        (float, "1.5", 1.5),
        (bool, "true", True),
        (Color, "red", Color.RED),
        (Literal["a", "b"], "b", "b"),
        (uuid.UUID, "00000000-0000-0000-0000-000000000001", uuid.UUID(int=1)),
        (datetime.date, "2026-11-22", datetime.date(2026, 11, 22)),
        (Annotated[int, Meta(ge=1, le=9)], "9", 9),
        (Annotated[str, Meta(max_length=2)], "ab", "ab"),
    ],
)
def test_a_path_value_converts_to_its_field_s_type(annotation, text, value):
    response = request(path_echo(annotation), "GET", f"/spot/{text}")
    assert response.json["got"] == repr(value)


@pytest.mark.parametrize(
    ("annotation", "text"),
    [
        (int, "x"),
        (int, "1_0"),
        (int, "%D9%A3"),  # a decimal digit, but not an ASCII one
        (int, "+1"),
        (int, "9" * 5000),
        (float, "nan"),
        (float, "inf"),
        (bool, "maybe"),
        (Color, "blue"),
        (uuid.UUID, "1"),
        (Annotated[int, Meta(ge=1, le=9)], "10"),
        (Annotated[int, Meta(ge=1, le=9)], "0"),
        (Annotated[str, Meta(max_length=2)], "abc"),
    ],
)
def test_a_path_value_that_does_not_convert_is_404(annotation, text):
    assert request(path_echo(annotation), "GET", f"/spot/{text}").status == 404


def path_echo(annotation):
    path = msgspec.defstruct("Path", [("value", annotation)])

    class Spot(Resource, path="/spot"):
        async def read_one(self, path: path) -> Echo:
            return Echo(repr(path.value))

    return app_of(Spot())


def test_slots_bind_by_name_in_any_order_and_trailing_fields_extend_the_path():
    class ShelfPath(Struct, kw_only=True):
        item: str
        shop: int
        shelf: str

    class Shelf(Resource, path="/shops/{shop}/shelves/{shelf}"):
        async def read_one(self, path: ShelfPath) -> Echo:
            return Echo(f"{path.shop} {path.shelf} {path.item}")

    assert request(app_of(Shelf()), "GET", "/shops/1/shelves/b/c").json["got"] == "1 b c"
    assert request(app_of(Shelf()), "GET", "/shops/x/shelves/b/c").status == 404


def test_a_path_struct_without_further_fields_leaves_the_path_as_it_is():
    class ShopPath(Struct):
        shop: int

    class Shop(Resource, path="/shops/{shop}"):
        async def read_one(self, path: ShopPath) -> Echo:
            return Echo(repr(path.shop))

    assert request(app_of(Shop()), "GET", "/shops/1").json["got"] == "1"
    assert request(app_of(Shop()), "GET", "/shops/1/2").status == 404


def test_a_path_struct_that_refuses_its_values_together_is_404():
    class Span(Struct):
        low: int
        high: int

        def __post_init__(self):
            if self.low > self.high:
                raise ValueError("low > high")

    class Spans(Resource, path="/spans"):
        async def read_one(self, path: Span) -> Echo:
            return Echo(f"{path.low}-{path.high}")

    assert request(app_of(Spans()), "GET", "/spans/1/2").json["got"] == "1-2"
    assert request(app_of(Spans()), "GET", "/spans/2/1").status == 404


# params


class Query(Struct, rename="camel"):
    page_size: Annotated[int, Meta(ge=1, le=100)] = 10
    name: str | None = None
    ratio: float = 0.5
    active: bool = True
    tags: list[str] = []
    ids: set[int] = set()
    pair: tuple[int, ...] = ()
    since: datetime.date | None = None


@pytest.mark.parametrize(
    ("query", "value"),
    [
        ("", Query()),
        ("?", Query()),
        ("?pageSize=5", Query(page_size=5)),
        ("?name=", Query(name="")),
        ("?name", Query(name="")),
        ("?name=null", Query(name="null")),
        ("?name=a%20b%2Bc+d", Query(name="a b+c d")),
        ("?na%6De=x", Query(name="x")),
        ("?name=a=b", Query(name="a=b")),
        ("?name=%C3%A9", Query(name="é")),
        ("?name=%2541", Query(name="%41")),
        ("?name=a;active=false", Query(name="a;active=false")),
        ("?ratio=1e3", Query(ratio=1000.0)),
        ("?active=0", Query(active=False)),
        ("?tags=a&tags=b", Query(tags=["a", "b"])),
        ("?ids=1&ids=2&ids=1", Query(ids={1, 2})),
        ("?pair=1&pair=2", Query(pair=(1, 2))),
        ("?since=2026-11-22", Query(since=datetime.date(2026, 11, 22))),
        ("?unknown=1&&pageSize=7&", Query(page_size=7)),
    ],
)
def test_query_parameters_bind_by_their_wire_names(query, value):
    response = request(echo("params", Query, "get"), "GET", f"/spot{query}")
    assert response.json["got"] == repr(value)


@pytest.mark.parametrize(
    ("query", "places"),
    [
        ("pageSize=x", ["/pageSize"]),
        ("pageSize=0", ["/pageSize"]),
        ("pageSize=005", ["/pageSize"]),
        ("pageSize=101", ["/pageSize"]),
        ("pageSize=", ["/pageSize"]),
        ("pageSize=1&pageSize=2", ["/pageSize"]),
        ("ratio=nan", ["/ratio"]),
        ("ratio=inf", ["/ratio"]),
        ("active=perhaps", ["/active"]),
        ("ids=1&ids=x", ["/ids/1"]),
        ("ids=y&ids=1&ids=x", ["/ids/0", "/ids/2"]),
        ("pageSize=x&ratio=y&active=z&since=1", ["/pageSize", "/ratio", "/active", "/since"]),
        ("pageSize=" + "9" * 5000, ["/pageSize"]),
    ],
)
def test_an_invalid_query_is_400_with_every_invalid_value(query, places):
    response = request(echo("params", Query, "get"), "GET", f"/spot?{query}")
    assert response.status == 400
    assert response.header("content-type") == "application/problem+json"
    assert response.invalid == [("params", place) for place in places]


@pytest.mark.parametrize("query", ["name=%FF", "%FF=1", "name=%ED%A0%80", "name=\xff"])
def test_a_query_that_is_no_utf8_is_400(query):
    response = request(echo("params", Query, "get"), "GET", f"/spot?{query}")
    assert (response.status, response.json["detail"]) == (400, "The query string is not valid UTF-8.")


class Words(Struct, forbid_unknown_fields=True):
    n: int
    m: str = ""
    tags: list[int] = []

    def __post_init__(self):
        if self.n < 0:
            raise ValueError("n is negative")


@pytest.mark.parametrize(
    ("query", "errors"),
    [
        ("m=a", {"/n": "This parameter is required."}),
        ("n=1&m=a&m=b", {"/m": "This parameter may be given only once."}),
        ("n=1&x=2", {"/x": "This parameter is unknown."}),
        ("n=1&x=2&x=3", {"/x": "This parameter is unknown."}),
        ("n=1&a~b%2Fc=2", {"/a~0b~1c": "This parameter is unknown."}),
        ("n=1.5&tags=1&tags=x", {"/n": "Expected `int`, got `str`", "/tags/1": "Expected `int`, got `str`"}),
        ("n=-1", {"": "n is negative"}),
        ("=1", {"/n": "This parameter is required.", "/": "This parameter is unknown."}),
        ("&&n", {"/n": "Expected `int`, got `str`"}),
    ],
)
def test_what_is_wrong_with_a_query_is_said_in_words(query, errors):
    response = request(echo("params", Words, "get"), "GET", f"/spot?{query}")
    assert response.json == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The query string is invalid.",
        "errors": [{"source": "params", "pointer": place, "detail": detail} for place, detail in errors.items()],
    }


def test_a_struct_without_fields_takes_any_query():
    empty = msgspec.defstruct("Empty", [])
    assert request(echo("params", empty, "get"), "GET", "/spot?a=1&a=2").json["got"] == "Empty()"
    strict = msgspec.defstruct("Strict", [], forbid_unknown_fields=True)
    assert request(echo("params", strict, "get"), "GET", "/spot?a=1").invalid == [("params", "/a")]


def test_a_final_field_binds_as_its_type():
    final = msgspec.defstruct("Closed", [("size", Final[Annotated[int, Meta(ge=1)]])])
    assert request(echo("params", final, "get"), "GET", "/spot?size=1").json["got"] == "Closed(size=1)"
    assert request(echo("params", final, "get"), "GET", "/spot?size=0").invalid == [("params", "/size")]


def test_a_missing_required_parameter_is_named():
    required = msgspec.defstruct("Required", [("a", int), ("b", str), ("c", int, 3)])
    response = request(echo("params", required, "get"), "GET", "/spot?c=1")
    assert response.invalid == [("params", "/a"), ("params", "/b")]


@pytest.mark.parametrize("parameter", ["q=", "z=1", "z", ""])
def test_a_query_of_more_than_1000_parameters_is_400_even_if_they_are_empty(parameter):
    class Many(Struct):
        q: list[str] = []

    app = echo("params", Many, "get")
    assert request(app, "GET", "/spot?" + "&".join([parameter] * 1000)).status == 200
    response = request(app, "GET", "/spot?" + "&".join([parameter] * 1001))
    assert (response.status, response.json["detail"]) == (400, "The query string has more than 1000 parameters.")


def test_unknown_parameters_are_refused_where_the_struct_forbids_them():
    strict = msgspec.defstruct("Strict", [("a", int, 1)], forbid_unknown_fields=True)
    app = echo("params", strict, "get")
    assert request(app, "GET", "/spot?a=2&").status == 200
    response = request(app, "GET", "/spot?a=2&b=1&c=2")
    assert response.invalid == [("params", "/b"), ("params", "/c")]


def test_parameters_that_the_struct_refuses_together_are_400():
    class Span(Struct):
        low: int = 0
        high: int = 9

        def __post_init__(self):
            if self.low > self.high:
                raise ValueError("low > high")

    response = request(echo("params", Span, "get"), "GET", "/spot?low=10")
    assert response.status == 400
    assert response.json["errors"] == [{"source": "params", "pointer": "", "detail": "low > high"}]


def test_a_mutable_default_is_made_anew_for_each_request():
    class Spot(Endpoint, path="/spot"):
        async def get(self, params: Query) -> Echo:
            params.tags.append("x")
            return Echo(repr(params.tags))

    async def conversation(client):
        return [(await client.request("GET", "/spot")).json["got"] for _ in range(2)]

    assert serve(app_of(Spot()), conversation) == ["['x']", "['x']"]


# headers


class Trace(Struct):
    x_trace_id: str
    x_depth: Annotated[int, Meta(ge=0)] = 0
    user_agent: str | None = None


def test_header_fields_read_their_dashed_names():
    headers = [("X-Trace-Id", "a"), ("x-depth", "3"), ("user-agent", "é")]
    response = request(echo("headers", Trace, "get"), "GET", "/spot", headers=headers)
    assert response.json["got"] == repr(Trace("a", 3, "é"))


def test_a_headers_struct_without_fields_takes_any_headers():
    response = request(echo("headers", msgspec.defstruct("Empty", []), "get"), "GET", "/spot", headers=[("a", "b")])
    assert response.json["got"] == "Empty()"


def test_a_header_with_an_underscore_stands_for_nothing():
    response = request(echo("headers", Trace, "get"), "GET", "/spot", headers=[("x_trace_id", "a")])
    assert (response.status, response.invalid) == (400, [("headers", "/x-trace-id")])


def test_repeated_headers_join_with_a_comma():
    headers = [("x-trace-id", "a"), ("x-other", "-"), ("x-trace-id", "b")]
    response = request(echo("headers", Trace, "get"), "GET", "/spot", headers=headers)
    assert response.json["got"] == repr(Trace("a, b"))


def test_several_cookie_fields_join_as_one_would_have_been_written():
    """An HTTP/2 client may send each cookie in a field of its own (RFC 9113, section 8.2.3)."""

    class Cookies(Struct):
        cookie: str
        x_other: str

    class Spot(Endpoint, path="/spot"):
        async def get(self, headers: Cookies, raw_headers: RawHeaders) -> Echo:
            return Echo("\n".join([headers.cookie, headers.x_other, raw_headers["Cookie"], raw_headers["x-other"]]))

    headers = [("cookie", "theme=dark"), ("x-other", "a"), ("cookie", "session=1"), ("x-other", "b"), ("cookie", "c=2")]
    joined = "theme=dark; session=1; c=2"
    got = request(app_of(Spot()), "GET", "/spot", headers=headers).json["got"]
    assert got.split("\n") == [joined, "a, b", joined, "a, b"]
    large = [("cookie", "a" * 8_191), ("cookie", "b" * 8_192), ("x-other", "")]
    assert request(app_of(Spot()), "GET", "/spot", headers=large).status == 431


def test_invalid_headers_are_400_with_every_invalid_value():
    headers = [("x-depth", "-1")]
    response = request(echo("headers", Trace, "get"), "GET", "/spot", headers=headers)
    assert (response.status, response.invalid) == (400, [("headers", "/x-trace-id"), ("headers", "/x-depth")])


@pytest.mark.parametrize(
    ("headers", "errors"),
    [
        ([], {"/x-trace-id": "This header is required."}),
        ([("x-trace-id", "a"), ("x-depth", "é")], {"/x-depth": "Expected `int`, got `str`"}),
        ([("x-depth", "-1")], {"/x-trace-id": "This header is required.", "/x-depth": "Expected `int` >= 0"}),
    ],
)
def test_what_is_wrong_with_headers_is_said_in_words(headers, errors):
    response = request(echo("headers", Trace, "get"), "GET", "/spot", headers=headers)
    assert response.json == {
        "type": "about:blank",
        "title": "Bad Request",
        "status": 400,
        "detail": "The request headers are invalid.",
        "errors": [{"source": "headers", "pointer": place, "detail": detail} for place, detail in errors.items()],
    }


def test_headers_that_the_struct_refuses_together_are_400():
    class Span(Struct):
        x_low: int = 0
        x_high: int = 9

        def __post_init__(self):
            if self.x_low > self.x_high:
                raise ValueError("low > high")

    response = request(echo("headers", Span, "get"), "GET", "/spot", headers=[("x-low", "10")])
    assert response.status == 400
    assert response.json["errors"] == [{"source": "headers", "pointer": "", "detail": "low > high"}]


def test_a_repeated_header_that_grows_without_end_is_431():
    headers = [("x-trace-id", "a" * 100)] * 1000
    assert request(echo("headers", Trace, "get"), "GET", "/spot", headers=headers).status == 431


def test_raw_headers_keep_every_pair():
    class Spot(Endpoint, path="/spot"):
        async def get(self, raw_headers: RawHeaders) -> Echo:
            assert raw_headers["ACCEPT"] == "a, b"
            assert raw_headers.getlist("Accept") == ["a", "b"]
            assert raw_headers.multi_items() == [("accept", "a"), ("x_y", "1"), ("accept", "b")]
            assert "X_Y" in raw_headers
            assert 3 not in raw_headers
            assert len(raw_headers) == 2
            assert RawHeaders(raw_headers).multi_items() == raw_headers.multi_items()
            assert list(raw_headers) == ["accept", "x_y"]
            assert raw_headers.get("nope") is None
            assert raw_headers.get("nope", 1) == 1
            with pytest.raises(KeyError):
                raw_headers["nope"]
            return Echo(repr(raw_headers))

    headers = [("accept", "a"), ("x_y", "1"), ("accept", "b")]
    assert request(app_of(Spot()), "GET", "/spot", headers=headers).json["got"] == "RawHeaders(accept, x_y)"


# body


class Price(Struct):
    amount: float
    currency: str


class Order(Struct):
    name: Annotated[str, Meta(min_length=1)]
    prices: list[Price] = []


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    tricks: list[str]


class Page[T](Struct):
    items: list[T]


@pytest.mark.parametrize(
    ("annotation", "body", "value"),
    [
        (Order, '{"name": "a"}', Order("a")),
        (list[Price], '[{"amount": 1, "currency": "EUR"}]', [Price(1.0, "EUR")]),
        (Cat | Dog, '{"type": "Dog", "tricks": []}', Dog([])),
        (list[Cat | Dog], '[{"type": "Dog", "tricks": []}, {"type": "Cat", "lives": 9}]', [Dog([]), Cat(9)]),
        (list[Page[Price]], '[{"items": []}]', [Page([])]),
        (Page[Price], '{"items": []}', Page([])),
    ],
)
def test_a_json_body_decodes_into_its_type(annotation, body, value):
    assert post_json(echo("json", annotation), "/spot", body).json["got"] == repr(value)


@pytest.mark.parametrize(
    "content_type",
    [
        "application/json",
        "application/json; charset=utf-8",
        "Application/JSON",
        "application/merge-patch+json",
        " application/json ;x=y",
    ],
)
def test_a_json_content_type_is_accepted(content_type):
    response = request(
        echo("json", Order), "POST", "/spot", body=b'{"name":"a"}', headers=[("content-type", content_type)]
    )
    assert response.status == 200


@pytest.mark.parametrize(
    "content_type",
    [
        None,
        "",
        "text/plain",
        "application/jsonp",
        "json",
        "+json",
        "text/html, application/x+json",
        "multipart/form-data",
    ],
)
def test_a_body_that_is_not_declared_as_json_is_415_and_not_read(content_type):
    async def conversation(client):
        headers = [] if content_type is None else [("content-type", content_type)]
        response = await client.request("POST", "/spot", body=b'{"name":"a"}', headers=headers)
        return response.status, client.received

    assert serve(echo("json", Order), conversation) == (415, 0)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b'{"name',
        b"{'name': 1}",
        b'{"name": "a"} trailing',
        b'{"name": "\xff"}',
        b'{"name": "\\ud800"}',
        b"\xef\xbb\xbf{}",
        '{"name": "a"}'.encode("utf-16"),
        b'{"name": NaN}',
        b'{"name": "a", "unknown": "\xff"}',
        b'{"name": "a", "\xff": 1}',
        b'{"name": "a", "unknown": "\xed\xa0\x80"}',
        b"[" * 100_000,
        b'{"unknown": ' + b"[" * 100_000,
    ],
)
def test_a_malformed_body_is_400(body):
    response = request(echo("json", Order), "POST", "/spot", body=body, headers=[("content-type", "application/json")])
    assert response.status == 400
    assert response.header("content-type") == "application/problem+json"


@pytest.mark.parametrize(
    ("body", "places"),
    [
        ("[]", [""]),
        ("{}", ["/name"]),
        ('{"name": ""}', ["/name"]),
        ('{"name": 1}', ["/name"]),
        (
            '{"name": "a", "prices": [{"amount": 1, "currency": "EUR"}, {"amount": "x"}]}',
            ["/prices/1/amount", "/prices/1/currency"],
        ),
    ],
)
def test_a_body_of_another_shape_is_422_with_every_place(body, places):
    response = post_json(echo("json", Order), "/spot", body)
    assert (response.status, response.invalid) == (422, [("json", place) for place in places])


def test_a_valid_body_gets_no_second_look(monkeypatch):
    looks = []

    class Counted(JSONProblems):
        def find(self, *arguments):
            looks.append(arguments[0])
            return super().find(*arguments)

    monkeypatch.setattr("jero_core.sources.json.JSONProblems", Counted)

    async def conversation(client):
        for body in ('{"name": "a"}', '{"name"', '{"name": 1}', '{"name": 2}'):
            await client.json("POST", "/spot", body)

    serve(echo("json", Order), conversation)
    assert looks == [{"name": 1}, {"name": 2}]


def test_a_member_that_is_wrong_only_the_first_time_it_is_given_has_its_place():
    response = post_json(echo("json", Order), "/spot", '{"name": 1, "name": "a"}')
    assert (response.status, response.invalid) == (422, [("json", "/name")])


def colliding(count):
    return [index * (2**61 - 1) for index in range(count)]


@pytest.mark.parametrize("kind", [set[int], frozenset[int], dict[int, int], set[uuid.UUID], set[Decimal]])
def test_a_body_of_many_keys_with_the_same_hash_is_400(kind):
    keys = colliding(20_000)
    if kind == set[uuid.UUID]:
        keys = [f'"{uuid.UUID(int=key)}"' for key in keys]
    if kind == dict[int, int]:
        body = "{" + ",".join(f'"{key}":0' for key in keys) + "}"
    else:
        body = "[" + ",".join(map(str, keys)) + "]"
    keyed = msgspec.defstruct("Keyed", [("keys", kind)])
    response = post_json(echo("json", keyed), "/spot", f'{{"keys": {body}}}')
    assert (response.status, response.json["detail"]) == (400, "The body has too many keys of the same hash.")


def test_keys_in_tuples_and_frozen_structs_with_the_same_hash_are_400():
    frozen = msgspec.defstruct("Frozen", [("a", int), ("b", int)], frozen=True)
    for item, form in ((tuple[int, int], "[{0},{0}]"), (frozen, '{{"a":{0},"b":{0}}}')):
        keyed = msgspec.defstruct("Keyed", [("keys", set[item])])
        body = ",".join(form.format(key) for key in colliding(10_000))
        assert post_json(echo("json", keyed), "/spot", f'{{"keys": [{body}]}}').status == 400


@pytest.mark.parametrize("make", [tuple, dict], ids=["tuple", "frozen struct"])
def test_different_composed_keys_of_the_same_hash_are_400(make):
    """hash(-1) is hash(-2): no long number is needed."""
    rows = [*itertools.product((-1, -2), repeat=8)]
    assert {*map(hash, rows)} == {hash(rows[0])}
    frozen = msgspec.defstruct("Frozen", [(name, int) for name in "abcdefgh"], frozen=True)
    members = [dict(zip("abcdefgh", row, strict=True)) for row in rows]
    kind, keys = (tuple[int, ...], rows) if make is tuple else (frozen, members)
    keyed = msgspec.defstruct("Keyed", [("keys", set[kind]), ("note", str)])
    response = post_json(echo("json", keyed), "/spot", json.dumps({"keys": keys, "note": "x" * 2000}))
    assert (response.status, response.json["detail"]) == (400, "The body has too many keys of the same hash.")


def test_composed_keys_with_numbers_and_texts_are_told_apart():
    uuids = [str(uuid.UUID(int=number)) for number in range(200)]
    keyed = msgspec.defstruct("Keyed", [("keys", set[tuple[uuid.UUID, float]])])
    body = json.dumps({"keys": [[text, 1.5] for text in uuids]})
    assert post_json(echo("json", keyed), "/spot", body).status == 200


@pytest.mark.parametrize("depth", [900, 1_100, 9_000])
def test_deeply_nested_composed_keys_are_422_or_400_like_any_other(depth):
    keyed = msgspec.defstruct("Keyed", [("keys", set[tuple[int, ...]])])
    body = ",".join(["[]"] * 200 + ["[" * depth + "]" * depth])
    assert post_json(echo("json", keyed), "/spot", f'{{"keys": [{body}]}}').status in {400, 422}


@pytest.mark.parametrize("body", ["[" * 20_000 + "]" * 20_000, ",".join(["{}"] * 19_999)])
def test_too_many_arrays_and_objects_for_composed_keys_are_400(body):
    keyed = msgspec.defstruct("Keyed", [("keys", set[tuple[int, ...]])])
    response = post_json(echo("json", keyed), "/spot", f'{{"keys": [{body}]}}')
    assert (response.status, response.json["detail"]) == (400, "The body has more than 20000 values.")


@pytest.mark.parametrize("body", ['"' + "x" * 3000 + '"', "[1]" + " " * 3000, "1" + " " * 3000])
def test_a_large_body_of_another_shape_is_422_for_composed_keys(body):
    keyed = msgspec.defstruct("Keyed", [("keys", set[tuple[int, ...]])])
    assert post_json(echo("json", keyed), "/spot", body).status == 422


@pytest.mark.parametrize(
    ("kind", "keys"),
    [
        (set[int], [*range(100_000)]),
        (set[int], [7] * 100_000),
        (set[float], [index / 3 for index in range(20_000)]),
        (set[str | int], [f"key {index}" for index in range(20_000)]),
        (set[uuid.UUID], [str(uuid.UUID(int=index)) for index in range(10_000)]),
        (dict[int, int], {str(index): index for index in range(50_000)}),
        (set[int], colliding(90)),
    ],
)
def test_an_honest_body_of_many_keys_is_bound(kind, keys):
    keyed = msgspec.defstruct("Keyed", [("keys", kind), ("note", str, "")])

    class Spot(Endpoint, path="/spot"):
        async def post(self, json: keyed) -> str:
            return str(len(json.keys))

    body = json.dumps({"keys": keys, "note": "x" * 3000})
    assert post_json(app_of(Spot()), "/spot", body).body.decode() == str(len(set(keys)))


def test_a_large_malformed_body_for_a_set_is_400():
    keyed = msgspec.defstruct("Keyed", [("keys", set[int])])
    assert post_json(echo("json", keyed), "/spot", '{"keys": [' + "1," * 3000).status == 400


def test_types_whose_keys_are_texts_get_no_look_at_their_keys():
    class Colour(enum.Enum):
        RED = "red"

    keyed = msgspec.defstruct(
        "Keyed", [("a", set[str]), ("b", dict[str, int]), ("c", dict[Literal["x"], set[Colour]]), ("d", list[int])]
    )

    class Spot(Endpoint, path="/spot"):
        async def post(self, json: keyed) -> None: ...

    app = app_of(Spot())
    serve(app, lambda client: client.json("POST", "/spot", "{}"))
    assert key_check(keyed) is None


@dataclasses.dataclass
class Bag:
    numbers: set[int]


class Nested(Struct):
    again: "list[Nested]"
    bag: Bag | None = None


@pytest.mark.parametrize(
    ("kind", "check"),
    [
        (list[set[int]], check_numbers),
        (dict[str, frozenset[Decimal]], check_numbers),
        (Bag, check_numbers),
        (Nested, check_numbers),
        (set[str | int], check_numbers),
        (dict[uuid.UUID, str], check_numbers),
        (set[tuple[int]], check_composed_keys),
        (list[dict[int, set[tuple[int]]]], check_composed_keys),
        (set[object], check_composed_keys),
        (set[float], None),
        (list[int], None),
        (dict, None),
    ],
)
def test_a_type_with_keys_that_are_no_texts_is_found_at_any_depth(kind, check):
    assert key_check(kind) is check


def test_digits_that_are_escaped_or_not_in_ascii_are_seen():
    class Spot(Endpoint, path="/spot"):
        async def post(self, json: msgspec.defstruct("Keyed", [("keys", set[Decimal])])) -> None: ...

    for escape in (lambda key: f"\\u003{key[0]}{key[1:]}", lambda key: chr(ord("\uff10") + int(key[0])) + key[1:]):
        body = ",".join(f'"{escape(str(key))}"' for key in colliding(5_000)[1:])
        assert post_json(app_of(Spot()), "/spot", f'{{"keys": [{body}]}}').status == 400


def test_decimals_with_exponents_of_the_same_hash_are_seen():
    modulus = 2**61 - 1
    keys = [f"{pow(10, -exponent, modulus)}E{exponent}" for exponent in range(300)]
    assert {hash(Decimal(key)) for key in keys} == {1}
    keyed = msgspec.defstruct("Keyed", [("keys", set[Decimal])])
    assert post_json(echo("json", keyed), "/spot", json.dumps({"keys": keys})).status == 400


def test_a_body_of_too_many_values_for_composed_keys_is_400():
    keyed = msgspec.defstruct("Keyed", [("keys", set[tuple[int, int]])])
    body = ",".join(f"[{number},0]" for number in range(MOST_COMPOSED // 2 + 1))
    response = post_json(echo("json", keyed), "/spot", f'{{"keys": [{body}]}}')
    assert (response.status, response.json["detail"]) == (400, "The body has more than 20000 values.")


@pytest.mark.parametrize("body", ['{"keys": ["\\u003', '{"keys": [' + "[1],[2]," * 200])
def test_malformed_bodies_for_keys_are_400(body):
    keyed = msgspec.defstruct("Keyed", [("keys", set[tuple[int, int]])])
    assert post_json(echo("json", keyed), "/spot", body + " " * 3000).status == 400


def test_honest_tuples_as_keys_are_bound():
    keyed = msgspec.defstruct("Keyed", [("keys", set[tuple[int, str]])])

    class Spot(Endpoint, path="/spot"):
        async def post(self, json: keyed) -> str:
            return str(len(json.keys))

    body = json.dumps({"keys": [[number, "x" * 20] for number in range(5_000)] * 2})
    assert post_json(app_of(Spot()), "/spot", body).body == b"5000"


def test_a_number_of_5000_digits_is_refused():
    assert post_json(echo("json", Order), "/spot", f'{{"name": {"9" * 5000}}}').status in {400, 422}


def test_content_is_the_body_as_it_came():
    assert request(echo("content", bytes), "POST", "/spot", body=b"\x00\xff").json["got"] == repr(b"\x00\xff")
    assert request(echo("content", bytes), "POST", "/spot").json["got"] == "b''"


def chunk(body, more_body=True):
    return {"type": "http.request", "body": body, "more_body": more_body}


@pytest.mark.parametrize(
    "chunks",
    [
        [chunk(b"abc"), chunk(b"def", more_body=False)],
        [chunk(b""), chunk(b"abcdef"), chunk(b"", more_body=False)],
        [{"type": "http.request", "more_body": True}, chunk(b"abcdef"), {"type": "http.request"}],
        [chunk(bytes([byte])) for byte in b"abcdef"] + [chunk(b"", more_body=False)],
    ],
)
@pytest.mark.parametrize("announced", [True, False])
def test_a_body_in_pieces_is_joined(chunks, announced):
    headers = [("content-length", "6")] if announced else []
    response = request(echo("content", bytes), "POST", "/spot", chunks=chunks, headers=headers)
    assert response.json["got"] == repr(b"abcdef")


def test_reading_stops_as_soon_as_the_announced_bytes_have_arrived():
    async def conversation(client):
        chunks = [chunk(b"abc"), chunk(b"def"), chunk(b"", more_body=False)]
        await client.request("POST", "/spot", chunks=chunks, headers=[("content-length", "6")])
        return client.received

    assert serve(echo("content", bytes), conversation) == 2


@pytest.mark.parametrize("chunks", [[], [chunk(b"abc")]])
@pytest.mark.parametrize("headers", [[], [("content-length", "6")]])
def test_a_body_cut_off_by_a_disconnect_calls_no_handler_and_sends_nothing(chunks, headers, caplog):
    response = request(echo("content", bytes), "POST", "/spot", chunks=chunks, headers=headers)
    assert response.messages == []
    assert caplog.records == []


@pytest.mark.parametrize("size", [4, 6])
def test_a_body_that_is_not_as_long_as_announced_is_400(size):
    chunks = [chunk(b"x" * size, more_body=False)]
    response = request(echo("content", bytes), "POST", "/spot", chunks=chunks, headers=[("content-length", "5")])
    assert response.status == 400


@pytest.mark.parametrize(
    ("length", "status"),
    [
        ("11", 413),
        ("10", 200),
        ("9" * 15, 413),
        ("9" * 400, 413),
        ("0" * 20 + "10", 200),
        ("0" * 20 + "11", 413),
        ("-1", 400),
        ("+3", 400),
        ("1_0", 400),
        ("", 400),
        ("x", 400),
        ("5, 5", 400),
        ("²", 400),
    ],
)
def test_an_announced_length_is_checked_before_the_body_is_read(length, status):
    async def conversation(client):
        chunks = [chunk(b"x" * 10, more_body=False)]
        response = await client.request("POST", "/spot", chunks=chunks, headers=[("content-length", length)])
        return response.status, client.received

    assert serve(echo("content", bytes, max_body_size=10), conversation) == (status, 1 if status == 200 else 0)


def test_an_unannounced_body_over_the_limit_is_413_after_the_limit_and_one_message():
    async def conversation(client):
        chunks = [chunk(b"x" * 4)] * 100
        response = await client.request("POST", "/spot", chunks=chunks)
        return response.status, client.received

    assert serve(echo("content", bytes, max_body_size=10), conversation) == (413, 3)


def test_the_body_limit_is_the_app_s_unless_the_class_has_one():
    class Small(BaseApp):
        max_body_size = 3

        async def _wire(self):
            self._include_endpoint(Own())
            self._include_endpoint(Default())

    class Own(Endpoint, path="/own", max_body_size=5):
        async def post(self, content: bytes) -> None: ...

    class Default(Endpoint, path="/default"):
        async def post(self, content: bytes) -> None: ...

    app = Small()
    assert request(app, "POST", "/own", body=b"12345").status == 204
    assert request(app, "POST", "/default", body=b"12345").status == 413
    assert request(app_of(Default()), "POST", "/default", body=b"x" * (2 * 1024 * 1024)).status == 204
    assert request(app_of(Default()), "POST", "/default", body=b"x" * (2 * 1024 * 1024 + 1)).status == 413


@pytest.mark.parametrize(
    ("body", "headers", "detail"),
    [
        (b"12345678901", [], "The body is larger than 10 bytes."),
        (None, [("content-length", "11")], "The body is larger than 10 bytes."),
        (None, [("content-length", "9" * 16)], "The body is larger than 10 bytes."),
        (None, [("content-length", "ten")], "The content-length is not a number."),
        (None, [("content-length", "3")], "The body is not as long as its content-length."),
        (None, [("x-trace-id", "1" * 9000)] * 2, "A repeated header is too large."),
        (b"{}", [("content-type", "text/plain")], "The content type must be application/json or end in +json."),
        (b"[" * 9, [], "Input data was truncated"),
        (b'"\xff"', [], "The body is no JSON text."),
        (b'{"name":1}', [], "The JSON body is invalid."),
    ],
)
def test_what_is_wrong_with_a_request_is_said_in_words(body, headers, detail):
    class Spot(Endpoint, path="/spot", max_body_size=10):
        async def post(self, json: Order, headers: msgspec.defstruct("H", [("x_trace_id", str, "")])) -> None: ...

    chunks = [chunk(body or b"", more_body=False)]
    headers = headers if body == b"{}" else [("content-type", "application/json"), *headers]
    response = request(app_of(Spot()), "POST", "/spot", chunks=chunks, headers=headers)
    assert response.json["detail"] == detail


def test_a_body_nested_too_deeply_is_said_to_be():
    response = post_json(echo("json", Order), "/spot", "[" * 100_000)
    assert response.json["detail"] == "The body is nested too deeply."


@pytest.mark.parametrize(("size", "status"), [(8_191, 204), (8_192, 431), (20_000, 431)])
def test_repeated_headers_are_joined_up_to_16_kib(size, status):
    """Two of 8,191 bytes and what joins them are 16,384 bytes."""

    class Spot(Endpoint, path="/spot"):
        async def get(self, headers: Trace) -> None: ...

    headers = [("x-trace-id", "a" * size), ("x-trace-id", "b" * 8_191)]
    assert request(app_of(Spot()), "GET", "/spot", headers=headers).status == status


class Large(ContentSource):
    """Takes larger bodies than jero's default, unless somebody says otherwise."""

    def bind(self, parameter, operation, /):
        return copy.replace(super().bind(parameter, operation), default_body_size=3 * 1024 * 1024)


def test_a_binding_s_own_body_limit_stands_in_for_the_default_alone():
    class Default(Endpoint, path="/default"):
        async def post(self, large: bytes) -> None: ...

    class Own(Default, path="/own", max_body_size=5): ...

    class Base(BaseApp):
        sources = {**BaseApp.sources, "large": Large()}

    class Small(Base):
        max_body_size = 3

    def status(base, endpoint, target, size):
        return request(app_of(endpoint, base=base), "POST", target, body=b"x" * size).status

    assert status(Base, Default(), "/default", 3 * 1024 * 1024) == 204
    assert status(Base, Default(), "/default", 3 * 1024 * 1024 + 1) == 413
    assert status(Base, Own(), "/own", 5) == 204
    assert status(Base, Own(), "/own", 6) == 413
    assert status(Small, Default(), "/default", 3) == 204
    assert status(Small, Default(), "/default", 4) == 413


def test_a_body_in_one_byte_messages_is_read_in_linear_time():
    chunks = [chunk(b"x")] * 200_000 + [chunk(b"", more_body=False)]
    assert request(echo("content", bytes), "POST", "/spot", chunks=chunks).status == 200


class Faulty(Struct):
    key: str = "k"

    def __post_init__(self):
        {}[self.key]


@pytest.mark.parametrize(("source", "options"), [("params", {}), ("headers", {}), ("json", {"body": b"{}"})])
def test_a_fault_in_a_struct_s_post_init_is_the_server_s_fault(source, options, caplog):
    headers = [("content-type", "application/json")]
    response = request(echo(source, Faulty), "POST", "/spot", headers=headers, **options)
    assert response.json == {"type": "about:blank", "title": "Internal Server Error", "status": 500}
    assert "KeyError" in caplog.text


# order


def test_the_head_is_answered_before_the_body_is_read_path_first():
    class Path(Struct):
        n: int

    class Limit(Struct):
        limit: int

    class Spot(Resource, path="/spot"):
        async def update(self, json: Order, headers: Trace, params: Limit, path: Path) -> Echo:
            return Echo("")

    good_head = {"headers": [("x-trace-id", "1"), ("content-type", "application/json")]}

    async def conversation(client):
        outcomes = []
        for target, options in [
            ("/spot/x?limit=x", {}),
            ("/spot/1?limit=x", {"headers": [("content-type", "application/json")]}),
            ("/spot/1?limit=1", {"headers": [("content-type", "application/json")]}),
            ("/spot/1?limit=x", good_head),
            ("/spot/1?limit=1", {"headers": [("x-trace-id", "1")]}),
            ("/spot/1?limit=1", good_head),
        ]:
            response = await client.request("PUT", target, body=b"{}", **options)
            outcomes.append((response.status, client.received))
        return outcomes

    assert serve(app_of(Spot()), conversation) == [(404, 0), (400, 0), (400, 0), (400, 0), (415, 0), (422, 1)]


class Limit(Struct):
    limit: int


class Headed(Endpoint, path="/spot"):
    async def get(self, params: Limit, raw_headers: RawHeaders, headers: Trace) -> None: ...


def test_invalid_parameters_and_headers_are_told_in_one_answer():
    response = request(app_of(Headed()), "GET", "/spot?limit=x", headers=[("x-depth", "x")])
    assert response.status == 400
    assert response.invalid == [("params", "/limit"), ("headers", "/x-trace-id"), ("headers", "/x-depth")]
    assert response.json["detail"] == "The query string is invalid. The request headers are invalid."
    assert request(app_of(Headed()), "GET", "/spot?limit=1", headers=[("x-depth", "x")]).invalid == [
        ("headers", "/x-trace-id"),
        ("headers", "/x-depth"),
    ]
    assert request(app_of(Headed()), "GET", "/spot", headers=[("x-trace-id", "1")]).invalid == [("params", "/limit")]
    assert request(app_of(Headed()), "GET", "/spot?limit=1", headers=[("x-trace-id", "1")]).status == 204


def test_a_query_that_cannot_be_read_is_the_whole_answer():
    response = request(app_of(Headed()), "GET", "/spot?limit=%FF")
    assert response.json["detail"] == "The query string is not valid UTF-8."
    assert "errors" not in response.json


def test_a_path_that_is_none_goes_before_everything_else_of_the_head():
    class Path(Struct):
        n: int

    class Spot(Resource, path="/spot"):
        async def read_one(self, path: Path, headers: Trace) -> None: ...

    headers = [("x-trace-id", "a" * 100)] * 1000
    assert request(app_of(Spot()), "GET", "/spot/x", headers=headers).status == 404
    assert request(app_of(Spot()), "GET", "/spot/1", headers=headers).status == 431


def test_a_handler_without_a_body_source_does_not_read_the_body():
    class Spot(Endpoint, path="/spot"):
        async def post(self) -> None:
            raise HTTPError(403)

    async def conversation(client):
        await client.request("POST", "/spot", body=b"x")
        return client.received

    assert serve(app_of(Spot()), conversation) == 0


# What msgspec lets through

NOT_HASHED = "Expected a value that can be in a set"


class Numbers(Struct):
    numbers: set[Decimal]


@pytest.mark.parametrize("query", ["numbers=sNaN", "numbers=1&numbers=sNaN"])
def test_a_text_without_a_hash_is_told_to_the_client(query):
    response = request(echo("params", Numbers, "get"), "GET", f"/spot?{query}")
    (invalid,) = response.json["errors"]
    assert invalid["pointer"] == f"/numbers/{query.count('&')}"
    assert response.status == 400


def test_a_failing_default_factory_is_the_server_s_fault(caplog):
    def fail():
        raise ValueError("a secret")

    for source in ("params", "headers"):
        struct = msgspec.defstruct(
            "Wanted",
            [
                ("x_word", str, msgspec.field(default_factory=fail)),
                (
                    "n",
                    list[int] if source == "params" else int,
                    msgspec.field(default_factory=list) if source == "params" else 3,
                ),
            ],
        )
        response = request(echo(source, struct, "get"), "GET", "/spot")
        assert response.status == 500
        assert b"secret" not in response.body
        assert "DefaultError" in caplog.text
        caplog.clear()


@pytest.mark.parametrize("chunks", [1, 7])
def test_a_body_in_pieces_is_held_once(chunks):
    size = 4 * 1024 * 1024
    piece = b"x" * (size // chunks)

    async def conversation(client):
        messages = [{"type": "http.request", "body": piece, "more_body": True} for _ in range(chunks)]
        messages.append({"type": "http.request", "body": b"", "more_body": False})
        tracemalloc.start()
        try:
            response = await client.request("POST", "/spot", chunks=messages)
            return response.status, tracemalloc.get_traced_memory()[1]
        finally:
            tracemalloc.stop()

    class Spot(Endpoint, path="/spot", max_body_size=2 * size):
        async def post(self, content: bytes) -> Echo:
            return Echo(str(len(content)))

    status, peak = serve(app_of(Spot()), conversation)
    assert status == 200
    assert peak < 1.3 * size
