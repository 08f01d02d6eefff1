"""Users that look wrong and fit: base classes, wider unions, aliases, new types, generic ones, and none at all."""

from typing import Annotated, NewType

from msgspec import Meta, Struct

from jero_auth import AuthGuards, BearerAuth, UserSource
from jero_core import BaseApp, Endpoint, Resource

type Caller = User | Service


class User(Struct):
    name: str


class Admin(User):
    level: int


class Service(Struct):
    key: str


class Page[T](Struct):
    item: T


Root = NewType("Root", Admin)


class Of[U](BearerAuth[U]):
    async def authenticate(self, token: str) -> U: ...


class Admins(Of[Admin]): ...


class Either(Of[Caller]): ...


class Guests(Of[User | None]): ...


class Pages(Of[Page[int]]): ...


class Later(BearerAuth["Late | None"]):
    async def authenticate(self, token: str) -> "Late": ...


class Narrow(BearerAuth[User]):
    async def authenticate(self, token: str) -> Admin: ...


class Roots:
    class Headers(Struct):
        x_root: str

    async def authenticate(self, headers: "Headers") -> Root | None: ...


class OfAdmins(Endpoint, path="/admins"):
    async def get(self, user: User) -> str: ...

    async def post(self, user: Admin) -> str: ...

    async def put(self, user: Admin | Service) -> str: ...

    async def patch(self) -> str: ...

    async def delete(self, *, user: "Annotated[Admin, Meta(description='who')]") -> str: ...


class OfEither(Endpoint, path="/either"):
    async def get(self, user: Caller) -> str: ...

    async def post(self, user: Service | User) -> str: ...


class OfGuests(Endpoint, path="/guests"):
    async def get(self, user: User | None) -> str:
        return "none" if user is None else "some"


class OfPages(Endpoint, path="/pages"):
    async def get(self, user: Page[int]) -> str: ...


class OfLater(Endpoint, path="/later"):
    async def get(self, user: "Late | None") -> str:
        return "none" if user is None else "some"


class Late(Struct):
    name: str


class OfRoots(Endpoint, path="/roots"):
    async def get(self, user: Root | None) -> str: ...

    async def post(self, user: User | None) -> str: ...


class Generic[U](Resource):
    async def read_many(self, user: U) -> str: ...


class OfNarrow(Generic[User], path="/narrow"): ...


class App(BaseApp):
    sources = {**BaseApp.sources, "user": UserSource()}
    guards = AuthGuards()

    async def _wire(self) -> None:
        self._include_endpoint(OfAdmins(), auth=Admins())
        self._include_endpoint(OfEither(), auth=Either())
        self._include_endpoint(OfGuests(), auth=Guests())
        self._include_endpoint(OfPages(), auth=Pages())
        self._include_endpoint(OfLater(), auth=Later())
        self._include_endpoint(OfRoots(), auth=Roots())
        self._include_resource(OfNarrow(), auth=Narrow())


ANSWERS = {"/admins": 401, "/either": 401, "/guests": 200, "/pages": 401, "/roots": 401, "/later": 200, "/narrow": 401}
