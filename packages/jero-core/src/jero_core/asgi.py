"""The parts of ASGI that more than one module speaks: types, header pairs, and small complete responses.

Spec: ASGI HTTP connection scope, version 2.5. Header names and values are bytes, response header names lower-case.
"""

import inspect
from collections.abc import Awaitable, Callable, Coroutine, Mapping, MutableMapping
from contextlib import suppress
from typing import Final

type Scope = MutableMapping[str, object]
type Message = MutableMapping[str, object]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type Answer = Coroutine[None, None, None]
type Respond = Callable[..., Answer]
"""A compiled operation or a constant answer: called with scope, receive, send and the path's slots."""
type Header = tuple[bytes, bytes]

CONTENT_LENGTHS: Final[tuple[Header, ...]] = tuple([(b"content-length", b"%d" % n) for n in range(4096)])
"""Prebuilt `content-length` pairs: making one costs 140 ns, and most JSON bodies are this small."""


def content_length(size: int) -> Header:
    """The `content-length` pair of a body of `size` bytes."""
    return CONTENT_LENGTHS[size] if size < 4096 else (b"content-length", b"%d" % size)


def constant(status: int, headers: Mapping[bytes, bytes], body: bytes) -> Respond:
    """A responder that always gives the same answer. The header list is made anew: servers and middleware change it."""
    pairs = tuple(headers.items())
    if status != 204:
        pairs += (content_length(len(body)),)

    async def respond(scope: Scope, _receive: Receive, send: Send, *_slots: str) -> None:
        with suppress(OSError):  # The client is gone.
            await send({"type": "http.response.start", "status": status, "headers": [*pairs]})
            await send({"type": "http.response.body", "body": b"" if scope["method"] == "HEAD" else body})

    return respond


def without_body(respond: Respond) -> Respond:
    """The HEAD twin of a GET responder: the same head, no content (RFC 9110, section 9.3.2)."""

    async def respond_head(scope: Scope, receive: Receive, send: Send, *slots: str) -> None:
        async def send_head(message: Message) -> None:
            if message["type"] != "http.response.body":
                await send(message)
            elif not message.get("more_body"):
                await send({"type": "http.response.body", "body": b""})

        await respond(scope, receive, send_head, *slots)

    return respond_head


def mark_asgi3[F: Callable[..., object]](function: F) -> F:
    """Mark a plain function that returns a coroutine as a coroutine function.

    Servers look for that to tell ASGI 3 from ASGI 2 (uvicorn takes an unmarked one for ASGI 2).
    """
    return inspect.markcoroutinefunction(function)
