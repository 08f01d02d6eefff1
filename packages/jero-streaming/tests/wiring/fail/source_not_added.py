"""An app that does not use the source `last_event_id`."""

from jero_core import BaseApp, Endpoint


class Feed(Endpoint, path="/feed"):
    def get(self, last_event_id: str | None) -> str:
        return str(last_event_id)


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Feed())
