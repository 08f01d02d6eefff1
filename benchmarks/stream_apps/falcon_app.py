"""Falcon, with its stream of bytes; its own events (`resp.sse`) cost more."""

import falcon.asgi
from falcon.asgi import Request, Response

from stream_apps.data import event_frames, lines


class LinesResource:
    """GET /lines."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Stream."""
        resp.content_type = "application/x-ndjson"
        resp.stream = lines()


class EventsResource:
    """GET /events."""

    async def on_get(self, req: Request, resp: Response) -> None:
        """Stream."""
        resp.content_type = "text/event-stream"
        resp.cache_control = ["no-cache"]
        resp.stream = event_frames()


app = falcon.asgi.App()
app.add_route("/lines", LinesResource())
app.add_route("/events", EventsResource())
