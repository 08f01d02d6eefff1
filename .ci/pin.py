"""Write the exact version of every third-party package into the root pyproject.toml.

`uv.lock` is not committed (CONTRIBUTING.md, "Locking"); these pins are what makes every machine resolve alike. With
`--upgrade` everything is resolved anew, to the latest versions that the declared ranges allow.
"""

import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYPROJECT = ROOT / "pyproject.toml"
PINS = re.compile(r"^constraint-dependencies = \[\n?.*?\]$", re.MULTILINE | re.DOTALL)


def with_pins(text: str, pins: list[str]) -> str:
    """The pyproject text with these pins."""
    lines = "".join(f'    "{pin}",\n' for pin in pins)
    return PINS.sub(lambda _: f"constraint-dependencies = [\n{lines}]", text, count=1)


def locked() -> list[str]:
    """`name==version` of every third-party package in uv.lock."""
    packages = tomllib.loads((ROOT / "uv.lock").read_text())["package"]
    return sorted(f"{p['name']}=={p['version']}" for p in packages if "registry" in p["source"])


def main() -> None:
    """Resolve, and pin what came of it."""
    text = PYPROJECT.read_text()
    if "--upgrade" in sys.argv[1:]:
        PYPROJECT.write_text(with_pins(text, []))
        subprocess.run(["uv", "lock", "--upgrade"], cwd=ROOT, check=True)
    else:
        subprocess.run(["uv", "lock"], cwd=ROOT, check=True)
    PYPROJECT.write_text(with_pins(text, locked()))
    subprocess.run(["uv", "lock"], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
