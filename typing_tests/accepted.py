"""What a type checker must accept, with the types that it must infer."""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import assert_type

from msgspec import Struct

from jero import (
    PUBLIC,
    REQUIRED,
    AfterResponse,
    APIKeyAuth,
    AsyncTestClient,
    Authenticator,
    BackgroundTasks,
    BaseApp,
    BaseFactory,
    BasicAuth,
    BearerAuth,
    BytesResponse,
    Endpoint,
    FactoryHarness,
    FilePart,
    FormPart,
    HTTPError,
    ItemFailure,
    ItemQueue,
    JSONResponse,
    JWTBearerAuth,
    LastEventIDSource,
    NDJSONStreamingResponse,
    OperationMeta,
    QueueStats,
    RawHeaders,
    ReplayBuffer,
    Resource,
    ServerSentEvent,
    SpooledFilePart,
    SSEResponse,
    StreamingResponse,
    TestClient,
    TestSSEEvent,
    equal_secrets,
)


class WidgetPath(Struct):
    widget_id: int


class Widget(Struct):
    id: int
    name: str


class Page[T](Struct):
    items: list[T]


class Trace(Struct):
    x_trace_id: str


class WidgetResource(Resource, path="/widgets", max_body_size=1024):
    async def create(self, json: Widget) -> JSONResponse[Widget, Trace]:
        return JSONResponse(json=json, headers=Trace(x_trace_id="t"), status_code=201)

    async def read_many(self) -> Page[Widget]:
        return Page(items=[])

    async def read_one(self, path: WidgetPath, raw_headers: RawHeaders) -> JSONResponse[Widget]:
        assert_type(raw_headers["host"], str)
        assert_type(raw_headers.get("host"), str | None)
        assert_type(raw_headers.get("host", 0), str | int)
        assert_type(raw_headers.getlist("accept"), list[str])
        assert_type(raw_headers.multi_items(), list[tuple[str, str]])
        if path.widget_id < 0:
            raise HTTPError(404, "no such widget")
        return JSONResponse(json=Widget(id=path.widget_id, name="bolt"), raw_headers={"x-a": "b"})

    def delete(self, path: WidgetPath) -> None: ...


class UploadForm(Struct):
    title: FormPart[str]
    widget: FormPart[Widget, Trace]
    thumbnail: FilePart
    photo: FilePart[Trace]
    files: list[SpooledFilePart]
    video: SpooledFilePart[Trace] | None = None


class Uploads(Endpoint, path="/uploads", max_parts=10, max_part_size=1024, max_body_size=1024**3):
    async def post(self, form: UploadForm) -> str:
        assert_type(form.title.data, str)
        assert_type(form.title.headers, None)
        assert_type(form.widget.data, Widget)
        assert_type(form.widget.headers, Trace)
        assert_type(form.widget.content_type, str | None)
        assert_type(form.thumbnail.data, bytes)
        assert_type(form.photo.headers.x_trace_id, str)
        assert_type(form.files[0].filename, str)
        assert_type(form.files[0].headers, None)
        assert_type(await form.files[0].read(10), bytes)
        async for chunk in form.files[0].iter_chunks():
            assert_type(chunk, bytes)
        await form.files[0].save("file")
        if form.video is not None:
            assert_type(form.video.headers.x_trace_id, str)
            assert_type(await form.video.seek(0), int)
        return form.photo.raw_headers["content-type"]


made = UploadForm(
    title=FormPart(data="t"),
    widget=FormPart(data=Widget(id=1, name="bolt"), headers=Trace(x_trace_id="t")),
    thumbnail=FilePart(filename="a", data=b""),
    photo=FilePart(filename="a", data=b"", headers=Trace(x_trace_id="t")),
    files=[SpooledFilePart(filename="a", data=b"")],
)


class Icon(Endpoint, path="/icon"):
    async def get(self) -> BytesResponse[Trace]:
        return BytesResponse(content=b"", headers=Trace(x_trace_id="t"))


class PlainIcon(Endpoint, path="/plain-icon"):
    async def get(self) -> BytesResponse:
        return BytesResponse(content=b"")


class ShelfIcon(Icon, path="/shelf/icon"): ...


