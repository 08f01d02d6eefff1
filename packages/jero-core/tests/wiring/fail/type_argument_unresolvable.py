"""The type argument of a base class is a string that names nothing."""

from jero_core import BaseApp, Resource


class Store[T](Resource):
    async def read_many(self) -> list[T]:
        return []


class Widgets(Store["Widget"], path="/widgets"): ...


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Widgets())
