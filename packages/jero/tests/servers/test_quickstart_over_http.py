"""The quickstart, one request after the other, on every server."""

import http.client
import json
from uuid import uuid4

import pytest

from .server_process import ServerProcess
from .wire import Connection, Response, exchange, json_request

JSON = ("content-type", "application/json")
PROBLEM = "application/problem+json"


def post(shop: ServerProcess, value: object) -> Response:
    return exchange(shop.port, "POST", "/widgets", [JSON], json.dumps(value).encode())


def create(shop: ServerProcess, **values: object) -> dict[str, object]:
    """A new widget, with a name that no other test uses."""
    return post(shop, {"name": uuid4().hex, **values}).json()


def test_post_creates(shop):
    response = post(shop, {"name": "lamp", "price": 12.5})
    assert response.status == 201
    assert response.header("content-type") == "application/json"
    created = response.json()
    assert created == {"id": created["id"], "name": "lamp", "price": 12.5}
    assert response.header("content-length") == str(len(response.body))


def test_get_reads_one(shop):
    widget = create(shop)
    response = exchange(shop.port, "GET", f"/widgets/{widget['id']}")
    assert (response.status, response.json()) == (200, widget)


def test_get_with_a_query_lists_what_fits(shop):
    name = uuid4().hex
    widgets = [create(shop, name=name) for _ in range(3)]
    create(shop)
    response = exchange(shop.port, "GET", f"/widgets?name={name}&limit=2")
    assert (response.status, response.json()) == (200, widgets[:2])


def test_a_query_is_decoded_once(shop):
    widget = create(shop, name="50%25 ü+&" + uuid4().hex)
    quoted = str(widget["name"]).replace("%", "%25").replace("ü", "%C3%BC").replace("+", "%2B").replace("&", "%26")
    response = exchange(shop.port, "GET", f"/widgets?name={quoted.replace(' ', '+')}")
    assert response.json() == [widget]


def test_delete_answers_204_without_body_and_content_headers(shop):
    target = f"/widgets/{create(shop)['id']}"
    with Connection(shop.port) as connection:
        response = connection.exchange("DELETE", target)
        assert response.status == 204
        assert response.header("content-length") is None
        assert response.header("content-type") is None
        assert response.header("transfer-encoding") is None
        assert connection.exchange("GET", target).status == 404


def test_head_answers_what_get_answers_without_its_body(shop):
    target = f"/widgets/{create(shop)['id']}"
    with Connection(shop.port) as connection:
        head = connection.exchange("HEAD", target)
        get = connection.exchange("GET", target)
    assert head.status == get.status == 200
    assert head.header("content-length") == str(len(get.body))
    assert without_date(head) == without_date(get)


def test_head_of_an_error_has_no_body_either(shop):
    with Connection(shop.port) as connection:
        head = connection.exchange("HEAD", "/widgets/0")
        get = connection.exchange("GET", "/widgets/0")
    assert head.status == get.status == 404
    assert without_date(head) == without_date(get)


def without_date(response: Response) -> list[tuple[str, str]]:
    return [header for header in response.headers if header[0] != "date"]


@pytest.mark.parametrize(
    "target", ["/", "/nowhere", "/widgets/", "//widgets", "/widgets/x", "/widgets/1/more", "/Widgets", "/widgets/%FF"]
)
def test_a_path_of_no_operation_is_404(shop, target):
    response = exchange(shop.port, "GET", target)
    assert response.status == 404
    assert response.header("content-type") == PROBLEM
    assert response.json() == {"type": "about:blank", "title": "Not Found", "status": 404}


def test_an_unknown_id_is_404_with_the_handlers_detail(shop):
    response = exchange(shop.port, "GET", "/widgets/987654321")
    assert response.status == 404
    assert response.header("content-type") == PROBLEM
    assert response.json()["detail"] == "there is no widget 987654321"


@pytest.mark.parametrize(
    ("method", "target", "allow"),
    [
        ("PATCH", "/widgets", "GET, HEAD, POST, OPTIONS"),
        ("DELETE", "/widgets", "GET, HEAD, POST, OPTIONS"),
        ("PUT", "/widgets/1", "GET, HEAD, DELETE, OPTIONS"),
        ("POST", "/widgets/1", "GET, HEAD, DELETE, OPTIONS"),
    ],
)
def test_another_method_is_405_with_allow(shop, method, target, allow):
    response = exchange(shop.port, method, target)
    assert response.status == 405
    assert response.header("allow") == allow
    assert response.header("content-type") == PROBLEM
    assert response.json()["status"] == 405


