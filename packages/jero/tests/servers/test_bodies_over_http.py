"""Request bodies on the wire: limits, chunks, slowness, and bodies that never become complete."""

import time
from uuid import uuid4

import pytest

from .server_process import ServerProcess
from .wire import Connection, chunk, exchange, json_request, request

JSON = ("content-type", "application/json")
CHUNKED = ("transfer-encoding", "chunked")
LIMIT = 2 * 1024 * 1024
"""BaseApp.max_body_size, which the quickstart leaves as it is."""

ANSWERS_CONTINUE_UNASKED = {"hypercorn"}
"""Sends `100 Continue` on its own; the others do when the app first asks for the body (ASGI leaves it open)."""

READS_ON_AFTER_THE_ANSWER = {"uvicorn-h11", "uvicorn-httptools"}
"""Takes the rest of a body that the app did not read, and serves the connection on. The others close it, hypercorn
without `connection: close`.
"""


def names(shop: ServerProcess, name: str) -> list[str]:
    return [widget["name"] for widget in exchange(shop.port, "GET", f"/widgets?name={name}").json()]


@pytest.mark.parametrize("announced", [LIMIT + 1, 3 * 1024 * 1024, 10**15, 10**18])
def test_a_body_announced_too_large_is_413_before_any_of_it_was_sent(shop, announced):
    with Connection(shop.port) as connection:
        response = connection.exchange("POST", "/widgets", [JSON, ("content-length", str(announced))])
    assert response.status == 413
    assert response.header("content-type") == "application/problem+json"


def test_a_body_of_exactly_the_limit_is_taken(shop):
    name = uuid4().hex
    body = b'{"name": "%s"}' % name.encode()
    assert exchange(shop.port, "POST", "/widgets", [JSON], body.ljust(LIMIT)).status == 201
    assert names(shop, name) == [name]


def test_a_chunked_body_over_the_limit_is_413_before_its_end(shop):
    with Connection(shop.port) as connection:
        connection.send(request("POST", "/widgets", [JSON, CHUNKED]))
        connection.send(chunk(b" " * 65536) * (LIMIT // 65536))
        connection.send(chunk(b" "))
        response = connection.receive()
    assert response.status == 413
    assert response.header("content-type") == "application/problem+json"


def test_a_wrong_head_is_answered_before_any_of_the_body_was_sent(shop):
    with Connection(shop.port) as connection:
        response = connection.exchange("POST", "/widgets", [("content-type", "text/plain"), ("content-length", "100")])
    assert response.status == 415


def test_a_body_in_many_small_chunks_is_one_body(shop):
    name = uuid4().hex
    chunks = b"".join(chunk(bytes([byte])) for byte in b'{"name": "%s"}' % name.encode())
    with Connection(shop.port) as connection:
        connection.send(request("POST", "/widgets", [JSON, CHUNKED]) + chunks + chunk(b""))
        assert connection.receive().status == 201
        assert connection.exchange("GET", f"/widgets?name={name}").json()[0]["name"] == name


@pytest.mark.parametrize("chunked", [True, False])
def test_a_body_that_arrives_slowly_is_waited_for(shop, chunked):
    name = uuid4().hex
    body = b'{"name": "%s"}' % name.encode()
    pieces = [body[start : start + 8] for start in range(0, len(body), 8)]
    framing = CHUNKED if chunked else ("content-length", str(len(body)))
    with Connection(shop.port) as connection:
        connection.send(request("POST", "/widgets", [JSON, framing]))
        for piece in pieces:
            time.sleep(0.02)
            connection.send(chunk(piece) if chunked else piece)
        if chunked:
            connection.send(chunk(b""))
        assert connection.receive().status == 201
        assert connection.exchange("GET", f"/widgets?name={name}").json()[0]["name"] == name


def test_a_client_that_expects_continue_gets_it_and_then_its_answer(shop):
    body = b'{"name": "patient"}'
    head = [JSON, ("expect", "100-continue"), ("content-length", str(len(body)))]
    with Connection(shop.port) as connection:
        assert connection.exchange("POST", "/widgets", head).status == 100
        connection.send(body)
        assert connection.receive().status == 201


def test_a_client_that_expects_continue_is_refused_before_it_sends(shop):
    head = [JSON, ("expect", "100-continue"), ("content-length", str(LIMIT + 1))]
    with Connection(shop.port) as connection:
        response = connection.exchange("POST", "/widgets", head)
        if shop.server in ANSWERS_CONTINUE_UNASKED:
            assert response.status == 100
            response = connection.receive()
    assert response.status == 413


def test_a_body_is_not_waited_for_past_its_announced_length(probe):
    # Granian follows a body by an empty last message whose receive() costs a trip through its event loop.
    with Connection(probe.port) as connection:
        connection.send(json_request("POST", "/widgets", {"name": "lamp"}))
        response = connection.receive()
    assert response.status == 201
    assert response.header("x-receive-calls") == "1"


@pytest.mark.parametrize("wait", [0.0, 0.05])
@pytest.mark.parametrize("framing", [("content-length", "100"), CHUNKED])
def test_a_client_that_leaves_in_the_middle_of_a_body_leaves_no_trace(shop, framing, wait):
    name = uuid4().hex
    body = b'{"name": "%s"}' % name.encode()
    logged = len(shop.log)
    for sent in (b'{"n', body):
        with Connection(shop.port) as connection:
            connection.send(request("POST", "/widgets", [JSON, framing]))
            connection.send(chunk(sent) if framing == CHUNKED else sent)
            time.sleep(wait)
    time.sleep(0.05)
    assert names(shop, name) == []
    # Uvicorn's access log is the only thing that any server may write.
    assert [line for line in shop.log[logged:].splitlines() if not line.startswith("INFO: ")] == []


def test_a_body_that_nobody_read_does_not_become_the_next_request(shop):
    smuggled = request("DELETE", "/widgets/1")
    with Connection(shop.port) as connection:
        connection.send(
            request("POST", "/widgets", [("content-type", "text/plain")], smuggled)
            + request("POST", "/nowhere", [JSON], smuggled)
            + request("PATCH", "/widgets", [JSON, CHUNKED])
            + chunk(smuggled)
            + chunk(b"")
            + request("GET", "/widgets/0", [], smuggled)
            + request("OPTIONS", "/widgets")
        )
        assert [connection.receive().status for _ in range(5)] == [415, 404, 405, 404, 204]


def test_the_rest_of_a_refused_body_does_not_become_the_next_request(shop):
    rest = request("DELETE", "/widgets/1")
    head = [("content-type", "text/plain"), ("content-length", str(len(rest)))]
    with Connection(shop.port) as connection:
        assert connection.exchange("POST", "/widgets", head).status == 415
        if shop.server in READS_ON_AFTER_THE_ANSWER:
            connection.send(rest + request("OPTIONS", "/widgets"))
            assert connection.receive().status == 204
        else:
            assert connection.is_closed()
