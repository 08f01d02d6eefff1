"""The pages of docs/errors: one for each wiring-error code, with examples that really are wrong and right."""

import importlib.util
import os
import re
import sys
from pathlib import Path

import pytest

import jero_auth.codes
import jero_background.codes
import jero_core.wiring
from jero_core.wiring import WiringError
from jero_testing import TestClient

CODES = {**jero_core.wiring.CODES, **jero_auth.codes.CODES, **jero_background.codes.CODES}
"""Every code of every package."""
PAGES = Path(__file__).parents[1] / "docs" / "errors"
EXAMPLE = re.compile(r"^## (wrong|right)\n\n```python\n(.*?)^```$", re.MULTILINE | re.DOTALL)
by_code = pytest.mark.parametrize("code", sorted(CODES))


def page_of(code):
    return (PAGES / f"{code}.md").read_text(encoding="utf-8")


@pytest.fixture(autouse=True)
def own_environment(monkeypatch):
    """Examples may set variables."""
    monkeypatch.setattr(os, "environ", dict(os.environ))


def start(code, kind, folder):
    """Start the app of a page's example, and stop it. Gives the error of a wrong one."""
    name = f"{code.replace('-', '_').lower()}_{kind}"
    file = folder / f"{name}.py"
    file.write_text(dict(EXAMPLE.findall(page_of(code)))[kind], encoding="utf-8")
    spec = importlib.util.spec_from_file_location(name, file)
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    try:
        spec.loader.exec_module(module)  # Some are wrong already at the class statement.
        with TestClient(module.App()):
            return None
    except WiringError as error:
        return error


def test_each_code_has_a_page_and_each_page_a_code():
    assert {path.stem for path in PAGES.glob("*.md")} - {"README"} == set(CODES)


def test_the_index_lists_every_code_with_its_title():
    rows = re.findall(
        r"^\| \[(.+?)\]\((.+?)\.md\) \| (.+?) \|$", (PAGES / "README.md").read_text("utf-8"), re.MULTILINE
    )
    assert rows == [(code, code, CODES[code]) for code in sorted(CODES)]


@by_code
def test_a_page_has_the_title_of_its_code(code):
    assert page_of(code).startswith(f"# {code}: {CODES[code]}\n\n")


@by_code
def test_a_page_explains_shows_and_justifies(code):
    assert re.findall(r"^## (.+)$", page_of(code), re.MULTILINE) == ["wrong", "right", "why"]
    assert all(re.split(r"^(?:# .*|## why)$", page_of(code), flags=re.MULTILINE)[1:])


@by_code
def test_the_wrong_example_yields_its_code_and_no_other(code, tmp_path):
    assert {problem.code for problem in start(code, "wrong", tmp_path).problems} == {code}


@by_code
def test_the_right_example_starts(code, tmp_path):
    assert start(code, "right", tmp_path) is None
