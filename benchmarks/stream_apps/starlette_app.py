"""Starlette."""

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route

from stream_apps.data import event_frames, lines


async def get_lines(request: Request) -> Response:
    """GET /lines."""
    return StreamingResponse(lines(), media_type="application/x-ndjson")


async def get_events(request: Request) -> Response:
    """GET /events."""
    return StreamingResponse(event_frames(), media_type="text/event-stream", headers={"cache-control": "no-cache"})


app = Starlette(routes=[Route("/lines", get_lines), Route("/events", get_events)])
