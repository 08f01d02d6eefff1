"""`*args` and `**kwargs`, written or left behind by a decorator."""

from jero_core import BaseApp, Endpoint


def logged(function):
    async def wrapper(*args, **kwargs):
        return await function(*args, **kwargs)

    return wrapper


class Search(Endpoint, path="/search"):
    async def get(self, *args: str) -> str:
        return ""

    async def post(self, **kwargs: str) -> str:
        return ""

    @logged
    async def put(self) -> str:
        return ""


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Search())
