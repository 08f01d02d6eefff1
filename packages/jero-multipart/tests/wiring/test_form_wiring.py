"""Wiring errors: what startup reports about wrong declarations, and that it is quiet about right ones.

Each `fail/<case>.py` defines an `App` with wrong declarations, and `fail/<case>.txt` is the whole report that a start
of it gives, with every file's folder left out. Each `pass/<case>.py` defines an `App` that looks dangerous and is
legal. After a change of the texts write the reports anew,
and read what has changed:

    JERO_UPDATE_GOLDEN=1 python -m pytest packages/jero-multipart/tests/wiring
"""

import asyncio
import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

from jero_core import WiringError

HERE = Path(__file__).parent
FAIL = sorted((HERE / "fail").glob("*.py"))
PASS = sorted((HERE / "pass").glob("*.py"))
UPDATE = bool(os.environ.get("JERO_UPDATE_GOLDEN"))


def load(path):
    """Import a case from its file."""
    name = f"multipart_wiring_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)  # msgspec looks a Struct's module up by name.
    spec.loader.exec_module(module)
    return module


async def lifespan(app):
    """Start an app and stop it; the messages that the app sent."""
    incoming, sent = asyncio.Queue(), asyncio.Queue()
    task = asyncio.create_task(app({"type": "lifespan", "asgi": {"version": "3.0"}}, incoming.get, sent.put))
    await incoming.put({"type": "lifespan.startup"})
    messages = [await asyncio.wait_for(sent.get(), 10)]
    if messages[0]["type"] == "lifespan.startup.complete":
        await incoming.put({"type": "lifespan.shutdown"})
        messages.append(await asyncio.wait_for(sent.get(), 10))
    await task
    return messages


def report_of(path):
    """What a start of the case's app reports, without folders."""
    try:
        case = load(path)
    except WiringError as error:  # Already at the class statement.
        message = {"type": "lifespan.startup.failed", "message": str(error)}
    else:
        (message,) = asyncio.run(lifespan(case.App()))
    assert message["type"] == "lifespan.startup.failed"
    return re.sub(r"(?:[^\s(]*/)?(\w+\.py:\d)", r"\1", message["message"]) + "\n"


@pytest.mark.parametrize("path", FAIL, ids=lambda path: path.stem)
def test_startup_reports_every_wrong_declaration(path):
    report = report_of(path)
    golden = path.with_suffix(".txt")
    if UPDATE:
        golden.write_text(report, encoding="utf-8")
    assert report == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PASS, ids=lambda path: path.stem)
def test_a_legal_app_starts_and_stops(path):
    messages = asyncio.run(lifespan(load(path).App()))
    assert messages == [{"type": "lifespan.startup.complete"}, {"type": "lifespan.shutdown.complete"}]


def test_every_report_belongs_to_a_case():
    assert sorted((HERE / "fail").glob("*.txt")) == [path.with_suffix(".txt") for path in FAIL]
