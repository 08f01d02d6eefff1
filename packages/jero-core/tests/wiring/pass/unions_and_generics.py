"""Unions of tagged Structs and generic Structs, as bodies and as replies, nested and recursive."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from enum import Enum
from typing import Any, Literal, NamedTuple, NotRequired, TypedDict
from uuid import UUID

import msgspec
from msgspec import UNSET, Struct, UnsetType

from jero_core import BaseApp, Endpoint, JSONResponse

ANSWERS = {"GET /pets": '[{"type":"Cat","lives":9}]', "GET /pages": '{"items":[{"type":"Cat","lives":9}],"next":null}'}


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    age: int = 3


class Page[T](Struct):
    items: list[T]
    next: "Page[T] | None" = None


class Pair[A, B = int](Struct):
    first: A
    second: B | None = None


class Tree(Struct):
    name: str
    children: "list[Tree]" = []
    parent: "Tree | None" = None


class Size(Enum):
    S = "s"
    M = "m"


class Point(NamedTuple):
    x: int
    y: int


class Labels(TypedDict):
    a: str
    b: NotRequired[int]


@dataclass
class Box:
    size: Size
    labels: dict[str, Labels]


class Everything(Struct):
    box: Box
    points: tuple[Point, ...]
    raw: msgspec.Raw
    anything: Any
    more: object
    choice: Literal["a", 1]
    when: datetime | None
    price: Decimal
    id: UUID
    sequence: Sequence[Mapping[str, frozenset[int]]]
    number: int | str | None
    bare: list
    unset: int | UnsetType = UNSET


class Pets(Endpoint, path="/pets"):
    async def get(self) -> list[Cat | Dog]:
        return [Cat(9)]

    async def post(self, json: Cat | Dog) -> Cat | Dog:
        return json

    async def put(self, json: list[Cat | Dog]) -> JSONResponse[list[Cat | Dog]]:
        return JSONResponse(json=json)


class Pages(Endpoint, path="/pages"):
    async def get(self) -> Page[Cat | Dog]:
        return Page([Cat(9)])

    async def post(self, json: Page[Page[Tree]]) -> list[Page[Tree]]:
        return json.items

    async def put(self, json: Pair[Cat]) -> Pair[Tree, str]:
        return Pair(Tree("a"), "b")

    async def patch(self, json: Everything) -> Everything:
        return json


class Generic(Endpoint, path="/generic"):
    async def get(self, params: Pair[str, bool], headers: Pair[int]) -> None:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Pets())
        self._include_endpoint(Pages())
        self._include_endpoint(Generic())
