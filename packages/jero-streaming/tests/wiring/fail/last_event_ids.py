"""`last_event_id` arguments that cannot be bound, and an app that has no source for them."""

from jero_core import BaseApp, Endpoint
from jero_streaming import LastEventIDSource


class Required(Endpoint, path="/required"):
    def get(self, last_event_id: str) -> str:
        return last_event_id


class Strange(Endpoint, path="/strange"):
    def get(self, last_event_id: dict[str, str] | None) -> str:
        return str(last_event_id)


class App(BaseApp):
    sources = {**BaseApp.sources, "last_event_id": LastEventIDSource()}

    async def _wire(self) -> None:
        self._include_endpoint(Required())
        self._include_endpoint(Strange())
