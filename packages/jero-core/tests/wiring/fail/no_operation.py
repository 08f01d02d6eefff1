"""Classes without a method that is an operation."""

from jero_core import BaseApp, Endpoint, Resource


class Health(Endpoint, path="/health"):
    async def check(self) -> str:
        return "ok"


class Widgets(Resource, path="/widgets"):
    def __getattr__(self, name):
        raise KeyError(name)

    async def get(self) -> str:
        return "an endpoint has get, a resource has read_one"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Health())
        self._include_resource(Widgets())
