"""The pytest plugin, and what a failing test prints: runs of pytest in a folder of their own."""

import subprocess
import sys
import textwrap

import pytest

from jero_testing.plugin import _load

pytest_plugins = ["pytester"]

SHOP = """
from msgspec import Struct
from jero_core import BaseApp, Endpoint, Resource


class Widget(Struct):
    name: str


class Greeting(Endpoint, path="/greeting"):
    async def get(self) -> str:
        return "hello"


class Broken(Endpoint, path="/broken"):
    async def get(self) -> str:
        return helper()


def helper() -> str:
    raise ValueError("secret")


class App(BaseApp):
    starts = 0

    async def _wire(self) -> None:
        App.starts += 1
        self._include_endpoint(Greeting())
        self._include_endpoint(Broken())


class Wrong(Resource, path="/wrong"):
    async def create(self, json: dict) -> Widget: ...
    async def read_many(self, parms: Widget) -> list[Widget]: ...


class WrongApp(BaseApp):
    async def _wire(self) -> None:
        self._include_resource(Wrong())


app = App()
number = 3
"""


@pytest.fixture
def run(pytester):
    """Runs pytest on a test module, and gives its exit code and output."""
    pytester.makepyfile(shop=SHOP)

    def run_pytest(code, *options, ini=""):
        pytester.makepyfile(test_it=textwrap.dedent(code))
        pytester.makeini(f"[pytest]\n{ini}\n")
        result = pytester.runpytest_inprocess("-q", "-p", "no:cacheprovider", *options)
        return result.ret, result.stdout.str() + result.stderr.str()

    return run_pytest


NO_ASYNCIO = ("-p", "no:asyncio", "-p", "no:hypothesispytest")
LINE = SHOP.strip().splitlines().index('class Wrong(Resource, path="/wrong"):') + 1
GREETS = """
def test_greeting(jero_client):
    assert jero_client.get("/greeting").text == "hello"
"""


def test_the_app_can_be_named_on_the_command_line(run):
    code, output = run(GREETS, *NO_ASYNCIO, "--jero-app", "shop:app")
    assert code == 0, output


def test_the_app_can_be_named_in_the_configuration_and_be_a_class(run):
    code, output = run(GREETS, *NO_ASYNCIO, ini="jero_app = shop:App")
    assert code == 0, output


def test_the_app_can_come_from_a_fixture_and_is_started_for_each_test(run):
    code, output = run(
        """
        import pytest
        from shop import App

        @pytest.fixture
        def jero_app():
            return App()

        @pytest.mark.parametrize("number", [1, 2])
        def test_greeting(jero_client, number):
            assert jero_client.get("/greeting").text == "hello"
            assert App.starts == number
        """,
        *NO_ASYNCIO,
    )
    assert code == 0, output


