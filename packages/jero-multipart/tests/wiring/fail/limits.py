"""Class keywords of forms with wrong values, and one that is misspelt."""

from msgspec import Struct

from jero_core import BaseApp, Resource
from jero_multipart import FormSource


class Form(Struct):
    name: str


class Zero(Resource, path="/zero", max_parts=0):
    async def create(self, form: Form) -> None: ...


class Text(Resource, path="/text", max_part_size="1MB", max_part_headers=True):
    async def create(self, form: Form) -> None: ...


class Misspelt(Resource, path="/misspelt", max_part=3, max_part_header_size=-1):
    async def create(self, form: Form) -> None: ...


class App(BaseApp):
    sources = {**BaseApp.sources, "form": FormSource()}

    async def _wire(self) -> None:
        for resource in (Zero, Text, Misspelt):
            self._include_resource(resource())
