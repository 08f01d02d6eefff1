"""Links that look wrong and are legal, or that cannot be seen before a request."""

from msgspec import Struct

import jero_core
from jero_core import BaseApp, Endpoint, JSONResponse, Link, Location, Resource


class Widget(Struct):
    id: int


class WidgetPath(Struct):
    widget_id: int


class Base(Resource):
    async def read_one(self, path: WidgetPath) -> Widget:
        return Widget(path.widget_id)


class Red(Base, path="/red", ref="red"): ...


class Blue(Base, path="/blue", ref="blue"): ...


class Inherits(Blue, path="/navy"): ...


class Other:
    @staticmethod
    def from_ref(text):
        return text


class Widgets(Endpoint, path="/widgets"):
    async def get(self) -> JSONResponse[Widget]:
        other = Other.from_ref("not a ref")
        assert jero_core.Location is Location
        target = Red if other else Blue
        assert target.read_one
        links = [Link.from_ref(f"{ref}.read_one", rel="item", path=WidgetPath(1)) for ref in ("red", "blue")]
        return JSONResponse(json=Widget(1), location=Location.from_operation(Widgets.get), links=links)


class App(BaseApp):
    async def _wire(self) -> None:
        for resource in (Red(), Blue(), Inherits()):
            self._include_resource(resource)
        self._include_endpoint(Widgets())


ANSWERS = {"GET /widgets": '{"id":1}', "GET /navy/3": '{"id":3}'}
