from unittest.mock import AsyncMock

from jero_core import BaseApp, Endpoint
from jero_core.extend import Binding, Fragment, Reads


class Raises:
    def bind(self, parameter, operation):
        raise KeyError("bind")


class Nothing:
    def bind(self, parameter, operation):
        return None


class NoPython:
    def bind(self, parameter, operation):
        return Binding(reads=Reads.HEAD, extract=Fragment.of("$target = = 1"))


class Unbound:
    def bind(self, parameter, operation):
        return Binding(reads=Reads.HEAD, extract=Fragment.of("$target = $nobody"))


class Spot(Endpoint, path="/spot"):
    async def get(self, raises: int, nothing: int) -> str:
        return ""

    async def post(self, no_python: int) -> str:
        return ""

    async def put(self, unbound: int) -> str:
        return ""

    patch = AsyncMock()


class App(BaseApp):
    sources = {
        **BaseApp.sources,
        "raises": Raises(),
        "nothing": Nothing(),
        "no_python": NoPython(),
        "unbound": Unbound(),
    }

    async def _wire(self):
        self._include_endpoint(Spot())
