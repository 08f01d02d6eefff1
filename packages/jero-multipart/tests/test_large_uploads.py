"""Large uploads to real servers; large_uploads.py measures, and takes other sizes."""

import pathlib
import shutil

import pytest

from .large_uploads import COMMANDS, MIB, MOST_GROWTH, MOST_LAG, is_small, measure, serving

pytestmark = pytest.mark.skipif(not pathlib.Path("/proc/self/status").exists(), reason="memory is read from /proc")


@pytest.mark.parametrize("server", ["uvicorn", "granian"])
def test_an_upload_of_64_mib_grows_a_server_by_less_than_8(server):
    with serving(server) as port:
        assert measure(port, 64 * MIB, 1).growth < MOST_GROWTH


@pytest.mark.soak
@pytest.mark.parametrize("count", [1, 20])
@pytest.mark.parametrize("server", [*COMMANDS])
def test_uploads_of_1_gib_fill_no_memory_and_do_not_hold_up_the_loop(server, count):
    # Twenty whole ones where the disk has room for them, and as much again.
    size = min(1024, shutil.disk_usage("/var/tmp").free // MIB // 2 // count) * MIB
    with serving(server) as port:
        found = measure(port, size, count)
    with serving(server) as port:
        dropped = measure(port, size, count, "/drop")
    assert is_small(found, dropped, count), (found, dropped)
    # What the machine does to a loop that does nothing, it does to this one too.
    assert found.lag < MOST_LAG + found.control, (found, dropped)
