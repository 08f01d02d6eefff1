"""A ref is not missed where the class that has it may be the one that could not be included."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint, JSONResponse, Location


class Widget(Struct):
    id: int


class Widgets(Endpoint, path="/widgets", ref="widgets"):
    async def get(self) -> Widget:
        return Widget(1)


class Linking(Endpoint, path="/linking"):
    async def get(self) -> JSONResponse[Widget]:
        return JSONResponse(json=Widget(1), location=Location.from_ref("widgets.get"))


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Widgets)
        self._include_endpoint(Linking())
