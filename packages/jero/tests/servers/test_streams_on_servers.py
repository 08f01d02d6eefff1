"""Streams on every server, and on both event loops: whole, in time, with backpressure, and gone when they must be."""

import json
import signal
import socket
import time
from contextlib import ExitStack

import pytest

from .conftest import APPS
from .server_process import CLEAN_EXIT, SERVERS, ServerProcess
from .stream_client import open_readers, reading, wait_until
from .wire import exchange, json_request

VARIANTS = {
    "granian-asyncio": ("granian", ("--loop", "asyncio")),
    "granian-uvloop": ("granian", ("--loop", "uvloop")),
    "uvicorn-h11": ("uvicorn-h11", ("--loop", "asyncio")),
    "uvicorn-httptools": ("uvicorn-httptools", ("--loop", "uvloop")),
    "hypercorn": ("hypercorn", ()),
}
SIGNALLED = [variant for variant in VARIANTS if variant != "hypercorn"]
RESPONSES = 500


def serve(variant, folder, target="stream_app:app", options=()):
    server, own_options = VARIANTS[variant]
    assert server in SERVERS
    return ServerProcess(
        server,
        target,
        directory=APPS,
        log=folder / "log",
        options=(*own_options, *options),
        environment={"JERO_JOURNAL": str(folder / "journal")},
    )


def counts(process):
    return exchange(process.port, "GET", "/counts").json()


def all_is_over(process):
    found = counts(process)
    return found["torn_down"] == found["set_up"] and not found["tasks"]


@pytest.fixture(scope="module", params=VARIANTS)
def streams(request, tmp_path_factory):
    with serve(request.param, tmp_path_factory.mktemp(request.param)) as process:
        process.wait_until_serving()
        yield process


def test_500_streams_of_lines_and_of_events_in_a_row_are_whole(streams):
    lines = None
    with reading(streams.port, "/lines?count=1000") as reader:
        for number in range(RESPONSES):
            body = reader.read_all()
            assert reader.is_complete, number
            if lines is None:
                lines = body
                assert [json.loads(line)["n"] for line in body.splitlines()] == list(range(1000))
            assert body == lines, number
            reader.again("/lines?count=1000" if number < RESPONSES - 1 else "/events?count=200")
        events = None
        for number in range(RESPONSES):
            body = reader.read_all()
            assert reader.is_complete, number
            events = events or body
            assert body == events, number
            assert body.count(b"\n\n") == 200
            reader.again("/events?count=200")


def test_streams_that_wait_in_between_are_whole(streams):
    for _ in range(20):
        with reading(streams.port, "/lines?count=100&pause=0.001") as reader:
            assert len(reader.read_all().splitlines()) == 100
            assert reader.is_complete
            assert reader.chunks >= 5


def test_the_head_of_events_arrives_at_once(streams):
    begun = time.monotonic()
    with reading(streams.port, "/idle") as reader:
        head = reader.read_head()
        # A tenth of a second is promised; the machine that runs this may be busy.
        assert time.monotonic() - begun < 1
    assert head.startswith(b"HTTP/1.1 200 ")
    assert b"text/event-stream" in head


def test_comments_keep_an_idle_stream_alive(streams):
    with reading(streams.port, "/idle?keepalive=0.05") as reader:
        reader.read_head()
        assert reader.read_until(b": keep-alive\n\n" * 3) == b": keep-alive\n\n" * 3


@pytest.mark.parametrize("target", ["/idle", "/endless", "/events?count=100000000&pause=0.001"])
@pytest.mark.parametrize("how", ["close", "reset", "half-close"])
def test_clients_that_leave_are_noticed(streams, target, how):
    wait_until(lambda: all_is_over(streams))
    before = counts(streams)
    with open_readers(streams.port, *[target] * 10) as readers:
        assert counts(streams)["set_up"] == before["set_up"] + 10
        for reader in readers:
            if how == "reset":
                reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
            if how == "half-close":
                reader.socket.shutdown(socket.SHUT_WR)
            else:
                reader.close()
        wait_until(lambda: all_is_over(streams))
    assert "Traceback" not in streams.log


def test_head_is_answered_without_setting_anything_up(streams):
    wait_until(lambda: all_is_over(streams))
    before = counts(streams)
    with socket.create_connection(("127.0.0.1", streams.port), timeout=5) as connection:
        connection.sendall(b"HEAD /idle HTTP/1.1\r\nhost: a\r\n\r\nGET /counts HTTP/1.1\r\nhost: a\r\n\r\n")
        received = b""
        while received.count(b"HTTP/1.1 200") < 2:
            received += connection.recv(65536)
    assert counts(streams)["set_up"] == before["set_up"]


