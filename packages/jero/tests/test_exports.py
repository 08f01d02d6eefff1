"""`jero` re-exports what its packages export: complete, unique, identical."""

import ast
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import jero
import jero_core

MEMBERS = ("jero_core", "jero_multipart")
OWN = {"BaseApp"}
"""What jero defines itself: DESIGN, law 3."""


@pytest.mark.parametrize("member", MEMBERS)
def test_every_exported_name_of_a_member_is_the_same_object_in_jero(member):
    module = importlib.import_module(member)
    names = set(module.__all__) - OWN
    assert {name: getattr(jero, name, None) for name in names} == {name: getattr(module, name) for name in names}
    assert all(getattr(jero, name) is getattr(module, name) for name in names)


def test_jero_s_app_is_core_s_with_every_source():
    assert issubclass(jero.BaseApp, jero_core.BaseApp)
    own = {name for name in vars(jero.BaseApp) if not name.startswith("__")} - {"_abc_impl"}
    assert own == {"sources"}
    assert jero.BaseApp.sources.items() >= jero_core.BaseApp.sources.items()
    assert {*jero.BaseApp.sources} - {*jero_core.BaseApp.sources} == {"form"}


def test_jero_exports_nothing_but_what_its_members_export():
    exported = [name for member in MEMBERS for name in importlib.import_module(member).__all__]
    assert sorted(exported) == sorted(jero.__all__)


def test_no_two_members_export_the_same_name():
    exported = [name for member in MEMBERS for name in importlib.import_module(member).__all__]
    assert len(exported) == len(set(exported))


def test_jero_holds_no_code_of_its_own_but_the_app():
    folder = Path(jero.__file__).parent
    assert {path.name for path in folder.glob("*.py")} == {"__init__.py", "app.py"}
    kinds = {type(node) for node in ast.parse((folder / "__init__.py").read_text()).body}
    assert kinds <= {ast.Expr, ast.ImportFrom, ast.Assign}
    assert not [
        node for node in ast.walk(ast.parse((folder / "app.py").read_text())) if isinstance(node, ast.FunctionDef)
    ]


def test_importing_jero_imports_neither_the_parser_of_forms_nor_what_it_needs():
    code = "import sys, jero; print(*[name for name in ('multipart', 'tempfile', 'shutil') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def test_importing_jero_imports_no_test_client_and_no_documents():
    code = (
        "import sys, jero; print(*[name for name in ('httpx', 'jero_testing', 'jero_openapi') if name in sys.modules])"
    )
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""
