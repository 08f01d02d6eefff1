"""Attributes of the app class that are wrong; the place is the class."""

from msgspec import Struct

from jero_core import BaseApp, Endpoint


class Widget(Struct):
    name: str


class Clock:
    def bind(self, parameter, operation):
        raise NotImplementedError


class Widgets(Endpoint, path="/widgets"):
    async def post(self, json: Widget, clock: Widget) -> dict:
        return {}


class App(BaseApp):
    max_body_size = "1MB"
    shutdown_timeout = "10s"
    watch_signals = "SIGTERM"
    enc_hook = "json"
    guards = "guards"
    sources = {**BaseApp.sources, "clock": Clock, "now": 3}

    def dec_hook(self, type_, value):
        return value

    async def _wire(self) -> None:
        self._include_endpoint(Widgets())
