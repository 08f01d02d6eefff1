"""Templates at the edge: the root, slots alone, text that needs escapes, shared prefixes."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint, Resource

ANSWERS = {
    "GET /": "root",
    "GET /7": "7",
    "GET /caf%C3%A9/a:b/~x/%22": "text",
    "GET /7/parts/8/9": "7 8 9",
    "GET /7/parts": "7",
}


class IdPath(Struct):
    id: str


class PartPath(Struct):
    id: str
    part_id: str
    version: int


class Root(Resource, path="/"):
    async def read_many(self) -> str:
        return "root"

    async def read_one(self, path: IdPath) -> str:
        return path.id


class Text(Endpoint, path='/café/a:b/~x/"'):
    async def get(self) -> str:
        return "text"


class Parts(Resource, path="/{id}/parts"):
    async def read_many(self, path: IdPath) -> str:
        return path.id

    async def read_one(self, path: PartPath) -> str:
        return f"{path.id} {path.part_id} {path.version}"


class SameSlots(Endpoint, path="/{id}/parts/{part_id}/{version}"):
    async def put(self, path: PartPath) -> None:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Root())
        self._include_endpoint(Text())
        self._include_resource(Parts())
        self._include_endpoint(SameSlots())
