"""A factory that cannot be made without arguments."""

from jero_core import BaseApp, BaseFactory


class Factory(BaseFactory):
    def __init__(self, url):
        self.url = url


class App(BaseApp[Factory]):
    async def _wire(self) -> None:
        return None
