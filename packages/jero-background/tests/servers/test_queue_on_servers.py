"""SIGTERM, SIGKILL and slow work on real servers. soak_queue.py has the long runs."""

import asyncio
import time

import pytest

from .queue_server import SERVERS, Connection, QueueServer, account, number_of, post_all, terminate_round

SLACK = 10.0
"""What a busy machine may take longer, in seconds. The soak measures the promise itself."""

by_server = pytest.mark.parametrize("server", SERVERS)


@by_server
def test_sigterm_runs_everything_whose_request_got_200(server, tmp_path):
    wrong, _, _, taken = terminate_round(server, tmp_path / "r", items=1000, in_flight=100, drain=60, pause=0.0002)
    assert wrong == []
    assert taken >= 1000


@by_server
def test_sigterm_names_what_had_no_time_to_run_and_ends_in_time(server, tmp_path):
    wrong, seconds, _, taken = terminate_round(server, tmp_path / "r", items=1000, in_flight=100, drain=0.5, pause=0.02)
    assert wrong == []
    assert taken >= 1000
    assert seconds < 0.5 + 1 + SLACK


@by_server
def test_behind_a_handler_that_hangs_the_others_run(server, tmp_path):
    with QueueServer(server, tmp_path, JERO_LIMIT="0.2") as process:

        async def main():
            connection = await Connection.open(process.port)
            _, hanging = await connection.post("/health")
            await connection.post("/quick/1")
            connection.close()
            return hanging["id"]

        hanging = asyncio.run(main())
        process.terminate()
        process.process.wait(30 + SLACK)
    assert process.ran() == {1: 1}
    assert process.dropped() == []
    assert f"queue_app.Hang {hanging} failed in " in process.log


@by_server
def test_a_handler_that_hangs_for_the_whole_drain_is_cut_off_and_all_are_named(server, tmp_path):
    with QueueServer(server, tmp_path, JERO_DRAIN="0.2") as process:

        async def main():
            connection = await Connection.open(process.port)
            _, hanging = await connection.post("/health")
            _, behind = await connection.post("/quick/1")
            connection.close()
            return hanging["id"], behind["id"]

        ids = asyncio.run(main())
        process.terminate()
        process.process.wait(0.2 + 1 + SLACK)
    assert process.ran() == {}
    assert sorted(process.dropped()) == sorted(ids)


@by_server
def test_sigkill_loses_at_most_the_queue_and_the_next_start_is_clean(server, tmp_path):
    maxsize = 20
    with QueueServer(server, tmp_path, JERO_PAUSE="0.001", JERO_MAXSIZE=str(maxsize)) as process:
        taken = asyncio.run(post_all(process.port, [f"/quick/{number}" for number in range(300)], 4))
        process.kill()
        before = process.ran()
        assert set(before.values()) == {1}
        lost = {number_of(target) for target in taken} - before.keys()
        assert 0 < len(lost) <= maxsize + 1  # and the one that runs
        with QueueServer(server, tmp_path) as again:
            more = asyncio.run(post_all(again.port, [f"/quick/{number}" for number in range(1000, 1010)], 1))
            again.terminate()
            again.process.wait(30 + SLACK)
    assert len(taken) == 300
    assert account(again, more) == []


@by_server
def test_an_item_behind_a_response_does_not_hold_its_connection_back(server, tmp_path):
    with QueueServer(server, tmp_path, JERO_PAUSE="5", JERO_DRAIN="0") as process:

        async def main():
            connection = await Connection.open(process.port)
            await connection.post("/later/1")
            began = time.monotonic()
            await connection.post("/quick/2")
            connection.close()
            return time.monotonic() - began

        assert asyncio.run(main()) < 4
