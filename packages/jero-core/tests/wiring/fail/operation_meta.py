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
    meta_put=OperationMeta(errors=Strange),
    meta_delete=OperationMeta(),
    meta_patch=None,
    metadata=1,
):
    async def get(self) -> Widget:
        return Widget("x")

    async def put(self, json: Widget) -> Widget:
        return json


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Widgets())
