"""Measures what `equal_secrets` promises: its time does not tell a wrong first byte from a wrong last one.

    uv run python packages/jero-auth/tests/comparing.py

2 x 10,000 comparisons of 4 KiB, in turns: the medians must differ by less than 1 us (issue 7). With 1 MiB they must
differ by less than half of what `==` does there, which is the control: a measurement that sees nothing of `==` fails.
"""

import argparse
import gc
import statistics
import sys
import time
from collections.abc import Callable

from jero_auth import equal_secrets

KIB = 1024


def difference(compare: Callable[[str, str], bool], size: int, count: int) -> float:
    """ns between the medians of comparing a text that is wrong at its start, and one that is wrong at its end."""
    secret = "s" * size
    candidates = ("x" + secret[1:], secret[:-1] + "x")
    clock = time.perf_counter_ns
    times: tuple[list[int], list[int]] = ([], [])
    gc.disable()
    try:
        for _ in range(count):
            for found, candidate in zip(times, candidates, strict=True):
                start = clock()
                compare(candidate, secret)
                found.append(clock() - start)
    finally:
        gc.enable()
    return statistics.median(times[1]) - statistics.median(times[0])


def main() -> int:
    """Print the differences; 0 if they are as they should be."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--count", type=int, default=10_000)
    count = parser.parse_args().count
    small = difference(equal_secrets, 4 * KIB, count)
    large = difference(equal_secrets, KIB * KIB, count // 50)
    control = difference(lambda given, expected: given == expected, KIB * KIB, count // 50)
    print(f"equal_secrets, 4 KiB: {small:.0f} ns; 1 MiB: {large:.0f} ns; ==, 1 MiB: {control:.0f} ns")
    if abs(small) >= 1_000 or abs(large) >= abs(control) / 2:
        print("the time of equal_secrets tells where a secret is wrong")
        return 1
    if abs(control) < 5_000:
        print("the measurement sees nothing: == should differ by some 10 us")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
