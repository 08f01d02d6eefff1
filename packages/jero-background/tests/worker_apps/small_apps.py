"""What a command line may name by mistake."""

from jero_core import BaseApp


class App(BaseApp):
    """It enters no queue."""

    async def _wire(self) -> None: ...


APP_NAME = "app"
app = App()
