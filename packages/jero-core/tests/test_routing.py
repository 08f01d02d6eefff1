"""Routing: SPEC section 3."""

import enum
import sys
from typing import Annotated, Any, Literal
from urllib.parse import unquote

import msgspec
import pytest
from msgspec import Meta, Struct, defstruct

from jero_core import Endpoint, Resource
from jero_core.asgi import constant

from .asgi_driver import app_of, request, serve


class Item(Struct):
    item_id: str


class Word(Struct):
    text: str


class Dots(enum.Enum):
    ONE = "."
    TWO = ".."


class Items(Resource, path="/items"):
    async def create(self) -> Word:
        return Word("create")

    async def read_many(self) -> Word:
        return Word("read_many")

    async def read_one(self, path: Item) -> Word:
        return Word(f"read_one {path.item_id}")

    async def update(self, path: Item) -> Word:
        return Word(f"update {path.item_id}")

    async def partial_update(self, path: Item) -> Word:
        return Word(f"partial_update {path.item_id}")

    async def delete(self, path: Item) -> Word:
        return Word(f"delete {path.item_id}")


class Search(Endpoint, path="/items/search"):
    async def get(self) -> Word:
        return Word("search")


def text(response):
    return response.json["text"]


@pytest.mark.parametrize(
    ("method", "target", "status", "answer"),
    [
        ("POST", "/items", 201, "create"),
        ("GET", "/items", 200, "read_many"),
        ("GET", "/items/7", 200, "read_one 7"),
        ("PUT", "/items/7", 200, "update 7"),
        ("PATCH", "/items/7", 200, "partial_update 7"),
        ("DELETE", "/items/7", 200, "delete 7"),
    ],
)
def test_a_resource_method_answers_its_http_method(method, target, status, answer):
    response = request(app_of(Items()), method, target)
    assert (response.status, text(response)) == (status, answer)


@pytest.mark.parametrize("method", ["get", "post", "put", "patch", "delete"])
def test_an_endpoint_method_answers_its_http_method_with_200(method):
    async def handler(self) -> Word:
        return Word(method)

    endpoint = type("Spot", (Endpoint,), {method: handler}, path="/spot")
    response = request(app_of(endpoint()), method.upper(), "/spot")
    assert (response.status, text(response)) == (200, method)


def test_other_methods_are_ordinary_methods():
    class Spot(Endpoint, path="/spot"):
        async def get(self) -> Word:
            return Word(self.read_one(1))

        def read_one(self, anything):
            return f"helper {anything}"

    assert text(request(app_of(Spot()), "GET", "/spot")) == "helper 1"


@pytest.mark.parametrize(
    "target",
    [
        "/",
        "/item",
        "/items/",
        "//items",
        "/items/7/",
        "/items/7/8",
        "/items//",
        "",
        "items",
        "/Items",
        "/%FF",
        "/items/%FF",
    ],
)
def test_a_path_that_no_template_matches_is_404(target):
    response = request(app_of(Items()), "GET", target)
    assert response.status == 404
    assert response.header("content-type") == "application/problem+json"
    assert response.json == {"type": "about:blank", "title": "Not Found", "status": 404}


@pytest.mark.parametrize("order", [(Items, Search), (Search, Items)])
def test_literal_text_goes_before_a_slot_in_any_order_of_inclusion(order):
    assert text(request(app_of(*(cls() for cls in order)), "GET", "/items/search")) == "search"


def test_a_known_path_with_another_method_is_405_with_allow():
    response = request(app_of(Search()), "DELETE", "/items/search")
    assert response.status == 405
    assert response.header("allow") == "GET, HEAD, OPTIONS"
    assert response.json == {"type": "about:blank", "title": "Method Not Allowed", "status": 405}


def test_the_path_decides_the_template_before_the_method_decides_the_operation():
    response = request(app_of(Items(), Search()), "PUT", "/items/search")
    assert response.status == 405


