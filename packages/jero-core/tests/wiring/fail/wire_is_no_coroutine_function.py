from jero_core import BaseApp


class App(BaseApp):
    def _wire(self):
        return None
