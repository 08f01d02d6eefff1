"""What README.md says is true: its commands give the answers that stand below them, and its example serves."""

import http.client
import os
import re
import shlex
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
SERVE = "granian --interface asgi --working-dir docs/examples quickstart:app"


@pytest.fixture(scope="module")
def readme() -> str:
    return (ROOT / "README.md").read_text(encoding="utf-8")


def code_blocks(text: str) -> list[tuple[str, str]]:
    """Language and content of each fenced block, in order."""
    return re.findall(r"^```(\w+)\n(.*?)\n```$", text, flags=re.MULTILINE | re.DOTALL)


def quickstart(readme: str) -> list[tuple[str, str]]:
    """The code blocks of the section "Quickstart"."""
    sections = re.split(r"^## ", readme, flags=re.MULTILINE)
    (section,) = [section for section in sections if section.startswith("Quickstart\n")]
    return code_blocks(section)


def conversation(blocks: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """Each curl command, with the answer in the block behind it."""
    pairs = []
    for (language, command), (answer_language, answer) in zip(blocks, [*blocks[1:], ("", "")], strict=True):
        if language == "sh" and command.startswith("curl "):
            assert answer_language in {"json", "text"}, f"no answer stands behind: {command}"
            pairs.append((command, answer))
    return pairs


@contextmanager
def serving(command: str, directory: Path, log: Path) -> Iterator[int]:
    """The port at which a granian command serves."""
    with socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
    with log.open("wb") as output:
        process = subprocess.Popen(
            [sys.executable, "-m", *shlex.split(command), "--port", str(port)],
            cwd=directory,
            env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        for _ in range(400):
            if process.poll() is not None or get(port, "/") is not None:
                break
            time.sleep(0.05)
        assert process.poll() is None, log.read_text(encoding="utf-8")
        yield port
        process.terminate()
        assert process.wait(10) == 0, log.read_text(encoding="utf-8")
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait(10)


def get(port: int, target: str) -> bytes | None:
    """The body of the answer to a GET; None if nobody answers."""
    client = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        client.request("GET", target)
        return client.getresponse().read()
    except (OSError, http.client.HTTPException):
        return None
    finally:
        client.close()


def test_each_command_of_the_quickstart_prints_the_answer_below_it(readme, tmp_path):
    if shutil.which("curl") is None:
        pytest.skip("there is no curl")
    blocks = quickstart(readme)
    language, serve = blocks[0]
    assert language == "sh"
    assert serve.endswith(SERVE)
    expected = conversation(blocks)
    assert len(expected) >= 3
    printed = []
    with serving(SERVE, ROOT, tmp_path / "log") as port:
        for command, _ in expected:
            local = command.replace("127.0.0.1:8000", f"127.0.0.1:{port}")
            assert local != command
            result = subprocess.run(local, shell=True, capture_output=True, text=True, timeout=30, check=True)
            printed.append((command, result.stdout))
    assert printed == expected


def test_the_example_at_the_top_serves_as_its_comments_say(readme, tmp_path):
    example = next(content for language, content in code_blocks(readme) if language == "python")
    serve = re.search(r"# (granian .*)$", example)
    assert serve is not None
    (tmp_path / "myapp.py").write_text(example, encoding="utf-8")
    with serving(serve[1], tmp_path, tmp_path / "log") as port:
        assert get(port, "/widgets/w1") == b'{"id":"w1","name":"widget-name"}'
