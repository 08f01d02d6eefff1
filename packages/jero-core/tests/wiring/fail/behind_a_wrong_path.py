from msgspec import Struct

from jero_core import BaseApp, Resource


class ItemPath(Struct):
    item_id: int
    shelf: str


class Items(Resource, path="/items/"):
    async def read_one(self, path: ItemPath, query: ItemPath) -> dict:
        return {}

    async def read_many(self, path: ItemPath) -> ItemPath:
        return path


class App(BaseApp):
    async def _wire(self):
        self._include_resource(Items())
