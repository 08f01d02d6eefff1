"""Handlers whose user is not the authenticator's, in both directions."""

from typing import Any

from msgspec import Struct

from jero_auth import AuthGuards, BearerAuth, UserSource
from jero_core import PUBLIC, BaseApp, Endpoint


class User(Struct):
    name: str


class Admin(User):
    level: int


class Service(Struct):
    key: str


class Page[T](Struct):
    item: T


class Users(BearerAuth[User]):
    async def authenticate(self, token: str) -> User: ...


class Guests(BearerAuth[User | None]):
    async def authenticate(self, token: str) -> User: ...


class Either(BearerAuth[User | Service]):
    async def authenticate(self, token: str) -> User | Service: ...


class Pages(BearerAuth[Page[int]]):
    async def authenticate(self, token: str) -> Page[int]: ...


class WithoutAuth(Endpoint, path="/without-auth"):
    async def get(self, user: User) -> str: ...


class Public(Endpoint, path="/public"):
    async def get(self, user: User) -> str: ...


class OfUsers(Endpoint, path="/users"):
    async def get(self, user: Service) -> str: ...

    async def post(self, user: User | None) -> str: ...

    async def put(self, user: Admin) -> str: ...

    async def patch(self, user: str) -> str: ...

    async def delete(self, user: Any) -> str: ...


class NoAnnotation(Endpoint, path="/no-annotation"):
    async def get(self, user) -> str: ...


class OfGuests(Endpoint, path="/guests"):
    async def get(self, user: User) -> str: ...

    async def post(self) -> str: ...

    async def put(self, user: Service | None) -> str: ...

    async def patch(self, user: None) -> str: ...


class OfEither(Endpoint, path="/either"):
    async def get(self, user: User) -> str: ...

    async def post(self, user: User | Service | None) -> str: ...


class OfPages(Endpoint, path="/pages"):
    async def get(self, user: Page[str]) -> str: ...


class App(BaseApp):
    sources = {**BaseApp.sources, "user": UserSource()}
    guards = AuthGuards()

    async def _wire(self) -> None:
        self._include_endpoint(WithoutAuth())
        self._include_endpoint(Public(), auth=PUBLIC)
        self._include_endpoint(OfUsers(), auth=Users())
        self._include_endpoint(NoAnnotation(), auth=Users())
        self._include_endpoint(OfGuests(), auth=Guests())
        self._include_endpoint(OfEither(), auth=Either())
        self._include_endpoint(OfPages(), auth=Pages())
