"""The public typing contract, under three checkers.

Run with `uv run --group lint pytest typing_tests`.
"""

import re
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
BIN = Path(sys.executable).parent
CHECKERS = {
    "mypy": [BIN / "mypy", "--no-error-summary", "--no-pretty"],
    "basedpyright": [BIN / "basedpyright", "--pythonpath", sys.executable],
    "pyrefly": [BIN / "pyrefly", "check", "--output-format", "min-text", "--summary=none"],
}


def error_lines(checker: str, file: Path) -> tuple[set[int], str]:
    """The lines that a checker finds errors in, and all that it said."""
    command = [*map(str, CHECKERS[checker]), str(file)]
    result = subprocess.run(command, cwd=HERE.parent, capture_output=True, text=True, check=False)
    output = result.stdout + result.stderr
    found = re.findall(rf"{file.name}:(\d+)\S*(?: -)? error", output, re.IGNORECASE)
    found += re.findall(rf"ERROR \S*{file.name}:(\d+)", output)
    return {int(line) for line in found}, output


@pytest.mark.parametrize("checker", CHECKERS)
def test_the_documented_use_is_accepted(checker):
    lines, output = error_lines(checker, HERE / "accepted.py")
    assert not lines, output


@pytest.mark.parametrize("checker", CHECKERS)
def test_what_is_wrong_is_rejected_and_nothing_else(checker):
    source = (HERE / "rejected.py").read_text().splitlines()
    expected = {number for number, line in enumerate(source, 1) if line.endswith("# rejected")}
    lines, output = error_lines(checker, HERE / "rejected.py")
    assert lines == expected, output
