"""Raw ASGI apps and one of jero, to be tested with."""

import asyncio
import contextlib

from msgspec import Struct

from jero_core import BaseApp, Endpoint, HTTPError, Resource


class WidgetPath(Struct):
    widget_id: int


class Widget(Struct):
    id: int
    name: str


class WidgetResource(Resource, path="/widgets"):
    async def create(self, json: Widget) -> Widget:
        return json

    async def read_one(self, path: WidgetPath) -> Widget:
        if path.widget_id == 0:
            raise HTTPError(404, "there is no widget 0")
        return Widget(path.widget_id, "bolt")

    async def delete(self, path: WidgetPath) -> None: ...


class Broken(Endpoint, path="/broken"):
    async def get(self) -> str:
        raise ValueError("secret") from KeyError("cause")


class Shop(BaseApp):
    """An app that notes what happens to it."""

    def __init__(self, journal=None):
        super().__init__()
        self.journal = [] if journal is None else journal

    async def _wire(self):
        self.journal.append("start")
        self._enter(contextlib.ExitStack()).callback(self.journal.append, "stop")
        self._include_resource(WidgetResource())
        self._include_endpoint(Broken())


def app_of(respond, journal=None):
    """An ASGI app with a lifespan, whose requests `respond(scope, receive, send)` answers."""

    async def app(scope, receive, send):
        if scope["type"] == "http":
            await respond(scope, receive, send)
            return
        for step in ("startup", "shutdown"):
            assert (await receive())["type"] == f"lifespan.{step}"
            if journal is not None:
                journal.append(step)
            await send({"type": f"lifespan.{step}.complete"})

    return app


async def start(send, status=200, *headers):
    await send({"type": "http.response.start", "status": status, "headers": list(headers)})


async def body(send, data=b"", *, more=False):
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def answer(send, data=b"", status=200, *headers):
    await start(send, status, *headers)
    await body(send, data)


async def read(receive):
    """The whole body of a request, in its pieces."""
    pieces = []
    while True:
        message = await receive()
        assert message["type"] == "http.request"
        pieces.append(message["body"])
        if not message["more_body"]:
            return pieces


class Endless:
    """Sends pieces until its client has left, and notes its teardown."""

    def __init__(self, *headers, piece=lambda number: b"%d\n" % number, wait=None):
        self.headers = headers
        self.piece = piece
        self.wait = wait
        self.sent = 0
        self.journal = []

    async def __call__(self, scope, receive, send):
        if scope["type"] != "http":
            return
        await start(send, 200, *self.headers)
        try:
            while True:
                await body(send, self.piece(self.sent), more=True)
                self.sent += 1
                if self.wait is not None:
                    await self.wait()
        except OSError:
            self.journal.append("send failed")
            raise
        finally:
            await asyncio.sleep(0)
            self.journal.append("torn down")
