"""An app that shows what reached it: path values as text, and how often it asked for a message (`x-receive-calls`)."""

from msgspec import Struct

from jero import BaseApp, Endpoint, Resource


class TextPath(Struct):
    text: str


class EchoEndpoint(Endpoint, path="/echo/{text}"):
    async def get(self, path: TextPath) -> str:
        return path.text


class Widget(Struct):
    name: str


class WidgetResource(Resource, path="/widgets"):
    async def create(self, json: Widget) -> Widget:
        return json


class ProbeApp(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(EchoEndpoint())
        self._include_resource(WidgetResource())


probe = ProbeApp()


async def app(scope, receive, send):
    """The probe behind an ASGI middleware."""
    calls = 0

    async def counted_receive():
        nonlocal calls
        calls += 1
        return await receive()

    async def annotated_send(message):
        if message["type"] == "http.response.start":
            message["headers"].append((b"x-receive-calls", b"%d" % calls))
        await send(message)

    await probe(scope, counted_receive, annotated_send)
