"""The ASGI side of the harness: types, the lifespan driver, and one recorded request."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

type Scope = dict[str, Any]
type Message = dict[str, Any]
type Receive = Callable[[], Awaitable[Message]]
type Send = Callable[[Message], Awaitable[None]]
type ASGIApp = Callable[[Scope, Receive, Send], Awaitable[None]]
type Headers = list[tuple[bytes, bytes]]


@asynccontextmanager
async def lifespan(app: ASGIApp) -> AsyncGenerator[None]:
    """Start the app as a server does, and shut it down at the end. A failing start is an error, never ignored."""
    inbox: asyncio.Queue[Message] = asyncio.Queue()
    outbox: asyncio.Queue[Message] = asyncio.Queue()
    scope: Scope = {"type": "lifespan", "asgi": {"version": "3.0", "spec_version": "2.0"}, "state": {}}

    async def run() -> None:
        await app(scope, inbox.get, outbox.put)

    async def exchange(phase: str) -> None:
        await inbox.put({"type": f"lifespan.{phase}"})
        reply = asyncio.ensure_future(outbox.get())
        await asyncio.wait({reply, task}, return_when=asyncio.FIRST_COMPLETED, timeout=30)
        if not reply.done():
            reply.cancel()
            if task.done():
                task.result()  # raises what the app raised
            raise RuntimeError(f"the app did not answer lifespan.{phase}")
        message = reply.result()
        if message["type"] != f"lifespan.{phase}.complete":
            raise RuntimeError(f"lifespan.{phase} was answered by {message}")

    task = asyncio.ensure_future(run())
    try:
        await exchange("startup")
        yield
        await exchange("shutdown")
        await asyncio.wait_for(task, timeout=30)
    finally:
        task.cancel()


@dataclass
class Answer:
    """Everything an app sent for one request."""

    status: int = 0
    headers: Headers = field(default_factory=list)
    body: bytes = b""
    # "start", "body" or "done": the message that is due next
    state: str = "done"

    def header(self, name: bytes) -> bytes | None:
        """Give the value of a header that is expected once."""
        values = [value for key, value in self.headers if key.lower() == name]
        if len(values) > 1:
            raise AssertionError(f"header {name!r} was sent {len(values)} times")
        return values[0] if values else None

    def media_type(self) -> str:
        """Give the content type without its parameters."""
        return (self.header(b"content-type") or b"").decode().partition(";")[0].strip()


async def record(app: ASGIApp, scope: Scope, chunks: Sequence[bytes], *, last_message: bool = False) -> Answer:
    """Run one request and keep what was sent; fail where the app breaks the protocol.

    With `last_message` the body ends as on granian: the last bytes still say more_body=True, an empty message follows.
    """
    pieces = list(chunks) or [b""]
    messages: list[Message] = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
    if last_message:
        messages.append({"type": "http.request", "body": b"", "more_body": False})
    else:
        messages[-1]["more_body"] = False
    queue = iter(messages)
    answer = Answer(state="start")
    is_done = asyncio.Event()

    async def receive() -> Message:
        for message in queue:
            return message
        # The client is still there: a server waits. Whoever waits here for more runs into the timeout below.
        await is_done.wait()
        return {"type": "http.disconnect"}

    async def send(message: Message) -> None:
        match answer.state, message["type"]:
            case "start", "http.response.start":
                answer.status = message["status"]
                answer.headers = [(bytes(name), bytes(value)) for name, value in message.get("headers", ())]
                answer.state = "body"
            case "body", "http.response.body":
                answer.body += bytes(message.get("body", b""))
                if not message.get("more_body", False):
                    answer.state = "done"
                    is_done.set()
            case _:
                raise AssertionError(f"{message['type']} was sent in state {answer.state!r}")

    await asyncio.wait_for(app(scope, receive, send), timeout=10)  # pyright: ignore[reportArgumentType]
    if answer.state != "done":
        raise AssertionError(f"the app returned in state {answer.state!r}")
    return answer
