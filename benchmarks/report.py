"""Statistics, Markdown, and what a reader has to know of the machine to judge a number."""

import platform
import statistics
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

RESULTS = Path(__file__).resolve().parent / "results"


def quartiles(values: Sequence[float]) -> tuple[float, float, float]:
    """Give the lower quartile, the median and the upper quartile."""
    if len(values) == 1:
        return values[0], values[0], values[0]
    low, mid, high = statistics.quantiles(values, n=4, method="inclusive")
    return low, mid, high


def table(header: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Lay out a Markdown table: the first column to the left, numbers to the right."""
    lines = [header, ["---", *["---:"] * (len(header) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def cpu_model() -> str:
    """Name the processor."""
    for line in Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def versions(distributions: Sequence[str]) -> str:
    """List the versions of the distributions that are installed."""
    found: list[str] = []
    for name in distributions:
        try:
            found.append(f"{name} {version(name)}")
        except PackageNotFoundError:
            continue
    return ", ".join(found)


def environment(distributions: Sequence[str], cores: int) -> str:
    """Describe when and on what the numbers were taken."""
    return "\n".join(
        (
            f"- date: {datetime.now(UTC):%Y-%m-%d %H:%M} UTC",
            f"- python: {platform.python_implementation()} {platform.python_version()}",
            f"- cpu: {cpu_model()}, {cores} cores, Linux {platform.release()}",
            f"- versions: {versions(distributions)}",
        )
    )


def verdict(value: float, bar: float) -> str:
    """Say whether a ratio holds its bar."""
    return "holds" if value <= bar else "**missed**"


def save(name: str, text: str) -> Path:
    """Write a report into results/."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / name
    path.write_text(text, encoding="utf-8")
    return path
