"""A type that is imported for type checkers alone."""

from __future__ import annotations

from typing import TYPE_CHECKING

from jero_core import BaseApp, Endpoint

if TYPE_CHECKING:
    from shop.models import Order


class Orders(Endpoint, path="/orders"):
    async def post(self, json: Order) -> Order:
        return json


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Orders())
