"""Connections: pipelining, keep-alive, many clients at once, and requests that only an attacker writes."""

from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from .server_process import ServerProcess
from .wire import Connection, Response, exchange, json_request, request

JSON = ("content-type", "application/json")


def create(shop: ServerProcess, name: str) -> int:
    with Connection(shop.port) as connection:
        connection.send(json_request("POST", "/widgets", {"name": name}))
        return connection.receive().json()["id"]


def test_pipelined_requests_are_answered_in_order(shop):
    name, sentinel = uuid4().hex, uuid4().hex
    widget, doomed, last = create(shop, name), create(shop, name), create(shop, sentinel)
    pipeline = [
        ("GET", request("GET", f"/widgets/{widget}"), 200),
        ("HEAD", request("HEAD", f"/widgets/{widget}"), 200),
        ("GET", request("GET", "/widgets/0"), 404),
        ("DELETE", request("DELETE", f"/widgets/{doomed}"), 204),
        ("POST", json_request("POST", "/widgets", {"name": name}), 201),
        ("HEAD", request("HEAD", "/nowhere"), 404),
        ("POST", json_request("POST", "/widgets", {"name": ""}), 422),
        ("OPTIONS", request("OPTIONS", "/widgets"), 204),
        ("PUT", request("PUT", "/widgets"), 405),
        ("GET", request("GET", "/widgets?limit=x"), 400),
        ("POST", request("POST", "/widgets", [JSON], b"{"), 400),
        ("DELETE", request("DELETE", f"/widgets/{doomed}"), 404),
        ("GET", request("GET", f"/widgets?name={sentinel}"), 200),
    ]
    with Connection(shop.port) as connection:
        connection.send(b"".join(data for _, data, _ in pipeline))
        responses = [connection.receive(method) for method, _, _ in pipeline]
    assert [response.status for response in responses] == [status for _, _, status in pipeline]
    assert responses[0].json()["id"] == widget
    assert responses[4].json()["name"] == name
    assert [found["id"] for found in responses[-1].json()] == [last]


@pytest.mark.parametrize(
    ("data", "status"),
    [
        (request("GET", "/nowhere"), 404),
        (request("PATCH", "/widgets"), 405),
        (request("GET", "/widgets?limit=x"), 400),
        (request("POST", "/widgets", [JSON], b"{"), 400),
        (json_request("POST", "/widgets", {"name": ""}), 422),
        (request("POST", "/widgets", [("content-type", "text/plain")], b"lamp"), 415),
    ],
)
def test_a_connection_serves_on_after_an_error(shop, data, status):
    with Connection(shop.port) as connection:
        for _ in range(3):
            connection.send(data)
            assert connection.receive().status == status
        assert connection.exchange("OPTIONS", "/widgets").status == 204


def test_many_clients_at_once_each_get_their_own_answers(shop):
    def drive(client: int) -> list[Response]:
        responses = []
        with Connection(shop.port) as connection:
            for turn in range(20):
                connection.send(json_request("POST", "/widgets", {"name": "many", "price": client * 1000 + turn}))
                created = connection.receive().json()
                responses.append(connection.exchange("GET", f"/widgets/{created['id']}"))
        return responses

    with ThreadPoolExecutor(8) as pool:
        clients = list(pool.map(drive, range(8)))
    prices = [[response.json()["price"] for response in responses] for responses in clients]
    assert prices == [[client * 1000 + turn for turn in range(20)] for client in range(8)]
    assert len({response.json()["id"] for responses in clients for response in responses}) == 160


@pytest.mark.parametrize(
    "target",
    [
        "/widgets/%0d%0aX-Injected:%20yes",
        "/widgets/1%0d%0a%0d%0aHTTP/1.1%20200%20OK",
        "/widgets/%00",
        "/widgets/%1b[31m",
        "/widgets/..%2f..%2fetc%2fpasswd",
        "/widgets/../../etc/passwd",
        "/widgets/%",
        "/widgets/%zz",
        "/widgets/%ED%A0%80",
        "/widgets/" + "9" * 4000,
        "/widgets/" + "1/" * 2000,
    ],
)
def test_a_hostile_path_is_404_and_injects_nothing(shop, target):
    response = exchange(shop.port, "GET", target)
    assert response.status == 404
    assert response.header("x-injected") is None
    assert response.header("content-type") == "application/problem+json"


