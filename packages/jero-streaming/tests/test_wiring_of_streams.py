"""What startup reports about wrong streams, and that it is quiet about right ones.

Each `wiring/fail/<case>.py` defines an `App` with wrong declarations, and `.txt` is the report, without folders.
Each `wiring/pass/<case>.py` is a legal app with the bodies (`ANSWERS`) that requests get. To write the reports anew:

    JERO_UPDATE_GOLDEN=1 python -m pytest packages/jero-streaming
"""

import asyncio
import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

from .asgi_stream import Exchange, started

HERE = Path(__file__).parent / "wiring"
FAIL = sorted((HERE / "fail").glob("*.py"))
PASS = sorted((HERE / "pass").glob("*.py"))
UPDATE = bool(os.environ.get("JERO_UPDATE_GOLDEN"))


def load(path):
    name = f"stream_wiring_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def report_of(app):
    sent = []

    async def receive():
        return {"type": "lifespan.startup"}

    async def send(message):
        sent.append(message)

    asyncio.run(app({"type": "lifespan"}, receive, send))
    assert sent[0]["type"] == "lifespan.startup.failed"
    return re.sub(r"(?:[^\s(]*/)?(\w+\.py:\d)", r"\1", sent[0]["message"]) + "\n"


@pytest.mark.parametrize("path", FAIL, ids=lambda path: path.stem)
def test_startup_reports_every_wrong_stream(path):
    report = report_of(load(path).App())
    golden = path.with_suffix(".txt")
    if UPDATE:
        golden.write_text(report, encoding="utf-8")
    assert report == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PASS, ids=lambda path: path.stem)
def test_a_legal_app_streams(path):
    module = load(path)

    async def main():
        app = module.App()
        async with started(app):
            bodies = {}
            for request in module.ANSWERS:
                method, _, target = request.partition(" ")
                bodies[request] = (await Exchange(app, target, method=method).run()).body.decode()
            assert bodies == module.ANSWERS

    asyncio.run(main())