@contextmanager
def connection() -> Generator[int]:
    yield 1


@asynccontextmanager
async def pool() -> AsyncGenerator[str]:
    yield "pool"


class Factory(BaseFactory):
    async def name(self) -> str:
        assert_type(self._enter(connection()), int)
        return assert_type(await self._aenter(pool()), str)


class App(BaseApp[Factory]):
    async def _wire(self) -> None:
        assert_type(self._factory, Factory)
        assert_type(self._enter(connection()), int)
        assert_type(await self._aenter(pool()), str)
        self._include_resource(WidgetResource())
        self._include_endpoint(Icon())


class PlainApp(BaseApp):
    async def _wire(self) -> None:
        assert_type(self._factory, None)


class OutOfStock(HTTPError, status=409, type="/problems/out-of-stock", title="Out of stock"):
    sku: str
    left: int = 0


class Gone(HTTPError):
    def __init__(self, sku: str) -> None:
        super().__init__(410, f"{sku} is gone", headers={"retry-after": "never"})


class Shop(
    Endpoint, path="/shop", meta=OperationMeta(tags=("shop",)), meta_get=OperationMeta(errors=(OutOfStock, Gone))
):
    async def get(self) -> None:
        error = OutOfStock(sku="4711", detail="none left", headers={"x-a": "b"})
        assert_type(error.left, int)
        assert_type(error.status, int)
        raise error


class Streams(Endpoint, path="/streams"):
    def __init__(self, feed: ReplayBuffer[Widget]) -> None:
        self._feed = feed

    async def get(self, last_event_id: str | None) -> SSEResponse[Widget, Trace]:
        return SSEResponse(stream=self._feed.follow(last_event_id), headers=Trace(x_trace_id="t"), keepalive=None)

    async def post(self) -> NDJSONStreamingResponse[Widget]:
        return NDJSONStreamingResponse(stream=self._opened())

    async def put(self) -> StreamingResponse:
        return StreamingResponse(stream=self._chunks(), raw_headers={"x-a": "b"})

    async def _opened(self) -> AsyncGenerator[AsyncIterator[Widget]]:
        yield self._widgets()

    async def _widgets(self) -> AsyncIterator[Widget]:
        yield Widget(id=1, name="bolt")

    async def _chunks(self) -> AsyncIterator[bytes]:
        yield b""


class Events(Endpoint, path="/events"):
    async def get(self) -> SSEResponse:
        return SSEResponse(stream=self._mixed())

    async def _mixed(self) -> AsyncIterator[str | ServerSentEvent]:
        yield "a"
        yield ServerSentEvent(data="b", id="1")


class PlainEvents(Endpoint, path="/plain-events"):
    async def get(self) -> SSEResponse:
        return SSEResponse(stream=self._opened())

    async def _opened(self) -> AsyncGenerator[AsyncIterator[str]]:
        yield self._text()

    async def _text(self) -> AsyncIterator[str]:
        yield "a"


class WidgetEvents(Endpoint, path="/widget-events"):
    async def get(self) -> SSEResponse[Widget]:
        return SSEResponse(stream=self._events())

    async def _events(self) -> AsyncIterator[ServerSentEvent[Widget]]:
        yield ServerSentEvent(data=Widget(id=1, name="bolt"), event="widget", retry=5)
        yield ServerSentEvent(retry=5)


class StreamingApp(BaseApp):
    sources = {**BaseApp.sources, "last_event_id": LastEventIDSource()}
    watch_signals = False

    async def _wire(self) -> None:
        feed = ReplayBuffer[Widget](max_events=10, max_age=1.5)
        assert_type(feed.add(ServerSentEvent(data=Widget(id=1, name="bolt"))), ServerSentEvent[Widget])
        assert_type(feed.since("1"), list[ServerSentEvent[Widget]])
        self._include_endpoint(Streams(feed))


StreamingApp().begin_shutdown()
app = App(factory=Factory())
assert_type(JSONResponse(json=1), JSONResponse[int, None])
assert_type(JSONResponse(json=1, headers=Trace(x_trace_id="t")), JSONResponse[int, Trace])
assert_type(BytesResponse(content=b""), BytesResponse[None])


