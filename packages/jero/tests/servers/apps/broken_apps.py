"""Apps that cannot start or stop as they should: wrong declarations, a `_wire` that raises, a close that raises."""

from collections.abc import Iterator
from contextlib import contextmanager

from journal_app import PidEndpoint, async_resource, sync_resource

from jero import BaseApp, Endpoint, Resource


class DictResource(Resource, path="/dicts"):
    async def read_many(self) -> dict[str, int]:
        return {}


class StrangeEndpoint(Endpoint, path="/strange"):
    async def get(self, cookies: str) -> str:
        return cookies


class UnannotatedEndpoint(Endpoint, path="/unannotated"):
    async def get(self):
        return None


class MiswiredApp(BaseApp):
    async def _wire(self) -> None:
        self._enter(sync_resource("only"))
        self._include_resource(DictResource())
        self._include_endpoint(StrangeEndpoint())
        self._include_endpoint(UnannotatedEndpoint())


class RaisingApp(BaseApp):
    async def _wire(self) -> None:
        self._enter(sync_resource("first"))
        await self._aenter(async_resource("second"))
        raise ConnectionRefusedError("the database is away")


@contextmanager
def stuck_resource() -> Iterator[None]:
    yield
    raise OSError("the cache will not close")


class StuckApp(BaseApp):
    async def _wire(self) -> None:
        self._enter(sync_resource("first"))
        self._enter(stuck_resource())
        await self._aenter(async_resource("second"))
        self._include_endpoint(PidEndpoint())


miswired = MiswiredApp()
raising = RaisingApp()
stuck = StuckApp()
