"""Class methods, static methods, sync handlers, and a function that is bound under a second name."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint, Resource

ANSWERS = {
    "GET /widgets": "Widgets",
    "GET /widgets/7": "7",
    "GET /sync": "sync",
    "GET /given": "given",
    "DELETE /sync": "sync",
}


class WidgetPath(Struct):
    widget_id: str


class Widgets(Resource, path="/widgets"):
    @classmethod
    async def read_many(cls) -> str:
        return cls.__name__

    @staticmethod
    async def read_one(path: WidgetPath) -> str:
        return path.widget_id

    @staticmethod
    def delete(path: WidgetPath) -> None:
        return None

    @classmethod
    def create(cls, json: WidgetPath) -> WidgetPath:
        return json


class Sync(Endpoint, path="/sync"):
    def get(self) -> str:
        return self.text

    delete = get
    text = "sync"


async def given() -> str:
    return "given"


class Given(Endpoint, path="/given"):
    get = staticmethod(given)


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Widgets())
        self._include_endpoint(Sync())
        self._include_endpoint(Given())
