"""The pytest plugin: fixtures for clients of one app.

Rules
-----
- pytest loads this in every run of every project that has jero-testing installed. It imports nothing but pytest until a
  fixture is used, and adds nothing but three fixtures, one option and one setting, all of them named after jero.
- The app is what the fixture `jero_app` gives. A project overrides it, or names its app by `--jero-app module:app`, or
  by the setting `jero_app`.
"""

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

if TYPE_CHECKING:
    from .client import AsyncTestClient, TestClient
    from .exchange import App


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add `--jero-app` and the setting `jero_app`."""
    group = parser.getgroup("jero")
    group.addoption("--jero-app", metavar="MODULE:APP", help="the app of the fixtures jero_client, jero_async_client")
    parser.addini("jero_app", "the app of the fixtures jero_client and jero_async_client, as module:app")


@pytest.fixture
def jero_app(pytestconfig: pytest.Config) -> "App":
    """The app under test. Override this fixture, or name the app by --jero-app or the setting jero_app."""
    __tracebackhide__ = True
    target = cast("str", pytestconfig.getoption("--jero-app") or pytestconfig.getini("jero_app"))
    if not target:
        pytest.fail(
            "which app? Define a fixture `jero_app` that returns it, or name it: `pytest --jero-app module:app`, or "
            "`jero_app = module:app` in pytest's configuration.",
            pytrace=False,
        )
    return _load(target, pytestconfig.rootpath)


@pytest.fixture
def jero_client(jero_app: "App") -> "Iterator[TestClient]":
    """A TestClient of a started app; it is stopped when the test ends."""
    from .client import TestClient

    with TestClient(jero_app) as client:
        yield client


@pytest.fixture
def jero_async_client(jero_app: "App") -> "AsyncTestClient":
    """An AsyncTestClient for `async with`, which starts and stops the app: the test has the event loop, not pytest."""
    __tracebackhide__ = True
    from .client import AsyncTestClient

    return AsyncTestClient(jero_app)


def _load(target: str, root: Path) -> "App":
    """The app that `module:app` names, looked for in the root directory too; a class is called without arguments.

    The root directory stays on sys.path, as with the servers' `--app-dir`.
    """
    __tracebackhide__ = True
    module_name, _, attribute = target.partition(":")
    if not module_name or not attribute:
        pytest.fail(f"--jero-app {target}: an app is named `module:app`", pytrace=False)
    is_new = str(root) not in sys.path
    sys.path.insert(0, str(root))
    try:
        thing: object = importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module_name}.".startswith(f"{error.name}."):
            raise  # The module is there, and what it imports is not.
        pytest.fail(f"--jero-app {target}: there is no module {error.name!r} in {root} or on sys.path", pytrace=False)
    finally:
        sys.path.remove(str(root))
        if is_new:
            # For what the app imports later, in its start or in a handler; last, so that it hides nothing from others.
            sys.path.append(str(root))
    for name in attribute.split("."):
        if not hasattr(thing, name):
            pytest.fail(f"--jero-app {target}: {module_name} has no {attribute!r}", pytrace=False)
        thing = getattr(thing, name)
    if isinstance(thing, type):
        thing = thing()
    if not callable(thing):
        pytest.fail(f"--jero-app {target}: it is no app, but a value of type {type(thing).__name__}", pytrace=False)
    return cast("App", thing)
