"""An app whose items go to Redis. Handlers write into the file that JERO_JOURNAL names: `begin` and `end` lines."""

import asyncio
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from msgspec import Struct
from taskiq_redis import RedisStreamBroker

from jero_background import item_id
from jero_background.taskiq import TaskiqTasks
from jero_core import BaseApp, Endpoint


class Note(Struct, tag="note"):
    number: int
    seconds: float = 0.0


class Unknown(Struct, tag="unknown"):
    number: int


class ItemPath(Struct):
    number: int


class Added(Struct):
    id: str


def write(line: str) -> None:
    with Path(os.environ["JERO_JOURNAL"]).open("a", encoding="utf-8") as journal:
        journal.write(line + "\n")


@asynccontextmanager
async def resource() -> AsyncIterator[None]:
    write("open")
    yield
    write("close")


class Notes(Endpoint, path="/notes/{number}"):
    def __init__(self, tasks: TaskiqTasks) -> None:
        self._tasks = tasks

    async def post(self, path: ItemPath) -> Added:
        return Added(await self._tasks.add(Note(path.number)))


class WorkerApp(BaseApp):
    def __init__(self, *, knows_unknown: bool = False) -> None:
        super().__init__()
        self.knows_unknown = knows_unknown

    async def _wire(self) -> None:
        await self._aenter(resource())
        broker = RedisStreamBroker(
            os.environ["JERO_REDIS"],
            idle_timeout=int(os.environ.get("JERO_IDLE_MS", "600000")),
            unacknowledged_lock_timeout=5,
            xread_block=200,
            xread_count=int(os.environ.get("JERO_READ", "100")),
        )
        self.tasks = await self._aenter(
            TaskiqTasks(
                broker,
                concurrency=int(os.environ.get("JERO_CONCURRENCY", "4")),
                drain_timeout=float(os.environ.get("JERO_DRAIN", "30")),
                recheck=0.3,
            )
        )
        self.tasks.register(self.handle)
        if self.knows_unknown:
            self.tasks.register(self.handle_unknown)
        self._include_endpoint(Notes(self.tasks))

    async def handle(self, item: Note) -> None:
        write(f"begin {item.number} {item_id()}")
        if item.seconds:
            await asyncio.sleep(item.seconds)
        if item.number < 0:
            raise ValueError(item.number)
        write(f"end {item.number} {item_id()}")

    async def handle_unknown(self, item: Unknown) -> None:
        write(f"end {item.number} {item_id()}")


app = WorkerApp()
