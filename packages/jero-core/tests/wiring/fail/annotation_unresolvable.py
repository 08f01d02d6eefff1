"""Annotations that stand for no type."""

from typing import Optional, TypeVar

from msgspec import Struct

from jero_core import BaseApp, Endpoint, JSONResponse, Resource

T = TypeVar("T")


class Page[T](Struct):
    items: list[T]


class Lost(Struct):
    owner: "Missing"


type Misspelt = Wigdet
type Endless = Endless
type Nested = list[Nested] | int
type Many[X] = list[X]


class Tree(Struct):
    nodes: Nested


class Arguments(Endpoint, path="/arguments"):
    async def post(self, json: "Missing") -> str:
        return ""

    async def put(self, json: "list[Missing]", params: "Struct.missing", headers: "1 +") -> str:
        return ""

    async def patch(self, json: list["Missing"], params: Optional["Missing"]) -> str:
        return ""


class Returns(Endpoint, path="/returns"):
    async def get(self) -> "Missing":
        return ""

    async def post(self) -> JSONResponse["Missing"]:
        return ""


class Slots(Resource, path="/shops/{shop_id}/widgets"):
    async def read_one(self, path: "Missing") -> str:
        return ""

    async def update(self, path: Lost, params: int) -> set:
        return set()


class Aliases(Endpoint, path="/aliases"):
    async def post(self, json: Misspelt, params: Endless) -> Nested:
        return []

    async def put(self, json: Tree) -> Many:
        return []


class Variables(Endpoint, path="/variables"):
    async def get[X](self, params: X) -> T:
        return params

    async def post(self, json: Page[T]) -> list[Page[T]]:
        return []


class Fields(Endpoint, path="/fields"):
    async def post(self, json: Lost, params: Lost, headers: Lost) -> JSONResponse[Page[Lost], Lost]:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        for endpoint in (Arguments, Returns, Aliases, Variables, Fields):
            self._include_endpoint(endpoint())
        self._include_resource(Slots())
