"""FastAPI, with pydantic models and return annotations, so that pydantic's own serializer writes the JSON."""

from typing import Annotated

from fastapi import Depends, FastAPI, HTTPException, Response
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from pydantic import BaseModel

from apps.models import MAX_BODY_SIZE, REQUEST_ID, TOKENS, User


class Item(BaseModel):
    """What GET /item answers."""

    id: int
    name: str
    description: str
    price: float
    quantity: int
    active: bool
    tags: list[str]
    category: str


class ItemRef(BaseModel):
    """What GET /items/{item_id} answers."""

    item_id: int
    name: str


class ItemSummary(BaseModel):
    """One row of GET /items."""

    id: int
    name: str
    price: float


class NewItem(BaseModel):
    """The body of POST /items."""

    name: str
    quantity: int
    price: float
    active: bool
    tags: list[str]


class OwnedItem(BaseModel):
    """What POST /my/items answers."""

    id: int
    owner: str
    name: str
    quantity: int
    price: float
    active: bool
    tags: list[str]


class CreatedItem(BaseModel):
    """What POST /items answers."""

    id: int
    name: str
    quantity: int
    price: float
    active: bool
    tags: list[str]


app = FastAPI(
    openapi_url=None,
    docs_url=None,
    redoc_url=None,
    telemetry={"tracing": False, "metrics": False, "logs": False, "operation_spans": False},
)


@app.get("/item")
async def get_item(response: Response) -> Item:
    """GET /item."""
    response.headers["x-request-id"] = REQUEST_ID
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


# The convertor makes a path whose id is no integer a 404; the annotation alone would make it a 422.
@app.get("/items/{item_id:int}")
async def get_item_by_id(item_id: int) -> ItemRef:
    """GET /items/{item_id}."""
    return ItemRef(item_id=item_id, name="Espresso machine")


@app.get("/items")
async def get_items(page: int = 1, size: int = 10, q: str = "") -> list[ItemSummary]:
    """GET /items."""
    first = (page - 1) * size
    return [ItemSummary(id=first + n, name=q, price=9.5) for n in range(10)]


# The limit stands at the one route that reads a body, so that the others do not pay for it.
@app.post("/items", status_code=201, max_body_size=MAX_BODY_SIZE)
async def create_item(new: NewItem) -> CreatedItem:
    """POST /items."""
    return CreatedItem(id=1001, name=new.name, quantity=new.quantity, price=new.price, active=new.active, tags=new.tags)


async def find_user(credentials: Annotated[HTTPAuthorizationCredentials, Depends(HTTPBearer())]) -> User:
    """Admit whoever brings a token."""
    user = TOKENS.get(credentials.credentials)
    if user is None:
        raise HTTPException(401, headers={"www-authenticate": 'Bearer realm="restricted"'})
    return user


@app.post("/my/items", status_code=201, max_body_size=MAX_BODY_SIZE)
async def create_my_item(new: NewItem, user: Annotated[User, Depends(find_user)]) -> OwnedItem:
    """POST /my/items."""
    return OwnedItem(
        id=1002,
        owner=user.name,
        name=new.name,
        quantity=new.quantity,
        price=new.price,
        active=new.active,
        tags=new.tags,
    )