def test_allow_lists_what_exists_in_a_fixed_order():
    response = request(app_of(Items()), "OPTIONS", "/items/7")
    assert response.status == 204
    assert response.header("allow") == "GET, HEAD, PUT, PATCH, DELETE, OPTIONS"
    assert response.body == b""
    assert response.header("content-length") is None


def test_head_is_not_allowed_where_get_is_not():
    class Only(Endpoint, path="/only"):
        async def post(self) -> Word:
            return Word("")

    response = request(app_of(Only()), "HEAD", "/only")
    assert (response.status, response.header("allow")) == (405, "POST, OPTIONS")


def test_head_has_the_headers_of_get_and_no_body():
    get = request(app_of(Items()), "GET", "/items/7")
    head = request(app_of(Items()), "HEAD", "/items/7")
    assert (head.status, head.headers, head.body) == (get.status, get.headers, b"")
    assert [message["type"] for message in head.messages] == ["http.response.start", "http.response.body"]


@pytest.mark.parametrize("target", ["/nope", "/items/7/8", "/only"])
def test_head_has_no_body_where_it_is_refused(target):
    class Only(Endpoint, path="/only"):
        async def post(self) -> Word:
            return Word("")

    response = request(app_of(Items(), Only()), "HEAD", target)
    assert (response.status, response.body) == (405 if target == "/only" else 404, b"")
    assert int(response.header("content-length")) > 0


@pytest.mark.parametrize("method", ["get", "__init__", "TRACE", "CONNECT", "BREW", "None", ""])
def test_a_method_that_is_none_of_ours_is_405(method):
    assert request(app_of(Items()), method, "/items").status == 405


@pytest.mark.parametrize(
    ("target", "item_id"),
    [
        ("/items/a%2Fb", "a/b"),
        ("/items/%252F", "%2F"),
        ("/items/%25", "%"),
        ("/items/caf%C3%A9", "café"),
        ("/items/a+b", "a+b"),
        ("/items/%20", " "),
        ("/items/%00", "\x00"),
        ("/items/%zz", "%zz"),
        ("/items/...", "..."),
        ("/items/.a", ".a"),
        ("/%69tems/7", "7"),
    ],
)
def test_a_segment_is_percent_decoded_exactly_once(target, item_id):
    assert text(request(app_of(Items()), "GET", target)) == f"read_one {item_id}"


@pytest.mark.parametrize("segment", [".", "..", "%2e", "%2E.", "%2e%2e"])
@pytest.mark.parametrize("kind", [str, Annotated[str, Meta(max_length=9)], str | int, Dots, Literal["..", "."], Any])
def test_dot_segments_are_no_value_of_any_type(kind, segment):
    class Things(Resource, path="/things"):
        async def read_one(self, path: defstruct("Path", [("thing", kind)])) -> Word:
            return Word(str(path.thing))

        async def update(self, path: defstruct("Path", [("shelf", str), ("thing", kind)])) -> Word:
            return Word(str(path.thing))

    app = app_of(Things())
    assert request(app, "GET", f"/things/{segment}").status == 404
    assert request(app, "PUT", f"/things/{segment}/a").status == 404
    assert request(app, "PUT", f"/things/a/{segment}").status == 404
    assert request(app, "GET", "/things/x", raw_path=..., path=f"/things/{unquote(segment)}").status == 404


def test_raw_bytes_that_are_utf8_bind_and_others_are_404():
    assert text(request(app_of(Items()), "GET", "/items/caf\xc3\xa9")) == "read_one café"
    assert request(app_of(Items()), "GET", "/items/caf\xe9").status == 404


def test_an_escaped_literal_segment_matches():
    class Cafe(Endpoint, path="/café/menu"):
        async def get(self) -> Word:
            return Word("menu")

    assert text(request(app_of(Cafe()), "GET", "/caf%C3%A9/m%65nu")) == "menu"


