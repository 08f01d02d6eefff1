"""`NewType` stands for its own type wherever one may stand: of a body, an answer, bytes, text, a header."""

from typing import NewType

from msgspec import Struct

from jero_core import BaseApp, BytesResponse, Endpoint, JSONResponse, Resource

ANSWERS = {"GET /users/7": '{"id":7}', "GET /users": '[{"id":1}]', "GET /texts": "text", "DELETE /texts": "bytes"}


class User(Struct):
    id: int


class Head[T](Struct):
    x_head: T


Admin = NewType("Admin", User)
Owner = NewType("Owner", Admin)
Users = NewType("Users", list[User])
Text = NewType("Text", str)
Bytes = NewType("Bytes", bytes)
AdminPath = NewType("AdminPath", User)
type Alias = Admin


class UserResource(Resource, path="/users"):
    async def create(self, json: Admin) -> JSONResponse[Owner]:
        return JSONResponse(json=Owner(json))

    async def read_many(self) -> Users:
        return Users([User(1)])

    async def read_one(self, path: AdminPath) -> Admin:
        return Admin(path)

    async def update(self, path: AdminPath, json: Users) -> list[Admin]:
        return [Admin(path)]

    async def partial_update(self, path: AdminPath, json: Alias) -> JSONResponse[Alias, Head[Text]]:
        return JSONResponse(json=json, headers=Head(Text("t")))


class Texts(Endpoint, path="/texts"):
    async def get(self) -> Text:
        return Text("text")

    async def post(self, content: Bytes) -> BytesResponse[Head[int]]:
        return BytesResponse(content=content, headers=Head(1))

    async def delete(self) -> Bytes:
        return Bytes(b"bytes")


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(UserResource())
        self._include_endpoint(Texts())
