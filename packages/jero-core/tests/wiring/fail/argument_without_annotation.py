"""Arguments without a contract."""

from jero_core import BaseApp, Endpoint, Resource


class Search(Endpoint, path="/search"):
    async def post(self, params, *, json) -> str:
        return ""


class Widgets(Resource, path="/shops/{shop_id}/widgets"):
    async def read_one(self, path) -> str:
        return ""


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Search())
        self._include_resource(Widgets())
