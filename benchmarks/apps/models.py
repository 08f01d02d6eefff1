"""The data every msgspec-based contender works on, so that they differ in their framework and in nothing else.

FastAPI declares the same shapes as pydantic models, which is how it is used.
"""

from msgspec import Struct

# Sent as the `x-request-id` response header of GET /item. A constant, so that answers can be compared.
REQUEST_ID = "req-7f3a9c2e51b84d06"

MAX_BODY_SIZE = 2 * 1024 * 1024


class Item(Struct):
    """What GET /item answers: eight fields of the usual types."""

    id: int
    name: str
    description: str
    price: float
    quantity: int
    active: bool
    tags: list[str]
    category: str


class ItemRef(Struct):
    """What GET /items/{item_id} answers."""

    item_id: int
    name: str


class ItemSummary(Struct):
    """One row of GET /items."""

    id: int
    name: str
    price: float


class ItemsQuery(Struct):
    """The query string of GET /items."""

    page: int = 1
    size: int = 10
    q: str = ""


class NewItem(Struct):
    """The body of POST /items."""

    name: str
    quantity: int
    price: float
    active: bool
    tags: list[str]


class User(Struct):
    """Who a token stands for."""

    name: str


# The tokens that POST /my/items admits: a store of tokens that answers at once.
TOKENS = {"mF_9.B5f-4.1JqM8f1c2d7e0a": User("amelie")}


class OwnedItem(Struct):
    """What POST /my/items answers."""

    id: int
    owner: str
    name: str
    quantity: int
    price: float
    active: bool
    tags: list[str]


class CreatedItem(Struct):
    """What POST /items answers."""

    id: int
    name: str
    quantity: int
    price: float
    active: bool
    tags: list[str]


def build_item() -> Item:
    """Build the answer of GET /item anew: a cached one would measure nothing but the framework's send."""
    return Item(
        id=1,
        name="Espresso machine",
        description="Two boilers, 58 mm group, rotary pump",
        price=1249.5,
        quantity=12,
        active=True,
        tags=["coffee", "kitchen", "steel"],
        category="appliances",
    )


def build_page(page: int, size: int, q: str) -> list[ItemSummary]:
    """Build the ten rows of GET /items from the query, so that a contender that drops a parameter answers wrong."""
    first = (page - 1) * size
    return [ItemSummary(id=first + n, name=q, price=9.5) for n in range(10)]


def build_created(new: NewItem) -> CreatedItem:
    """Build the answer of POST /items."""
    return CreatedItem(id=1001, name=new.name, quantity=new.quantity, price=new.price, active=new.active, tags=new.tags)


def build_owned(new: NewItem, user: User) -> OwnedItem:
    """Build the answer of POST /my/items."""
    return OwnedItem(
        id=1002,
        owner=user.name,
        name=new.name,
        quantity=new.quantity,
        price=new.price,
        active=new.active,
        tags=new.tags,
    )
