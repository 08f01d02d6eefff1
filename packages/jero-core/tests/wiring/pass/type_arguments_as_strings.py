"""The type argument of a base class may be a string, when the type comes later in the module; or an alias of one."""

from msgspec import Struct

from jero_core import BaseApp, BaseFactory, Resource

ANSWERS = {"GET /widgets": '[{"id":7}]'}


class Store[T](Resource):
    def __init__(self, items: list[T]) -> None:
        self.items = items

    async def read_many(self) -> list[T]:
        return self.items

    async def create(self, json: "T") -> T:
        return json


class Widgets(Store["Widget"], path="/widgets"): ...


class Base[FactoryT, T](BaseApp[FactoryT]): ...


class App(Base["Found", "Widget"]):
    async def _wire(self) -> None:
        self._include_resource(Widgets(self._factory.widgets()))


class Factory[T](BaseFactory):
    def widgets(self) -> "list[Widget]":
        return [Widget(7)]


type Found = Factory[int]


class Widget(Struct):
    id: int
