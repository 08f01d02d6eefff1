"""A type argument that is no factory."""

from jero_core import BaseApp


class App(BaseApp[int]):
    async def _wire(self) -> None:
        return None
