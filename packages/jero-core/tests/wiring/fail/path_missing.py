"""A handler class has no path."""

from jero_core import BaseApp, Endpoint, Resource


class Health(Endpoint):
    async def get(self) -> str:
        return "ok"


class Widgets(Resource, path=None):
    async def read_many(self) -> str:
        return "[]"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Health())
        self._include_resource(Widgets())
