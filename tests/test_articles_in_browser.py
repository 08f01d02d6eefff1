"""The article example in a real browser: a form with a file and a JSON part, its problems, and an upload.

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
def serving(target: str, port: int, log: Path) -> Iterator[None]:
    command = [sys.executable, "-m", "granian", "--interface", "asgi", "--no-ws", "--port", str(port), target]
    with log.open("wb") as output:
        process = subprocess.Popen(
            command,
            cwd=EXAMPLES,
            env={**os.environ, "TMPDIR": str(log.parent), "PYTHONDONTWRITEBYTECODE": "1"},
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
        yield
        process.terminate()
        assert process.wait(10) == 0, log.read_text(encoding="utf-8")
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


def problems(page) -> dict[str, str]:
    found = page.eval_on_selector_all(".problem", "all => all.map(one => [one.dataset.place, one.textContent])")
    return {place: text for place, text in found if text}


@without_browser
def test_the_form_shows_every_problem_beside_its_field_and_then_uploads(page, port, tmp_path):
    folder = tmp_path / "server"
    folder.mkdir()
    log = folder / "log"
    image = tmp_path / 'a "great" ☕.png'
    image.write_bytes(b"\x89PNG" + bytes(range(256)) * 12_000)
    with serving("articles:app", port, log):
        page.goto(f"http://127.0.0.1:{port}/")

        page.fill("[name=tags]", "a, b, c, d, e, f")
        page.fill("[name=minutes]", "0")
        page.click("button")
        page.wait_for_function("answer.textContent != ''", timeout=DEADLINE)
        assert page.inner_text("#answer") == "The form is invalid."
        assert problems(page) == {
            "/metadata/title": "Expected `str` of length >= 1",
            "/metadata/tags": "Expected `array` of length <= 5",
            "/metadata/readingMinutes": "Expected `int` >= 1",
            "/text": "Expected `str` of length >= 1",
        }

        page.fill("[name=title]", "Größe")
        page.fill("[name=tags]", "coffee, size")
        page.fill("[name=minutes]", "4")
        page.fill("[name=text]", "one two\nthree")
        page.set_input_files("[name=image]", image)
        page.click("button")
        page.wait_for_function("answer.textContent.startsWith('Published')", timeout=DEADLINE)
        size = image.stat().st_size
        assert page.inner_text("#answer") == (
            f"Published “Größe” as number 1: 3 words, image {image.name} of {size} bytes."
        )
        assert problems(page) == {}
        (kept,) = folder.glob("articles-*/1.image")
        assert kept.read_bytes() == image.read_bytes()

        page.set_input_files("[name=image]", [])
        page.click("button")
        page.wait_for_function("answer.textContent.includes('number 2')", timeout=DEADLINE)
        assert page.inner_text("#answer").endswith("image null of 0 bytes.")
    assert [path.name for path in folder.iterdir()] == ["log"], "temporary files are left"
    assert "ERROR" not in log.read_text(encoding="utf-8")
