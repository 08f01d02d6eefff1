"""`python -m jero_core explain`: plans and generated sources, for people."""

import io
import os
import re
import runpy
import subprocess
import sys
import textwrap

import pytest

from jero_core import BaseApp, Endpoint
from jero_core.explain import main

from .test_guards import Tenant, TenantGuards, TenantSource

SHOP = """
from typing import Annotated
from msgspec import Meta, Struct, field
from jero_core import BaseApp, Endpoint, HTTPError, JSONResponse, OperationMeta, RawHeaders, Resource

class Path(Struct):
    id: int

class Item(Struct):
    name: str

class Query(Struct, forbid_unknown_fields=True):
    q: str
    limit: Annotated[int, Meta(ge=1, le=9)] = 3
    tags: list[str] = []
    token: str = field(default_factory=str, name="token_1")

class Total(Struct):
    x_total: int

class Sold(HTTPError, status=409): ...

class Bulk(Resource, path="/bulk", max_body_size=100):
    async def update(self, json: list[Item], params: Query, raw_headers: RawHeaders, path: Path) -> str: ...

class Items(Resource, path="/items", meta_delete=OperationMeta(errors=(Sold,))):
    async def create(self, json: Item) -> JSONResponse[Item, Total]: ...
    async def read_many(self) -> list[Item]: ...
    def delete(self, path: Path) -> None: ...

class App(BaseApp):
    async def _wire(self):
        self._include_resource(Items())
        self._include_resource(Bulk())

app = App()

class Empty(BaseApp):
    async def _wire(self): ...

class Broken(BaseApp):
    async def _wire(self):
        self._include_endpoint(Items())

class Bare(BaseApp): ...

class Configured(BaseApp):
    def __init__(self, config):
        super().__init__()

    async def _wire(self): ...

class Down(BaseApp):
    async def _wire(self):
        raise OSError("the database is down")
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
    handler     Items.create ({tmp_path}/{shop}.py:{line})
    json        Item, else 400, 413, 415, 422
                application/json, at most 2,097,152 bytes
                name: str
    answer      201 application/json, Item
                headers Total
                  x_total: int

async def operation(scope, receive, send):
    scope['route'] = route
"""
    )
    assert "result = await handler(arg_json)" in text


def test_what_an_operation_takes_is_explained_in_the_order_in_which_it_is_checked(shop):
    text = explained(f"{shop}:app", "PUT")[1]
    assert (
        """\
    path        Path, else 404
                id: int
    params      Query, else 400
                q: str
                limit: Annotated[int, Meta(ge=1, le=9)] = 3
                tags: list[str] = []
                token_1: str = ...
                and nothing else
    raw_headers RawHeaders
    json        list[Item], else 400, 413, 415, 422
                application/json, at most 100 bytes
    answer      200 text/plain; charset=utf-8, str
"""
        in text
    )


def test_declared_errors_and_plain_functions_are_explained(shop):
    text = explained(f"{shop}:app")[1]
    assert "                id: int\n    answer      204 no content\n    raises      409 Sold\n" in text
    assert "Items.delete" in text
    assert ", not async\n" in text
    assert text.count("async def operation(") == 4


def test_the_names_that_the_emitter_made_up_are_explained(shop):
    text = explained(f"{shop}:app", "PUT")[1]
    legend = {line.split()[1]: " ".join(line.split()[2:]) for line in text.splitlines() if line[:5] == "#    "}
    assert {
        "struct_0": "Path",
        "invalid_0": "ValueError, TypeError, ValidationError",
        "type_value1_1": "Annotated[int, Meta(ge=1, le=9)]",
        "default2_1": "list",
        "explain_1": "a value of type Explainer",
        "from_asgi_2": "RawHeaders.from_asgi",
        "not_decodable_4": "DecodeError, UnicodeDecodeError, RecursionError",
        "decode_4": "Decoder.decode",
        "expected_5": "'str'",
    }.items() <= legend.items()
    source = text[text.index("async def") : text.index("# where")]
    assert legend.keys() == {*re.findall(r"\b[a-zA-Z]\w*_\d\b", source)} - {"token_1"}
    assert re.search("# +lengths_[0-9]+ +4096 values", explained(f"{shop}:app", "POST")[1])


