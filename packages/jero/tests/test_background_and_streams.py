"""Items that wait for a streamed response: what two packages do together."""

from collections.abc import AsyncIterator
from contextlib import nullcontext, suppress

import pytest
from msgspec import Struct

from jero import (
    AfterResponse,
    BackgroundTasks,
    BaseApp,
    Endpoint,
    NDJSONStreamingResponse,
    SSEResponse,
    StreamingResponse,
    TestClient,
)


class Note(Struct):
    text: str


class Kind(Struct):
    kind: str


async def nothing_wrong() -> AsyncIterator[Note]:
    yield Note("a")
    yield Note("b")


async def wrong_at_once() -> AsyncIterator[Note]:
    raise ValueError("before the first")
    yield Note("a")


async def wrong_later() -> AsyncIterator[Note]:
    yield Note("a")
    raise ValueError("in the middle")


STREAMS = {"right": nothing_wrong, "at once": wrong_at_once, "later": wrong_later}


class Base(Endpoint, path="/unused"):
    def __init__(self, tasks, kind):
        self._tasks, self._stream = tasks, STREAMS[kind]

    def add(self, after_response):
        self._tasks.add_after_response(Note("it was sent"), after_response)
        return self._stream()


class Lines(Base, path="/lines"):
    async def get(self, after_response: AfterResponse) -> NDJSONStreamingResponse[Note]:
        return NDJSONStreamingResponse(stream=self.add(after_response))


class Events(Base, path="/events"):
    async def get(self, after_response: AfterResponse) -> SSEResponse[Note]:
        return SSEResponse(stream=self.add(after_response))


class Bytes(Base, path="/bytes"):
    async def get(self, after_response: AfterResponse) -> StreamingResponse:
        notes = self.add(after_response)

        async def stream():
            async for note in notes:
                yield note.text.encode()

        return StreamingResponse(stream=stream())


class App(BaseApp):
    def __init__(self, kind):
        super().__init__()
        self.kind, self.ran = kind, []

    async def _wire(self):
        tasks = await self._aenter(BackgroundTasks())
        tasks.register(self.handle)
        for endpoint in (Lines, Events, Bytes):
            self._include_endpoint(endpoint(tasks, self.kind))

    async def handle(self, item: Note) -> None:
        self.ran.append(item.text)


@pytest.mark.parametrize("path", ["/lines", "/events", "/bytes"])
@pytest.mark.parametrize(("kind", "ran"), [("right", ["it was sent"]), ("at once", []), ("later", [])])
def test_an_item_enters_the_queue_when_a_stream_has_been_sent_to_its_end(path, kind, ran):
    app = App(kind)
    # Torn in the middle: what the client sees of that is not the question here.
    torn = suppress(Exception) if kind == "later" else nullcontext()
    with TestClient(app, raise_server_exceptions=False) as client, torn:
        client.get(path)
    assert app.ran == ran
