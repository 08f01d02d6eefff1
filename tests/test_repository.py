"""What the repository promises about itself."""

import importlib.metadata
import re
import subprocess
import sys
import tomllib
from pathlib import Path

ROOT = Path(__file__).parent.parent
PYPROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
MEMBERS = {path.name for path in (ROOT / "packages").iterdir() if (path / "pyproject.toml").exists()}


def tracked_files():
    command = ["git", "ls-files", "--cached", "--others", "--exclude-standard"]
    result = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [ROOT / name for name in result.stdout.splitlines() if (ROOT / name).is_file()]


def test_no_file_names_a_package_registry_s_host():
    # Spelled apart, so that this file does not name them.
    hosts = ["py" + "pi.org", "python" + "hosted.org", "registry." + "npmjs", "crates" + ".io"]
    found = [
        f"{path.relative_to(ROOT)}: {host}"
        for path in tracked_files()
        for host in hosts
        if host in path.read_text("utf-8", "ignore")
    ]
    assert found == []


def test_no_lock_file_is_tracked():
    assert not [path for path in tracked_files() if path.name in {"uv.lock", "poetry.lock", "pdm.lock"}]


def test_every_installed_third_party_package_is_pinned_to_its_version():
    pins = dict(pin.split("==") for pin in PYPROJECT["tool"]["uv"]["constraint-dependencies"])
    # uv keeps these two out of the lock file: it seeds environments with them, or installs itself.
    ours = MEMBERS | {"jero-workspace", "pip", "setuptools", "uv"}
    installed = {
        re.sub(r"[-_.]+", "-", distribution.name).lower(): distribution.version
        for distribution in importlib.metadata.distributions(
            path=[path for path in sys.path if "site-packages" in path]
        )
    }
    unpinned = {name: version for name, version in installed.items() if name not in ours and pins.get(name) != version}
    assert unpinned == {}


def test_every_member_has_what_a_distribution_needs():
    for name in MEMBERS:
        package = ROOT / "packages" / name
        module = package / "src" / name.replace("-", "_")
        for path in ("README.md", "CHANGELOG.md", "LICENSE", "tests"):
            assert (package / path).exists(), f"{name} has no {path}"
        assert (module / "py.typed").exists()
        metadata = tomllib.loads((package / "pyproject.toml").read_text())
        assert metadata["build-system"]["build-backend"] == "hatchling.build"
        for dependency in metadata["project"]["dependencies"]:
            if dependency.startswith("jero"):
                assert re.fullmatch(r"jero[a-z-]*>=\d+\.\d+,<\d+\.\d+", dependency), (
                    f"{name}: {dependency} has no bounds"
                )


def test_the_published_package_of_the_same_name_is_not_installed():
    distribution = importlib.metadata.distribution("jero")
    assert "workspace" in str(distribution.read_text("direct_url.json") or "") or "file://" in str(
        distribution.read_text("direct_url.json")
    )
