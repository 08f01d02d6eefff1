"""The tests that docs/guide/testing.md shows pass: its blocks become the files that they name, for a real pytest."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[1] / "docs" / "guide" / "testing.md"
BLOCK = re.compile(r"^```python (\w+\.py)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
SHOWN_AS_WRONG = {"broken.py"}


def test_the_tests_of_the_page_about_testing_pass(tmp_path):
    files: dict[str, str] = {}
    for name, text in BLOCK.findall(PAGE.read_text(encoding="utf-8")):
        if name not in SHOWN_AS_WRONG:
            # On the page, a block may use what stands in the blocks above it.
            files.setdefault(name, "".join(f"from {Path(other).stem} import *\n" for other in files))
            files[name] += text
    for name, text in files.items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    result = subprocess.run(
        [sys.executable, "-m", "pytest", "-v", "-p", "no:asyncio", "-p", "no:cacheprovider"],
        cwd=tmp_path,
        env={**os.environ, "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert result.returncode == 0, result.stdout + result.stderr
    shown = {name for text in files.values() for name in re.findall(r"^def (test_\w+)", text, re.MULTILINE)}
    assert len(shown) >= 10
    assert shown == set(re.findall(r"::(test_\w+) PASSED", result.stdout))
