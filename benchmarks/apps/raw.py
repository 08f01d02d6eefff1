"""The floor: what a careful person writes by hand, straight on ASGI, for exactly these five routes.

It is meant to be hard to beat. `app` is a plain function that returns the one coroutine that serves the request,
dispatch is one dict look-up and one prefix, the encoders are bound once, and each route sends its own messages. It is
also meant to do the same work, nothing less: the application's handlers are async functions that are awaited, as behind
every framework (a real one waits for a database), and what jero checks (content type, body size, the query, UTF-8, an
escaped slash in the path, a mount under a root_path) is checked here too; an exception in a handler is a logged 500.
"""

import logging
import re
from collections.abc import Callable, Coroutine
from http import HTTPStatus
from inspect import markcoroutinefunction
from typing import Any
from urllib.parse import unquote_plus, unquote_to_bytes

import msgspec
from msgspec import DecodeError, ValidationError

from apps.models import (
    MAX_BODY_SIZE,
    REQUEST_ID,
    TOKENS,
    CreatedItem,
    Item,
    ItemRef,
    ItemSummary,
    NewItem,
    OwnedItem,
    User,
    build_created,
    build_item,
    build_owned,
    build_page,
)
from asgi import Headers, Message, Receive, Scope, Send

type Response = Coroutine[Any, Any, None]
type Handler = Callable[[Scope, Receive, Send], Response]

logger = logging.getLogger("raw")
encode = msgspec.json.Encoder().encode
decode_new_item = msgspec.json.Decoder(NewItem).decode
decode_anything = msgspec.json.Decoder().decode

JSON = (b"content-type", b"application/json")
PROBLEM = (b"content-type", b"application/problem+json")

# Ready-made for the sizes that occur: 200 ns less than writing the number each time.
CONTENT_LENGTH = [(b"content-length", str(size).encode()) for size in range(4096)]


