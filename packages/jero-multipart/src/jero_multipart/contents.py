"""What a part holds becomes a value: text, bytes or JSON.

Each kind of content is made once for each field, at startup, and raises `Misfit` for what does not fit, or notes the
problems itself and raises `Noted`.
"""

import re
from collections.abc import Callable, Sequence
from typing import Final, Protocol

import msgspec

from jero_core.extend import DEEP, LARGE, NO_HASH, Codec, JSONProblems, is_hash_fault, key_check, nesting_check

from .problems import Problems

_CHARSET: Final = re.compile(r";\s*charset\s*=\s*\"?([^\s\";]*)", re.IGNORECASE)
_CHARSETS: Final = frozenset({"", "utf-8", "utf8", "us-ascii", "ascii"})
_JSON: Final = re.compile(r"[^\s/,]+/(?:json|[^\s/,]+\+json)", re.IGNORECASE)
# What is sent for a field of a form without a type of its own, and for a file whose type is unknown.
_NEUTRAL: Final = frozenset({"", "text/plain", "application/octet-stream"})


class Misfit(ValueError):  # noqa: N818  # a verdict on the client's part
    """A part does not fit; the text says why, for the client."""


class Noted(Exception):  # noqa: N818  # a verdict on the client's part
    """A part does not fit, and every problem of it has been noted."""


class Content(Protocol):
    """Makes a value of what a part holds."""

    type: object
    """For documents: the type of the value."""

    def read(self, content: bytes, content_type: str | None, place: Sequence[str], problems: Problems) -> object:
        """The value. Raises `Misfit`, `Noted`, and what a user's hook raises."""
        ...


class Text:
    """A scalar: text in UTF-8, converted as core converts query values and headers."""

    def __init__(self, annotation: object, codec: Codec, *, is_plain: bool) -> None:
        self.type = annotation
        self._convert = codec.convert_text
        self._is_plain = is_plain

    def read(self, content: bytes, content_type: str | None, place: Sequence[str], problems: Problems) -> object:
        """The scalar. Raises `Misfit`."""
        if content_type is not None and (found := _CHARSET.search(content_type)):
            check_charset(found[1])
        try:
            text = content.decode()
        except UnicodeDecodeError:
            raise Misfit("The text is not valid UTF-8.") from None
        if self._is_plain:
            return text
        try:
            return self._convert(text, self.type)
        except (msgspec.MsgspecError, ValueError) as error:
            raise Misfit(str(error)) from None


class Bytes:
    """Bytes as they came, of a length that constraints may ask for."""

    def __init__(self, annotation: object, *, is_constrained: bool) -> None:
        self.type = annotation
        self._is_constrained = is_constrained

    def read(self, content: bytes, content_type: str | None, place: Sequence[str], problems: Problems) -> object:
        """The bytes. Raises `Misfit`."""
        if self._is_constrained:
            try:
                msgspec.convert(content, self.type)
            except msgspec.ValidationError as error:
                raise Misfit(str(error)) from None
        return content


class JSON:
    """A Struct, or one of a union of tagged Structs: a JSON text."""

    def __init__(self, annotation: object, codec: Codec) -> None:
        self.type = annotation
        self._decode: Callable[[bytes], object] = codec.json_decoder(annotation).decode
        self._check_keys = key_check(annotation)
        self._check_nesting = nesting_check(annotation)
        self._codec = codec
        self._search: JSONProblems | None = None

    def read(self, content: bytes, content_type: str | None, place: Sequence[str], problems: Problems) -> object:
        """The Struct. Raises `Misfit`, `Noted`, and HTTPError 400 for keys of one hash (core's collisions.py)."""
        media_type = (content_type or "").partition(";")[0].strip().lower()
        if media_type not in _NEUTRAL and not _JSON.fullmatch(media_type):
            raise Misfit("The part's content type must be application/json or end in +json.")
        if self._check_keys is not None and len(content) > LARGE:
            self._check_keys(content)
        try:
            if self._check_nesting is not None and len(content) > DEEP:
                self._check_nesting(content)
            if not content.isascii():
                content.decode()
            return self._decode(content)
        except msgspec.ValidationError as error:
            self._note(content, error, place, problems)
            raise Noted from None
        except TypeError as error:
            if not is_hash_fault(error):
                raise
            self._note(content, msgspec.ValidationError(NO_HASH), place, problems)
            raise Noted from None
        except msgspec.DecodeError as error:
            raise Misfit(str(error)) from None
        except UnicodeDecodeError:
            raise Misfit("The part is no JSON text.") from None
        except RecursionError:
            raise Misfit("The part is nested too deeply.") from None

    def _note(self, content: bytes, error: msgspec.ValidationError, place: Sequence[str], problems: Problems) -> None:
        if self._search is None:
            self._search = JSONProblems(self.type, self._codec.dec_hook)
        problems.add_json(place, content, error, self._search)


def check_charset(charset: str) -> None:
    """Raise `Misfit` for a text that says it is not in UTF-8 (RFC 7578, section 5.1.2)."""
    if charset.lower() not in _CHARSETS:
        raise Misfit("The charset must be utf-8.")
