"""A guard that admits anonymous callers, before a handler that cannot tell them from others."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint
from jero_core.extend import Binding, Fragment, Guard, GuardContext, Operation, Parameter, Reads


class Guest(Struct):
    name: str


class Guests:
    def plan(self, auth: object, context: GuardContext, /) -> Guard:
        return Guard("Guests", Fragment.of("$target = None"), yields=Guest | None, anonymous=True)


class GuestSource:
    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        return Binding(reads=Reads.GUARD, extract=Fragment.of("$target = $admitted"))


class Shop(Endpoint, path="/shop"):
    async def get(self, guest: Guest | None) -> str:
        return "welcome"

    async def post(self) -> str:
        return "sold"


class App(BaseApp):
    sources = {**BaseApp.sources, "guest": GuestSource()}
    guards = Guests()

    async def _wire(self) -> None:
        self._include_endpoint(Shop(), auth="everybody")
