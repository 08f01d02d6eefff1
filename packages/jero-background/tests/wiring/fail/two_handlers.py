"""Item types with more handlers than they may have."""

from msgspec import Struct

from jero_background import BackgroundTasks
from jero_core import BaseApp


class Mail(Struct):
    number: int


async def send(item: Mail) -> None: ...


async def archive(item: Mail) -> None: ...


class App(BaseApp):
    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks())
        tasks.register(send)
        tasks.register(archive)
        others = await self._aenter(BackgroundTasks(allow_one_to_many=True))
        others.register(send)
        others.register(archive)
        others.register(send)
