"""Dataclasses and the like inside a body, with annotations that stand for no type."""

from dataclasses import dataclass
from typing import TypedDict

from msgspec import Struct

from jero_core import BaseApp, Endpoint

type Nested = list[Nested] | int


@dataclass
class Lost:
    owner: "Missing"


class Endless(TypedDict):
    nodes: Nested


class Order(Struct):
    lost: Lost


class Graph(Struct):
    endless: list[Endless]


class Orders(Endpoint, path="/orders"):
    async def post(self, json: Order) -> str:
        return ""

    async def put(self, json: Graph) -> Order:
        return json


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Orders())
