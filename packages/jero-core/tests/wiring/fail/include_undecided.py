"""A policy that each include decides who may call, and includes that do not."""

from jero_core import PUBLIC, REQUIRED, BaseApp, Endpoint


class Health(Endpoint, path="/health"):
    async def get(self) -> str:
        return "ok"


class Accounts(Endpoint, path="/accounts"):
    async def get(self) -> str:
        return "many"


class Orders(Endpoint, path="/orders"):
    async def get(self) -> str:
        return "more"


class App(BaseApp):
    default_auth = REQUIRED

    async def _wire(self) -> None:
        self._include_endpoint(Health(), auth=PUBLIC)
        self._include_endpoint(Accounts())
        self._include_endpoint(Orders(), auth=REQUIRED)
