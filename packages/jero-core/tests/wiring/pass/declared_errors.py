"""Error classes that look wrong and are legal."""

from typing import ClassVar

from msgspec import Struct

from jero_core import BaseApp, Endpoint, HTTPError, OperationMeta


class Widget(Struct):
    name: str


class Made(HTTPError):
    widget: str

    def __init__(self, widget: str) -> None:
        super().__init__(404, f"no widget {widget}")
        self.widget = widget


class Plain(HTTPError): ...


class Base(HTTPError, status=409, type="/problems/base"):
    counter: ClassVar[int] = 0
    later: "Widget"


class Derived(Base, title="Derived"):
    more: list[int] = []


class Widgets(
    Endpoint, path="/widgets", meta=OperationMeta(errors=(Made, Plain)), meta_get=OperationMeta(errors=(Derived,))
):
    async def get(self) -> Widget:
        raise Derived(later=Widget("x"))


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Widgets())


ANSWERS = {
    "GET /widgets": '{"type":"/problems/base","title":"Derived","status":409,"later":{"name":"x"},"more":[]}',
}
