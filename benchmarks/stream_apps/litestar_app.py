"""Litestar, with the response class that streams bytes."""

from litestar import Litestar, get
from litestar.response import Stream

from stream_apps.data import event_frames, lines


@get("/lines")
async def get_lines() -> Stream:
    """GET /lines."""
    return Stream(lines(), media_type="application/x-ndjson")


@get("/events")
async def get_events() -> Stream:
    """GET /events."""
    return Stream(event_frames(), media_type="text/event-stream", headers={"cache-control": "no-cache"})


app = Litestar(route_handlers=[get_lines, get_events], openapi_config=None, logging_config=None, debug=False)
