"""Forms of types that only the app's hook makes, and that no set can hold."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint
from jero_multipart import FormSource


class Unhashable:  # noqa: PLW1641  # the point of it
    def __eq__(self, other: object) -> bool: ...


class Fields(Struct):
    no_hash: set[Unhashable]
    also_none: frozenset[Unhashable] = frozenset()
    many: list[Unhashable] = []
    row: tuple[Unhashable, ...] = ()


class Everything(Endpoint, path="/everything"):
    async def post(self, form: Fields) -> None: ...


class App(BaseApp):
    sources = {**BaseApp.sources, "form": FormSource()}

    @staticmethod
    def dec_hook(kind: type, value: object) -> object: ...

    async def _wire(self) -> None:
        self._include_endpoint(Everything())
