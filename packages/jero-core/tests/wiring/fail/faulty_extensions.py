from unittest.mock import AsyncMock

from jero_core import BaseApp, Endpoint
from jero_core.extend import Binding, Fragment, Guard, Reads


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


class OfGuard:
    def bind(self, parameter, operation):
        return Binding(reads=Reads.GUARD, extract=Fragment.of("$target = $admitted"))


class RaisingAnswer:
    @classmethod
    def __jero_reply__(cls, returned, context):
        raise AttributeError("reply")


class ForgottenAnswer:
    @classmethod
    def __jero_reply__(cls, returned, context):
        pass


class Silent:
    def plan(self, auth, context):
        return Guard(name="Silent", check=Fragment())


class Spot(Endpoint, path="/spot"):
    async def get(self, raises: int, nothing: int) -> str:
        return ""

    async def post(self, no_python: int) -> str:
        return ""

    async def put(self, unbound: int) -> str:
        return ""

    patch = AsyncMock()


class Answers(Endpoint, path="/answers"):
    async def get(self) -> RaisingAnswer: ...

    async def post(self) -> ForgottenAnswer: ...


class Unguarded(Endpoint, path="/unguarded"):
    async def get(self, of_guard: int) -> None: ...


class Guarded(Unguarded, path="/guarded"): ...


class App(BaseApp):
    sources = {
        **BaseApp.sources,
        "raises": Raises(),
        "nothing": Nothing(),
        "no_python": NoPython(),
        "unbound": Unbound(),
        "of_guard": OfGuard(),
    }
    guards = Silent()

    async def _wire(self):
        self._include_endpoint(Spot())
        self._include_endpoint(Answers())
        self._include_endpoint(Unguarded())
        self._include_endpoint(Guarded(), auth="silent")
