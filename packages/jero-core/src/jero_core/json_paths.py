"""What a refusal of msgspec's says: the reason, and the way to the value that it is about.

Rules
-----
- A message is the reason, then possibly `` - at `$...` ``, or `` - at `key` in `$...` `` for a mapping's key. The
  reason may quote what the client sent, so only the last such suffix counts.
- In a path, `.name` is a member by its wire name, `[3]` an item, and `[...]` some value of a mapping or a key of it.
- Names stand in a path as they are, dots and brackets included. Only the document says where one ends, and sometimes
  not even that: then the path ends for us. A place that is told is never a guess.
"""

import re
from collections.abc import Iterable
from typing import Final, cast

import msgspec

SOME_VALUE: Final = "[...]"
"""A step to one of a mapping's values, or to one of its keys."""

_MESSAGE: Final = r"(?s)(.*) - at (`key` in )?`\$(.*)`"
_INDEX: Final = r"\[(\d+)\]"


def pointer(tokens: Iterable[str]) -> str:
    """A JSON Pointer (RFC 6901, section 3)."""
    return "".join(map(step, tokens))


def step(token: str) -> str:
    """One token of a JSON Pointer, with its slash."""
    return "/" + token.replace("~", "~0").replace("/", "~1") if "~" in token or "/" in token else "/" + token


def parts(error: msgspec.ValidationError) -> tuple[str, str]:
    """The reason, and the path behind the `$`."""
    message = str(error)
    detail, mark, path = message.rpartition(" - at `$")
    if mark and " - at `" not in detail:
        return detail, path[:-1]
    found = re.fullmatch(_MESSAGE, message) if message.endswith("`") else None
    if found is None:
        return message, ""
    # A key has no path of its own: it is the mapping's part, as an unknown value is.
    return found[1], found[3] + (SOME_VALUE if found[2] else "")


def first_index(path: str) -> tuple[int | None, str]:
    """The item that a path leads to first, and the rest of the path; None if it leads to none."""
    found = re.match(_INDEX, path) if path else None
    return (None, path) if found is None else (int(found[1]), path[found.end() :])


def first_name(path: str, members: dict[str, object]) -> tuple[str | None, str]:
    """The member that a path leads to first, and the rest of the path; None if there is none, or more than one."""
    if path[:1] != ".":
        return None, path
    if path.count(".") == 1 and "[" not in path:
        return (path[1:], "") if path[1:] in members else (None, path)
    names = [
        each for each in members if path.startswith(each, 1) and path[len(each) + 1 : len(each) + 2] in ("", ".", "[")
    ]
    return (names[0], path[len(names[0]) + 1 :]) if len(names) == 1 else (None, path)


def sure_place(error: msgspec.ValidationError, value: object) -> tuple[str, list[str]]:
    """The reason of a refusal, and the tokens of the way to its place in a document, or of as much as is sure."""
    detail, path = parts(error)
    tokens: list[str] = []
    while path:
        if isinstance(value, dict):
            members = cast("dict[str, object]", value)
            name, path = first_name(path, members)
            if name is None:
                break
            tokens.append(name)
            value = members[name]
        elif isinstance(value, list):
            items = cast("list[object]", value)
            index, path = first_index(path)
            if index is None or index >= len(items):
                break
            tokens.append(str(index))
            value = items[index]
        else:
            break
    return detail, tokens