@pytest.mark.parametrize(
    ("target", "allow"), [("/widgets", "GET, HEAD, POST, OPTIONS"), ("/widgets/1", "GET, HEAD, DELETE, OPTIONS")]
)
def test_options_answers_204_with_allow(shop, target, allow):
    response = exchange(shop.port, "OPTIONS", target)
    assert response.status == 204
    assert response.header("allow") == allow
    assert response.header("content-length") is None


def test_json_that_does_not_fit_is_422_with_a_pointer(shop):
    response = post(shop, {"name": "lamp", "price": -1})
    assert response.status == 422
    assert response.header("content-type") == PROBLEM
    problem = response.json()
    assert problem["status"] == 422
    assert [(error["source"], error["pointer"]) for error in problem["errors"]] == [("json", "/price")]


@pytest.mark.parametrize("body", [b"", b"{", b'{"name": "a"} x', b'{"name": "\xff"}', b"\xef\xbb\xbf{}", b"[" * 5000])
def test_malformed_json_is_400(shop, body):
    response = exchange(shop.port, "POST", "/widgets", [JSON], body)
    assert response.status == 400
    assert response.header("content-type") == PROBLEM


def test_a_post_without_body_and_length_is_400(shop):
    assert exchange(shop.port, "POST", "/widgets", [JSON]).status == 400


@pytest.mark.parametrize("query", ["limit=x", "limit=0", "limit=101", "limit=1&limit=2"])
def test_a_bad_query_is_400(shop, query):
    response = exchange(shop.port, "GET", f"/widgets?{query}")
    assert response.status == 400
    assert response.header("content-type") == PROBLEM
    assert response.json()["errors"][0]["source"] == "params"


def test_a_query_of_no_utf8_is_400(shop):
    assert exchange(shop.port, "GET", "/widgets?name=%FF").status == 400


@pytest.mark.parametrize(
    "headers", [[], [("content-type", "text/plain")], [("content-type", "application/x-www-form-urlencoded")]]
)
def test_a_post_that_does_not_say_json_is_415(shop, headers):
    name = uuid4().hex
    response = exchange(shop.port, "POST", "/widgets", headers, json.dumps({"name": name}).encode())
    assert response.status == 415
    assert response.header("content-type") == PROBLEM
    assert exchange(shop.port, "GET", f"/widgets?name={name}").json() == []


def test_a_percent_encoded_path_reaches_the_same_widget(shop):
    widget = create(shop)
    encoded = "".join(f"%{ord(digit):02X}" for digit in str(widget["id"]))
    assert exchange(shop.port, "GET", f"/widgets/{encoded}").json() == widget
    assert exchange(shop.port, "GET", f"/%77idgets/{widget['id']}").json() == widget
    assert exchange(shop.port, "GET", f"/widgets%2F{widget['id']}").status == 404
    twice = encoded.replace("%", "%25")
    assert exchange(shop.port, "GET", f"/widgets/{twice}").status == 404


@pytest.mark.parametrize(
    ("segment", "text"),
    [
        ("a", "a"),
        ("a%2Fb", "a/b"),
        ("%252F", "%2F"),
        ("%C3%BC+%20", "ü+ "),
        ("%E2%82%AC", "€"),
        ("%0D%0A%00", "\r\n\0"),
        ("...", "..."),
        ("a;b=c@d:e", "a;b=c@d:e"),
    ],
)
def test_a_path_value_is_decoded_exactly_once(probe, segment, text):
    response = exchange(probe.port, "GET", f"/echo/{segment}?a=/b")
    assert response.status == 200
    assert response.header("content-type") == "text/plain; charset=utf-8"
    assert response.body.decode() == text


@pytest.mark.parametrize(
    "target",
    [
        *("/echo/", "/echo", "/echo//", "/echo/a/", "//echo/a", "/echo/%FF", "/echo/a/b"),
        *("/echo/.", "/echo/..", "/echo/%2e", "/echo/.%2E"),
    ],
)
def test_a_path_value_is_one_whole_segment(probe, target):
    assert exchange(probe.port, "GET", target).status == 404


def test_an_ordinary_client_library_is_served(shop):
    client = http.client.HTTPConnection("127.0.0.1", shop.port, timeout=5)
    try:
        client.request("POST", "/widgets", json.dumps({"name": "lamp"}), {"content-type": "application/json"})
        response = client.getresponse()
        created = json.load(response)
        assert response.status == 201
        for method, status in [("GET", 200), ("HEAD", 200), ("DELETE", 204), ("DELETE", 404)]:
            client.request(method, f"/widgets/{created['id']}")
            response = client.getresponse()
            response.read()
            assert (method, response.status) == (method, status)
    finally:
        client.close()


def test_a_request_in_single_bytes_is_served(shop):
    name = uuid4().hex
    with Connection(shop.port) as connection:
        for byte in json_request("POST", "/widgets", {"name": name}):
            connection.send(bytes([byte]))
        assert connection.receive().json()["name"] == name
