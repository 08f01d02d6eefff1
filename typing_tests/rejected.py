"""What a type checker must reject: every line marked `# rejected`, and no other."""

from collections.abc import AsyncIterator

from msgspec import Struct

from jero import (
    Authenticator,
    BackgroundTasks,
    BaseApp,
    BaseFactory,
    BearerAuth,
    BytesResponse,
    Endpoint,
    FilePart,
    FormPart,
    HTTPError,
    JSONResponse,
    JWTBearerAuth,
    NDJSONStreamingResponse,
    OperationMeta,
    RawHeaders,
    ReplayBuffer,
    Resource,
    ServerSentEvent,
    SpooledFilePart,
    SSEResponse,
    StreamingResponse,
    TestClient,
    equal_secrets,
)


class Widget(Struct):
    id: int


class Trace(Struct):
    x_trace_id: str


class WrongKeyword(Resource, pth="/widgets"): ...  # rejected


class WrongPath(Resource, path=3): ...  # rejected


class WrongLimit(Endpoint, path="/", max_body_size="1MB"): ...  # rejected


class WrongParts(Endpoint, path="/", max_parts="10"): ...  # rejected


FilePart(data=b"")  # rejected
FilePart(filename="a", data="text")  # rejected
SpooledFilePart(data=b"")  # rejected
SpooledFilePart("a", b"")  # rejected
FormPart()  # rejected


class Returns(Endpoint, path="/"):
    async def get(self) -> JSONResponse[Widget]:
        return JSONResponse(json=3)  # rejected

    async def post(self) -> JSONResponse[Widget, Trace]:
        return JSONResponse(json=Widget(id=1))  # rejected

    async def put(self) -> BytesResponse[Trace]:
        return BytesResponse(content=b"", headers=Widget(id=1))  # rejected


async def texts() -> AsyncIterator[str]:
    yield "a"


class Streams(Endpoint, path="/streams"):
    async def get(self) -> SSEResponse[Widget]:
        return SSEResponse(stream=texts())  # rejected

    async def post(self) -> NDJSONStreamingResponse[Widget]:
        return NDJSONStreamingResponse(stream=[Widget(id=1)])  # rejected

    async def put(self) -> StreamingResponse:
        return StreamingResponse(stream=texts())  # rejected


ServerSentEvent(data="a", retry="1")  # rejected
ServerSentEvent("a")  # rejected
ReplayBuffer[str]().add("a")  # rejected


class OutOfStock(HTTPError, status=409):
    sku: str


class WrongStatus(HTTPError, status="409"): ...  # rejected


class Shop(Endpoint, path="/shop", meta=3): ...  # rejected


OutOfStock(sku="4711", size=3)  # rejected
OutOfStock("4711")  # rejected
OperationMeta(errors=(ValueError,))  # rejected


class NoWire(BaseApp): ...


class Factory(BaseFactory): ...


class App(BaseApp[Factory]):
    async def _wire(self) -> None:
        self._factory.nope()  # rejected
        self._include_resource(Widget(id=1))  # rejected
        self._include_resource(Returns())  # rejected
        self._include_endpoint(Returns)  # rejected
        self._enter(3)  # rejected
        await self._aenter(open("file"))  # rejected


NoWire()  # rejected
App(factory=3)  # rejected
BytesResponse(content="text")  # rejected
JSONResponse(Widget(id=1))  # rejected
HTTPError("404")  # rejected
RawHeaders({"a": "b"})["a"] = "c"  # rejected
TestClient("shop:app")  # rejected
TestClient(App(), timout=3)  # rejected
TestClient(App()).stream_get("/", item_type=Widget, jsn={})  # rejected
TestClient(App()).stream_get("/", item_type=3)  # rejected


class TakesBytes(BearerAuth[Widget]):
    async def authenticate(self, token: bytes) -> Widget:  # rejected
        return Widget(id=1)


class GivesOther(BearerAuth[Widget]):
    async def authenticate(self, token: str) -> Trace:  # rejected
        return Trace(x_trace_id=token)


class GivesNone(BearerAuth[Widget]):
    async def authenticate(self, token: str) -> Widget | None:  # rejected
        return None


class NoMethod(BearerAuth[Widget]): ...


class Tokens(JWTBearerAuth[Widget]): ...


class TakesText:
    async def authenticate(self, headers: str) -> Widget:
        return Widget(id=1)


NoMethod()  # rejected
Tokens.authenticate(3)  # rejected
text: Authenticator[Trace, Widget] = TakesText()  # rejected
equal_secrets(1, "a")  # rejected


def sync_handler(item: Widget) -> None: ...


async def takes_two(item: Widget, other: Widget) -> None: ...


tasks = BackgroundTasks()
tasks.register(sync_handler)  # rejected
tasks.register(takes_two)  # rejected
tasks.add("text")  # rejected
tasks.add_after_response(Widget(id=1), None)  # rejected
BackgroundTasks(on_error=sync_handler)  # rejected
