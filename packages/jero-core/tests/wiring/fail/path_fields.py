"""`path` Structs that do not fit their template."""

from msgspec import Struct, defstruct, field

from jero_core import BaseApp, Endpoint, Resource


class Nothing(Struct):
    pass


class ShopPath(Struct):
    shop_id: str


class WidgetPath(Struct):
    widget_id: str


class DefaultPath(Struct):
    widget_id: str = "1"
    part_id: str = field(default_factory=str)


class SlotWithoutField(Endpoint, path="/a/{shop_id}/{widget_id}"):
    async def get(self, path: Nothing) -> None:
        return None

    async def post(self, path: ShopPath) -> None:
        return None


class FieldWithDefault(Resource, path="/b"):
    async def read_one(self, path: DefaultPath) -> None:
        return None


class FieldWithoutSlot(Resource, path="/c"):
    async def create(self, path: WidgetPath) -> None:
        return None

    async def read_many(self, path: WidgetPath) -> None:
        return None


class SlotsNotTaken(Resource, path="/d/{shop_id}/{widget_id}"):
    async def read_many(self) -> None:
        return None

    async def delete(self) -> None:
        return None


class Everything(Resource, path="/e/{shop_id}"):
    async def create(self, path: DefaultPath) -> None:
        return None


Keyword = defstruct("Keyword", [("class", str)])


class Names(Resource, path="/names"):
    async def read_one(self, path: defstruct("CamelCase", [("widgetId", int)])) -> None:
        return None

    async def update(self, path: defstruct("NotASCII", [("größe", int), ("Size", int)])) -> None:
        return None

    async def delete(self, path: Keyword) -> None:
        return None


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(SlotWithoutField())
        for resource in (FieldWithDefault, FieldWithoutSlot, SlotsNotTaken, Everything, Names):
            self._include_resource(resource())
