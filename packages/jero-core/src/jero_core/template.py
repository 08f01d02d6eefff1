"""Path templates: `/static/{slot}`.

Rules
-----
- A template starts with `/`; `/` alone is the root. Segments are never empty, so there is no trailing slash.
- A segment is either literal text, written decoded, or one `{slot}` whose name is a snake_case identifier and no
  keyword, because a field of the `path` Struct has the same name.
- Slot names are unique in a template. Two templates that differ only in slot names match the same paths.
"""

import functools
import keyword
import re
from typing import Final

import msgspec

from .wiring import Refusal

_SLOT: Final = re.compile(r"\{([a-z_][a-z0-9_]*)\}", re.ASCII)
_NOT_LITERAL: Final = re.compile(r"[{}%?#\\\x00-\x20\x7f]")
_SURROGATE: Final = r"[\ud800-\udfff]"
"""Part of nothing that is compiled at import: that alone would take 0.4 ms."""
_OTHER_SLOT: Final = r":\w+|<.*>"
"""How other frameworks write a slot."""
_EXAMPLE: Final = "/widgets/{widget_id}"


class Segment(msgspec.Struct, frozen=True):
    """One segment: a slot's name or literal text."""

    text: str
    is_slot: bool


class Template(msgspec.Struct, frozen=True):
    """A parsed path template.

    As `scope["route"]` it is what the ecosystem's OpenTelemetry and Prometheus middlewares read: they look for `path`
    or `path_format`.
    """

    path: str
    segments: tuple[Segment, ...]
    slots: tuple[str, ...] = ()
    """The slots' names, from left to right; made from the segments."""

    def __post_init__(self) -> None:
        slots = tuple([segment.text for segment in self.segments if segment.is_slot])
        msgspec.structs.force_setattr(self, "slots", slots)

    @property
    def path_format(self) -> str:
        """The template, under the name that FastAPI-aware middlewares look for."""
        return self.path

    @property
    def shape(self) -> tuple[str | None, ...]:
        """The segments with None for each slot: equal for templates that match the same paths."""
        return tuple(None if segment.is_slot else segment.text for segment in self.segments)

    def extended(self, slots: tuple[str, ...]) -> "Template":
        """This template with further slots at its end."""
        if not slots:
            return self
        base = "" if self.path == "/" else self.path
        path = base + "".join(f"/{{{slot}}}" for slot in slots)
        return Template(path, self.segments + tuple(Segment(slot, is_slot=True) for slot in slots))


@functools.lru_cache(maxsize=1024)
def is_slot_name(name: str) -> bool:
    """Whether a slot can have this name."""
    return _SLOT.fullmatch(f"{{{name}}}") is not None and not keyword.iskeyword(name)


ROOT: Final = Template("/", ())
"""The template of `/`."""


def parse_template(path: object) -> Template:
    """Parse a path template. Raises `Refusal` (JERO-W002) if it is malformed."""
    if not isinstance(path, str):
        raise _malformed(path, "it is not a str", "/widgets")
    if not path.startswith("/"):
        raise _malformed(path, "it does not start with '/'", _tidy(path))
    if path == "/":
        return ROOT
    segments: list[Segment] = []
    for text in path[1:].split("/"):
        if not text:
            raise _malformed(path, "it has an empty segment (a double or trailing slash)", _tidy(path))
        if text.startswith("{") and is_slot_name(text[1:-1]) and text.endswith("}"):
            segments.append(Segment(text[1:-1], is_slot=True))
        elif text.startswith("{") and text.endswith("}"):
            raise _malformed(path, f"{text!r} is no slot, whose name is snake_case and no keyword", _EXAMPLE)
        elif re.fullmatch(_OTHER_SLOT, text):
            raise _malformed(path, f"{text!r} is how other frameworks write a slot", _EXAMPLE)
        elif bad := _NOT_LITERAL.search(text) or (None if text.isascii() else re.search(_SURROGATE, text)):
            raise _malformed(path, f"the segment {text!r} holds {bad[0]!r}", _EXAMPLE)
        elif text in {".", ".."}:
            raise _malformed(path, f"clients take the segment {text!r} out of a URL before they send it", _EXAMPLE)
        else:
            segments.append(Segment(text, is_slot=False))
    template = Template(path, tuple(segments))
    if len(set(template.slots)) < len(template.slots):
        raise _malformed(path, "it names a slot twice", "/shops/{shop_id}/widgets/{widget_id}")
    return template


def _tidy(path: str) -> str:
    """The template that somebody may have meant, or an example if that is none either."""
    tidy = "/" + "/".join(filter(None, path.split("/")))
    try:
        return parse_template(tidy).path
    except Refusal:
        return _EXAMPLE


def _malformed(path: object, why: str, example: str) -> Refusal:
    return Refusal(
        code="JERO-W002",
        reason=f"path={path!r} is not a template: {why}.",
        remedy=f"path={example!r}: segments of literal text or one {{snake_case}} slot each, no trailing slash.",
    )
