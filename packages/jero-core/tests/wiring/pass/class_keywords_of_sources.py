"""A class keyword that a source understands reaches its bindings, also through a base class."""

from jero_core import BaseApp, Endpoint
from jero_core.extend import Binding, Fragment, Reads, Refusal


def check_retries(value: object) -> None:
    if value not in (1, 2, 3):
        raise Refusal(code="JERO-W003", reason=f"retries={value!r} is no 1, 2 or 3.", remedy="`retries=2`.")


class Retries:
    class_keywords = {"retries": check_retries}

    def bind(self, parameter, operation, /):
        return Binding(reads=Reads.HEAD, extract=Fragment.of("$target = $n", n=operation.keywords.get("retries", 1)))


class Two(Endpoint, path="/two", retries=2):
    async def get(self, retries: int) -> str:
        return str(retries)


class Inherits(Two, path="/inherits"): ...


class Default(Endpoint, path="/default"):
    async def get(self, retries: int) -> str:
        return str(retries)


class App(BaseApp):
    sources = {**BaseApp.sources, "retries": Retries()}

    async def _wire(self) -> None:
        self._include_endpoint(Two())
        self._include_endpoint(Inherits())
        self._include_endpoint(Default())


ANSWERS = {"GET /two": "2", "GET /inherits": "2", "GET /default": "1"}
