"""`python -m jero_background.taskiq shop:app`: a worker for the items of an app."""

import argparse
import asyncio
import importlib
import logging
import sys
from typing import cast

from .worker import App, WorkerError, run_worker


def main() -> int:
    """Run the worker; the exit status."""
    parser = argparse.ArgumentParser(prog="python -m jero_background.taskiq", description=__doc__)
    parser.add_argument("app", metavar="MODULE:APP", help="where the app is, such as shop:app")
    parser.add_argument("--app-dir", default=".", help="where to look for the module (default: here)")
    options = parser.parse_args()
    module, _, name = options.app.partition(":")
    if not name:
        parser.error(f"{options.app!r} is no MODULE:APP")
    logging.basicConfig(level=logging.INFO, format="%(levelname)s %(name)s: %(message)s")
    sys.path.insert(0, options.app_dir)
    app = importlib.import_module(module)
    for part in name.split("."):
        app = getattr(app, part)
    try:
        asyncio.run(run_worker(cast("App", app)))
    except WorkerError as error:
        print(error, file=sys.stderr)  # noqa: T201  # the report is for whoever started it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
