"""A guard of an app's own that yields no user, before a handler that takes one."""

from msgspec import Struct

from jero_auth import UserSource
from jero_core import BaseApp, Endpoint, HTTPError
from jero_core.extend import Fragment, Guard, GuardContext


class User(Struct):
    name: str


class Closed:
    def plan(self, auth: object, context: GuardContext, /) -> Guard:
        return Guard("Closed", Fragment.of("raise $HTTPError(403)", HTTPError=HTTPError), problems=(403,))


class Spot(Endpoint, path="/spot"):
    async def get(self, user: User) -> str: ...

    async def post(self) -> str: ...


class App(BaseApp):
    sources = {**BaseApp.sources, "user": UserSource()}
    guards = Closed()
    default_auth = "closed"

    async def _wire(self) -> None:
        self._include_endpoint(Spot())
