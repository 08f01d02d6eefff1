"""What is wrong with background work stands in one report with everything else, sources included."""

from msgspec import Struct

from jero_background import AfterResponse, AfterResponseSource, BackgroundTasks
from jero_core import BaseApp, Endpoint


class Mail(Struct):
    number: int


def send(item: Mail) -> None: ...


class Orders(Endpoint, path="/orders"):
    async def get(self, after_response: AfterResponse | None) -> None: ...

    async def post(self, after_response: str, response: AfterResponse) -> None: ...


class App(BaseApp):
    sources = {**BaseApp.sources, "after_response": AfterResponseSource()}

    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks())
        tasks.register(send)
        self._include_endpoint(Orders())
