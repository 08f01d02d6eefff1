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
    try:
        app: object = importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise  # It is another one, that the app imports.
        parser.error(f"there is no module {module!r}")
    for part in name.split("."):
        if not hasattr(app, part):
            parser.error(f"{module} has no {name!r}")
        app = getattr(app, part)
    if isinstance(app, type):
        parser.error(f"{name} is a class: name an app that was made of it")
    if not callable(app):
        parser.error(f"{name!r} is no app")
    try:
        asyncio.run(run_worker(cast("App", app)))
    except WorkerError as error:
        print(error, file=sys.stderr)  # noqa: T201  # the report is for whoever started it
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
