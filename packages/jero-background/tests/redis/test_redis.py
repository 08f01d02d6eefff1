"""The queue over a real Redis: what the broker has taken runs at least once, whatever happens to workers.

Needs redis-server; without it the tests are skipped, unless JERO_NEEDS_REDIS is set, as in CI.
"""

import os
import random
import signal

import pytest

from .redis_worker import REDIS, RedisServer, Workers

pytestmark = pytest.mark.skipif(
    REDIS is None and not os.environ.get("JERO_NEEDS_REDIS"), reason="there is no redis-server"
)


@pytest.fixture
def workers(tmp_path, monkeypatch):
    with RedisServer(tmp_path) as redis, Workers(redis, tmp_path, monkeypatch, JERO_IDLE_MS="1000") as found:
        yield found


def test_a_worker_runs_what_another_process_has_added_with_the_app_s_own_lifecycle(workers):
    note = workers.module.Note
    ids = workers.add(*(note(number) for number in range(20)))
    process = workers.start()
    workers.wait_for(lambda: len(workers.ended()) == 20, "20 items have run")
    process.terminate()
    assert process.wait(30) == 0, workers.log
    assert sorted(workers.ended()) == [*range(20)]
    assert {line.split()[2] for line in workers.lines if line.startswith("end ")} == set(ids)
    # The server's part opened and closed its own; then the worker its own, around the items.
    assert workers.lines[:3] == ["open", "close", "open"]
    assert workers.lines[-1] == "close"


def test_a_worker_that_is_killed_in_the_middle_loses_nothing(workers):
    note = workers.module.Note
    first = workers.start()
    workers.wait_for(lambda: "open" in workers.lines, "the worker is up")
    workers.add(*(note(number, 0.05) for number in range(40)))
    workers.wait_for(lambda: len(workers.ended()) >= 5, "some items have run")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    assert len(set(workers.ended())) < 40
    workers.start()
    workers.wait_for(lambda: set(workers.ended()) == {*range(40)}, "every item has run")


def test_workers_that_are_killed_at_random_moments_lose_nothing(workers):
    note = workers.module.Note
    dice = random.Random(8)
    count = 0
    for _ in range(3):
        process = workers.start()
        workers.add(*(note(number, 0.02) for number in range(count, count + 30)))
        count += 30
        enough = len(workers.ended()) + dice.randrange(3, 20)
        workers.wait_for(lambda enough=enough: len(workers.ended()) >= enough, "some items have run")
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()
    workers.start()
    workers.wait_for(lambda: set(workers.ended()) == {*range(count)}, "every item has run")


def test_a_worker_that_is_stopped_lets_its_items_end_and_leaves_the_others_to_the_next(workers):
    note = workers.module.Note
    process = workers.start()
    workers.wait_for(lambda: "open" in workers.lines, "the worker is up")
    workers.add(*(note(number, 0.3) for number in range(12)))
    workers.wait_for(lambda: len(workers.ended()) >= 4, "some items have run")
    process.terminate()
    assert process.wait(30) == 0, workers.log
    begun = [line for line in workers.lines if line.startswith("begin ")]
    assert len(begun) == len(workers.ended()) < 12
    workers.start()
    workers.wait_for(lambda: sorted(workers.ended()) == [*range(12)], "every item has run, once")


def test_an_item_that_is_cut_off_by_the_drain_runs_again_elsewhere(workers, monkeypatch):
    note = workers.module.Note
    monkeypatch.setenv("JERO_DRAIN", "0.1")
    process = workers.start()
    (given,) = workers.add(note(1, 3.0))
    workers.wait_for(lambda: any(line.startswith("begin 1 ") for line in workers.lines), "the item runs")
    process.terminate()
    assert process.wait(30) == 0, workers.log
    assert workers.ended() == []
    assert f"{given} is dropped: WorkerApp.handle was cut off" in workers.log
    monkeypatch.setenv("JERO_DRAIN", "30")
    workers.start()
    workers.wait_for(lambda: workers.ended() == [1], "the item runs again")


def test_a_handler_that_fails_has_had_its_turn(workers):
    note = workers.module.Note
    workers.add(note(-1), note(2))
    workers.start()
    workers.wait_for(lambda: workers.ended() == [2], "the other item has run")
    workers.add(note(3))
    workers.wait_for(lambda: workers.ended() == [2, 3], "the next item has run")
    assert [line.split()[:2] for line in workers.lines if "begin -1" in line] == [["begin", "-1"]]
    assert "failed in WorkerApp.handle" in workers.log


def test_an_item_that_a_worker_does_not_know_waits_for_one_that_does(workers):
    unknown = workers.module.Unknown
    (given,) = workers.add(unknown(5))
    first = workers.start()
    workers.wait_for(lambda: f"unknown {given} has no handler here" in workers.log, "the worker says so")
    first.terminate()
    assert first.wait(30) == 0
    (workers.folder / "newer_app.py").write_text("import worker_app\napp = worker_app.WorkerApp(knows_unknown=True)\n")
    os.environ["PYTHONPATH"] = str(workers.folder)
    try:
        workers.start("newer_app:app")
    finally:
        del os.environ["PYTHONPATH"]
    workers.wait_for(lambda: workers.ended() == [5], "the newer worker runs it")


def test_a_worker_outlives_its_connection(workers):
    import redis as client

    note = workers.module.Note
    workers.start()
    workers.add(note(1))
    workers.wait_for(lambda: workers.ended() == [1], "the first item has run")
    connection = client.Redis(port=workers.redis.port)
    connection.client_kill_filter(_type="normal", skipme=True)
    connection.close()
    workers.add(note(2))
    workers.wait_for(lambda: workers.ended() == [1, 2], "the second item has run")


def test_a_wrong_app_ends_the_worker_with_the_report(workers):
    (workers.folder / "wrong_app.py").write_text(
        "import worker_app\n"
        "class App(worker_app.WorkerApp):\n"
        "    async def _wire(self):\n"
        "        await super()._wire()\n"
        "        self.tasks.register(print)\n"
        "app = App()\n"
    )
    os.environ["PYTHONPATH"] = str(workers.folder)
    try:
        process = workers.start("wrong_app:app")
    finally:
        del os.environ["PYTHONPATH"]
    assert process.wait(30) == 1
    assert "JERO-W070" in workers.log
    assert workers.lines == ["open", "close"]
