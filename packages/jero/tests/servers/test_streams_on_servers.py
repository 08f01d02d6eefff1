"""Streams on every server, and on both event loops: whole, in time, with backpressure, and gone when they must be."""

import json
import re
import signal
import socket
import time
from contextlib import suppress

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
# Hypercorn's workers are told to stop in a way that no app can see; without workers the app gets the signal.
ALONE = {"hypercorn-alone": ("hypercorn", ("--workers", "0"))}
SIGNALLED = [*(variant for variant in VARIANTS if variant != "hypercorn"), *ALONE]
RESPONSES = 500


def serve(variant, folder, target="stream_app:app", options=()):
    server, own_options = (VARIANTS | ALONE)[variant]
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


@pytest.mark.parametrize(
    ("how", "target"),
    [
        *(("close", "/idle"), ("reset", "/idle"), ("half-close", "/idle"), ("reset", "/endless")),
        ("close", "/events?count=100000000&pause=0.001"),
    ],
)
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


def test_an_error_behind_the_first_byte_aborts_the_response(streams):
    logged = len(streams.log)
    with reading(streams.port, "/broken") as reader:
        assert reader.read_all() == b"some"
        assert not reader.is_complete
    wait_until(lambda: "RuntimeError: broken" in streams.log[logged:])


def test_a_reader_of_a_kilobyte_a_second_does_not_grow_the_memory(streams):
    with reading(streams.port, "/endless") as warm:
        warm.read_head()
    wait_until(lambda: all_is_over(streams))
    before = counts(streams)["memory"]
    with reading(streams.port, "/endless") as reader:
        for _ in range(4):
            time.sleep(0.25)
            reader.socket.recv(256)
        after = counts(streams)["memory"]
    assert after - before < 4 * 1024 * 1024, f"{(after - before) / 1024:.0f} KiB more"


def test_streams_of_a_posted_body_skip_what_is_left_of_it(streams):
    # The body was read to its announced length: granian's empty last message is left for the watcher.
    with socket.create_connection(("127.0.0.1", streams.port), timeout=5) as connection:
        connection.sendall(json_request("POST", "/broken", {"n": 1, "text": ""}))
        assert b" 409 " in connection.recv(65536)


class Stopped:
    """What 100 idle streams of events, streams of lines, and a connection that is kept see of a signal."""

    def __init__(self, variant, folder, number):
        idle, endless = ["/idle"] * 100, ["/lines?count=100000000&pause=0.01"] * 5
        finite, kept, kept_events = "/lines?count=100&pause=0.01", "/lines?count=10", "/events?count=10"
        with serve(variant, folder) as process:
            process.wait_until_serving()
            with open_readers(process.port, *idle, *endless, finite, kept, kept_events) as readers:
                self.events, self.endless = readers[:100], readers[100:105]
                self.finite, self.kept, self.kept_events = readers[105:]
                self.kept.read_all()
                self.kept_events.read_all()
                process.send_signal(number)
                begun = time.monotonic()
                for reader in self.events:
                    reader.read_all()
                self.events_took = time.monotonic() - begun
                for reader, target in ((self.kept, kept), (self.kept_events, kept_events)):
                    with suppress(ConnectionError):
                        reader.again(target)
                    reader.read_head_or_end()
                    if reader.head:
                        reader.read_all()
                for reader in (self.finite, *self.endless):
                    reader.read_all()
            self.exit_code = process.wait(5)
            self.took = time.monotonic() - begun
            self.expected_code = CLEAN_EXIT[process.server] if number == signal.SIGTERM else 0
            self.log = process.log
        self.journal = (folder / "journal").read_text()


CASES = [*((variant, signal.SIGTERM) for variant in SIGNALLED), ("granian-uvloop", signal.SIGINT)]
CASES += [("uvicorn-httptools", signal.SIGINT)]


@pytest.fixture(scope="module", params=CASES, ids=lambda case: f"{case[0]}-{case[1].name}")
def stopped(request, tmp_path_factory):
    variant, number = request.param
    return Stopped(variant, tmp_path_factory.mktemp(variant), number)


def test_a_signal_ends_100_open_streams_of_events_with_a_hint_within_a_second(stopped):
    assert all(reader.is_complete and reader.body.startswith(b"retry: ") for reader in stopped.events)
    assert stopped.events_took < 1


def test_the_process_is_gone_within_two_seconds_and_has_closed_its_resources_behind_the_last_stream(stopped):
    assert stopped.took < 2
    assert stopped.exit_code == stopped.expected_code
    assert re.fullmatch(r"closed after (\d+) of \1 streams\n", stopped.journal)
    assert "Traceback" not in stopped.log


def test_lines_that_end_in_time_are_whole_and_others_are_cut_off(stopped):
    assert len(stopped.finite.body.splitlines()) == 100
    assert stopped.finite.is_complete
    assert not any(reader.is_complete for reader in stopped.endless)


def test_a_new_stream_on_an_old_connection_is_refused(stopped):
    if not stopped.kept.head:
        pytest.skip("the server was faster, and has closed the connection")
    assert b" 503 " in stopped.kept.head.splitlines()[0]
    assert b"retry-after: 1" in stopped.kept.head


def test_who_asks_for_events_on_an_old_connection_is_told_when_to_come_back(stopped):
    if not stopped.kept_events.head:
        pytest.skip("the server was faster, and has closed the connection")
    assert b" 200 " in stopped.kept_events.head.splitlines()[0]
    assert re.fullmatch(rb"retry: \d+\n\n", stopped.kept_events.body)
    assert stopped.kept_events.is_complete


def test_hypercorn_s_workers_wait_for_the_client(tmp_path):
    with serve("hypercorn", tmp_path) as process:
        process.wait_until_serving()
        with open_readers(process.port, "/idle") as (reader,):
            process.send_signal(signal.SIGTERM)
            time.sleep(0.5)
            assert process.exit_code is None
            reader.close()
            assert process.wait() == 0
