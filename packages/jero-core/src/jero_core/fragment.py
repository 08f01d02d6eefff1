"""Fragments: lines of generated text with bound values.

Rules
-----
- A fragment is a fixed template plus values, like an SQL statement with bound parameters. What a user wrote never
  stands in the template: it comes in through a `$placeholder`.
- A placeholder's value reaches the text in one of three ways: a `Literal` as `repr()` of a str, bytes, int, float,
  bool or None; a `Name` as a checked identifier; any other object as a global under a minted name.
- Placeholders that the fragment does not bind are the dialect's own: the emitter binds them (see emit.py).
"""

import keyword
import math
import re
import textwrap
import unicodedata
from collections.abc import Mapping
from typing import Final

import msgspec

_PLACEHOLDER: Final = re.compile(r"\$([A-Za-z_][A-Za-z0-9_]*)")
_LITERAL_TYPES: Final = (str, bytes, int, float, bool, type(None))


class Literal(msgspec.Struct, frozen=True):
    """A value written into the text as its `repr()`; TypeError unless its type is exactly a plain scalar's."""

    value: str | bytes | int | float | bool | None

    def __post_init__(self) -> None:
        # A subclass could bring its own __repr__, and with it any text.
        if type(self.value) not in _LITERAL_TYPES:
            raise TypeError(f"a literal is a plain str, bytes, int, float, bool or None, not {type(self.value)}")
        if isinstance(self.value, float) and not math.isfinite(self.value):
            raise TypeError(f"{self.value!r} has no literal")

    def __str__(self) -> str:
        return repr(self.value)


class Name(msgspec.Struct, frozen=True):
    """An identifier (an attribute or keyword-argument name) written into the text; ValueError if it is none."""

    value: str

    def __post_init__(self) -> None:
        # compile() would normalize an identifier, and the name would then mean another attribute.
        if (
            type(self.value) is not str
            or not self.value.isidentifier()
            or keyword.iskeyword(self.value)
            or unicodedata.normalize("NFKC", self.value) != self.value
        ):
            raise ValueError(f"{self.value!r} is not an identifier")

    def __str__(self) -> str:
        return self.value


class Fragment(msgspec.Struct, frozen=True):
    """Lines of generated text (`$placeholder` syntax) and the values that they use."""

    lines: tuple[str, ...] = ()
    values: Mapping[str, object] = {}

    @classmethod
    def of(cls, text: str, /, **values: object) -> "Fragment":
        """Build a fragment from a block of text; the indentation that all its lines share is taken off."""
        return cls(tuple(line.rstrip() for line in textwrap.dedent(text).splitlines() if line.strip()), values)

    def render(self, number: int, dialect: Mapping[str, str], namespace: dict[str, object]) -> list[str]:
        """The lines with every placeholder replaced, as the function's fragment `number`.

        Objects are put into `namespace` under minted names; `dialect` holds the emitter's own names. KeyError if a
        placeholder is bound by nobody, ValueError if it could meet an argument's name.
        """
        values = self.values

        def replace(match: re.Match[str]) -> str:
            key = match[1]
            if key.startswith("_"):
                return f"{key}_{number}"
            if key in dialect:
                if key in values:
                    raise ValueError(f"${key} is the emitter's own name; give the value another one")
                return dialect[key]
            if key not in values:
                raise KeyError(f"the fragment uses ${key}, which neither it nor the emitter binds")
            if key.startswith("arg_"):
                raise ValueError(f"${key}: names that begin with arg_ stand for the handler's arguments")
            value = values[key]
            if isinstance(value, Literal | Name):
                return str(value)
            name = f"{key}_{number}"
            namespace[name] = value
            return name

        return _PLACEHOLDER.sub(replace, "\n".join(self.lines)).split("\n") if self.lines else []
