"""Equal routes and links to unknown refs are told although something else of the same operations is wrong."""

from msgspec import Struct, defstruct

from jero_core import BaseApp, Endpoint, JSONResponse, Link, Location, Resource


class Widget(Struct):
    id: int


class WidgetPath(Struct):
    widget_id: int


class Widgets(Resource, path="/widgets", ref="widgets"):
    async def read_many(self) -> Widget:
        return Widget(1)

    async def read_one(self, path: WidgetPath) -> dict:
        return {}

    async def update(self, path: "Missing") -> dict:
        return {}


class First(Endpoint, path="/here"):
    async def post(self) -> dict:
        return {}


class Second(Endpoint, path="/here"):
    async def post(self) -> dict:
        return {}


class OtherSlot(Endpoint, path="/widgets/{id}"):
    async def put(self, path: defstruct("Path", [("id", int)])) -> dict:
        return {}


class Linking(Endpoint, path="/linking"):
    async def get(self) -> JSONResponse[Widget]:
        links = [
            Link.from_ref("nobody.read_one", rel="item", path=WidgetPath(1)),
            Link.from_ref("nobody", rel="item"),
            Link.from_ref("widgets.read_one", rel="item", path=WidgetPath(1)),
            Link.from_ref("widgets.delete", rel="edit", path=WidgetPath(1)),
            Link.from_operation(Linking.post, rel="edit"),
        ]
        return JSONResponse(json=Widget(1), links=links)

    async def post(self) -> dict:
        return {"location": Location.from_ref("nobody.create")}


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Widgets())
        for endpoint in (First, Second, OtherSlot, Linking):
            self._include_endpoint(endpoint())
