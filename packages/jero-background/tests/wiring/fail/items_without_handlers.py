"""Items that are added, and no handler takes them."""

import contextlib

from msgspec import Struct

from jero_background import AfterResponse, AfterResponseSource, BackgroundTasks
from jero_core import BaseApp, Endpoint


class Mail(Struct):
    number: int
    text: str = ""


class Letter(Struct):
    number: int


class Parcel(Struct):
    number: int


class Queues:
    __slots__ = ("first",)

    def __init__(self, first: BackgroundTasks) -> None:
        self.first = first


class Orders(Endpoint, path="/orders"):
    def __init__(self, tasks: BackgroundTasks, queues: Queues) -> None:
        self._tasks = tasks
        self._queues = queues

    async def get(self) -> None:
        await self._tasks.add(Mail(1, text=f"order {1 + 1}"))

    async def post(self, after_response: AfterResponse) -> None:
        with contextlib.suppress(ValueError):
            self._queues.first.add_after_response(Letter(number=1), after_response)

    async def put(self) -> None:
        await self._tasks.add(Parcel(0))
        await self._tasks.add(Mail(1, text="the second"))


class App(BaseApp):
    sources = {**BaseApp.sources, "after_response": AfterResponseSource()}

    async def _wire(self) -> None:
        tasks = await self._aenter(BackgroundTasks())

        async def receive(item: Parcel) -> None:
            await tasks.add(Mail(item.number))

        tasks.register(receive)
        self._include_endpoint(Orders(tasks, Queues(tasks)))
