"""The widget shop: create, list, read and delete widgets kept in memory.

Serve it with ``granian --interface asgi --working-dir docs/examples quickstart:app``.
"""

from typing import Annotated

from msgspec import Meta, Struct

from jero import BaseApp, HTTPError, Resource


class WidgetPath(Struct):
    widget_id: int


class NewWidget(Struct):
    name: Annotated[str, Meta(min_length=1, max_length=80)]
    price: Annotated[float, Meta(ge=0)] = 0.0


class Widget(Struct):
    id: int
    name: str
    price: float


class WidgetQuery(Struct):
    limit: Annotated[int, Meta(ge=1, le=100)] = 20
    name: str | None = None


class WidgetStore:
    """Widgets by id, for as long as the process lives."""

    def __init__(self) -> None:
        self._widgets: dict[int, Widget] = {}
        self._next_id = 1

    def add(self, new: NewWidget) -> Widget:
        widget = Widget(id=self._next_id, name=new.name, price=new.price)
        self._widgets[widget.id] = widget
        self._next_id += 1
        return widget

    def find(self, name: str | None, limit: int) -> list[Widget]:
        matches = [w for w in self._widgets.values() if name is None or w.name == name]
        return matches[:limit]

    def get(self, widget_id: int) -> Widget:
        try:
            return self._widgets[widget_id]
        except KeyError:
            raise HTTPError(404, f"there is no widget {widget_id}") from None

    def remove(self, widget_id: int) -> None:
        del self._widgets[self.get(widget_id).id]


class WidgetResource(Resource, path="/widgets"):
    def __init__(self, store: WidgetStore) -> None:
        self._store = store

    async def create(self, json: NewWidget) -> Widget:  # POST /widgets
        return self._store.add(json)

    async def read_many(self, params: WidgetQuery) -> list[Widget]:  # GET /widgets
        return self._store.find(params.name, params.limit)

    async def read_one(self, path: WidgetPath) -> Widget:  # GET /widgets/{widget_id}
        return self._store.get(path.widget_id)

    async def delete(self, path: WidgetPath) -> None:  # DELETE /widgets/{widget_id}
        self._store.remove(path.widget_id)


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(WidgetResource(WidgetStore()))


app = App()
