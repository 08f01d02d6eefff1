"""The limits of forms, and the class keywords that set them.

`class Upload(Endpoint, path="/upload", max_parts=10, max_part_size=4096)`. Whatever goes over a limit is 413 at once.
The limit of the whole body is core's own keyword, `max_body_size`; forms have a larger default.
"""

from collections.abc import Callable, Mapping
from typing import Final, cast

import msgspec

from jero_core.extend import Refusal

MAX_BODY_SIZE: Final = 32 * 1024 * 1024
"""The most bytes of a form, unless its handler's class, or the app, says otherwise."""


class Limits(msgspec.Struct, frozen=True):
    """What one form may have; the members are the class keywords."""

    max_parts: int = 1_000
    """The most parts of a multipart form, or pairs of a url-encoded one."""
    max_part_headers: int = 16
    """The most headers of one part. RFC 7578 knows three; browsers send two."""
    max_part_header_size: int = 8 * 1024
    """The most bytes of one header of a part, or of a url-encoded name."""
    max_part_size: int = 1024 * 1024
    """The most bytes of one part that is no file. It is held in memory."""
    max_memory_size: int = 8 * 1024 * 1024
    """The most bytes of all parts that are no files, together, with the heads that parts keep.

    Text takes up to four times as much once it is a str; so whoever raises `max_body_size` for large uploads does not
    raise what a form may hold. At least `max_part_size`, unless it is set.
    """


def _check(keyword: str, default: int) -> Callable[[object], None]:
    counted = "bytes" if keyword.endswith("_size") else keyword.rpartition("_")[2]

    def check(value: object) -> None:
        if type(value) is not int or value < 1:
            raise Refusal(
                code="JERO-W003",
                reason=f"{keyword}={value!r} is no number of {counted}.",
                remedy=f"a positive int, such as the default: `{keyword}={default}`.",
            )

    return check


CLASS_KEYWORDS: Final[Mapping[str, Callable[[object], None]]] = {
    field.name: _check(field.name, cast("int", field.default)) for field in msgspec.structs.fields(Limits)
}
"""The class keywords by name, each with the check of its value."""


def limits_of(keywords: Mapping[str, object]) -> Limits:
    """The limits that checked class keywords set."""
    limits = msgspec.convert({name: keywords[name] for name in CLASS_KEYWORDS if name in keywords}, Limits)
    if "max_memory_size" in keywords:
        return limits
    return msgspec.structs.replace(limits, max_memory_size=max(limits.max_memory_size, limits.max_part_size))