@pytest.mark.parametrize(
    ("target", "told"),
    [
        ("shop", "an app is named `module:app`"),
        ("shp:app", "there is no module 'shp'"),
        ("sys:ap", "sys has no 'ap'"),
        ("sys:maxsize", "it is no app, but a value of type int"),
    ],
)
def test_a_name_that_leads_to_no_app_is_told(target, told, tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    with pytest.raises(pytest.fail.Exception, match=f"--jero-app {target}: {told}"):
        _load(target, tmp_path)


def test_what_the_app_imports_later_is_found_and_hides_nothing(tmp_path, monkeypatch):
    (tmp_path / "app_that_imports_late.py").write_text(
        "def app(): import part_that_is_imported_late as part; return part"
    )
    (tmp_path / "part_that_is_imported_late.py").touch()
    monkeypatch.setattr(sys, "path", [*sys.path])
    app = _load("app_that_imports_late:app", tmp_path)
    _load("app_that_imports_late:app", tmp_path)
    assert app().__name__ == "part_that_is_imported_late"
    assert sys.path[-1] == str(tmp_path)
    assert sys.path.count(str(tmp_path)) == 1


def test_a_module_that_fails_to_import_fails_with_its_own_exception(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", [*sys.path])
    (tmp_path / "module_of_a_missing_import.py").write_text("import nothing_of_this_name")
    with pytest.raises(ModuleNotFoundError, match="nothing_of_this_name"):
        _load("module_of_a_missing_import:app", tmp_path)


def test_a_missing_name_of_an_app_is_one_line(run):
    code, output = run(GREETS, *NO_ASYNCIO)
    assert code == 1
    assert "which app? Define a fixture `jero_app` that returns it" in output
    assert "plugin.py" not in output


def test_the_async_client_works_with_pytest_asyncio(run):
    code, output = run(
        """
        import pytest
        import pytest_asyncio
        from jero_testing import AsyncTestClient
        from shop import App

        @pytest_asyncio.fixture
        async def client():
            async with AsyncTestClient(App()) as client:
                yield client

        @pytest.mark.asyncio
        async def test_fixture(client):
            assert (await client.get("/greeting")).text == "hello"

        @pytest.mark.asyncio
        async def test_plugin(jero_async_client):
            async with jero_async_client as client:
                assert (await client.get("/greeting")).text == "hello"
        """,
        "-W",
        "error",
        "--jero-app",
        "shop:app",
        ini="asyncio_default_fixture_loop_scope = function",
    )
    assert (code, "2 passed" in output) == (0, True), output


def test_the_async_client_works_with_the_plugin_of_anyio(run):
    code, output = run(
        """
        import pytest
        from jero_testing import AsyncTestClient
        from shop import App

        @pytest.fixture
        def anyio_backend():
            return "asyncio"

        @pytest.fixture
        async def client(anyio_backend):
            async with AsyncTestClient(App()) as client:
                yield client

        @pytest.mark.anyio
        async def test_fixture(client):
            assert (await client.get("/greeting")).text == "hello"

        @pytest.mark.anyio
        async def test_plugin(jero_async_client):
            async with jero_async_client as client:
                assert (await client.get("/greeting")).text == "hello"
        """,
        *NO_ASYNCIO,
        "-W",
        "error",
        "--jero-app",
        "shop:app",
    )
    assert (code, "2 passed" in output) == (0, True), output


def test_unused_it_imports_nothing_of_jero_or_httpx(tmp_path):
    (tmp_path / "test_it.py").write_text(
        textwrap.dedent(
            """
            import sys

            def test_nothing_is_imported():
                assert not {"httpx", "jero_core", "jero", "msgspec"} & sys.modules.keys()
                assert [name for name in sys.modules if name.startswith("jero_testing")] == [
                    "jero_testing", "jero_testing.plugin"
                ]
            """
        )
    )
    options = ("-q", "-p", "no:cacheprovider", *NO_ASYNCIO, "-p", "no:anyio", "-p", "no:hypothesispytest")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", *options], cwd=tmp_path, capture_output=True, text=True, timeout=60
    )
    assert result.returncode == 0, result.stdout + result.stderr


def test_unused_it_adds_three_fixtures_an_option_and_a_setting(run):
    _, output = run("def test_it(): ...", *NO_ASYNCIO, "--fixtures", "-v")
    assert {line.split()[0] for line in output.splitlines() if line.startswith("jero_")} == {
        "jero_app",
        "jero_client",
        "jero_async_client",
    }
    _, output = run("def test_it(): ...", *NO_ASYNCIO, "--help")
    assert [line.strip() for line in output.splitlines() if "jero" in line and line.startswith("  ")][:1] != []


def test_a_test_module_that_imports_the_names_collects_no_test_of_them(run):
    code, output = run(
        """
        from jero_testing import *

        def test_it(): ...
        """,
        *NO_ASYNCIO,
        "-W",
        "error",
    )
    assert (code, "1 passed" in output) == (0, True), output


# what a failing test prints

REPORT = """\
E       jero_core.wiring.WiringError: 2 declarations are wrong; no request was served.
E       
E       JERO-W016 at {folder}/shop.py:{create}, Wrong.create
E           wrong: json: dict is no Struct, list of Structs or union of tagged Structs.
E           write: a msgspec Struct that names the body's members, or `list[...]` of one.
E       
E       JERO-W012 at {folder}/shop.py:{read_many}, Wrong.read_many
E           wrong: nothing binds an argument named 'parms'.
E           write: one of `path`, `params`, `headers`, `raw_headers`, `json`, `content`; dependencies are arguments of \
the class's constructor.
"""


@pytest.mark.parametrize("is_async", [False, True])
def test_a_startup_failure_shows_the_whole_wiring_report_and_no_transport(run, pytester, is_async):
    code = """
        from jero_testing import TestClient
        from shop import WrongApp

        def test_it():
            with TestClient(WrongApp()) as client:
                client.get("/")
        """
    if is_async:
        code = """
        import pytest
        from jero_testing import AsyncTestClient
        from shop import WrongApp

        @pytest.mark.anyio
        async def test_it():
            async with AsyncTestClient(WrongApp()) as client:
                await client.get("/")
        """
    _, output = run(code, *NO_ASYNCIO, "-k", "not trio")
    assert REPORT.format(folder=pytester.path, create=LINE + 1, read_many=LINE + 2) in output, output
    for noise in ("httpx", "jero_testing/", "jero_core/", "Captured", "During handling", "direct cause", "concurrent"):
        assert noise not in output


def test_a_startup_failure_in_the_fixture_shows_the_whole_report_too(run):
    _, output = run(GREETS, *NO_ASYNCIO, "--jero-app", "shop:WrongApp")
    assert "E       jero_core.wiring.WiringError: 2 declarations are wrong; no request was served." in output
    assert "JERO-W012" in output
    for noise in ("httpx", "transports.py", "jero_core/", "Captured", "During handling", "concurrent"):
        assert noise not in output


def test_a_fault_of_a_handler_shows_the_way_from_the_test_to_the_line(run):
    _, output = run(
        """
        def test_it(jero_client):
            jero_client.get("/broken")
        """,
        *NO_ASYNCIO,
        "--jero-app",
        "shop:app",
    )
    assert '>       jero_client.get("/broken")' in output
    assert '>       raise ValueError("secret")' in output or '>   raise ValueError("secret")' in output
    assert "E       ValueError: secret" in output
    for noise in ("jero_testing/", "jero_core/", "_send_single_request", "Captured", "During handling", "concurrent"):
        assert noise not in output
