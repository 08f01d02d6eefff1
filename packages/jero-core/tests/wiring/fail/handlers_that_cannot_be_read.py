"""Handlers behind decorators that leave nothing to read, and classes whose source is nowhere."""

import functools

from jero_core import BaseApp, Endpoint


def circular(function):
    """Its `__wrapped__` leads back to itself."""
    function.__wrapped__ = function
    return function


def signed(function):
    """Its `__signature__` is none."""

    @functools.wraps(function)
    async def wrapper(*args):
        return await function(*args)

    wrapper.__signature__ = 3
    return wrapper


class Odd(Endpoint, path="/odd"):
    @circular
    async def get(self) -> str:
        return ""

    @signed
    async def post(self) -> str:
        return ""


class Nowhere(Endpoint, path="/nowhere"):
    __module__ = "nowhere"


class App(BaseApp):
    async def _wire(self) -> None:
        self._include_endpoint(Odd())
        self._include_endpoint(Nowhere())
