"""`jero` re-exports what its packages export: complete, unique, identical."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import jero

MEMBERS = ("jero_core", "jero_streaming")


@pytest.mark.parametrize("member", MEMBERS)
def test_every_exported_name_of_a_member_is_the_same_object_in_jero(member):
    module = importlib.import_module(member)
    assert {name: getattr(jero, name, None) for name in module.__all__} == {
        name: getattr(module, name) for name in module.__all__
    }
    assert all(getattr(jero, name) is getattr(module, name) for name in module.__all__)


def test_jero_exports_nothing_but_what_its_members_export():
    exported = [name for member in MEMBERS for name in importlib.import_module(member).__all__]
    assert sorted(exported) == sorted(jero.__all__)


def test_no_two_members_export_the_same_name():
    exported = [name for member in MEMBERS for name in importlib.import_module(member).__all__]
    assert len(exported) == len(set(exported))


def test_jero_holds_no_code_of_its_own():
    tree = ast.parse(Path(jero.__file__).read_text())
    kinds = {type(node) for node in tree.body}
    assert kinds <= {ast.Expr, ast.ImportFrom, ast.Assign}


def test_importing_jero_imports_no_test_client_and_no_documents():
    code = (
        "import sys, jero; print(*[name for name in ('httpx', 'jero_testing', 'jero_openapi') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
