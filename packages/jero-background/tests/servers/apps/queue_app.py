"""An app that queues items, and writes those that run into the file that JERO_JOURNAL names: a number for each line."""

import asyncio
import os
from pathlib import Path
from typing import TextIO

from msgspec import Struct

from jero_background import AfterResponse, AfterResponseSource, BackgroundTasks, QueueStats
from jero_core import BaseApp, Endpoint

PAUSE = float(os.environ.get("JERO_PAUSE", "0.0005"))
"""How many seconds an item takes."""


class ItemPath(Struct):
    number: int


class Note(Struct):
    number: int


class Added(Struct):
    id: str


class Hang(Struct): ...


class Quick(Endpoint, path="/quick/{number}"):
    def __init__(self, tasks: BackgroundTasks) -> None:
        self._tasks = tasks

    async def post(self, path: ItemPath) -> Added:
        return Added(await self._tasks.add(Note(path.number)))


class Slow(Endpoint, path="/slow/{number}"):
    """Is under way for a while, and adds its item at its end."""

    def __init__(self, tasks: BackgroundTasks) -> None:
        self._tasks = tasks

    async def post(self, path: ItemPath) -> Added:
        await asyncio.sleep(0.3)
        return Added(await self._tasks.add(Note(path.number)))


class Later(Endpoint, path="/later/{number}"):
    """Adds its item after its response."""

    def __init__(self, tasks: BackgroundTasks) -> None:
        self._tasks = tasks

    async def post(self, path: ItemPath, after_response: AfterResponse) -> Added:
        await asyncio.sleep(0.3)
        return Added(self._tasks.add_after_response(Note(path.number), after_response))


class Health(Endpoint, path="/health"):
    def __init__(self, tasks: BackgroundTasks) -> None:
        self._tasks = tasks

    async def get(self) -> QueueStats:
        return self._tasks.stats()

    async def post(self) -> Added:
        """Queue an item that never ends."""
        return Added(await self._tasks.add(Hang()))


def open_journal() -> TextIO:
    return Path(os.environ["JERO_JOURNAL"]).open("a", encoding="utf-8", buffering=1)


class QueueApp(BaseApp):
    sources = {**BaseApp.sources, "after_response": AfterResponseSource()}  # the base class declares it

    async def _wire(self) -> None:
        journal = self._enter(open_journal())
        drain_timeout = float(os.environ.get("JERO_DRAIN", "30"))
        maxsize = int(os.environ.get("JERO_MAXSIZE", "2000"))
        handler_timeout = float(os.environ.get("JERO_LIMIT", "20"))
        tasks = await self._aenter(
            BackgroundTasks(maxsize=maxsize, drain_timeout=drain_timeout, handler_timeout=handler_timeout)
        )

        async def write(item: Note) -> None:
            await asyncio.sleep(PAUSE)
            journal.write(f"{item.number}\n")

        async def hang(item: Hang) -> None:
            await asyncio.get_running_loop().create_future()

        tasks.register(write)
        tasks.register(hang)
        for endpoint in (Quick, Slow, Later, Health):
            self._include_endpoint(endpoint(tasks))


app = QueueApp()
