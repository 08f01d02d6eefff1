"""The servers: the shared one that serves the quickstart, and starters of others."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Final

import pytest

from .server_process import CLEAN_EXIT, SERVERS, ServerProcess

EXAMPLES: Final = Path(__file__).resolve().parents[4] / "docs" / "examples"
APPS: Final = Path(__file__).resolve().parent / "apps"

type Start = Callable[..., ServerProcess]


@pytest.fixture(scope="session", params=SERVERS)
def server(request: pytest.FixtureRequest) -> str:
    """The name of each server in turn."""
    return request.param


@pytest.fixture(scope="session")
def shop(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with the quickstart. All tests share its store, so each gives its widgets names of their own."""
    with ServerProcess(
        server, "quickstart:app", directory=EXAMPLES, log=tmp_path_factory.mktemp(server) / "log"
    ) as process:
        process.wait_until_serving()
        yield process
        assert process.stop() == CLEAN_EXIT[server], process.log
        assert "Traceback" not in process.log
        assert "ERROR" not in process.log


@pytest.fixture(scope="session")
def probe(server: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server with apps/probe_app.py, which keeps no state."""
    with ServerProcess(server, "probe_app:app", directory=APPS, log=tmp_path_factory.mktemp(server) / "log") as process:
        process.wait_until_serving()
        yield process


@pytest.fixture
def journal(tmp_path: Path) -> Path:
    """The file in which the apps of apps/ write what happens to them."""
    return tmp_path / "journal"


@pytest.fixture
def start(server: str, tmp_path: Path, journal: Path) -> Iterator[Start]:
    """Starts an app of apps/ on the server; returns at once."""
    with ExitStack() as stack:

        def start_app(target: str, *options: str, server: str = server) -> ServerProcess:
            return stack.enter_context(
                ServerProcess(
                    server,
                    target,
                    directory=APPS,
                    log=tmp_path / "log",
                    options=options,
                    environment={"JERO_JOURNAL": str(journal)},
                )
            )

        yield start_app
