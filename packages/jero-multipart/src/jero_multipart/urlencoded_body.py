"""An application/x-www-form-urlencoded body (WHATWG URL, section 5.1), decoded as it arrives.

Rules
-----
- Pairs are separated by `&` alone. A `;` is a character like any other: two parsers that differ there can be played
  off against each other.
- Between two `&` may be nothing: that is no pair. Pairs are taken one by one, so that a message of nothing else than
  separators is no more work and memory than another before it is refused.
- Values are bounded while they arrive, by what they are once decoded; they are decoded in steps, so that no more than a
  step of one is held as it came.
"""

import re
from typing import Final
from urllib.parse import unquote_to_bytes

from jero_core.extend import HTTPError

from .collecting import Collector
from .limits import Limits

_STEP: Final = 64 * 1024
_SEPARATORS: Final = re.compile(rb"&+")
_OPEN_ESCAPE: Final = re.compile(rb"%[0-9A-Fa-f]?\Z")


class URLEncodedBody:
    """Reads one body."""

    def __init__(self, limits: Limits, collector: Collector) -> None:
        self._limits = limits
        self._collector = collector
        self._pairs = 0
        self._held = bytearray()
        """What is not decoded yet: of a name, or of the value of a part that has begun."""
        self._is_value = False

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises HTTPError 400 and 413."""
        start = 0
        for separators in _SEPARATORS.finditer(data):
            self._take(data[start : separators.start()])
            self._end_pair()
            start = separators.end()
        self._take(data[start:])

    def close(self) -> None:
        """End the body."""
        self._end_pair()

    def _take(self, piece: bytes) -> None:
        """Take some of a pair."""
        if not self._is_value:
            name, equals, value = piece.partition(b"=")
            self._held += name
            if len(self._held) > self._limits.max_part_header_size:
                raise HTTPError(413, f"A name is larger than {self._limits.max_part_header_size} bytes.")
            if not equals:
                return
            self._begin()
            piece = value
        for start in range(0, len(piece), _STEP):
            self._held += piece[start : start + _STEP]
            if len(self._held) >= _STEP:
                self._decode_value(is_last=False)

    def _begin(self) -> None:
        self._pairs += 1
        if self._pairs > self._limits.max_parts:
            raise HTTPError(413, f"The form has more than {self._limits.max_parts} parts.")
        try:
            name = _decode(self._held).decode()
        except UnicodeDecodeError:
            raise HTTPError(400, "A name in the form is not valid UTF-8.") from None
        self._held.clear()
        self._is_value = True
        self._collector.begin(name)

    def _decode_value(self, *, is_last: bool) -> None:
        # An escape that is not complete yet waits for the rest of it.
        found = None if is_last else _OPEN_ESCAPE.search(self._held, max(0, len(self._held) - 2))
        end = len(self._held) if found is None else found.start()
        self._collector.add(_decode(self._held[:end]))
        del self._held[:end]

    def _end_pair(self) -> None:
        if not self._is_value:
            if not self._held:
                return  # Nothing between two `&`.
            self._begin()
        if self._held:
            self._decode_value(is_last=True)
        self._collector.end()
        self._is_value = False


def _decode(text: bytearray) -> bytes:
    """Decode `+` and percent escapes; a `%` without two digits stays as it is (WHATWG URL, section 1.3)."""
    plain = bytes(text.replace(b"+", b" "))
    return unquote_to_bytes(plain) if b"%" in plain else plain
