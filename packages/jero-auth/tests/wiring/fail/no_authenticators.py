"""Objects that are given as auth= and authenticate nobody."""

from msgspec import Struct

from jero_auth import Authenticator, AuthGuards, BearerAuth, UserSource
from jero_core import BaseApp, Endpoint


class User(Struct):
    name: str


class Tokens(BearerAuth[User]):
    async def authenticate(self, token: str) -> User: ...


class Headers(Struct):
    authorization: str


class NoMethod: ...


class NotCallable:
    authenticate = "Bearer"


class Raises:
    @property
    def authenticate(self):
        raise ConnectionError("away")


class OfTheProtocol(Authenticator[Headers, User]): ...


class AClass:
    class authenticate: ...  # noqa: N801


class Spot(Endpoint, path="/"):
    async def get(self, user: User) -> str: ...


def spot(number):
    return type("Spot", (Spot,), {}, path=f"/{number}")()


class App(BaseApp):
    sources = {**BaseApp.sources, "user": UserSource()}
    guards = AuthGuards()

    async def _wire(self) -> None:
        self._include_endpoint(spot(0), auth=Tokens)
        self._include_endpoint(spot(1), auth=NoMethod())
        self._include_endpoint(spot(2), auth=NotCallable())
        self._include_endpoint(spot(3), auth=Raises())
        self._include_endpoint(spot(4), auth=AClass())
        self._include_endpoint(spot(5), auth=object())
        self._include_endpoint(spot(6), auth="Bearer")
        self._include_endpoint(spot(7), auth=lambda headers: User("ada"))
        self._include_endpoint(spot(8), auth=len)
        self._include_endpoint(spot(9), auth=False)
        self._include_endpoint(spot(10), auth=OfTheProtocol())