def problem(status: int, *extra: tuple[bytes, bytes]) -> tuple[int, Headers, bytes]:
    """Build a constant error answer."""
    body = encode({"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status})
    return status, [*extra, PROBLEM, (b"content-length", b"%d" % len(body))], body


BAD_REQUEST = problem(400)
UNAUTHORIZED = problem(401, (b"www-authenticate", b'Bearer realm="restricted"'))
NOT_FOUND = problem(404)
TOO_LARGE = problem(413)
UNSUPPORTED_TYPE = problem(415)
SERVER_ERROR = problem(500)


async def send_constant(send: Send, answer: tuple[int, Headers, bytes]) -> None:
    """Send a constant answer. The list of headers is copied: servers and middleware add to it."""
    status, headers, body = answer
    await send({"type": "http.response.start", "status": status, "headers": headers[:]})
    await send({"type": "http.response.body", "body": body})


# A type's name in JSON, for the text of an error.
JSON_NAMES = {str: "str", int: "int", float: "float", bool: "bool", type(None): "null", list: "array", dict: "object"}
# The members of a new item: the types that each may have once it is decoded without one.
MEMBERS = (("name", (str,)), ("quantity", (int,)), ("price", (float, int)), ("active", (bool,)), ("tags", (list,)))
WRONG = {"name": "str", "quantity": "int", "price": "float", "active": "bool", "tags": "array"}


def wrong(pointer: str, expected: str, value: object) -> dict[str, str]:
    """One problem: a value of another type."""
    detail = f"Expected `{expected}`, got `{JSON_NAMES[type(value)]}`"
    return {"source": "json", "pointer": pointer, "detail": detail}


async def send_unprocessable(send: Send, body: bytes) -> None:
    """Answer a body that is JSON and no new item, with everything that is wrong with it."""
    value = decode_anything(body)
    errors: list[dict[str, str]] = []
    if type(value) is not dict:
        errors.append(wrong("", "object", value))
    else:
        for name, types in MEMBERS:
            if name not in value:
                errors.append({"source": "json", "pointer": "/" + name, "detail": "This member is required."})
            elif type(member := value[name]) not in types:
                errors.append(wrong("/" + name, WRONG[name], member))
            elif name == "tags":
                for index, tag in enumerate(member):
                    if type(tag) is not str:
                        errors.append(wrong(f"/tags/{index}", "str", tag))
    payload = encode(
        {
            "type": "about:blank",
            "title": "Unprocessable Content",
            "status": 422,
            "detail": "The JSON body is invalid.",
            "errors": errors,
        }
    )
    size = len(payload)
    length = CONTENT_LENGTH[size] if size < 4096 else content_length(size)
    await send({"type": "http.response.start", "status": 422, "headers": [PROBLEM, length]})
    await send({"type": "http.response.body", "body": payload})


async def fail(scope: Scope, send: Send, exc: Exception) -> None:
    """Answer an exception that nobody expected."""
    logger.error("%s %r failed", scope["method"], scope["path"], exc_info=exc)
    await send_constant(send, SERVER_ERROR)


def content_length(size: int) -> tuple[bytes, bytes]:
    """Write the content-length of a payload that is larger than the ready-made ones."""
    return b"content-length", str(size).encode()


def parse_int(text: str) -> int:
    """Read an integer as msgspec's lax mode does; the guard spares plain digits the general way."""
    if text.isdecimal() and text.isascii() and text[0] != "0":
        return int(text)
    return msgspec.convert(text, int, strict=False)


# The application: what is behind the routes of every contender.


async def read_item() -> tuple[Item, str]:
    """One item, and the value of its header."""
    return build_item(), REQUEST_ID


async def read_by_id(item_id: int) -> ItemRef:
    """One item by its id."""
    return ItemRef(item_id=item_id, name="Espresso machine")


async def read_page(page: int, size: int, q: str) -> list[ItemSummary]:
    """A page of items."""
    return build_page(page, size, q)


async def create(new: NewItem) -> CreatedItem:
    """Create an item."""
    return build_created(new)


async def find_user(token: str) -> User | None:
    """Who a token stands for."""
    return TOKENS.get(token)


async def create_owned(new: NewItem, user: User) -> OwnedItem:
    """Create an item of somebody's."""
    return build_owned(new, user)


# The routes.


async def get_item(scope: Scope, receive: Receive, send: Send) -> None:
    """GET /item."""
    try:
        item, request_id = await read_item()
        # Whatever a handler gives for a header must not split the response.
        if not request_id.isascii() or "\n" in request_id or "\r" in request_id or "\0" in request_id:
            raise ValueError("a header value has no line break and no NUL")
        payload = encode(item)
        size = len(payload)
        headers = [
            JSON,
            CONTENT_LENGTH[size] if size < 4096 else content_length(size),
            (b"x-request-id", request_id.strip(" \t").encode()),
        ]
    except Exception as exc:
        await fail(scope, send, exc)
        return
    await send({"type": "http.response.start", "status": 200, "headers": headers})
    await send({"type": "http.response.body", "body": payload})


async def get_item_by_id(scope: Scope, send: Send, text: str) -> None:
    """GET /items/{item_id}."""
    try:
        try:
            item_id = parse_int(text)
        except (ValidationError, ValueError):  # ValueError: more than 4,300 digits
            await send_constant(send, NOT_FOUND)
            return
        payload = encode(await read_by_id(item_id))
        length = len(payload)
    except Exception as exc:
        await fail(scope, send, exc)
        return
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [JSON, CONTENT_LENGTH[length] if length < 4096 else content_length(length)],
        }
    )
    await send({"type": "http.response.body", "body": payload})


def parse_items_query(query: bytes) -> tuple[int, int, str] | None:
    """Read page, size and q; None if the query is bad: no integer, a name given twice, not UTF-8."""
    page = size = q = None
    try:
        # Query strings are ASCII once they are quoted; whatever else a client sends has to be UTF-8.
        for pair in query.decode().split("&"):
            name, _, value = pair.partition("=")
            if "%" in pair or "+" in pair:
                name = unquote_plus(name, errors="strict")
                value = unquote_plus(value, errors="strict")
            if name == "page":
                if page is not None:
                    return None
                page = parse_int(value)
            elif name == "size":
                if size is not None:
                    return None
                size = parse_int(value)
            elif name == "q":
                if q is not None:
                    return None
                q = value
    except (ValueError, ValidationError):
        return None
    return (1 if page is None else page), (10 if size is None else size), (q or "")


async def get_items(scope: Scope, receive: Receive, send: Send) -> None:
    """GET /items."""
    try:
        query = parse_items_query(scope["query_string"])
        if query is None:
            await send_constant(send, BAD_REQUEST)
            return
        page, size, q = query
        payload = encode(await read_page(page, size, q))
        length = len(payload)
    except Exception as exc:
        await fail(scope, send, exc)
        return
    await send(
        {
            "type": "http.response.start",
            "status": 200,
            "headers": [JSON, CONTENT_LENGTH[length] if length < 4096 else content_length(length)],
        }
    )
    await send({"type": "http.response.body", "body": payload})