def test_one_function_at_several_paths_is_explained_at_each(tmp_path, monkeypatch):
    module = """
    from msgspec import Struct
    from jero_core import BaseApp, Endpoint

    class Two(Struct):
        a: int
        b: str

    class Base(Endpoint, path="/{a}/{b}"):
        @staticmethod
        def get(path: Two) -> str: ...

    class Other(Base, path="/other/{b}/{a}"): ...

    class App(BaseApp):
        async def _wire(self):
            self._include_endpoint(Base())
            self._include_endpoint(Other())
    """
    (tmp_path / "one_function.py").write_text(textwrap.dedent(module), encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    status, text = explained("one_function:App")
    sys.modules.pop("one_function")
    assert status == 0
    base, other = text.split("GET /other/{b}/{a}\n")
    assert "slot0.isdecimal()" in base
    assert "slot1.isdecimal()" in other


def test_a_class_is_explained_as_its_instance(shop):
    assert explained(f"{shop}:App", "DELETE", "/items")[1].startswith("DELETE /items/{id}\n")


def test_words_that_no_operation_has_are_told_with_what_the_app_has_and_1(shop, capsys):
    assert explained(f"{shop}:app", "PATCH", "/items") == (1, "")
    told = capsys.readouterr().err
    assert told.startswith(
        f"{shop}:app: no operation has all of 'PATCH', '/items'; the app has\n    POST /items Items.create\n"
    )


def test_an_app_without_operations_is_told_and_1(shop, capsys):
    assert explained(f"{shop}:Empty") == (1, "")
    assert capsys.readouterr().err == f"{shop}:Empty: the app has no operations\n"


def test_a_module_that_the_app_s_module_lacks_is_an_exception_with_its_traceback(tmp_path, monkeypatch):
    (tmp_path / "lacking.py").write_text("import no_such_dependency", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    with pytest.raises(ModuleNotFoundError, match="no_such_dependency"):
        explained("lacking:app")


def test_whoever_reads_may_stop_early(shop, tmp_path):
    reader, writer = os.pipe()
    os.close(reader)
    command = [sys.executable, "-m", "jero_core", "explain", f"{shop}:app"]
    done = subprocess.run(command, cwd=tmp_path, stdout=writer, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writer)
    assert (done.returncode, done.stderr) == (0, "")


def test_whoever_reads_may_stop_early_in_this_process_too(shop, tmp_path, monkeypatch):
    class Gone(io.StringIO):
        def write(self, text):
            raise BrokenPipeError

    with (tmp_path / "stdout").open("w") as stdout:
        monkeypatch.setattr(sys, "stdout", stdout)
        assert main(["explain", f"{shop}:app"], Gone()) == 0


class Guarded(Endpoint, path="/guarded"):
    async def get(self, tenant: Tenant) -> str: ...


class GuardedApp(BaseApp):
    guards = TenantGuards()
    sources = {**BaseApp.sources, "tenant": TenantSource()}

    async def _wire(self):
        self._include_endpoint(Guarded(), auth="x-tenant")


def test_a_guard_is_explained_before_what_it_guards():
    text = explained(f"{__name__}:GuardedApp")[1]
    assert (
        """
    guard       Tenants, which gives Tenant, else 401, 402
    tenant      Tenant, as the guard admitted it
"""
        in text
    )


def test_an_app_that_does_not_start_gives_its_report_and_1(shop, capsys):
    assert explained(f"{shop}:Broken") == (1, "")
    assert "JERO-W004 at" in capsys.readouterr().err


def test_what_an_app_raises_when_it_starts_is_shown_and_1(shop, capsys):
    assert explained(f"{shop}:Down") == (1, "")
    told = capsys.readouterr().err
    assert told.startswith("Traceback (most recent call last):")
    assert 'raise OSError("the database is down")' in told
    assert told.endswith(f"\n{shop}:Down: the app does not start: OSError: the database is down\n")


@pytest.mark.parametrize(
    ("target", "message"),
    [
        ("{}", "it is not written `module:app`"),
        (":app", "it is not written `module:app`"),
        (".{}:app", "it is not written `module:app`"),
        ("{}..nothing:app", "it is not written `module:app`"),
        ("{}.nothing:app", ".nothing'"),
        ("{}:Configured", "it is a class that takes arguments (missing a required argument: 'config'); name an object"),
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
