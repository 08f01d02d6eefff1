r"""Names of uploaded files, made harmless.

A client writes what it likes: `../../etc/passwd`, `C:\Temp\x`, a NUL. RFC 7578, section 4.2 warns of it. What is left
here is one path component without control characters, and never a name that stands for a folder. It still is the
client's: it may be long, hidden (`.htaccess`), a device on Windows, or exist already.
"""

import re
from typing import Final

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")
_DRIVE: Final = re.compile(r"[A-Za-z]:")


class UnusableName(ValueError):  # noqa: N818  # a verdict on the client's text
    """There is no harmless name in what a client sent; the text says why."""


def base_name(filename: str) -> str:
    """The last path component of a file's name, by the rules of POSIX and Windows both. Raises `UnusableName`."""
    if _CONTROL.search(filename):
        raise UnusableName("The file name has control characters.")
    name = filename.replace("\\", "/").rpartition("/")[2]
    while _DRIVE.match(name):
        name = name[2:]
    if not name.strip(". "):
        raise UnusableName("The file name is empty, or stands for a folder.")
    return name
