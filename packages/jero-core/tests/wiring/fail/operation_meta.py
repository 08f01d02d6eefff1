"""Facts about operations that are wrong."""

from collections.abc import Callable

from msgspec import Struct

from jero_core import BaseApp, Endpoint, HTTPError, OperationMeta


class Widget(Struct):
    name: str


class Strange(HTTPError, status=400):
    call: Callable[[], int]


class Unknown(HTTPError, status=400):
    lost: "Missing"


class Widgets(
    Endpoint,
    path="/widgets",
    meta={"errors": ()},
    meta_get=OperationMeta(errors=(ValueError, Widget, Strange, Unknown)),
    meta_put=OperationMeta(errors=(Strange,)),
    meta_delete=OperationMeta(),
    meta_patch=None,
    metadata=1,
):
    async def get(self) -> Widget:
        return Widget("x")

    async def put(self, json: Widget) -> Widget:
        return json


class Sold(HTTPError, status=409): ...


class Merged(
    Endpoint,
    path="/merged",
    meta=OperationMeta(errors=(Sold,), tags=("shop",), deprecated=None),
    meta_get=OperationMeta(errors=Sold, tags=["sale"], summary=7),
    meta_put=OperationMeta(tags=("sale", 1), description=b"sale", operation_id=8),
):
    async def get(self) -> None: ...

    async def put(self) -> None: ...


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Widgets())
        self._include_endpoint(Merged())
