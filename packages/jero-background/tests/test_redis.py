"""The queue over a real Redis: what the broker has taken runs at least once, whatever happens to workers.

Needs redis-server; without it the tests are skipped, unless CI is set.
"""

import asyncio
import gc
import os
import random
import signal

import pytest
import redis.asyncio as client
from msgspec import Struct

from .background_driver import started
from .redis_worker import REDIS, RedisServer, Workers

pytestmark = [
    pytest.mark.skipif(REDIS is None and not os.environ.get("CI"), reason="there is no redis-server"),
    # taskiq-redis leaves the pipeline open with which it looks for unfinished messages when it is stopped there.
    pytest.mark.filterwarnings("ignore:Unclosed client session <redis.asyncio.client.Pipeline:ResourceWarning"),
]


@pytest.fixture
def workers(tmp_path, monkeypatch, caplog):
    with RedisServer(tmp_path) as redis, Workers(redis, tmp_path, monkeypatch, JERO_IDLE_MS="1000") as found:
        yield found
        # What is left open is found while its warning is ignored: also what the traceback of a log record refers to.
        caplog.get_records("call").clear()
        gc.collect()


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

    async def main():
        async with workers.working():
            await workers.until(lambda: set(workers.ended()) == {*range(40)}, "every item has run")

    asyncio.run(main())


@pytest.mark.soak
def test_workers_that_are_killed_at_random_moments_lose_nothing(workers):
    note = workers.module.Note
    dice = random.Random(8)
    count = 0
    for _ in range(20):
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
    async def main():
        await workers.add_here(*(workers.module.Note(number, 0.1) for number in range(12)))
        async with workers.working():
            await workers.until(lambda: len(workers.ended()) >= 4, "some items have run")
        begun = [line for line in workers.lines if line.startswith("begin ")]
        assert len(begun) == len(workers.ended()) < 12
        async with workers.working():
            await workers.until(lambda: sorted(workers.ended()) == [*range(12)], "every item has run, once")

    asyncio.run(main())


def test_an_item_that_is_cut_off_by_the_drain_runs_again_elsewhere(workers, monkeypatch, caplog):
    async def main():
        monkeypatch.setenv("JERO_DRAIN", "0.1")
        (given,) = await workers.add_here(workers.module.Note(1, 0.8))
        async with workers.working():
            await workers.until(lambda: any("begin 1 " in line for line in workers.lines), "the item runs")
        assert workers.ended() == []
        monkeypatch.setenv("JERO_DRAIN", "30")
        async with workers.working():
            await workers.until(lambda: workers.ended() == [1], "the item runs again")
        return given

    given = asyncio.run(main())
    assert [record.args[1] for record in caplog.records if "is dropped" in record.msg] == [given]


def test_items_behind_one_that_hangs_do_not_begin_while_the_worker_is_cut_off(workers, monkeypatch):
    monkeypatch.setenv("JERO_CONCURRENCY", "1")
    monkeypatch.setenv("JERO_DRAIN", "0.1")

    async def main():
        await workers.add_here(*(workers.module.Note(number, 60.0) for number in range(3)))
        async with workers.working():
            await workers.until(lambda: any("begin" in line for line in workers.lines), "the first item runs")
        assert len([line for line in workers.lines if line.startswith("begin")]) == 1

    asyncio.run(main())


def test_a_handler_that_fails_has_had_its_turn(workers, caplog):
    note = workers.module.Note

    async def main():
        await workers.add_here(note(-1), note(2))
        async with workers.working():
            await workers.until(lambda: workers.ended() == [2], "the other item has run")
            await asyncio.sleep(1.5)  # Longer than until what is not acknowledged is given again.
            await workers.add_here(note(3))
            await workers.until(lambda: workers.ended() == [2, 3], "the next item has run")

    asyncio.run(main())
    assert len([line for line in workers.lines if line.startswith("begin -1")]) == 1
    assert "failed in WorkerApp.handle" in caplog.text


def test_an_item_that_a_worker_does_not_know_or_cannot_read_waits_for_one_that_can(workers, caplog, monkeypatch):
    unknown = workers.module.Unknown

    class Newer(Struct, tag="note"):
        number: str
        more: int

    async def main():
        (given,) = await workers.add_here(unknown(5))
        async with workers.working():
            await workers.until(lambda: f"unknown {given} has no handler here" in caplog.text, "the worker says so")
            name, workers.module.Note = workers.module.Note, Newer
            app = workers.module.WorkerApp()

            async def handle(item: Newer) -> None: ...

            app.handle = handle
            async with started(app):
                newer = await app.tasks.add(Newer("six", 6))
            workers.module.Note = name
            await workers.until(lambda: f"{newer} cannot be read" in caplog.text, "the worker says so")
        async with workers.working(knows_unknown=True):
            await workers.until(lambda: workers.ended() == [5], "the newer worker runs it")

    asyncio.run(main())


def test_what_is_no_message_of_taskiq_is_logged_and_left(workers, caplog):
    async def main():
        connection = client.Redis.from_url(workers.redis.url)
        async with workers.working():
            await workers.add_here(workers.module.Note(0))
            await workers.until(lambda: workers.ended() == [0], "the worker takes items")
            await connection.xadd("taskiq", {b"data": b"\xff{"})
            await workers.until(lambda: "a message cannot be parsed" in caplog.text, "the worker says so")
            await workers.add_here(workers.module.Note(1))
            await workers.until(lambda: workers.ended() == [0, 1], "the next item has run")
        await connection.aclose()

    asyncio.run(main())


# Redis' client leaves a connection open that was cut in the middle of a pipeline.
@pytest.mark.filterwarnings("ignore:.*:ResourceWarning")
def test_a_worker_outlives_its_connection(workers, caplog):
    async def main():
        async with workers.working():
            await workers.add_here(workers.module.Note(1))
            await workers.until(lambda: workers.ended() == [1], "the first item has run")
            connection = client.Redis.from_url(workers.redis.url)
            await connection.client_kill_filter(_type="normal", skipme=True)
            await connection.aclose()
            await workers.add_here(workers.module.Note(2))
            await workers.until(lambda: workers.ended() == [1, 2], "the second item has run")

    asyncio.run(main())


def test_a_wrong_app_ends_the_worker_with_the_report(workers, monkeypatch):
    (workers.folder / "wrong_app.py").write_text(
        "import worker_app\n"
        "class App(worker_app.WorkerApp):\n"
        "    async def _wire(self):\n"
        "        await super()._wire()\n"
        "        self.tasks.register(print)\n"
        "app = App()\n"
    )
    monkeypatch.setenv("PYTHONPATH", str(workers.folder))
    process = workers.start("wrong_app:app")
    assert process.wait(60) == 1
    assert "JERO-W070" in workers.log
    assert workers.lines == ["open", "close"]