def test_without_raw_path_the_decoded_path_is_not_decoded_again():
    response = request(app_of(Items()), "GET", "/items/%2541", raw_path=..., path="/items/%41")
    assert text(response) == "read_one %41"
    response = request(app_of(Items()), "GET", "/items/x", raw_path=None, path="/items/a b")
    assert text(response) == "read_one a b"


@pytest.mark.parametrize("target", ["*", "widget", "http:", ""])
@pytest.mark.parametrize("method", ["GET", "OPTIONS", "PATCH"])
def test_a_target_without_a_slash_is_no_item_of_the_root(method, target):
    assert request(app_of(Root()), method, target).status == 404


class Root(Resource, path="/"):
    async def read_many(self) -> Word:
        return Word("all")

    async def read_one(self, path: Item) -> Word:
        return Word(path.item_id)


def test_a_root_template_puts_items_behind_the_slash():
    app = app_of(Root())
    assert text(request(app, "GET", "/")) == "all"
    assert text(request(app, "GET", "/7")) == "7"
    assert request(app, "GET", "//").status == 404


@pytest.mark.parametrize(
    ("root_path", "target", "status"),
    [
        ("/api", "/api/items/7", 200),
        ("/api/", "/api/items/7", 200),
        ("/api", "/%61pi/items/7", 200),
        ("/api/v1", "/api/v1/items/7", 200),
        ("/X", "/X/items/7", 200),
        ("/x.api", "/x.api/items/7", 200),
        ("//api//", "/api/items/7", 200),
        ("/", "/items/7", 200),
        ("/", "/items", 200),
        ("/api", "/api/items", 200),
        ("/api/v1", "/api/items/7", 404),
        ("/api/v1/x", "/api/v1/items/7", 404),
        ("/é", "/%C3%A9/items/7", 200),
        ("/items/7", "/items/7", 404),
        ("/api", "/items/7", 200),  # a proxy that took the prefix off
        ("/api", "/apiitems/7", 404),
        ("/api", "/api/api/items/7", 404),
        ("/api", "/api", 404),
        ("/items", "/items/items/7", 200),
    ],
)
def test_root_path_comes_off_at_a_segment_border(root_path, target, status):
    assert request(app_of(Items()), "GET", target, root_path=root_path).status == status


@pytest.mark.parametrize(
    ("root_path", "target", "options", "status"),
    [
        ("", "/", {}, 200),
        ("", "/", {"raw_path": None}, 200),
        ("", "/", {"raw_path": None, "path": ""}, 404),
        ("/api", "/api", {}, 200),
        ("/api", "/api/", {}, 200),
        ("/api", "/api/", {"raw_path": None}, 200),
        ("/api", "/api//", {}, 404),
        ("/api", "/", {}, 200),
        ("/api/v1", "/api/v1", {}, 200),
        ("/api", "/apix", {}, 404),
    ],
)
def test_the_root_alone_is_found_behind_any_root_path(root_path, target, options, status):
    class Root(Endpoint, path="/"):
        async def get(self) -> Word:
            return Word("root")

    assert request(app_of(Root()), "GET", target, root_path=root_path, **options).status == status


def test_root_path_may_be_missing_from_the_scope():
    assert request(app_of(Items()), "GET", "/items/7", root_path=...).status == 200


def test_one_handler_class_is_mounted_at_several_paths_through_subclasses():
    class Red(Items, path="/red"): ...

    class Blue(Items, path="/blue"): ...

    app = app_of(Red(), Blue())
    assert text(request(app, "GET", "/red/1")) == text(request(app, "GET", "/blue/1")) == "read_one 1"


def test_static_class_and_sync_methods_handle():
    class Mixed(Resource, path="/mixed"):
        @staticmethod
        async def read_many() -> Word:
            return Word("static")

        @classmethod
        def create(cls) -> Word:
            return Word(cls.__name__)

        def read_one(self, path: Item, /) -> Word:
            return Word(path.item_id)

    app = app_of(Mixed())
    assert text(request(app, "GET", "/mixed")) == "static"
    assert text(request(app, "POST", "/mixed")) == "Mixed"
    assert text(request(app, "GET", "/mixed/5")) == "5"


