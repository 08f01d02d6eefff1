"""BlackSheep, with typed binding and msgspec as its JSON library."""

from typing import Any

import msgspec
from blacksheep import Application, Content, FromJSON, Request, Response, Router
from blacksheep.exceptions import HTTPException, Unauthorized
from blacksheep.server.bindings import Binder, BoundValue, JSONBinder
from blacksheep.server.bindings.converters import TypeConverter, class_converters
from blacksheep.settings.json import json_settings

from apps.models import (
    MAX_BODY_SIZE,
    REQUEST_ID,
    TOKENS,
    ItemRef,
    NewItem,
    User,
    build_created,
    build_item,
    build_owned,
    build_page,
)

encode = msgspec.json.Encoder().encode


def _dumps(value: Any) -> str:
    return encode(value).decode()


# As BlackSheep's documentation has it for other JSON libraries.
json_settings.use(loads=msgspec.json.decode, dumps=_dumps)


class StructConverter(TypeConverter):
    """Teach the binders msgspec Structs; a msgspec.ValidationError is a ValueError, which they answer with 400."""

    def can_convert(self, expected_type: Any) -> bool:
        """Claim Structs only."""
        return isinstance(expected_type, type) and issubclass(expected_type, msgspec.Struct)

    def convert(self, value: Any, expected_type: Any) -> Any:
        """Validate what the JSON parser gave."""
        return msgspec.convert(value, expected_type)


class_converters.insert(0, StructConverter())


class LimitedJSON[T](FromJSON[T]):
    """A JSON body of limited size: BlackSheep has no setting for that."""


class LimitedJSONBinder(JSONBinder):
    """Binds LimitedJSON."""

    handle = LimitedJSON

    async def read_data(self, request: Request) -> Any:
        """Refuse a body that is announced as too large before reading it, and any that turns out so."""
        length = request.headers.get_first(b"content-length")
        if length is not None:
            if int(length) > MAX_BODY_SIZE:
                raise HTTPException(413)
        elif len(await request.read() or b"") > MAX_BODY_SIZE:
            raise HTTPException(413)
        return await request.json()


router = Router()
app = Application(router=router)


def _json(status: int, value: Any, headers: list[tuple[bytes, bytes]] | None = None) -> Response:
    return Response(status, headers, Content(b"application/json", encode(value)))


@router.get("/item")
async def get_item() -> Response:
    """GET /item."""
    return _json(200, build_item(), [(b"x-request-id", REQUEST_ID.encode())])


@router.get("/items/{int:item_id}")
async def get_item_by_id(item_id: int) -> Response:
    """GET /items/{item_id}."""
    return _json(200, ItemRef(item_id=item_id, name="Espresso machine"))


@router.get("/items")
async def get_items(page: int = 1, size: int = 10, q: str = "") -> Response:
    """GET /items."""
    return _json(200, build_page(page, size, q))


@router.post("/items")
async def create_item(data: LimitedJSON[NewItem]) -> Response:
    """POST /items."""
    return _json(201, build_created(data.value))


def authenticate(request: Request) -> User:
    """Admit whoever brings a token. (BlackSheep's authentication strategy would run for all routes.)"""
    header = request.headers.get_first(b"authorization") or b""
    scheme, _, token = header.decode("latin-1").partition(" ")
    user = TOKENS.get(token) if scheme.lower() == "bearer" else None
    if user is None:
        raise Unauthorized
    return user


class AuthenticatedUser(BoundValue[User]):
    """The user of a route that asks for one."""


class AuthenticatedUserBinder(Binder):
    """Binds AuthenticatedUser, before the body: BlackSheep binds in the order of the signature."""

    handle = AuthenticatedUser

    async def get_value(self, request: Request) -> User:
        """Find the user."""
        return authenticate(request)


@router.post("/my/items")
async def create_my_item(user: AuthenticatedUser, data: LimitedJSON[NewItem]) -> Response:
    """POST /my/items."""
    return _json(201, build_owned(data.value, user.value))
