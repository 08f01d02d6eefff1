"""Ready-made schemes whose method takes something else, and settings that are none."""

from collections.abc import Awaitable

from msgspec import Struct

from jero_auth import APIKeyAuth, AuthGuards, BasicAuth, BearerAuth, UserSource
from jero_core import BaseApp, Endpoint


class User(Struct):
    name: str


class Other(Struct):
    name: str


class Bearer(Struct):
    authorization: str


class TakesHeaders(BearerAuth[User]):
    async def authenticate(self, headers: Bearer) -> User: ...


class TakesBytes(BearerAuth[User]):
    async def authenticate(self, token: bytes) -> User: ...


class TakesOne(BasicAuth[User]):
    async def authenticate(self, credentials: tuple[str, str]) -> User: ...


class TakesNothing(APIKeyAuth[User]):
    async def authenticate(self) -> User: ...


class SaysNothing(APIKeyAuth[User]):
    async def authenticate(self, key): ...


class GivesOthers(BearerAuth[User]):
    async def authenticate(self, token: str) -> Other: ...


class GivesNone(BearerAuth[User]):
    async def authenticate(self, token: str) -> User | None: ...


class NamesAnInt(BearerAuth[int]):
    async def authenticate(self, token: str) -> User: ...


class NamesAList(BearerAuth[list[User]]):
    async def authenticate(self, token: str) -> User: ...


class NamesNothing(BearerAuth["Nobody"]):
    async def authenticate(self, token: str) -> User: ...


class AwaitsOnce(BearerAuth[User]):
    async def authenticate(self, token: str) -> Awaitable[User]: ...


class BearerRealm(BearerAuth[User]):
    realm = "a\r\nb"

    async def authenticate(self, token: str) -> User: ...


class BadRealm(BasicAuth[User]):
    realm = 'the "staff"'

    async def authenticate(self, username: str, password: str) -> User: ...


class NoRealm(BasicAuth[User]):
    realm = None

    async def authenticate(self, username: str, password: str) -> User: ...


class Keys(APIKeyAuth[User]):
    async def authenticate(self, key: str) -> User: ...


class Both(Keys, header="x-key", query="key"): ...


class Unknown(Keys, cookie="key"): ...


class BadHeader(Keys, header="x key"): ...


class NoQuery(Keys, query=""): ...


SCHEMES = [
    *(TakesHeaders, TakesBytes, TakesOne, TakesNothing, SaysNothing, GivesOthers, GivesNone, BadRealm, NoRealm),
    *(Both, Unknown, BadHeader, NoQuery, NamesAnInt, NamesAList, NamesNothing, AwaitsOnce, BearerRealm),
]


class Spot(Endpoint, path="/"):
    async def get(self, user: User) -> str: ...


class App(BaseApp):
    sources = {**BaseApp.sources, "user": UserSource()}
    guards = AuthGuards()

    async def _wire(self) -> None:
        for number, scheme in enumerate(SCHEMES):
            self._include_endpoint(type("Spot", (Spot,), {}, path=f"/{number}")(), auth=scheme())
