"""Settings for links that contradict each other, told together with what else is wrong."""

import os

from jero_core import BaseApp, Endpoint

os.environ["JERO_BASE_URL"] = "https://api.example.com"
os.environ["JERO_TRUST_FORWARDED"] = "1"


class Widgets(Endpoint, path="/widgets"):
    async def get(self) -> dict:
        return {}


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Widgets())
