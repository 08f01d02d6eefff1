"""`jero` re-exports what its packages export: complete, unique, identical."""

import ast
import asyncio
import importlib
import subprocess
import sys
from pathlib import Path

import pytest

import jero
import jero_core

MEMBERS = ("jero_auth", "jero_background", "jero_core", "jero_multipart", "jero_streaming", "jero_testing")
OWN = {"BaseApp"}
"""What jero has of its own: the app, with what every package brings (DESIGN, law 3)."""
ON_USE = ("httpx", "jero_testing", "jero_openapi", "taskiq")
"""What importing jero must not import."""


@pytest.mark.parametrize("member", MEMBERS)
def test_every_exported_name_of_a_member_is_the_same_object_in_jero(member):
    module = importlib.import_module(member)
    names = set(module.__all__) - OWN
    assert {name: getattr(jero, name, None) for name in names} == {name: getattr(module, name) for name in names}
    assert all(getattr(jero, name) is getattr(module, name) for name in names)


def test_the_app_is_the_core_s_with_the_sources_and_guards_of_every_package():
    assert jero.BaseApp.__mro__[1] is jero_core.BaseApp
    own = jero.BaseApp.sources.keys() - jero_core.BaseApp.sources.keys()
    assert own == {"form", "last_event_id", "user", "after_response"}
    assert all(jero.BaseApp.sources[name] is source for name, source in jero_core.BaseApp.sources.items())
    assert isinstance(jero.BaseApp.guards, jero.AuthGuards)


def test_the_app_makes_the_factory_that_it_is_given():
    class Factory(jero.BaseFactory): ...

    class App(jero.BaseApp[Factory]):
        async def _wire(self):
            assert type(self._factory) is Factory
            wired.append(self)

    class PlainApp(jero.BaseApp):
        async def _wire(self):
            assert self._factory is None
            wired.append(self)

    wired = []
    for app in (App(), PlainApp()):
        asyncio.run(app._jero_start())
    assert len(wired) == 2


def test_jero_exports_nothing_but_what_its_members_export():
    exported = [name for member in MEMBERS for name in importlib.import_module(member).__all__]
    assert sorted(exported) == sorted(jero.__all__)


def test_no_two_members_export_the_same_name():
    exported = [name for member in MEMBERS for name in importlib.import_module(member).__all__]
    assert len(exported) == len(set(exported))


def test_jero_holds_no_code_of_its_own_but_the_app():
    folder = Path(jero.__file__).parent
    assert {path.name for path in folder.glob("*.py")} == {"__init__.py", "app.py"}
    tree = ast.parse((folder / "__init__.py").read_text())
    kinds = {type(node) for node in tree.body}
    assert kinds <= {ast.Expr, ast.Import, ast.ImportFrom, ast.Assign, ast.If, ast.FunctionDef}
    assert [node.name for node in tree.body if isinstance(node, ast.FunctionDef)] == ["__getattr__", "__dir__"]
    assert [ast.unparse(node.test) for node in tree.body if isinstance(node, ast.If)] == ["TYPE_CHECKING"]
    app = ast.parse((folder / "app.py").read_text())
    assert not [node for node in ast.walk(app) if isinstance(node, ast.FunctionDef)]


def test_importing_jero_imports_neither_the_parser_of_forms_nor_what_it_needs():
    code = "import sys, jero; print(*[name for name in ('multipart', 'tempfile', 'shutil') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


def loaded_after(code):
    """Which of the modules that wait for their use are loaded after this code, in a process of its own."""
    code = f"import sys, jero\n{code}\nprint(*[name for name in {ON_USE} if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return result.stdout.split()


@pytest.mark.parametrize(
    "code",
    ["", "from jero import BaseApp, Resource, WiringError", "dir(jero)", "hasattr(jero, 'nothing_of_this_name')"],
)
def test_importing_jero_imports_no_test_client_and_no_documents(code):
    assert loaded_after(code) == []


@pytest.mark.parametrize("code", ["jero.TestClient", "from jero import AsyncTestClient", "from jero import *"])
def test_a_name_of_the_test_client_imports_it_when_it_is_used(code):
    assert loaded_after(code) == ["httpx", "jero_testing"]


def test_a_name_that_nobody_exports_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'jero' has no attribute 'nothing_of_this_name'"):
        jero.nothing_of_this_name  # noqa: B018


def test_completion_sees_every_name():
    assert set(jero.__all__) <= set(dir(jero))
