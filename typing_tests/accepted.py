"""What a type checker must accept, with the types that it must infer."""

from collections.abc import AsyncGenerator, Awaitable, Generator, Mapping
from contextlib import asynccontextmanager, contextmanager
from typing import assert_type

from msgspec import Struct

from jero import (
    PUBLIC,
    REQUIRED,
    APIKeyAuth,
    Authenticator,
    BaseApp,
    BaseFactory,
    BasicAuth,
    BearerAuth,
    BytesResponse,
    Endpoint,
    HTTPError,
    JSONResponse,
    JWTBearerAuth,
    OperationMeta,
    RawHeaders,
    Resource,
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


app = App(factory=Factory())
assert_type(JSONResponse(json=1), JSONResponse[int, None])
assert_type(JSONResponse(json=1, headers=Trace(x_trace_id="t")), JSONResponse[int, Trace])
assert_type(BytesResponse(content=b""), BytesResponse[None])


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
