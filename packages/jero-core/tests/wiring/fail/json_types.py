"""Types that a JSON body cannot be."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from enum import Enum
from typing import Annotated, Any, Literal, NamedTuple, TypedDict

from msgspec import Meta, Struct

from jero_core import BaseApp, Endpoint, JSONResponse


class Widget(Struct):
    name: str


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    age: int


class Money:
    """A class that msgspec does not know."""


class Text(str):
    """Nor this one."""

    __slots__ = ()


class Page[T](Struct):
    items: list[T]


class Order(Struct):
    lines: dict[str, list[Money]]


class Basket(Struct):
    orders: tuple[Order, ...]


class Label(NamedTuple):
    text: Text


class Labels(TypedDict):
    label: Label


@dataclass
class Box:
    labels: Labels


class Shelf(Struct):
    box: Box


class Pet(Struct):
    pet: Widget | Order


class Named(Struct):
    name: Annotated[str, Meta(ge=1)]


class Empty(Enum):
    """An Enum without members."""


class Choice(Struct):
    choice: Empty


class Found(Struct):
    match: re.Match | None
    then: Callable[[], int]


def endpoint(number, annotation):
    class Body(Endpoint, path=f"/{number}"):
        async def post(self, json: annotation) -> None:
            return None

    return Body()


TYPES = [
    *(int, str, bytes, dict, list, None, object, Any, Money, Struct),
    *(dict[str, int], list[int], list[list[Widget]], Sequence[Widget], tuple[Widget, ...], Literal["a"], type[Widget]),
    *(Widget | None, Cat | Dog | None, Widget | int, Widget | Page[Widget], Cat | Widget),
    *(Basket, Page[Money], Page[Basket], Shelf, Pet, Named, Choice, Found, Page[[int]]),
    *(JSONResponse[Widget], Page[JSONResponse[Widget]]),
    *(3, ..., [Widget], Widget(name="")),
]


class App(BaseApp):
    async def _wire(self) -> None:
        for number, annotation in enumerate(TYPES):
            self._include_endpoint(endpoint(number, annotation))
