"""Return types that jero has no reply for."""

from collections.abc import AsyncIterator, Awaitable, Coroutine, Iterator, Mapping, Sequence
from enum import Enum
from typing import Any, Literal, Never, TypedDict

from msgspec import Struct

from jero_core import BaseApp, BytesResponse, Endpoint, HTTPError, JSONResponse


class Widget(Struct):
    name: str


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    age: int


class Money:
    """A class that msgspec does not know."""


class Page[T](Struct):
    items: list[T]


class Priced(Struct):
    price: Money


class Labels(TypedDict):
    a: str


class Size(Enum):
    S = "s"


def endpoint(number, annotation):
    class Answer(Endpoint, path=f"/{number}"):
        async def get(self) -> annotation:
            return None

    return Answer()


TYPES = [
    *(int, bool, dict, list, object, Any, Never, Money, Struct, Size, Labels, bytearray),
    *(dict[str, int], Mapping[str, int], list[int], list[str], list[list[Widget]], Sequence[Widget], Literal["a"]),
    *(Widget | None, str | None, Cat | Dog | None, Widget | str, Widget | Page[Widget], Cat | Widget),
    *(Priced, list[Priced], Page[Money]),
    *(Awaitable[Widget], Coroutine[Any, Any, Widget], AsyncIterator[bytes], Iterator[bytes], HTTPError),
    *(JSONResponse, JSONResponse[dict], JSONResponse[int], JSONResponse[None], JSONResponse[Widget | None]),
    *(JSONResponse[Priced], JSONResponse[JSONResponse[Widget]], list[JSONResponse[Widget]]),
    *(JSONResponse[Widget] | None, JSONResponse[Widget] | Widget, BytesResponse | bytes),
    *(3, ..., [Widget], Widget(name="")),
]


class App(BaseApp):
    async def _wire(self) -> None:
        for number, annotation in enumerate(TYPES):
            self._include_endpoint(endpoint(number, annotation))
