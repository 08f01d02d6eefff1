"""Two operations that answer the same requests."""

from jero_core import BaseApp, Endpoint, Resource


class First(Endpoint, path="/here"):
    async def get(self) -> str:
        return "first"

    async def post(self) -> str:
        return "first"


class Second(Endpoint, path="/here"):
    async def get(self) -> str:
        return "second"

    async def put(self) -> str:
        return "nobody else answers this"


class Heir(First):
    """Inherits the path, too."""


class Widgets(Resource, path="/widgets"):
    async def read_many(self) -> str:
        return "all"

    async def read_one(self) -> str:
        return "without a path argument the item path is the mount path"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(First())
        self._include_endpoint(Second())
        self._include_endpoint(Heir())
        self._include_resource(Widgets())
