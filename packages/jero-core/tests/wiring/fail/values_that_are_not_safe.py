"""Types that a client could make fail, or grow, at will."""

import collections.abc
import dataclasses
import enum
from decimal import Decimal
from typing import Any, Literal, NamedTuple

from msgspec import Struct

from jero_core import BaseApp, Endpoint


class Rights(enum.IntFlag):
    READ = 1
    WRITE = 2


Many = enum.Flag("Many", [f"F{number}" for number in range(11)])


class Few(enum.Flag):
    A = 1
    B = 2


class Point(Struct):
    x: int


class Frozen(Struct, frozen=True):
    x: int
    names: list[str]


class Spot(Struct, frozen=True):
    x: int
    around: "tuple[Spot, ...] | None" = None


class Identity(Struct, eq=False):
    names: list[str]


class Own(Struct, frozen=True):
    x: int
    names: list[str]

    def __hash__(self) -> int:
        return hash(self.x)


@dataclasses.dataclass(frozen=True)
class FrozenData:
    x: int
    names: list[str] = dataclasses.field(hash=False)


@dataclasses.dataclass
class Data:
    x: int


class Pair(NamedTuple):
    x: int
    y: Any


class Safe(Struct):
    ints: set[int]
    texts: frozenset[str | None]
    decimals: set[Decimal | Few]
    tuples: set[tuple[int, ...]]
    spots: frozenset[Spot]
    identities: set[Identity]
    own: set[Own]
    data: set[FrozenData]
    kinds: set[Literal["a", 1]]
    flags: Few
    none: set[frozenset[int]] | None = None
    self: "Safe | None" = None


class Body1(Struct):
    rights: list[Rights]


class Body2(Struct):
    many: dict[str, Many]


class Body3(Struct):
    points: set[Point] | None


class Body4(Struct):
    frozen: frozenset[Frozen]


class Body5(Struct):
    data: set[tuple[Data, ...]]


class Body6(Struct):
    pairs: collections.abc.Set[Pair]


class Body7(Struct):
    anything: set


class Body8(Struct):
    sequences: set[collections.abc.Sequence[int]]


class Body9(Struct):
    tuples: set[tuple]


class Query(Struct):
    rights: Rights


class Ones(Endpoint, path="/1"):
    async def get(self, params: Query) -> None: ...
    async def post(self, json: Body1) -> None: ...
    async def put(self, json: Body2) -> None: ...
    async def patch(self, json: Body3) -> None: ...


class Twos(Endpoint, path="/2"):
    async def post(self, json: Body4) -> None: ...
    async def put(self, json: Body5) -> None: ...
    async def patch(self, json: Body6) -> None: ...


class Threes(Endpoint, path="/3"):
    async def post(self, json: Body7) -> None: ...
    async def put(self, json: Body8) -> None: ...
    async def patch(self, json: Body9) -> None: ...


class Fours(Endpoint, path="/4"):
    async def post(self, json: Safe) -> Body1: ...


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Ones())
        self._include_endpoint(Twos())
        self._include_endpoint(Threes())
        self._include_endpoint(Fours())
