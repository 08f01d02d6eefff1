"""Authenticators that look wrong and are legal."""

from functools import partial

from msgspec import Struct, field

from jero_auth import AuthGuards, UserSource
from jero_core import PUBLIC, BaseApp, Endpoint


class User(Struct):
    name: str


class NoHeaders(Struct):
    """Nothing is wanted of the headers."""


class Kebab(Struct, rename="kebab", kw_only=True):
    x_api_key: str = "none"
    class_: str = field(name="class", default="-")


class OfNothing:
    async def authenticate(self, headers: NoHeaders) -> User:
        return User("everybody")


class OfKebab:
    challenge = None
    security_scheme = None

    def authenticate(self, headers: Kebab) -> User:
        return User(headers.x_api_key)


class Slotted:
    __slots__ = ("authenticate",)

    def __init__(self) -> None:
        async def authenticate(anything: Kebab, /) -> User:
            return User(anything.class_)

        self.authenticate = authenticate


class Meta(type):
    def __call__(cls) -> object:
        return super().__call__()


class OfAMetaclass(OfNothing, metaclass=Meta): ...


class Spot(Endpoint, path="/"):
    async def get(self, user: User) -> str:
        return user.name


class Open(Endpoint, path="/open"):
    async def get(self) -> str:
        return ""


make = partial(OfNothing)


class App(BaseApp):
    sources = {**BaseApp.sources, "user": UserSource()}
    guards = AuthGuards()

    async def _wire(self) -> None:
        self.default_auth = make()
        for number, auth in enumerate([None, OfKebab(), Slotted(), OfAMetaclass()]):
            self._include_endpoint(type("Spot", (Spot,), {}, path=f"/{number}")(), auth=auth)
        self._include_endpoint(Open(), auth=PUBLIC)


ANSWERS = {"/0": 200, "/1": 200, "/2": 200, "/3": 200, "/open": 200}
