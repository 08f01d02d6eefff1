"""Operation names that are bound to something else than a method."""

import functools

from msgspec import Struct

from jero_core import BaseApp, Endpoint


class Query(Struct):
    q: str = ""


class Value(Endpoint, path="/value"):
    get = 3
    post = None
    put = Query
    patch = print
    delete = "DELETE"


class Lazy:
    def __get__(self, instance, owner):
        raise RuntimeError("not before the cache is open")


class Computed(Endpoint, path="/computed"):
    @property
    def get(self):
        raise RuntimeError("not before the database is open")

    @functools.cached_property
    def post(self):
        return self.missing

    @property
    def put(self):
        return 3

    patch = Lazy()


class Handler:
    async def __call__(self, params: Query) -> str:
        return ""


class Objects(Endpoint, path="/objects"):
    async def search(self, params: Query, headers: Query) -> str:
        return ""

    get = Handler()
    post = functools.partialmethod(search, headers=Query())


class Selfless(Endpoint, path="/selfless"):
    async def get() -> str:
        return ""

    async def post(params: Query) -> str:
        return ""


Made = type("Made", (Endpoint,), {"get": 3}, path="/made")


class App(BaseApp):
    async def _wire(self) -> None:
        for endpoint in (Value, Computed, Objects, Selfless, Made):
            self._include_endpoint(endpoint())
