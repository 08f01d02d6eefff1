"""Class keywords that are unknown, or have a value of another type."""

from jero_core import BaseApp, Endpoint


class Misspelt(Endpoint, path="/misspelt", max_bodysize=100, prefix="/v1"):
    async def get(self) -> str:
        return ""


class Flag(Endpoint, path="/flag", max_body_size=True):
    async def get(self) -> str:
        return ""


class Negative(Endpoint, path="/negative", max_body_size=-1):
    async def get(self) -> str:
        return ""


class Zero(Endpoint, path="/zero", max_body_size=0):
    async def get(self) -> str:
        return ""


class Text(Endpoint, path="/text", max_body_size="1MB"):
    async def get(self) -> str:
        return ""


class Nothing(Endpoint, path="/nothing", max_body_size=None):
    async def get(self) -> str:
        return ""


class Several(Endpoint, path="several", max_body_size=1.5, tags=["a"]):
    async def get(self) -> str:
        return ""


class App(BaseApp):
    async def _wire(self) -> None:
        for endpoint in (Misspelt, Flag, Negative, Zero, Text, Nothing, Several):
            self._include_endpoint(endpoint())
