"""`last_event_id` and the replay buffer: clients that come back miss nothing."""

import asyncio
import json
from datetime import datetime

import pytest

from jero_core import BaseApp, Endpoint
from jero_streaming import LastEventIDSource, ReplayBuffer, ServerSentEvent, SSEResponse

from .asgi_stream import Exchange, app_of, settled, started


def answers(annotation, *values):
    class Echo(Endpoint, path="/echo"):
        async def get(self, last_event_id: annotation) -> str:
            return repr(last_event_id)

    app = app_of(Echo(), sources={**BaseApp.sources, "last_event_id": LastEventIDSource()})

    async def main():
        async with started(app):
            return [
                await Exchange(app, "/echo", headers=[] if value is None else [("Last-Event-ID", value)]).run()
                for value in values
            ]

    return asyncio.run(main())


def test_the_header_is_utf_8_and_may_be_absent_or_empty():
    exchanges = answers(str | None, None, b"", "größer \u2028".encode(), b"1, 2")
    assert [exchange.body.decode() for exchange in exchanges] == ["None", "None", r"'größer \u2028'", "'1, 2'"]


def test_it_converts_as_a_query_parameter_does():
    assert [exchange.body for exchange in answers(int | None, b"17", None)] == [b"17", b"None"]
    assert answers(datetime | None, b"2026-01-02T03:04:05")[0].body == b"datetime.datetime(2026, 1, 2, 3, 4, 5)"


@pytest.mark.parametrize("value", [b"seventeen", b"1" * 5000, b"\xff", b"1.5"])
def test_what_does_not_convert_is_400_with_its_place(value):
    (exchange,) = answers(int | None, value)
    assert exchange.status == 400
    assert [error["pointer"] for error in json.loads(exchange.body)["errors"]] == ["/last-event-id"]


class Clock:
    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def filled(count, **options):
    buffer = ReplayBuffer(**options)
    for number in range(count):
        buffer.add(ServerSentEvent(data=f"event {number}", id=str(number)))
    return buffer


def ids(events):
    return [event.id for event in events]


