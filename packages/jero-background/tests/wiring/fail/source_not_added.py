"""The argument `after_response` in an app that has not its source."""

from jero_background import AfterResponse
from jero_core import BaseApp, Endpoint


class Orders(Endpoint, path="/orders"):
    async def post(self, after_response: AfterResponse) -> None: ...


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Orders())
