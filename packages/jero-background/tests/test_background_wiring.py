"""Wiring errors of background work: what startup reports, and that it is quiet about what is right.

Each `fail/<case>.py` defines an `App` with wrong declarations, and `fail/<case>.txt` is the whole report that a start
of it gives, with every file's folder left out. Each `pass/<case>.py` defines an `App` that looks wrong and is legal.
After a change of the texts write the reports anew, and read what has changed:

    JERO_UPDATE_GOLDEN=1 python -m pytest packages/jero-background/tests/test_background_wiring.py
"""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest
from msgspec import Struct

from jero_background import BackgroundTasks
from jero_background.codes import CODES
from jero_core import BaseApp, WiringError

from .background_driver import StartupFailed, run, started

HERE = Path(__file__).parent / "wiring"
FAIL = sorted((HERE / "fail").glob("*.py"))
PASS = sorted((HERE / "pass").glob("*.py"))
UPDATE = bool(os.environ.get("JERO_UPDATE_GOLDEN"))


def load(path):
    """Import a case from its file."""
    name = f"background_wiring_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


async def start(app):
    async with started(app):
        pass


def report_of(app):
    with pytest.raises(StartupFailed) as caught:
        run(start(app))
    return str(caught.value)


@pytest.mark.parametrize("path", FAIL, ids=lambda path: path.stem)
def test_startup_reports_every_wrong_declaration_of_background_work(path):
    report = re.sub(r"(?:[^\s(]*/)?(\w+\.py:\d)", r"\1", report_of(load(path).App())) + "\n"
    report = re.sub(r" at 0x[0-9a-f]+", "", report)
    golden = path.with_suffix(".txt")
    if UPDATE:
        golden.write_text(report, encoding="utf-8")
    assert report == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PASS, ids=lambda path: path.stem)
def test_a_legal_app_starts_and_stops(path):
    run(start(load(path).App()))


def test_every_code_has_a_case():
    reported = {code for path in FAIL for code in codes_in(path.with_suffix(".txt"))}
    assert reported >= set(CODES)


def test_every_report_belongs_to_a_case():
    assert sorted((HERE / "fail").glob("*.txt")) == [path.with_suffix(".txt") for path in FAIL]


def codes_in(golden):
    return re.findall(r"^(JERO-W\d+) at ", golden.read_text(encoding="utf-8"), re.MULTILINE)


class Mail(Struct):
    number: int


def wrong(item: Mail) -> None: ...


async def right(item: Mail) -> None: ...


def test_a_handler_that_is_registered_before_the_queue_is_entered_is_reported_too():
    class App(BaseApp):
        async def _wire(self):
            tasks = BackgroundTasks()
            tasks.register(wrong)
            await self._aenter(tasks)

    assert "JERO-W070" in report_of(App())


def test_a_queue_that_a_factory_s_manager_gives_is_looked_at_too():
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def queue():
        async with BackgroundTasks() as tasks:
            yield tasks

    class App(BaseApp):
        async def _wire(self):
            tasks = await self._aenter(queue())
            tasks.register(wrong)

    assert "JERO-W070" in report_of(App())


def test_a_wrong_handler_raises_once_the_app_is_wired():
    class App(BaseApp):
        async def _wire(self):
            self.tasks = await self._aenter(BackgroundTasks())
            self.tasks.register(right)

    app = App()

    async def main():
        async with started(app):
            for handler in (wrong, right):
                with pytest.raises(WiringError, match="JERO-W07"):
                    app.tasks.register(handler)

    run(main())


def test_a_queue_that_outlives_its_app_s_stop_is_wired_anew():
    tasks = BackgroundTasks()

    class App(BaseApp):
        async def _wire(self):
            await self._aenter(tasks)
            tasks.register(right)

    app = App()
    for _ in range(2):
        run(start(app))


def test_what_is_no_function_and_a_name_that_stands_for_nothing_yet_add_nothing():
    from jero_background.add_scan import adds_in

    def function():
        def inner():
            later.add(Mail(1))
            return later.add

        yield inner
        later = BackgroundTasks()
        yield later

    assert [*adds_in(print)] == []
    inner = next(function())
    assert [*adds_in(inner)] == []
