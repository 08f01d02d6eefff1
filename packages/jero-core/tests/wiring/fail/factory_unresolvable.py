"""The factory is a string that names nothing."""

from jero_core import BaseApp


class App(BaseApp["Factory"]):
    async def _wire(self) -> None: ...
