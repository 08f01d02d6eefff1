"""The contenders by name, and where each lives."""

import importlib
import sys
from pathlib import Path

from asgi import ASGIApp

HERE = Path(__file__).resolve().parent

# What every ratio is taken against.
BASE = "raw"

MODULES = {
    BASE: "apps.raw",
    "jero": "apps.jero_app",
    "raw_folded": "apps.raw_folded",
    "blacksheep": "apps.blacksheep_app",
    "falcon": "apps.falcon_app",
    "starlette": "apps.starlette_app",
    "litestar": "apps.litestar_app",
    "fastapi": "apps.fastapi_app",
}

# Distributions whose versions a report names.
DISTRIBUTIONS = (
    "jero",
    "jero-core",
    "jero-auth",
    "msgspec",
    "blacksheep",
    "falcon",
    "starlette",
    "litestar",
    "fastapi",
    "pydantic",
)


def load(name: str) -> ASGIApp:
    """Import a contender's app; an import error is the caller's to see."""
    # Run as a script, this folder is on the path already; imported from elsewhere, it is not.
    if str(HERE) not in sys.path:
        sys.path.insert(0, str(HERE))
    app: ASGIApp = importlib.import_module(MODULES[name]).app
    return app


def choose(only: str | None, default: tuple[str, ...]) -> list[str]:
    """Turn `--only raw,jero` into names, the base first: without it there is nothing to compare with."""
    names = [name.strip() for name in only.split(",")] if only else list(default)
    unknown = [name for name in names if name not in MODULES]
    if unknown:
        raise SystemExit(f"unknown contender {', '.join(unknown)}; there are: {', '.join(MODULES)}")
    return [BASE, *(name for name in dict.fromkeys(names) if name != BASE)]
