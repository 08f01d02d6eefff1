"""Mixins, handlers of base classes, and one handler class at several paths."""

from abc import ABC, abstractmethod

from msgspec import Struct

from jero_core import BaseApp, Endpoint, Resource

ANSWERS = {
    "GET /cats": "cats",
    "GET /cats/7": "7",
    "GET /dogs": "dogs",
    "GET /shops/3/dogs": "dogs",
    "GET /shops/3/dogs/7": "7",
    "GET /slow": "inherited",
    "GET /fast": "inherited",
}


class ItemPath(Struct):
    item_id: str


class ShopPath(Struct):
    shop_id: str


class ShopItemPath(ShopPath):
    item_id: str


class Readable(ABC):
    async def read_one(self, path: ItemPath) -> str:
        return path.item_id

    @abstractmethod
    def name(self) -> str: ...


class Pets(Readable, Resource):
    """No path here: it is never included itself."""

    async def read_many(self) -> str:
        return self.name()


class Cats(Pets, path="/cats"):
    def name(self) -> str:
        return "cats"


class Dogs(Pets, path="/dogs"):
    def name(self) -> str:
        return "dogs"


class ShopDogs(Dogs, path="/shops/{shop_id}/dogs"):
    async def read_many(self, path: ShopPath) -> str:
        return self.name()

    async def read_one(self, path: ShopItemPath) -> str:
        return path.item_id


class Slow(Endpoint, path="/slow", max_body_size=10):
    async def get(self) -> str:
        return "inherited"


class Fast(Slow, path="/fast"):
    pass


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Cats())
        self._include_resource(Dogs())
        self._include_resource(ShopDogs())
        self._include_endpoint(Slow())
        self._include_endpoint(Fast())
