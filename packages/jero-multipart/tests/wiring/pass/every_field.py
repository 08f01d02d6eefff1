"""Every kind of field, in every spelling."""

import datetime
import enum
import uuid
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from msgspec import UNSET, Meta, Struct, UnsetType

from jero_core import BaseApp, Endpoint
from jero_multipart import FilePart, FormPart, FormSource, SpooledFilePart


class Colour(enum.Enum):
    RED = "red"


class Page[T](Struct):
    items: list[T]


class Cat(Struct, tag=True):
    lives: int


class Dog(Struct, tag=True):
    name: str


class Head(Struct):
    x_note: str = ""
    content_length: int | None = None


type Tags = Annotated[list[str], Meta(max_length=3)]


class Form(Struct, rename="camel", kw_only=True):
    text: str
    number: Annotated[int, Meta(ge=0)]
    weight: float = 1.0
    flag: bool | None
    colour: Colour = Colour.RED
    kind: Literal["a", "b"]
    id: uuid.UUID | None = None
    at: datetime.datetime | None = None
    price: Decimal = Decimal(1)
    either: int | str
    unset: int | UnsetType = UNSET
    raw: bytes
    short: Annotated[bytes, Meta(max_length=3)] | None = None
    page: Page[int] | None = None
    pet: Cat | Dog
    pets: list[Cat | Dog] = []
    tags: Tags
    numbers: set[int] = set()
    frozen: frozenset[int] | None
    row: tuple[int, ...] = ()
    part: FormPart[int]
    json_part: FormPart[Cat, Head] | None = None
    parts: list[FormPart[bytes]] = []
    file: FilePart
    files: list[FilePart[Head]] = msgspec.field(default_factory=list)
    spooled: SpooledFilePart[Head] | None = None
    all_spooled: list[SpooledFilePart]


class Described(Struct):
    file: Annotated[FilePart, Meta(description="constrains nothing")]
    part: FormPart[Annotated[str, Meta(max_length=3)]]
    data: Annotated[bytes, Meta(max_length=3)] | UnsetType = UNSET
    files: Annotated[list[SpooledFilePart], Meta(max_length=3)] = []


class Upload(Endpoint, path="/upload", max_parts=3, max_part_size=100, max_part_headers=2, max_part_header_size=50):
    async def put(self, form: Described) -> None: ...

    async def post(self, form: Form) -> None: ...

    async def get(self) -> str:
        return "up"


class App(BaseApp):
    sources = {**BaseApp.sources, "form": FormSource()}

    async def _wire(self) -> None:
        self._include_endpoint(Upload())
