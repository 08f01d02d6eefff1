"""Authenticators whose method says too little, or the wrong thing."""

from collections.abc import AsyncIterator, Iterator
from typing import TYPE_CHECKING, Any, Protocol

from msgspec import Struct, field

from jero_auth import AuthGuards, UserSource
from jero_core import BaseApp, Endpoint, RawHeaders

if TYPE_CHECKING:
    from elsewhere import Later


class User(Struct):
    name: str


class Bearer(Struct):
    authorization: str


class Underscored(Struct):
    key: str = field(name="x key")
    keys: list[str] = []


class Unconvertible(Struct):
    authorization: dict[str, str]


class NoAnnotations:
    async def authenticate(self, headers): ...


class NoReturn:
    async def authenticate(self, headers: Bearer): ...


class NoHeaders:
    async def authenticate(self) -> User: ...


class TwoArguments:
    async def authenticate(self, headers: Bearer, scope: Bearer) -> User: ...


class AnyNumber:
    async def authenticate(self, *headers: Bearer, **more: Bearer) -> User: ...


class OptionalHeaders:
    async def authenticate(self, headers: Bearer | None) -> User: ...


class TextHeaders:
    async def authenticate(self, headers: str) -> User: ...


class AllHeaders:
    async def authenticate(self, headers: RawHeaders) -> User: ...


class WrongHeaderNames:
    async def authenticate(self, headers: Underscored) -> User: ...


class WrongHeaderTypes:
    async def authenticate(self, headers: Unconvertible) -> User: ...


class Unresolvable:
    async def authenticate(self, headers: "Later") -> "User": ...


class Generator:
    def authenticate(self, headers: Bearer) -> Iterator[User]:
        yield User("ada")


class AsyncGenerator:
    async def authenticate(self, headers: Bearer) -> AsyncIterator[User]:
        yield User("ada")


class Nothing:
    async def authenticate(self, headers: Bearer) -> None: ...


class Whether:
    async def authenticate(self, headers: Bearer) -> bool: ...


class Names:
    async def authenticate(self, headers: Bearer) -> str | User: ...


class Anything:
    async def authenticate(self, headers: Bearer) -> Any: ...


class Bases:
    async def authenticate(self, headers: Bearer) -> Struct: ...


class Dicts:
    async def authenticate(self, headers: Bearer) -> dict[str, str] | None: ...


class Several:
    async def authenticate(self, headers: Bearer) -> list[User]: ...


class Named(Protocol):
    name: str


class OfAProtocol:
    async def authenticate(self, headers: Bearer) -> Named: ...


class OpenGeneric[U]:
    async def authenticate(self, headers: Bearer) -> U: ...


class BadChallenge:
    challenge = "Bearer\r\nset-cookie: a=b"

    async def authenticate(self, headers: Bearer) -> User: ...


class NoChallenge:
    challenge = ""

    async def authenticate(self, headers: Bearer) -> User: ...


class BadScheme:
    security_scheme = "bearer"

    async def authenticate(self, headers: Bearer) -> User: ...


AUTHENTICATORS = [
    *(NoAnnotations, NoReturn, NoHeaders, TwoArguments, AnyNumber, OptionalHeaders, TextHeaders, AllHeaders),
    *(WrongHeaderNames, WrongHeaderTypes, Unresolvable, Generator, AsyncGenerator, Nothing, Whether, Names, Anything),
    *(Bases, Dicts, Several, OfAProtocol, OpenGeneric, BadChallenge, NoChallenge, BadScheme),
]


class Spot(Endpoint, path="/"):
    async def get(self, user: User) -> str: ...


class App(BaseApp):
    sources = {**BaseApp.sources, "user": UserSource()}
    guards = AuthGuards()

    async def _wire(self) -> None:
        for number, authenticator in enumerate(AUTHENTICATORS):
            self._include_endpoint(type("Spot", (Spot,), {}, path=f"/{number}")(), auth=authenticator())