def is_json(content_type: bytes) -> bool:
    """Tell whether a content type that is not plainly application/json is JSON all the same."""
    media_type = content_type.partition(b";")[0].strip().lower()
    return media_type == b"application/json" or media_type.endswith(b"+json")


async def read_body(first: Message, expected: int, receive: Receive) -> bytes | None:
    """Read what is left of a body that came in more than one message; None once it is too large.

    `expected` is its length as announced, -1 if it was not. When that many bytes are here the body is complete,
    whatever `more_body` says: granian ends a body with an empty message, and waiting for it costs a turn of the event
    loop.
    """
    chunks = [first.get("body", b"")]
    received = len(chunks[0])
    message = first
    while message.get("more_body", False) and received != expected:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ConnectionResetError
        chunk = message.get("body", b"")
        received += len(chunk)
        if received > MAX_BODY_SIZE:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


async def create_item(scope: Scope, receive: Receive, send: Send) -> None:
    """POST /items."""
    try:
        content_type = b""
        announced = None
        # Two names out of some ten headers: one pass is quicker than a dict of them all.
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"content-length":
                announced = value
        if content_type != b"application/json" and not is_json(content_type):
            await send_constant(send, UNSUPPORTED_TYPE)
            return
        expected = -1 if announced is None else int(announced)
        if expected > MAX_BODY_SIZE:
            await send_constant(send, TOO_LARGE)
            return
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body = message.get("body", b"")
        if len(body) != expected:
            body = await read_body(message, expected, receive)
            if body is None or len(body) > MAX_BODY_SIZE:
                await send_constant(send, TOO_LARGE)
                return
        try:
            # msgspec does not look into members that it skips.
            if not body.isascii():
                body.decode()
            new = decode_new_item(body)
        except ValidationError:
            try:
                await send_unprocessable(send, body)
            except (DecodeError, UnicodeDecodeError, RecursionError):
                await send_constant(send, BAD_REQUEST)
            return
        except (DecodeError, UnicodeDecodeError, RecursionError):
            await send_constant(send, BAD_REQUEST)
            return
        payload = encode(await create(new))
        length = len(payload)
    except ConnectionResetError:
        return
    except Exception as exc:
        await fail(scope, send, exc)
        return
    await send(
        {
            "type": "http.response.start",
            "status": 201,
            "headers": [JSON, CONTENT_LENGTH[length] if length < 4096 else content_length(length)],
        }
    )
    await send({"type": "http.response.body", "body": payload})


MOST_TOKEN = 16 * 1024
TOKEN_BYTES = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~+/"
BEARER = re.compile(rb"bearer +([A-Za-z0-9\-._~+/]+=*)", re.IGNORECASE)


def read_token(authorization: bytes) -> bytes | None:
    """Read the token of a Bearer credential that is not plainly spelled; None if it has none."""
    if len(authorization) > MOST_TOKEN + 100:
        return None
    found = BEARER.fullmatch(authorization)
    return None if found is None or len(found[1]) > MOST_TOKEN else found[1]


async def create_my_item(scope: Scope, receive: Receive, send: Send) -> None:  # noqa: PLR0915  # straight-line code
    """POST /my/items."""
    try:
        content_type = b""
        announced = authorization = None
        for name, value in scope["headers"]:
            if name == b"content-type":
                content_type = value
            elif name == b"content-length":
                announced = value
            elif name == b"authorization":
                # Several of them are none: together they are no token.
                authorization = value if authorization is None else authorization + b", " + value
        if authorization is None:
            await send_constant(send, UNAUTHORIZED)
            return
        token = authorization[7:]
        if authorization[:7] != b"Bearer " or not 0 < len(token) <= MOST_TOKEN or token.translate(None, TOKEN_BYTES):
            token = read_token(authorization)
            if token is None:
                await send_constant(send, UNAUTHORIZED)
                return
        user = await find_user(token.decode())
        if user is None:
            await send_constant(send, UNAUTHORIZED)
            return
        if content_type != b"application/json" and not is_json(content_type):
            await send_constant(send, UNSUPPORTED_TYPE)
            return
        expected = -1 if announced is None else int(announced)
        if expected > MAX_BODY_SIZE:
            await send_constant(send, TOO_LARGE)
            return
        message = await receive()
        if message["type"] == "http.disconnect":
            return
        body = message.get("body", b"")
        if len(body) != expected:
            body = await read_body(message, expected, receive)
            if body is None or len(body) > MAX_BODY_SIZE:
                await send_constant(send, TOO_LARGE)
                return
        try:
            # msgspec does not look into members that it skips.
            if not body.isascii():
                body.decode()
            new = decode_new_item(body)
        except ValidationError:
            try:
                await send_unprocessable(send, body)
            except (DecodeError, UnicodeDecodeError, RecursionError):
                await send_constant(send, BAD_REQUEST)
            return
        except (DecodeError, UnicodeDecodeError, RecursionError):
            await send_constant(send, BAD_REQUEST)
            return
        payload = encode(await create_owned(new, user))
        length = len(payload)
    except ConnectionResetError:
        return
    except Exception as exc:
        await fail(scope, send, exc)
        return
    await send(
        {
            "type": "http.response.start",
            "status": 201,
            "headers": [JSON, CONTENT_LENGTH[length] if length < 4096 else content_length(length)],
        }
    )
    await send({"type": "http.response.body", "body": payload})


