"""Queues that operations add to and nobody has entered, and one that something else has entered."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from msgspec import Struct

from jero_background import AfterResponse, AfterResponseSource, BackgroundTasks
from jero_core import BaseApp, Endpoint


class Mail(Struct):
    number: int


class Letter(Struct):
    number: int


async def send(item: Mail) -> None: ...


def post(item: Letter) -> None: ...


FORGOTTEN = BackgroundTasks()


class Services:
    def __init__(self, tasks: BackgroundTasks) -> None:
        self.tasks = tasks


@asynccontextmanager
async def services() -> AsyncIterator[Services]:
    async with BackgroundTasks() as tasks:
        tasks.register(post)
        yield Services(tasks)


class Orders(Endpoint, path="/orders"):
    def __init__(self, tasks: BackgroundTasks, services: Services) -> None:
        self._tasks = tasks
        self._services = services

    async def get(self) -> None:
        await self._tasks.add(Mail(1))
        await self._tasks.add(Mail(2))

    async def post(self, after_response: AfterResponse) -> None:
        FORGOTTEN.add_after_response(Letter(number=1), after_response)

    async def put(self) -> None:
        await self._services.tasks.add(Letter(1))


class App(BaseApp):
    sources = {**BaseApp.sources, "after_response": AfterResponseSource()}

    async def _wire(self) -> None:
        tasks = BackgroundTasks()
        tasks.register(send)
        self._include_endpoint(Orders(tasks, await self._aenter(services())))
