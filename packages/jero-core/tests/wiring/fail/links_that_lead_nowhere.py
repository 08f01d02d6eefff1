"""Links, plain in the handlers, to operations that the app does not have."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint, JSONResponse, Link, Location, Resource


class Widget(Struct):
    id: int


class WidgetPath(Struct):
    widget_id: int


class Unmounted(Resource, path="/unmounted"):
    async def read_one(self, path: WidgetPath) -> Widget:
        return Widget(1)


class Base(Resource):
    async def read_one(self, path: WidgetPath) -> Widget:
        return Widget(1)


class Red(Base, path="/red", ref="red"): ...


class Blue(Base, path="/blue"): ...


class Widgets(Endpoint, path="/widgets"):
    async def post(self, json: Widget) -> JSONResponse[Widget]:
        location = Location.from_operation(Unmounted.read_one, path=WidgetPath(json.id))
        return JSONResponse(
            json=json,
            location=location,
            links=[
                Link.from_ref("red.delete", rel="edit", path=WidgetPath(1)),
                Link.from_ref("nothing", rel="edit"),
                *[Link.from_operation(Red.read_one, rel="item", path=WidgetPath(n)) for n in range(3)],
            ],
        )


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Red())
        self._include_resource(Blue())
        self._include_endpoint(Widgets())
