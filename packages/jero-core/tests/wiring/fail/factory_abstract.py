"""A factory that lacks a method, and what else is wrong with the app: all is told at once."""

from abc import ABC, abstractmethod

from jero_core import BaseApp, BaseFactory


class Factory(BaseFactory, ABC):
    @abstractmethod
    def clock(self) -> float: ...


class App(BaseApp[Factory]):
    shutdown_timeout = "soon"

    async def _wire(self, more: int) -> None:
        return None
