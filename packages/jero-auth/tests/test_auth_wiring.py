"""Wiring errors of authentication: what startup reports about wrong ones, and that it is quiet about right ones.

Each `fail/<case>.py` defines an `App` with wrong declarations, and `fail/<case>.txt` is the whole report that a start
of it gives, with every file's folder left out. Each `pass/<case>.py` defines an `App` that looks wrong and is legal.
After a change of the texts write the reports anew, and read what has changed:

    JERO_UPDATE_GOLDEN=1 python -m pytest packages/jero-auth/tests/test_auth_wiring.py
"""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

from jero_auth.codes import CODES

from .auth_driver import report_of, serve

HERE = Path(__file__).parent / "wiring"
FAIL = sorted((HERE / "fail").glob("*.py"))
PASS = sorted((HERE / "pass").glob("*.py"))
UPDATE = bool(os.environ.get("JERO_UPDATE_GOLDEN"))


def load(path):
    """Import a case from its file."""
    name = f"auth_wiring_{path.parent.name}_{path.stem}"
    spec = importlib.util.spec_from_file_location(name, path)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", FAIL, ids=lambda path: path.stem)
def test_startup_reports_every_wrong_authenticator(path):
    report = re.sub(r"(?:[^\s(]*/)?(\w+\.py:\d)", r"\1", report_of(load(path).App())) + "\n"
    golden = path.with_suffix(".txt")
    if UPDATE:
        golden.write_text(report, encoding="utf-8")
    assert report == golden.read_text(encoding="utf-8")


@pytest.mark.parametrize("path", PASS, ids=lambda path: path.stem)
def test_a_legal_authenticator_starts(path):
    module = load(path)

    async def conversation(ask):
        return {target: (await ask("GET", target)).status for target in module.ANSWERS}

    assert serve(module.App(), conversation) == module.ANSWERS


def test_every_code_has_a_case():
    reported = {code for path in FAIL for code in codes_in(path.with_suffix(".txt"))}
    assert reported >= set(CODES)


def test_every_report_belongs_to_a_case():
    assert sorted((HERE / "fail").glob("*.txt")) == [path.with_suffix(".txt") for path in FAIL]


def codes_in(golden):
    return re.findall(r"^(JERO-W\d+) at ", golden.read_text(encoding="utf-8"), re.MULTILINE)
