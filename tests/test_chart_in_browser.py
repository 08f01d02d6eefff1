"""The chart example in a real browser: EventSource receives, is disconnected by the server, comes back, misses nothing.

It needs Debian's `chromium` (`apt-get install chromium`), which .ci/run installs.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
EXAMPLES = ROOT / "docs" / "examples"
CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
DEADLINE = 20_000
"""Milliseconds; a good run takes a fifth."""

without_browser = pytest.mark.skipif(
    CHROMIUM is None and not os.environ.get("CI"), reason="there is no Chromium: apt-get install chromium"
)


@contextmanager
def serving(target: str, port: int, log: Path) -> Iterator[subprocess.Popen[bytes]]:
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--port", str(port), target]
    paths = os.pathsep.join([str(EXAMPLES), str(ROOT / "tests" / "browser")])
    with log.open("ab") as output:
        process = subprocess.Popen(
            command,
            env={**os.environ, "PYTHONPATH": paths, "PYTHONDONTWRITEBYTECODE": "1", "PYTHONUNBUFFERED": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for _ in range(400):
            with suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1) as connection:
                connection.sendall(b"GET / HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n")
                if connection.recv(1):
                    break
            assert process.poll() is None, log.read_text(encoding="utf-8")
            time.sleep(0.05)
        yield process
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


@pytest.fixture
def port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as probe:
        return probe.getsockname()[1]


@pytest.fixture
def page():
    from playwright.sync_api import sync_playwright

    assert CHROMIUM is not None, "CI installs Chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()


@without_browser
def test_the_chart_misses_nothing_when_the_server_disconnects_it(page, port, tmp_path):
    log = tmp_path / "log"
    with serving("cut_chart:app", port, log):
        page.goto(f"http://127.0.0.1:{port}/")
        # The third visit is there, and has lasted longer than the first two.
        page.wait_for_function("connections >= 3 && seen.length >= 60", timeout=DEADLINE)
        numbers = page.evaluate("seen.map(reading => reading.n)")
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert page.inner_text("#state") == "connected"
        assert page.evaluate("pen.getImageData(0, 0, 800, 300).data.some(byte => byte > 0)"), "nothing is drawn"
    visits = [line for line in log.read_text(encoding="utf-8").splitlines() if line.startswith("visit")]
    assert visits[0] == "visit 1 from None"
    assert visits[1] == f"visit 2 from {numbers[14]}"
    assert visits[2] == f"visit 3 from {numbers[29]}"


@without_browser
def test_the_chart_goes_on_by_itself_when_the_server_is_restarted(page, port, tmp_path):
    log = tmp_path / "log"
    with serving("chart:app", port, log) as process:
        page.goto(f"http://127.0.0.1:{port}/")
        page.wait_for_function("seen.length >= 10", timeout=DEADLINE)
        process.terminate()
        assert process.wait(3) == 0, log.read_text(encoding="utf-8")
        page.wait_for_function("state.textContent == 'reconnecting'", timeout=DEADLINE)
        before = page.evaluate("seen.length")
    with serving("chart:app", port, log):
        page.wait_for_function(f"connections == 2 && seen.length > {before}", timeout=DEADLINE)
    text = log.read_text(encoding="utf-8")
    assert text.count("a client comes back") == 1
    assert "Traceback" not in text
