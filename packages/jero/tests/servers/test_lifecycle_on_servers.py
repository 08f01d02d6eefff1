"""Starting and stopping on every server: SIGTERM, resources, failing starts, prefixes and workers."""

import signal
import time

import pytest

from .server_process import CLEAN_EXIT, FAILED_START_EXIT
from .wire import Connection, exchange, request

OPENED = ["open first", "open second", "open third"]
CLOSED = ["close third", "close second", "close first"]


def events(journal):
    return journal.read_text(encoding="utf-8").splitlines()


def test_sigterm_closes_the_resources_in_reverse_and_ends_cleanly(start, journal, server):
    process = start("journal_app:app")
    process.wait_until_serving()
    assert exchange(process.port, "GET", "/pid").status == 200
    assert events(journal) == OPENED
    assert process.stop() == CLEAN_EXIT[server]
    assert events(journal) == OPENED + CLOSED
    assert not process.still_listens()
    assert not any(word in process.log.lower() for word in ("warn", "error", "traceback", "deprecat")), process.log


def test_a_request_under_way_at_sigterm_is_answered_before_its_resources_close(start, journal, server):
    process = start("journal_app:app")
    process.wait_until_serving()
    with Connection(process.port) as idle, Connection(process.port) as connection:
        assert idle.exchange("GET", "/pid").status == 200
        connection.send(request("GET", "/slow"))
        for _ in range(200):
            if "slow begins" in events(journal):
                break
            time.sleep(0.01)
        process.send_signal(signal.SIGTERM)
        assert connection.receive().body == b"slow"
        assert process.wait() == CLEAN_EXIT[server]
    assert events(journal) == [*OPENED, "slow begins", "slow ends", *CLOSED]


def test_a_miswired_app_ends_without_serving_and_reports_every_problem(start, journal, server):
    process = start("broken_apps:miswired")
    assert process.wait_without_serving() == FAILED_START_EXIT[server]
    log = process.log
    assert "3 declarations are wrong; no request was served." in log
    for place in ("DictResource.read_many", "StrangeEndpoint.get", "UnannotatedEndpoint.get"):
        assert place in log
    assert log.count("broken_apps.py:") >= 3
    assert log.count("wrong: ") >= 3
    assert log.count("write: ") >= 3
    assert events(journal) == ["open only", "close only"]


def test_a_start_that_raises_ends_without_serving_and_closes_what_was_opened(start, journal, server):
    process = start("broken_apps:raising")
    assert process.wait_without_serving() == FAILED_START_EXIT[server]
    assert "ConnectionRefusedError: the database is away" in process.log
    assert "in _wire" in process.log
    assert events(journal) == ["open first", "open second", "close second", "close first"]


def test_a_close_that_raises_is_logged_and_the_others_are_closed(start, journal, server):
    process = start("broken_apps:stuck")
    process.wait_until_serving()
    assert process.stop() == CLEAN_EXIT[server]
    assert "OSError: the cache will not close" in process.log
    assert events(journal) == ["open first", "open second", "close second", "close first"]


# Each server has its own idea of a prefix. Uvicorn believes that a proxy has taken it off, and puts it in front again:
# the app answers without it alone. Granian and hypercorn leave the path as it came, and only say what its prefix is:
# the app answers with it and without it.
MOUNT_OPTION = {
    "granian": "--url-path-prefix",
    "uvicorn-h11": "--root-path",
    "uvicorn-httptools": "--root-path",
    "hypercorn": "--root-path",
}


def test_an_app_under_a_prefix_answers(start, server):
    process = start("journal_app:app", MOUNT_OPTION[server], "/api")
    process.wait_until_serving()
    with_prefix = 404 if server.startswith("uvicorn") else 200
    with Connection(process.port) as connection:
        assert connection.exchange("GET", "/api/pid").status == with_prefix
        assert connection.exchange("GET", "/%61pi/pid").status == with_prefix
        assert connection.exchange("GET", "/pid").status == 200
        for target in ("/api", "/api/", "/apipid", "/api/api/pid", "/apis/pid"):
            assert connection.exchange("GET", target).status == 404


@pytest.mark.parametrize("server", ["granian"], scope="session")
def test_each_of_several_granian_workers_starts_and_stops_the_app(start, journal):
    process = start("journal_app:app", "--workers", "2")
    process.wait_until_serving()
    # Until granian says so: one that is to stop while a worker has not begun leaves that behind.
    for _ in range(3000):
        if events(journal).count("open third") == 2 and all(f"Started worker-{each}" in process.log for each in (1, 2)):
            break
        time.sleep(0.01)
    pids = {exchange(process.port, "GET", "/pid").json()["pid"] for _ in range(20)}
    assert len(pids) <= 2
    assert process.stop() == 0
    assert sorted(events(journal)) == sorted((OPENED + CLOSED) * 2)
    assert not process.still_listens()


@pytest.mark.parametrize("server", ["uvicorn-h11"], scope="session")
def test_uvicorn_takes_the_app_for_asgi_3(start):
    process = start("journal_app:app", "--log-level", "trace")
    process.wait_until_serving()
    assert exchange(process.port, "GET", "/pid").status == 200
    process.stop()
    assert "'asgi': {'version': '3.0'" in process.log
    assert "'version': '2.0'" not in process.log
