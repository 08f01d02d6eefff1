"""Objects that cannot be included; the place is the line that includes them."""

from unittest.mock import MagicMock

from jero_core import BaseApp, Endpoint, Resource


class Health(Endpoint, path="/health"):
    async def get(self) -> str:
        return "ok"


class Widgets(Resource, path="/widgets"):
    async def read_many(self) -> str:
        return "[]"


class Both(Resource, Endpoint, path="/both"):
    async def get(self) -> str:
        return "ok"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Health)
        self._include_resource(Health)
        self._include_resource(Health())
        self._include_endpoint(Widgets())
        self._include_endpoint(Both())
        self._include_resource(Resource())
        self._include_resource(None)
        self._include_resource("/widgets")
        self._include_endpoint(int)
        self._include_endpoint(MagicMock(spec=Health))