ODD_REQUESTS: dict[str, tuple[bytes, tuple[int, int, int, int]]] = {
    # Each with the status that granian, uvicorn with h11, uvicorn with httptools and hypercorn answer.
    #
    # Granian and httptools take the path out of an absolute target. h11, and so hypercorn, hand it over whole: raw_path
    # does not begin with "/", so no template matches.
    "an absolute target": (request("OPTIONS", "http://elsewhere/widgets"), (204, 404, 204, 404)),
    "a target that is an authority": (request("GET", "@elsewhere"), (404, 404, 400, 404)),
    "an asterisk": (request("OPTIONS", "*"), (404, 404, 404, 404)),
    # Methods are case-sensitive (RFC 9110, section 9.1). Hypercorn makes them upper-case all the same; httptools knows
    # only registered methods.
    "a method in lower case": (request("options", "/widgets"), (405, 405, 400, 204)),
    "an unknown method": (request("FROB", "/widgets"), (405, 405, 400, 405)),
    # Hyper lets bytes above 127 pass in a target; the tree decodes them, and finds no number.
    "a path of raw UTF-8": (b"GET /widgets/\xc3\xa9 HTTP/1.1\r\nhost: a\r\n\r\n", (404, 400, 400, 400)),
    "a control character in the target": (b"GET /widgets/\x01 HTTP/1.1\r\nhost: a\r\n\r\n", (400, 400, 400, 400)),
    # Httptools takes the line up to the bare line feed for a request of HTTP/0.9.
    "a line feed in the target": (
        b"GET /widgets/a\nX-Injected: yes HTTP/1.1\r\nhost: a\r\n\r\n",
        (400, 400, 404, 400),
    ),
    "a space in the target": (b"GET /widgets/a b HTTP/1.1\r\nhost: a\r\n\r\n", (400, 400, 400, 400)),
    "a content-length that is no number": (
        request("POST", "/widgets", [JSON, ("content-length", "x")]),
        (400, 400, 400, 400),
    ),
    "a negative content-length": (request("POST", "/widgets", [JSON, ("content-length", "-1")]), (400, 400, 400, 400)),
    "an endless content-length": (
        request("POST", "/widgets", [JSON, ("content-length", "9" * 40)]),
        (400, 400, 400, 400),
    ),
    "two content-lengths": (
        request("POST", "/widgets", [JSON, ("content-length", "12"), ("content-length", "13")]) + b'{"name":"a"}',
        (400, 400, 400, 400),
    ),
    # Granian tells the app that the client is gone, who gets no answer of an app then, and answers 500 by itself.
    "a chunk whose size is no number": (
        request("POST", "/widgets", [JSON, ("transfer-encoding", "chunked")]) + b"zz\r\n",
        (500, 400, 400, 400),
    ),
    # HTTP/1.1 demands a host (RFC 9112, section 3.2); granian and httptools do not.
    "no host": (b"OPTIONS /widgets HTTP/1.1\r\n\r\n", (204, 400, 204, 400)),
    # The limits of the heads: hyper takes targets of 65,534 bytes, hypercorn heads of 64 KiB, and h11 what has come in
    # whole, or 64 KiB of one whose end has not come yet.
    "a path of 70 kB": (request("GET", "/widgets/" + "a" * 70_000), (414, (404, 400), 400, 431)),
    "no HTTP at all": (b"\x16\x03\x01\x02\x00\x01\x00\r\n\r\n", (400, 400, 400, 400)),
}
SERVER_ORDER = ("granian", "uvicorn-h11", "uvicorn-httptools", "hypercorn")


@pytest.mark.parametrize(("data", "statuses"), ODD_REQUESTS.values(), ids=ODD_REQUESTS)
def test_an_odd_request_gets_the_servers_answer_and_harms_nobody(shop, data, statuses):
    with Connection(shop.port) as connection:
        connection.send(data)
        expected = statuses[SERVER_ORDER.index(shop.server)]
        assert connection.receive_status() in (expected if isinstance(expected, tuple) else (expected,))
    assert exchange(shop.port, "OPTIONS", "/widgets").status == 204
