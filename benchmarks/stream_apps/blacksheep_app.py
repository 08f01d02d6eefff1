"""BlackSheep."""

from blacksheep import Application, Response, Router, StreamedContent

from stream_apps.data import event_frames, lines

router = Router()
app = Application(router=router)


@router.get("/lines")
async def get_lines() -> Response:
    """GET /lines."""
    return Response(200, content=StreamedContent(b"application/x-ndjson", lines))


@router.get("/events")
async def get_events() -> Response:
    """GET /events."""
    headers = [(b"cache-control", b"no-cache")]
    return Response(200, headers, content=StreamedContent(b"text/event-stream", event_frames))