def test_with_the_clients() -> None:
    with TestClient(app, headers={"x-a": "b"}, timeout=3.0) as client:
        assert_type(client, TestClient)
        assert_type(client.get("/widgets").status_code, int)
        with client.stream_get("/rows", params={"a": 1}) as rows:
            assert_type(next(rows), object)
        with client.stream_post("/rows", json={"a": 1}, item_type=Widget) as widgets:
            assert_type(next(widgets), Widget)
            assert_type(widgets.take(2), list[Widget])
        with client.stream_get("/events", item_type=TestSSEEvent) as events:
            assert_type([event.json(Widget) for event in events], list[Widget])


async def test_with_the_async_client() -> None:
    async with AsyncTestClient(app) as client, client.stream_get("/rows", item_type=Widget) as widgets:
        assert_type(await anext(widgets), Widget)
        assert_type([widget async for widget in widgets], list[Widget])


def test_a_factory() -> None:
    with FactoryHarness(Factory) as harness:
        assert_type(harness.factory, Factory)
        assert_type(harness.run(harness.factory.name()), str)


class User(Struct):
    name: str


class Claims(Struct):
    sub: str


class Tokens(BearerAuth[User]):
    async def authenticate(self, token: str) -> User:
        return User(token)


class SyncTokens(BearerAuth[User]):
    def authenticate(self, token: str) -> User:
        return User(token)


class LaterTokens(BearerAuth[User]):
    def authenticate(self, token: str) -> Awaitable[User]:
        return Tokens().authenticate(token)


class GuestTokens(BearerAuth[User | None]):
    async def authenticate(self, token: str) -> User:
        return User(token)


class Staff(BasicAuth[User]):
    realm = "staff"

    async def authenticate(self, username: str, password: str) -> User:
        return User(username)


class Keys(APIKeyAuth[User], header="x-key"):
    async def authenticate(self, key: str) -> User:
        return User(key)


class QueryKeys(Keys, query="key"): ...


class WebTokens(JWTBearerAuth[User, Claims]):
    async def authenticate(self, claims: Claims) -> User:
        return User(claims.sub)


class PlainWebTokens(JWTBearerAuth[User]):
    async def authenticate(self, claims: Mapping[str, object]) -> User:
        return User(str(claims["sub"]))


class Own:
    challenge = "Digest"

    async def authenticate(self, headers: Trace) -> User:
        return User(headers.x_trace_id)


own: Authenticator[Trace, User] = Own()
assert_type(equal_secrets("a", b"b"), bool)


class Me(Endpoint, path="/me"):
    async def get(self, user: User) -> User:
        return user


class GatedApp(BaseApp):
    default_auth = REQUIRED

    async def _wire(self) -> None:
        self._include_endpoint(Me(), auth=Tokens())
        self._include_endpoint(Shop(), auth=PUBLIC)
        self._include_endpoint(Shop(), auth=own)
        self._include_endpoint(Me(), auth=WebTokens(keys={"a": "b"}, algorithms=["HS256"], audience="me", leeway=3))


class DefaultApp(BaseApp):
    default_auth = Tokens()

    async def _wire(self) -> None:
        self.default_auth = Tokens()


class Receipts:
    async def send(self, item: Widget) -> int:
        return item.id

    async def __call__(self, item: Trace) -> None: ...


async def on_failure(failure: ItemFailure) -> None:
    assert_type(failure.error, BaseException)


class Sends(Endpoint, path="/sends"):
    def __init__(self, queue: ItemQueue) -> None:
        self._queue = queue

    async def post(self, after_response: AfterResponse) -> QueueStats:
        assert_type(await self._queue.add(Widget(id=1, name="bolt")), str)
        assert_type(self._queue.add_after_response(Widget(id=1, name="bolt"), after_response), str)
        return assert_type(self._queue.stats(), QueueStats)


class QueueApp(BaseApp):
    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks(maxsize=10, drain_timeout=None, concurrency=2, on_error=on_failure))
        assert_type(tasks, BackgroundTasks)
        tasks.register(Receipts().send)
        tasks.register(Receipts())
        self._include_endpoint(Sends(tasks))