class TestReplayBuffer:
    def test_it_replays_what_came_after_an_id(self):
        buffer = filled(5)
        assert ids(buffer.since("2")) == ["3", "4"]
        assert ids(buffer.since("4")) == []
        assert ids(buffer.since(None)) == []

    def test_it_replays_all_that_it_has_for_an_id_that_it_does_not_know(self):
        buffer = filled(5, max_events=3)
        assert ids(buffer.since("1")) == ["2", "3", "4"]
        assert ids(buffer.since("other process")) == ["2", "3", "4"]
        assert [buffer.knows(each) for each in ("1", "2", "4", None)] == [False, True, True, False]

    def test_it_is_bounded_by_count_and_by_age(self):
        clock = Clock()
        buffer = ReplayBuffer(max_events=3, max_age=10, clock=clock)
        for number in range(5):
            clock.now = float(number)
            buffer.add(ServerSentEvent(data="", id=str(number)))
        assert len(buffer) == 3
        clock.now = 12.5
        assert ids(buffer.since("?")) == ["3", "4"]
        clock.now = 100
        assert len(buffer) == 0
        assert buffer.since("4") == []
        assert not buffer.knows("4")

    def test_events_without_an_id_get_one_of_this_buffer(self):
        one, other = ReplayBuffer(), ReplayBuffer()
        first, second = one.add(ServerSentEvent(data="a")), one.add(ServerSentEvent(data="b"))
        assert one.since(first.id) == [second]
        assert not other.knows(first.id)
        assert other.add(ServerSentEvent(data="a")).id != first.id

    def test_of_events_with_the_same_id_the_last_one_counts(self):
        buffer = ReplayBuffer(max_events=2)
        for data in "abc":
            buffer.add(ServerSentEvent(data=data, id="same"))
        assert buffer.since("same") == []
        buffer.add(ServerSentEvent(data="d", id="d"))
        assert [event.data for event in buffer.since("same")] == ["d"]

    @pytest.mark.parametrize(
        "options",
        [
            *({"max_events": value} for value in (0, True, 1.5, float("nan"), "5", None)),
            *({"max_age": value} for value in (0, float("inf"), float("nan"), True, "5", None)),
        ],
    )
    def test_bounds_that_are_none_are_refused(self, options):
        with pytest.raises(ValueError):
            ReplayBuffer(**options)

    def test_those_who_follow_get_everything_once_and_in_order(self):
        async def main():
            buffer = filled(3)

            async def follow(last):
                got = []
                async for event in buffer.follow(last):
                    got.append(event.id)
                    if event.id == "9":
                        break
                return got

            followers = [asyncio.ensure_future(follow(last)) for last in (None, "0", "2", "unknown")]
            await settled()
            for number in range(3, 10):
                buffer.add(ServerSentEvent(data="", id=str(number)))
                if number % 3 == 0:
                    await settled()
            everything = [str(number) for number in range(10)]
            assert await asyncio.gather(*followers) == [everything[3:], everything[1:], everything[3:], everything]
            assert buffer._waiting == set()

        asyncio.run(main())

    def test_one_that_falls_behind_goes_on_with_the_oldest_there_is(self):
        async def main():
            buffer = filled(1, max_events=3)
            follower = buffer.follow("unknown")
            assert (await anext(follower)).id == "0"
            for number in range(1, 9):
                buffer.add(ServerSentEvent(data="", id=str(number)))
            assert [(await anext(follower)).id for _ in range(3)] == ["6", "7", "8"]
            await follower.aclose()

        asyncio.run(main())

    def test_one_that_is_paused_until_its_events_are_too_old_goes_on_with_the_next(self):
        async def main():
            clock = Clock()
            buffer = ReplayBuffer(max_age=10, clock=clock)
            follower = buffer.follow()
            for number in range(3):
                buffer.add(ServerSentEvent(data="", id=str(number)))
            assert (await anext(follower)).id == "0"
            clock.now = 11
            following = asyncio.ensure_future(anext(follower))
            await settled()
            assert not following.done()
            buffer.add(ServerSentEvent(data="", id="new"))
            assert (await following).id == "new"
            await follower.aclose()

        asyncio.run(main())

    def test_one_follows_from_the_call_on(self):
        async def main():
            buffer = filled(2)
            follower = buffer.follow()
            buffer.add(ServerSentEvent(data="", id="in between"))
            assert (await anext(follower)).id == "in between"
            await follower.aclose()

        asyncio.run(main())

    def test_what_is_no_event_is_refused(self):
        with pytest.raises(TypeError, match="ServerSentEvents, not 'text'"):
            ReplayBuffer().add("text")

    def test_an_event_of_another_thread_that_would_wake_up_nobody_is_refused(self):
        async def main():
            buffer = ReplayBuffer()
            await asyncio.to_thread(buffer.add, ServerSentEvent(data="before anybody follows"))
            reader = asyncio.ensure_future(anext(buffer.follow()))
            await settled()
            with pytest.raises(RuntimeError, match=r"call_soon_threadsafe\(buffer.add, event\)"):
                await asyncio.to_thread(buffer.add, ServerSentEvent(data="lost"))
            loop = asyncio.get_running_loop()
            await asyncio.to_thread(loop.call_soon_threadsafe, buffer.add, ServerSentEvent(data="told"))
            assert (await asyncio.wait_for(reader, 5)).data == "told"
            assert len(buffer) == 2

        asyncio.run(main())

    def test_one_that_leaves_leaves_nothing_behind(self):
        async def main():
            buffer = filled(0)
            task = asyncio.ensure_future(anext(buffer.follow()))
            await settled()
            assert len(buffer._waiting) == 1
            task.cancel()
            await settled()
            assert buffer._waiting == set()

        asyncio.run(main())


def test_a_client_that_comes_back_misses_nothing():
    buffer = ReplayBuffer[str]()

    class Feed(Endpoint, path="/feed"):
        async def get(self, last_event_id: str | None) -> SSEResponse:
            return SSEResponse(stream=buffer.follow(last_event_id))

    app = app_of(Feed(), sources={**BaseApp.sources, "last_event_id": LastEventIDSource()})

    async def main():
        async with started(app):
            seen, last = [], None
            for start in range(0, 50, 10):
                headers = [] if last is None else [("Last-Event-ID", last.encode())]
                exchange = Exchange(app, "/feed", headers=headers).begin()
                await exchange.until_messages(2)
                for number in range(start, start + 5):
                    buffer.add(ServerSentEvent(data=str(number)))
                last_data = f"data: {start + 4}\n".encode()
                await exchange.until(lambda exchange, last_data=last_data: last_data in exchange.body)
                exchange.leave()
                await exchange.end()
                for number in range(start + 5, start + 10):
                    buffer.add(ServerSentEvent(data=str(number)))
                lines = exchange.body.decode().splitlines()
                seen += [int(line.removeprefix("data: ")) for line in lines if line.startswith("data: ")]
                last = [line.removeprefix("id: ") for line in lines if line.startswith("id: ")][-1]
            assert seen == list(range(45))

    asyncio.run(main())