GET: dict[str, Handler] = {"/item": get_item, "/items": get_items}
POST: dict[str, Handler] = {"/items": create_item, "/my/items": create_my_item}
ITEM_PREFIX = "/items/"
ALLOW = {
    "/item": b"GET, HEAD, OPTIONS",
    "/items": b"GET, HEAD, POST, OPTIONS",
    "/my/items": b"POST, OPTIONS",
    ITEM_PREFIX: b"GET, HEAD, OPTIONS",
}


async def head(scope: Scope, receive: Receive, send: Send) -> None:
    """HEAD: the GET without its body."""

    async def send_head(message: Message) -> None:
        if message["type"] == "http.response.body":
            message = {"type": "http.response.body", "body": b""}
        await send(message)

    await app({**scope, "method": "GET"}, receive, send_head)


async def other(scope: Scope, receive: Receive, send: Send) -> None:
    """Whatever is no GET or POST of a known path: HEAD, OPTIONS, 405 and 404."""
    path: str = scope["path"]
    head_, _, item_id = path.rpartition("/")
    allow = ALLOW.get(ITEM_PREFIX if head_ == "/items" and item_id else path)
    if allow is None:
        status, headers, body = NOT_FOUND
        await send_constant(send, (status, headers, b"" if scope["method"] == "HEAD" else body))
        return
    if scope["method"] == "HEAD":
        await head(scope, receive, send)
        return
    if scope["method"] == "OPTIONS":
        await send({"type": "http.response.start", "status": 204, "headers": [(b"allow", allow)]})
        await send({"type": "http.response.body", "body": b""})
        return
    await send_constant(send, problem(405, (b"allow", allow)))


async def lifespan(receive: Receive, send: Send) -> None:
    """Nothing to start and nothing to stop."""
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return


async def unusual(scope: Scope, receive: Receive, send: Send) -> None:
    """A path with an escape, or an app that is mounted under a root_path: bring the path into its usual form."""
    raw: bytes = scope["raw_path"]
    root: str = scope["root_path"].rstrip("/")
    try:
        segments = [unquote_to_bytes(part).decode() for part in raw.split(b"/")]
    except UnicodeDecodeError:
        await send_constant(send, NOT_FOUND)
        return
    if root and segments[: root.count("/") + 1] == root.split("/"):
        segments = ["", *segments[root.count("/") + 1 :]]
    if any("/" in part for part in segments):
        await send_constant(send, NOT_FOUND)
        return
    path = "/".join(segments)
    await app({**scope, "root_path": "", "path": path, "raw_path": b"x" * len(path)}, receive, send)


def app(scope: Scope, receive: Receive, send: Send) -> Response:
    """Find the handler and return its coroutine: a plain function, because a further coroutine costs 55 to 70 ns."""
    if scope["type"] == "lifespan":
        return lifespan(receive, send)
    method = scope["method"]
    path = scope["path"]
    # A path with an escape is shorter than its raw form; `%2F` must not be taken for a slash.
    if scope["root_path"] or len(path) != len(scope["raw_path"]):
        return unusual(scope, receive, send)
    if method == "GET":
        handler = GET.get(path)
        if handler is not None:
            return handler(scope, receive, send)
        if path.startswith(ITEM_PREFIX):
            return get_item_by_id(scope, send, path[7:])
        return send_constant(send, NOT_FOUND)
    if method == "POST":
        handler = POST.get(path)
        if handler is not None:
            return handler(scope, receive, send)
    return other(scope, receive, send)


# uvicorn asks whether the app is a coroutine function, and takes one that is not for ASGI 2.
markcoroutinefunction(app)
