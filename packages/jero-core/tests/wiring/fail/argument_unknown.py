"""Arguments that no source binds."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint, RawHeaders


class Query(Struct):
    q: str = ""


class Search(Endpoint, path="/search"):
    async def get(self, query: Query, limit: int = 20) -> str:
        return ""

    async def post(self, form: Query, user: Query) -> str:
        return ""

    async def put(self, request: object, header: RawHeaders) -> str:
        return ""


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Search())
