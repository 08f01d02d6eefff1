from jero_core import BaseApp, Endpoint


class Health(Endpoint, path="/health"):
    async def get(self) -> str:
        return "well"


class App(BaseApp):
    def __init__(self):  # without super().__init__()
        self._include_endpoint(Health())

    async def _wire(self):
        self._include_endpoint(Health)
