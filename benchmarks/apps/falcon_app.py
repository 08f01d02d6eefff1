"""Falcon's ASGI app, with msgspec where Falcon hands over bytes."""

from typing import Any

import falcon
import falcon.asgi
import msgspec
from falcon.asgi import Request, Response

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
decode_new_item = msgspec.json.Decoder(NewItem).decode


async def read_new_item(req: Request) -> NewItem:
    """Read, limit and validate the body."""
    content_type = req.content_type or ""
    if content_type != "application/json":
        media_type = content_type.partition(";")[0].strip().lower()
        if media_type != "application/json" and not media_type.endswith("+json"):
            raise falcon.HTTPUnsupportedMediaType
    if (req.content_length or 0) > MAX_BODY_SIZE:
        raise falcon.HTTPContentTooLarge
    body = await req.stream.read(MAX_BODY_SIZE + 1)
    if len(body) > MAX_BODY_SIZE:
        raise falcon.HTTPContentTooLarge
    try:
        return decode_new_item(body)
    except msgspec.ValidationError as exc:
        raise falcon.HTTPUnprocessableEntity(description=str(exc)) from exc
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as exc:
        raise falcon.HTTPBadRequest(description=str(exc)) from exc


async def authenticate(req: Request, resp: Response, resource: object, params: dict[str, Any]) -> None:
    """Admit whoever brings a token: a hook of the one route that asks for it."""
    scheme, _, token = (req.auth or "").partition(" ")
    user = TOKENS.get(token) if scheme.lower() == "bearer" else None
    if user is None:
        raise falcon.HTTPUnauthorized(challenges=['Bearer realm="restricted"'])
    params["user"] = user


class ItemResource:
    """GET /item."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Answer with one typed header."""
        resp.set_header("x-request-id", REQUEST_ID)
        resp.data = encode(build_item())


class ItemsResource:
    """GET and POST /items, GET /items/{item_id}."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """List; Falcon answers a bad integer with a 400."""
        page = req.get_param_as_int("page", default=1)
        size = req.get_param_as_int("size", default=10)
        resp.data = encode(build_page(page, size, req.get_param("q", default="")))

    async def on_get_one(self, req: Request, resp: Response, item_id: int) -> None:
        """Read one; the route's converter makes what is no integer a 404."""
        resp.data = encode(ItemRef(item_id=item_id, name="Espresso machine"))

    async def on_post(self, req: Request, resp: Response) -> None:
        """Create."""
        new = await read_new_item(req)
        resp.status = falcon.HTTP_201
        resp.data = encode(build_created(new))


class MyItemsResource:
    """POST /my/items."""

    @falcon.before(authenticate)
    async def on_post(self, req: Request, resp: Response, user: User) -> None:
        """Create."""
        new = await read_new_item(req)
        resp.status = falcon.HTTP_201
        resp.data = encode(build_owned(new, user))


app = falcon.asgi.App()
# Falcon reads `?q=` as absent unless told; the others read it as the empty string.
app.req_options.keep_blank_qs_values = True
_items = ItemsResource()
app.add_route("/item", ItemResource())
app.add_route("/items", _items)
app.add_route("/my/items", MyItemsResource())
app.add_route("/items/{item_id:int}", _items, suffix="one")
