"""jero."""

from jero import BaseApp, Endpoint, NDJSONStreamingResponse, SSEResponse
from stream_apps.data import EVENTS, LINES, Reading, readings


class Lines(Endpoint, path="/lines"):
    """GET /lines."""

    async def get(self) -> NDJSONStreamingResponse[Reading]:
        """Stream."""
        return NDJSONStreamingResponse(stream=readings(len(LINES)))


class Events(Endpoint, path="/events"):
    """GET /events."""

    async def get(self) -> SSEResponse[Reading]:
        """Stream."""
        return SSEResponse(stream=readings(len(EVENTS)))


class App(BaseApp):
    """Both."""

    async def _wire(self) -> None:
        self._include_endpoint(Lines())
        self._include_endpoint(Events())


app = App()