def test_an_error_before_the_first_byte_is_an_ordinary_answer(streams):
    body = json.dumps({"n": 1, "text": ""}).encode()
    response = exchange(streams.port, "POST", "/broken", [("content-type", "application/json")], body)
    assert response.status == 409
    assert response.json()["detail"] == "not now"


@pytest.fixture
def own_streams(request, tmp_path):
    with serve(request.param, tmp_path) as process:
        process.wait_until_serving()
        yield process


on_every_server = pytest.mark.parametrize("own_streams", VARIANTS, indirect=True)
on_servers_that_pass_signals_on = pytest.mark.parametrize("own_streams", SIGNALLED, indirect=True)


@on_every_server
def test_an_error_behind_the_first_byte_aborts_the_response(own_streams):
    with reading(own_streams.port, "/broken") as reader:
        assert reader.read_all() == b"some"
        assert not reader.is_complete
    assert own_streams.log.count("RuntimeError: broken") >= 1


@on_every_server
def test_a_reader_of_a_kilobyte_a_second_does_not_grow_the_memory(own_streams):
    with reading(own_streams.port, "/endless") as warm:
        warm.read_head()
    wait_until(lambda: counts(own_streams)["torn_down"] == 1)
    with ExitStack() as stack:
        before = counts(own_streams)["memory"]
        reader = stack.enter_context(reading(own_streams.port, "/endless"))
        reader.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        for _ in range(4):
            time.sleep(0.25)
            reader.socket.recv(256)
        after = counts(own_streams)["memory"]
    assert after - before < 4 * 1024 * 1024, f"{(after - before) / 1024:.0f} KiB more"


@on_servers_that_pass_signals_on
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_signal_ends_100_open_streams_of_events_and_then_the_app(own_streams, number, tmp_path):
    with open_readers(own_streams.port, *["/idle"] * 100) as readers:
        own_streams.send_signal(number)
        begun = time.monotonic()
        for reader in readers:
            body = reader.read_all()
            assert reader.is_complete
            assert body.startswith(b"retry: ")
        streams_took = time.monotonic() - begun
    code = own_streams.wait(2)
    assert time.monotonic() - begun < 2
    assert streams_took < 1
    assert code == (CLEAN_EXIT[own_streams.server] if number == signal.SIGTERM else 0)
    assert (tmp_path / "journal").read_text() == "closed after 100 of 100 streams\n"
    assert "Traceback" not in own_streams.log


@on_servers_that_pass_signals_on
def test_sigterm_cuts_off_lines_that_do_not_end_so_that_nobody_takes_them_for_whole(own_streams, tmp_path):
    endless = "/lines?count=100000000&pause=0.01"
    with open_readers(own_streams.port, "/lines?count=100&pause=0.01", *[endless] * 5) as (finite, *readers):
        own_streams.send_signal(signal.SIGTERM)
        begun = time.monotonic()
        assert len(finite.read_all().splitlines()) == 100
        assert finite.is_complete
        for reader in readers:
            reader.read_all()
            assert not reader.is_complete
    own_streams.wait(2)
    assert time.monotonic() - begun < 2
    assert (tmp_path / "journal").read_text() == "closed after 6 of 6 streams\n"


@on_servers_that_pass_signals_on
def test_a_new_stream_on_an_old_connection_is_refused_while_the_app_stops(own_streams):
    with reading(own_streams.port, "/lines?count=10") as old, reading(own_streams.port, "/lines?count=30&pause=0.05"):
        old.read_all()
        own_streams.send_signal(signal.SIGTERM)
        time.sleep(0.05)
        old.again("/lines?count=10")
        try:
            head = old.read_head()
        except (EOFError, ConnectionError):
            return  # The server was faster.
        assert b" 503 " in head.splitlines()[0]
        assert b"retry-after: 1" in head


def test_streams_of_a_posted_body_skip_what_is_left_of_it(streams):
    # The body was read to its announced length: granian's empty last message is left for the watcher.
    with socket.create_connection(("127.0.0.1", streams.port), timeout=5) as connection:
        connection.sendall(json_request("POST", "/broken", {"n": 1, "text": ""}))
        assert b" 409 " in connection.recv(65536)
