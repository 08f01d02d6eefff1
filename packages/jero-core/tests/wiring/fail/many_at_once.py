"""One report carries every problem of every class."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint, Resource


class Widget(Struct):
    name: str


class WidgetPath(Struct):
    widget_id: str
    version: int = 1


class WidgetResource(Resource, path="/widgets/", max_body_size="2MB"):
    async def create(self, json: dict) -> Widget:
        return Widget(**json)


class PartResource(Resource, path="/parts"):
    async def create(self, json: dict, user: Widget) -> dict:
        return json

    async def read_many(self, limit: int = 20):
        return []

    async def read_one(self, path: WidgetPath) -> Widget | None:
        return None

    async def delete(self, path: WidgetPath, json: Widget) -> None:
        return None

    async def update(self, path: "PartPath", *args: str) -> Widget:
        return Widget(name="")


class Health(Endpoint, path="/health"):
    async def get(self) -> str:
        return "ok"


class Alive(Endpoint, path="/health"):
    async def get(self) -> str:
        return "ok"


class Nothing(Endpoint):
    async def handle(self) -> str:
        return ""


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(WidgetResource())
        self._include_resource(PartResource())
        self._include_endpoint(Health())
        self._include_endpoint(Alive())
        self._include_endpoint(Nothing())
        self._include_endpoint(PartResource())
        self._include_resource(WidgetResource)
