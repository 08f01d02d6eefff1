"""Streams written by hand on ASGI, one message per item."""

from asgi import Receive, Scope, Send
from stream_apps.data import EVENTS, LINES, encode, readings


async def app(scope: Scope, receive: Receive, send: Send) -> None:
    """Serve both."""
    if scope["type"] == "lifespan":
        while True:
            message = await receive()
            await send({"type": f"{message['type']}.complete"})
            if message["type"] == "lifespan.shutdown":
                return
    if scope["path"] == "/lines":
        headers = [(b"content-type", b"application/x-ndjson")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for reading in readings(len(LINES)):
            await send({"type": "http.response.body", "body": encode(reading) + b"\n", "more_body": True})
    else:
        headers = [(b"content-type", b"text/event-stream"), (b"cache-control", b"no-cache")]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        async for reading in readings(len(EVENTS)):
            body = b"data: " + encode(reading) + b"\n\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})
    await send({"type": "http.response.body", "body": b""})
