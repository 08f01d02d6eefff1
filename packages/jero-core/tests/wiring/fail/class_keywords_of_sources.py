"""Class keywords that a source understands, with wrong values; and sources whose keywords are faulty."""

from jero_core import BaseApp, Endpoint
from jero_core.extend import Binding, Fragment, Reads, Refusal


def check_retries(value: object) -> None:
    if value not in (1, 2, 3):
        raise Refusal(code="JERO-W003", reason=f"retries={value!r} is no 1, 2 or 3.", remedy="`retries=2`.")


def check_broken(value: object) -> None:
    raise KeyError(value)


class Retries:
    class_keywords = {"retries": check_retries, "broken": check_broken}

    def bind(self, parameter, operation, /):
        return Binding(reads=Reads.HEAD, extract=Fragment.of("$target = $n", n=operation.keywords.get("retries", 1)))


class Faulty(Retries):
    class_keywords = 3


class Wrong(Endpoint, path="/wrong", retries=4, retry=1):
    async def get(self, retries: int) -> str:
        return ""


class Right(Endpoint, path="/right", retries=2):
    async def get(self, retries: int) -> str:
        return ""


class Broken(Endpoint, path="/broken", broken=2):
    async def get(self, retries: int) -> str:
        return ""


class App(BaseApp):
    sources = {**BaseApp.sources, "retries": Retries(), "faulty": Faulty()}

    async def _wire(self) -> None:
        self._include_endpoint(Wrong())
        self._include_endpoint(Right())
        self._include_endpoint(Broken())
