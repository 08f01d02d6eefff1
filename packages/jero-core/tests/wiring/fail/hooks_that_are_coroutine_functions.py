"""msgspec calls a hook and takes what it gives as it is."""

from jero_core import BaseApp


class App(BaseApp):
    @staticmethod
    async def enc_hook(value: object) -> object:
        return str(value)

    @staticmethod
    async def dec_hook(type_: type, value: object) -> object:
        return type_(value)

    async def _wire(self) -> None: ...
