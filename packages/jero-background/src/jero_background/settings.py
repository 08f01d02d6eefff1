"""The settings of a queue that are numbers.

Rules
-----
- What is no such setting is refused when the queue is made, by a TypeError or ValueError that names it.
- A time is in seconds, and None is no limit.
"""

import math


def positive(name: str, value: object) -> int:
    """A setting that is a number of things, 1 or more. Raises TypeError or ValueError."""
    if isinstance(value, bool) or not isinstance(value, int):
        raise TypeError(f"{name} is an int, not {value!r}")
    if value < 1:
        raise ValueError(f"{name} is 1 or more, not {value!r}")
    return value


def seconds(name: str, value: object, *, may_be_zero: bool = True) -> float | None:
    """A setting that is a time in seconds, or None. Raises TypeError or ValueError."""
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise TypeError(f"{name} is a number of seconds or None, not {value!r}")
    if not 0 <= value < math.inf:
        raise ValueError(f"{name} is 0 or more seconds, or None for no limit, not {value!r}")
    if not value and not may_be_zero:
        raise ValueError(f"{name} is more than 0 seconds, or None for no limit, not {value!r}")
    return float(value)
