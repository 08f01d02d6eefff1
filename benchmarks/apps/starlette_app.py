"""Starlette, with msgspec for what Starlette leaves to its user: validation and JSON."""

from typing import Any

import msgspec
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from apps.models import (
    MAX_BODY_SIZE,
    REQUEST_ID,
    TOKENS,
    ItemRef,
    ItemsQuery,
    NewItem,
    User,
    build_created,
    build_item,
    build_owned,
    build_page,
)

encode = msgspec.json.Encoder().encode
decode_new_item = msgspec.json.Decoder(NewItem).decode


class MsgspecResponse(Response):
    """JSON by msgspec."""

    media_type = "application/json"

    def render(self, content: Any) -> bytes:
        """Encode with the encoder that is bound once."""
        return encode(content)


async def get_item(request: Request) -> Response:
    """GET /item."""
    return MsgspecResponse(build_item(), headers={"x-request-id": REQUEST_ID})


async def get_item_by_id(request: Request) -> Response:
    """GET /items/{item_id}."""
    return MsgspecResponse(ItemRef(item_id=request.path_params["item_id"], name="Espresso machine"))


async def get_items(request: Request) -> Response:
    """GET /items."""
    try:
        query = msgspec.convert(dict(request.query_params), ItemsQuery, strict=False)
    except msgspec.ValidationError as exc:
        raise HTTPException(400, str(exc)) from exc
    return MsgspecResponse(build_page(query.page, query.size, query.q))


async def read_new_item(request: Request) -> NewItem:
    """Read and validate the body."""
    content_type = request.headers.get("content-type", "")
    if content_type != "application/json":
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise HTTPException(415)
    try:
        return decode_new_item(await request.body())
    except msgspec.ValidationError as exc:
        raise HTTPException(422, str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise HTTPException(400, str(exc)) from exc


def authenticate(request: Request) -> User:
    """Admit whoever brings a token."""
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    user = TOKENS.get(token) if scheme.lower() == "bearer" else None
    if user is None:
        raise HTTPException(401, headers={"www-authenticate": 'Bearer realm="restricted"'})
    return user


async def create_item(request: Request) -> Response:
    """POST /items."""
    new = await read_new_item(request)
    return MsgspecResponse(build_created(new), status_code=201)


async def create_my_item(request: Request) -> Response:
    """POST /my/items."""
    # Not AuthenticationMiddleware: it would run for all routes.
    user = authenticate(request)
    return MsgspecResponse(build_owned(await read_new_item(request), user), status_code=201)


app = Starlette(
    routes=[
        Route("/item", get_item),
        Route("/items/{item_id:int}", get_item_by_id),
        Route("/items", get_items),
        # The limit stands at the one route that reads a body, so that the others do not pay for it.
        Route("/items", create_item, methods=["POST"], max_body_size=MAX_BODY_SIZE),
        Route("/my/items", create_my_item, methods=["POST"], max_body_size=MAX_BODY_SIZE),
    ]
)
