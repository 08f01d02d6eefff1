"""FastAPI, with the response class that streams bytes: its own generators of models cost more."""

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

from stream_apps.data import event_frames, lines

app = FastAPI(openapi_url=None)


@app.get("/lines")
async def get_lines() -> StreamingResponse:
    """GET /lines."""
    return StreamingResponse(lines(), media_type="application/x-ndjson")


@app.get("/events")
async def get_events() -> StreamingResponse:
    """GET /events."""
    return StreamingResponse(event_frames(), media_type="text/event-stream", headers={"cache-control": "no-cache"})
