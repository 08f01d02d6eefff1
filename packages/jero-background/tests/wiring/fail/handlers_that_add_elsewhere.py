"""Handlers that add to another queue than their own: to one that was entered, and to one that nobody has entered."""

from msgspec import Struct

from jero_background import BackgroundTasks
from jero_core import BaseApp


class Mail(Struct):
    number: int


class Letter(Struct):
    number: int


class Parcel(Struct):
    number: int


class Relay:
    def __init__(self, mails: BackgroundTasks, parcels: BackgroundTasks) -> None:
        self._mails = mails
        self._parcels = parcels

    async def to_mails(self, item: Letter) -> None:
        await self._mails.add(Mail(item.number))

    async def to_parcels(self, item: Parcel) -> None:
        await self._parcels.add(Parcel(item.number))


class App(BaseApp):
    async def _wire(self) -> None:
        mails = await self._aenter(BackgroundTasks())
        letters = await self._aenter(BackgroundTasks())
        relay = Relay(mails, BackgroundTasks())
        letters.register(relay.to_mails)
        letters.register(relay.to_parcels)
