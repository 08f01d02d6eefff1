"""`python -m jero_core explain`: plans and generated sources, for people."""

import io
import runpy
import subprocess
import sys
import textwrap

import pytest

from jero_core.explain import main

SHOP = """
from msgspec import Struct
from jero_core import BaseApp, Endpoint, HTTPError, JSONResponse, OperationMeta, Resource

class Path(Struct):
    id: int

class Item(Struct):
    name: str

class Query(Struct):
    q: str
    limit: int = 3

class Total(Struct):
    x_total: int

class Sold(HTTPError, status=409): ...

class Items(Resource, path="/items", meta_delete=OperationMeta(errors=(Sold,))):
    async def create(self, json: Item) -> JSONResponse[Item, Total]: ...
    async def read_many(self, params: Query) -> list[Item]: ...
    def delete(self, path: Path) -> None: ...

class App(BaseApp):
    async def _wire(self):
        self._include_resource(Items())

app = App()

class Broken(BaseApp):
    async def _wire(self):
        self._include_endpoint(Items())

class Bare(BaseApp): ...
"""


@pytest.fixture
def shop(tmp_path, monkeypatch):
    """A module of its own for each test, in the current folder."""
    name = f"shop_{tmp_path.name}".replace("-", "_")
    (tmp_path / f"{name}.py").write_text(textwrap.dedent(SHOP), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    yield name
    sys.modules.pop(name, None)


def explained(*arguments):
    output = io.StringIO()
    status = main(["explain", *arguments], output)
    return status, output.getvalue()


def test_an_operation_is_explained_with_its_plan_and_its_source(shop, tmp_path):
    line = SHOP[: SHOP.index("async def create")].count("\n") + 1
    status, text = explained(f"{shop}:app", "POST")
    assert status == 0
    assert text.startswith(
        f"""\
POST /items
    handler  Items.create ({tmp_path}/{shop}.py:{line})
    json     Item (refuses with 400, 413, 415, 422)
             at most 2097152 bytes
    answer   201 application/json, Item, headers Total

async def operation(scope, receive, send):
    scope['route'] = route
"""
    )
    assert "result = await handler(arg_json)" in text


def test_a_query_a_path_and_declared_errors_are_explained(shop):
    text = explained(f"{shop}:app")[1]
    assert "    params   q: str; limit: int, optional (refuses with 400)\n" in text
    assert "    path     id: int (refuses with 404)\n    answer   204 no content\n    raises   409 Sold\n" in text
    assert "Items.delete" in text
    assert ", not async\n" in text
    assert text.count("async def operation(") == 3


def test_a_class_is_explained_as_its_instance(shop):
    assert explained(f"{shop}:App", "DELETE", "/items")[1].startswith("DELETE /items/{id}\n")


def test_words_that_no_operation_has_give_nothing_and_1(shop):
    assert explained(f"{shop}:app", "PATCH") == (1, "")


def test_an_app_that_does_not_start_gives_its_report_and_1(shop, capsys):
    assert explained(f"{shop}:Broken") == (1, "")
    assert "JERO-W004 at" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("{}", "it is not written `module:app`"),
        (":app", "it is not written `module:app`"),
        ("no_such_module:app", "there is no module 'no_such_module'"),
        ("{}:nothing", "has no attribute 'nothing'"),
        ("{}:Items", "it is no app, but a value of type type"),
        ("{}:Bare", "it is no app"),
        ("{}:app.sources", "it is no app, but a value of type dict"),
    ],
)
def test_a_target_that_is_no_app_is_told_and_2(shop, capsys, target, message):
    assert explained(target.format(shop))[0] == 2
    assert message in capsys.readouterr().err


def test_it_is_the_package_s_main_module(shop, monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["jero_core", "explain", f"{shop}:app", "GET"])
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("jero_core", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("GET /items\n")


def test_importing_the_main_module_runs_nothing(monkeypatch):
    monkeypatch.setattr(sys, "argv", ["nothing"])
    assert runpy.run_module("jero_core.__main__")["main"] is main


def test_it_is_a_command(shop, tmp_path):
    command = [sys.executable, "-m", "jero_core", "explain", f"{shop}:app", "GET"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith("GET /items\n")
