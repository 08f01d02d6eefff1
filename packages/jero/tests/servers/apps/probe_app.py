"""An app that shows what reached it: path values as text, and how often it asked for a message (`x-receive-calls`)."""

from msgspec import Struct

from jero import BaseApp, BearerAuth, Endpoint, HTTPError, Resource


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


class User(Struct):
    name: str


class Tokens(BearerAuth[User]):
    async def authenticate(self, token: str) -> User:
        if token != "right":
            raise HTTPError(401)
        return User("ada")


class SessionHeaders(Struct):
    cookie: str


class Sessions:
    """The authenticator of docs/guide/authentication.md."""

    challenge = "Cookie"

    async def authenticate(self, headers: SessionHeaders) -> User:
        pairs = [pair.strip().partition("=") for pair in headers.cookie.split(";")]
        if ("session", "=", "9b1deb4d") not in pairs:
            raise HTTPError(401)
        return User("ada")


class SessionEndpoint(Endpoint, path="/session"):
    async def get(self, user: User) -> str:
        return user.name


class UploadEndpoint(Endpoint, path="/upload", max_body_size=64 * 1024 * 1024):
    async def put(self, content: bytes, user: User) -> str:
        print("the gated handler ran", flush=True)  # noqa: T201  # into the log that the test reads
        return f"{len(content)} bytes of {user.name}"


class ProbeApp(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(UploadEndpoint(), auth=Tokens())
        self._include_endpoint(SessionEndpoint(), auth=Sessions())
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
