"""Streams of a jero app as its tests see them."""

import asyncio
import inspect

import httpx
import pytest

from jero import AppTimeout, BaseApp, Endpoint, SSEResponse, StreamingResponse, TestClient


async def endless():
    while True:
        yield b"x"
        await asyncio.sleep(0.001)


async def stuck():
    yield b"x"
    await asyncio.sleep(3600)


async def stuck_in_its_teardown():
    try:
        yield "x"
        # Until the client has left: a teardown that the end of the stream began would be cancelled in its wait.
        await asyncio.sleep(60)
    finally:
        await asyncio.sleep(3600)


class Endless(Endpoint, path="/endless"):
    async def get(self) -> StreamingResponse:
        return StreamingResponse(stream=endless())


class Stuck(Endpoint, path="/stuck"):
    async def get(self) -> StreamingResponse:
        return StreamingResponse(stream=stuck())


class Tearing(Endpoint, path="/tearing"):
    async def get(self) -> SSEResponse:
        return SSEResponse(stream=stuck_in_its_teardown())


class App(BaseApp):
    async def _wire(self):
        for endpoint in (Endless(), Stuck(), Tearing()):
            self._include_endpoint(endpoint)


def test_a_stream_that_a_stopping_app_cuts_off_is_broken_off_and_no_violation():
    app = App()
    with TestClient(app) as client, client.stream("GET", "/endless") as response:
        pieces = response.iter_raw()
        next(pieces)
        app.begin_shutdown()
        with pytest.raises(httpx.RemoteProtocolError, match="aborted"):
            b"".join(pieces)


def line_of(source):
    lines, first = inspect.getsourcelines(source)
    return first + next(number for number, line in enumerate(lines) if "3600" in line)


def test_a_message_says_where_the_stream_waits():
    place = f"it waits at {__file__}:{line_of(stuck)}, in stuck: await asyncio.sleep(3600)"
    with TestClient(App(), timeout=0.1) as client, pytest.raises(httpx.ReadTimeout) as caught:
        client.get("/stuck")
    assert place in str(caught.value)


def test_a_message_says_where_the_teardown_of_a_stream_waits():
    place = f":{line_of(stuck_in_its_teardown)}, in stuck_in_its_teardown: await asyncio.sleep(3600)"
    with TestClient(App(), teardown_timeout=0.1) as client:
        with pytest.raises(AppTimeout) as caught, client.stream("GET", "/tearing") as response:
            next(response.iter_raw())
        assert place in str(caught.value)