def test_the_scope_carries_the_route_for_the_ecosystem_s_middlewares():
    async def conversation(client):
        await client.request("GET", "/items/7")
        return client.scope["route"]

    route = serve(app_of(Items()), conversation)
    assert route.path == route.path_format == "/items/{item_id}"


def test_the_route_is_in_the_scope_when_the_handler_runs():
    seen = []

    class Spots(Resource, path="/spots"):
        async def read_many(self) -> Word:
            seen.append(client.scope["route"].path)
            return Word("")

        async def read_one(self, path: Item) -> Word:
            seen.append(client.scope["route"].path)
            return Word("")

    async def conversation(started):
        nonlocal client
        client = started
        for target in ("/spots", "/spots/1", "/spots/%31"):
            await started.request("GET", target)

    client = None
    serve(app_of(Spots()), conversation)
    assert seen == ["/spots", "/spots/{item_id}", "/spots/{item_id}"]


def steps_of_a_lookup(app, method, target):
    """How many functions are called from a request's arrival to the coroutine that answers it."""
    calls = 0

    def count(frame, event, argument):
        nonlocal calls
        calls += event in {"call", "c_call"}

    scope = {"type": "http", "method": method, "path": unquote(target), "raw_path": target.encode(), "root_path": ""}
    sys.setprofile(count)
    try:
        answer = app(scope, None, None)
    finally:
        sys.setprofile(None)
    answer.close()
    return calls


def test_a_lookup_takes_the_same_steps_whatever_the_number_of_routes():
    def many(count):
        class Deep(Endpoint, path="/{a}/deep/{b}"):
            async def get(self, path: msgspec.defstruct("Path", [("a", str), ("b", str)])) -> Word: ...

        items = [type("Many", (Items,), {}, path=f"/items{number}") for number in range(count)]
        return app_of(*(cls() for cls in items), Deep())

    targets = ["/items3", "/items3/7", "/items3/%37", "/x/deep/y", "/nope", "/items3/7/8", "/nope/nope/nope/nope"]

    async def conversation(client):
        return [steps_of_a_lookup(client.app, method, target) for target in targets for method in ("GET", "BREW")]

    assert serve(many(10), conversation) == serve(many(400), conversation)


def test_a_deep_path_is_refused_without_work():
    assert request(app_of(Items()), "GET", "/x" * 100_000).status == 404
    assert request(app_of(Items()), "GET", "/%78" * 100_000).status == 404


def test_a_constant_answer_gives_each_response_its_own_header_list():
    sent = []

    async def send(message):
        sent.append(message)

    respond = constant(200, {b"a": b"b"}, b"")
    for _ in range(2):
        with pytest.raises(StopIteration):
            respond({"method": "GET"}, None, send).send(None)
    assert sent[0]["headers"] == sent[2]["headers"]
    assert sent[0]["headers"] is not sent[2]["headers"]


@pytest.mark.parametrize("path", ["/items", "/items/7", "/nope", "/nope/7/8", "/items/%20"])
def test_a_websocket_is_refused_and_another_scope_type_is_an_error(path):
    scope = {
        "path": path.replace("%20", " "),
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"",
        "headers": [],
    }

    async def conversation(client):
        with pytest.raises(RuntimeError, match="serves http"):
            await client.app({**scope, "type": "telepathy"}, None, None)
        sent = []

        async def receive():
            return {"type": "websocket.connect"}

        async def send(message):
            sent.append(message)

        await client.app({**scope, "type": "websocket"}, receive, send)
        return sent

    assert serve(app_of(Items()), conversation) == [{"type": "websocket.close", "code": 1000}]
