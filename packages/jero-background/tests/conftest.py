"""Tests with the marker `soak` run only when they are asked for: `-m soak`."""

import pytest


def pytest_collection_modifyitems(config, items):
    if "soak" not in (config.option.markexpr or ""):
        for item in items:
            if item.get_closest_marker("soak"):
                item.add_marker(pytest.mark.skip(reason="a soak: -m soak"))
