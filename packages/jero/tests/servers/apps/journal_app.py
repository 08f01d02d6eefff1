"""An app that writes what happens to it into the file that JERO_JOURNAL names: a line for each event."""

import asyncio
import os
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

from msgspec import Struct

from jero import BaseApp, Endpoint


def write(line: str) -> None:
    with Path(os.environ["JERO_JOURNAL"]).open("a", encoding="utf-8") as journal:
        journal.write(line + "\n")


@contextmanager
def sync_resource(name: str) -> Iterator[None]:
    write(f"open {name}")
    yield
    write(f"close {name}")


@asynccontextmanager
async def async_resource(name: str) -> AsyncIterator[None]:
    write(f"open {name}")
    await asyncio.sleep(0)
    yield
    await asyncio.sleep(0)
    write(f"close {name}")


class Pid(Struct):
    pid: int


class PidEndpoint(Endpoint, path="/pid"):
    def get(self) -> Pid:
        return Pid(os.getpid())


class SlowEndpoint(Endpoint, path="/slow"):
    async def get(self) -> str:
        write("slow begins")
        await asyncio.sleep(0.5)
        write("slow ends")
        return "slow"


class JournalApp(BaseApp):
    async def _wire(self) -> None:
        self._enter(sync_resource("first"))
        await self._aenter(async_resource("second"))
        self._enter(sync_resource("third"))
        self._include_endpoint(PidEndpoint())
        self._include_endpoint(SlowEndpoint())


app = JournalApp()
