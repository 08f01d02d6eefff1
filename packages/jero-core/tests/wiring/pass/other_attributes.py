"""Attributes that are none of jero's business: other names, instance state, `__getattr__`, slots, a factory."""

from jero_core import BaseApp, BaseFactory, Endpoint, Resource

ANSWERS = {"GET /health": "ok", "GET /widgets": "Widgets"}


class Health(Endpoint, path="/health"):
    __slots__ = ("state",)
    read_one = "an operation of resources, not of endpoints"
    timeout: int = 3

    def __init__(self, state):
        self.state = state

    @property
    def broken(self):
        raise RuntimeError("nobody reads this at startup")

    async def get(self) -> str:
        return self.state


class Widgets(Resource, path="/widgets"):
    def __init__(self):
        self.delete = "an instance attribute is no operation"

    def __getattr__(self, name):
        raise KeyError(name)

    async def read_many(self) -> str:
        return type(self).__name__

    async def get(self, db: object, *args: int):
        """No operation of a resource."""


class Factory(BaseFactory):
    def health(self) -> Health:
        return Health("ok")


class Base[FactoryT](BaseApp[FactoryT]):
    async def _wire(self) -> None:
        self._include_resource(Widgets())


class App(Base[Factory]):
    max_body_size = 64

    async def _wire(self) -> None:
        await super()._wire()
        self._include_endpoint(self._factory.health())
