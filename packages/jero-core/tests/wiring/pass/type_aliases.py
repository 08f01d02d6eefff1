"""PEP 695 aliases, plain, generic, nested, in annotations and in fields; an alias may look ahead."""

from typing import Annotated, NewType

from msgspec import Meta, Struct

from jero_core import BaseApp, Endpoint, JSONResponse, RawHeaders, Resource

ANSWERS = {"GET /pets/7?tags=a&tags=b": '{"type":"Cat","id":7,"tags":["a","b"]}', "GET /nothing": ""}

type Pet = Cat | Dog
type Animal = Pet | Bird
type Pets = list[Pet]
type Many[T] = list[T]
type Answer[T] = JSONResponse[T, Head]
type Positive = Annotated[int, Meta(ge=1)]
type Tags = list[Tag]
type Tag = Annotated[str, Meta(max_length=8)]
type Body = bytes
type Nothing = None
type Found = PetPath
type Everything = RawHeaders
Number = NewType("Number", int)


class PetPath(Struct):
    pet_id: Positive


class Query(Struct):
    tags: Tags = []
    number: Number | None = None


class Head(Struct):
    x_number: Number = Number(0)


class Cat(Struct, tag=True):
    id: Positive
    tags: Tags = []


class Dog(Struct, tag=True):
    id: Positive


class Bird(Struct, tag=True):
    id: Positive


class PetResource(Resource, path="/pets"):
    async def create(self, json: Pet) -> Pet:
        return json

    async def read_one(self, path: Found, params: Query) -> Pet:
        return Cat(path.pet_id, params.tags)

    async def update(self, path: Found, json: Pets) -> Many[Cat]:
        return []

    async def partial_update(self, path: Found, json: Many[Dog]) -> Answer[Pet]:
        return JSONResponse(json=json[0], headers=Head())


class NothingEndpoint(Endpoint, path="/nothing"):
    async def get(self, raw_headers: Everything) -> Nothing:
        return None

    async def post(self, content: Body) -> Body:
        return content

    async def put(self, json: Animal) -> Animal:
        return json


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(PetResource())
        self._include_endpoint(NothingEndpoint())
