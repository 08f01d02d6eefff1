"""What a type checker must accept, with the types that it must infer."""

from collections.abc import AsyncGenerator, Generator
from contextlib import asynccontextmanager, contextmanager
from typing import assert_type

from msgspec import Struct

from jero import (
    BaseApp,
    BaseFactory,
    BytesResponse,
    Endpoint,
    FilePart,
    FormPart,
    HTTPError,
    JSONResponse,
    OperationMeta,
    RawHeaders,
    Resource,
    SpooledFilePart,
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


app = App(factory=Factory())
assert_type(JSONResponse(json=1), JSONResponse[int, None])
assert_type(JSONResponse(json=1, headers=Trace(x_trace_id="t")), JSONResponse[int, Trace])
assert_type(BytesResponse(content=b""), BytesResponse[None])
