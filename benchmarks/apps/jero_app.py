"""jero, by its public API."""

from msgspec import Struct

from apps.models import (
    REQUEST_ID,
    TOKENS,
    CreatedItem,
    Item,
    ItemRef,
    ItemsQuery,
    ItemSummary,
    NewItem,
    OwnedItem,
    User,
    build_created,
    build_item,
    build_owned,
    build_page,
)
from jero import BaseApp, BearerAuth, Endpoint, HTTPError, JSONResponse, Resource


# gc=False, as msgspec advises for Structs of scalars: the collector need not look at them.
class ItemHeaders(Struct, gc=False):
    """The response headers of GET /item."""

    x_request_id: str


class ItemPath(Struct, gc=False):
    """The slots of /items/{item_id}."""

    item_id: int


class ItemEndpoint(Endpoint, path="/item"):
    """GET /item."""

    async def get(self) -> JSONResponse[Item, ItemHeaders]:
        return JSONResponse(json=build_item(), headers=ItemHeaders(x_request_id=REQUEST_ID))


class ItemsResource(Resource, path="/items"):
    """GET and POST /items, GET /items/{item_id}."""

    async def read_many(self, params: ItemsQuery) -> list[ItemSummary]:
        return build_page(params.page, params.size, params.q)

    async def read_one(self, path: ItemPath) -> ItemRef:
        return ItemRef(item_id=path.item_id, name="Espresso machine")

    async def create(self, json: NewItem) -> CreatedItem:
        return build_created(json)


class MyItemsResource(Resource, path="/my/items"):
    """POST /my/items."""

    async def create(self, json: NewItem, user: User) -> OwnedItem:
        return build_owned(json, user)


class Tokens(BearerAuth[User]):
    """Who a token stands for."""

    async def authenticate(self, token: str) -> User:
        user = TOKENS.get(token)
        if user is None:
            raise HTTPError(401)
        return user


class App(BaseApp):
    """The benchmark's app. Its body limit is jero's default, the 2 MiB that all contenders have."""

    async def _wire(self) -> None:
        self._include_endpoint(ItemEndpoint())
        self._include_resource(ItemsResource())
        self._include_resource(MyItemsResource(), auth=Tokens())


app = App()
