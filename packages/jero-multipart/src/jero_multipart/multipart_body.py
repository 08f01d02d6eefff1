"""A multipart/form-data body (RFC 7578), fed to the `multipart` library's push parser as it arrives.

Rules
-----
- The answer does not depend on how the body came in pieces. Left to itself the parser takes a line break of another
  kind, a preamble, or a header of just the limit now for one thing and now for another, as the pieces fall. So it is
  fed by the body's own structure: each part gets a parser of its own, first each line of its head as a whole, then its
  content as it comes. Where the content ended the parser has told by what it gave back; the next part begins behind
  that.
- Content is handed on as it came: without a copy, unless a part ends in the middle of a piece.
- A preamble before the first delimiter is skipped (RFC 2046, section 5.1.1), within `MOST_PREAMBLE` bytes; everything
  behind the last delimiter is.
- Limits are checked as bytes arrive, and 413 answers at once; what is malformed is 400 at once.
"""

import re
from collections.abc import Callable, Iterator
from typing import Final

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from jero_core.extend import HTTPError

from .collecting import Collector
from .disposition import read_disposition
from .limits import Limits

MOST_PREAMBLE: Final = 4 * 1024
"""The most bytes before the first delimiter. No browser or HTTP library sends any."""

_MOST_FED: Final = 1024 * 1024
"""The most bytes that the parser gets at a time: it copies what is before the end of a part."""
_NAME: Final = re.compile(rb"[!#$%&'*+.^_`|~0-9A-Za-z-]++:")
"""The start of a header (RFC 9112, section 5.1). The parser would cut off white space, also that of Unicode."""
_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class MultipartBody:
    """Reads one body."""

    def __init__(self, boundary: bytes, limits: Limits, most_bytes: int, collector: Collector) -> None:
        self._boundary = boundary
        self._limits = limits
        self._most_bytes = most_bytes
        self._collector = collector
        self._delimiter = b"\r\n--" + boundary
        self._parser: PushMultipartParser
        self._parts = 0
        self._lines = 0
        self._held = bytearray()
        """What has arrived of something that must be whole."""
        self._ahead = 0
        """By how many bytes of the content, or of a delimiter, the parser is ahead of what it has given back."""
        self._step: Callable[[bytes, int], int] = self._take_preamble

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises HTTPError 400 and 413."""
        start = 0
        while start < len(data):
            start = self._step(data, start)

    def close(self) -> None:
        """End the body. Raises HTTPError 400 if it is not complete."""
        if self._step != self._take_epilogue:
            raise HTTPError(400, "The multipart body ends before its last boundary.")

    # Each step takes what is its own of the bytes from `start` on, and gives back where the next one begins. (A message
    # may be as large as the body: it is not copied at each step.)

    def _take_preamble(self, data: bytes, _: int) -> int:
        held, first = self._held, self._delimiter[2:]
        before = len(held)
        # No further than the delimiter may be.
        most = MOST_PREAMBLE + len(self._delimiter)
        held += data[: most - before]
        start = held.find(first)
        if start < 0 and len(held) < most:
            return len(data)
        if start < 0 or (start > 0 and held[max(0, start - 2) : start] != b"\r\n"):
            raise HTTPError(400, "The multipart body does not begin with its boundary.")
        held.clear()
        self._step = self._take_first_tail
        return start + len(first) - before

    def _take_first_tail(self, data: bytes, start: int) -> int:
        """The two bytes behind the first delimiter: a line break, or the mark of the end of a form without parts."""
        end = start + 2 - len(self._held)
        self._held += data[start:end]
        if len(self._held) == 2:
            tail = bytes(self._held)
            self._held.clear()
            if tail == b"--":
                self._step = self._take_epilogue
            elif tail == b"\r\n":
                self._begin_part()
            else:
                raise HTTPError(400, "The multipart body is malformed: Unexpected bytes after boundary.")
        return end

    def _begin_part(self) -> None:
        self._parts += 1
        if self._parts > self._limits.max_parts:
            raise HTTPError(413, f"The form has more than {self._limits.max_parts} parts.")
        self._parser = PushMultipartParser(
            self._boundary,
            max_header_size=self._limits.max_part_header_size,
            max_header_count=self._limits.max_part_headers,
            max_segment_size=self._most_bytes,
            max_segment_count=2,  # The parser counts the next one before it is left.
            strict=True,
        )
        list(self._parse(self._delimiter[2:] + b"\r\n"))
        self._lines = 0
        self._step = self._take_header

    def _take_header(self, data: bytes, start: int) -> int:
        """A line of a part's head; the empty one ends it."""
        end = data.find(b"\n", start) + 1
        line = data[start : end or len(data)]
        limit = self._limits.max_part_header_size
        if len(self._held) + len(line) > limit + (2 if end else 1):
            raise HTTPError(413, f"A header of a part is larger than {limit} bytes.")
        if not end:
            self._held += line
            return len(data)
        if self._held:
            line = bytes(self._held) + line
            self._held.clear()
        if line != b"\r\n":
            self._lines += 1
            if self._lines > self._limits.max_part_headers:
                raise HTTPError(413, f"A part has more than {self._limits.max_part_headers} headers.")
            if not _NAME.match(line):
                raise HTTPError(400, "The multipart body is malformed: a header of a part has no valid name.")
        segments = [event for event in self._parse(line) if isinstance(event, MultipartSegment)]
        if segments:
            self._begin_content(segments[0])
        return end

    def _begin_content(self, segment: MultipartSegment) -> None:
        headers = segment.headerlist
        names = [name for name, _ in headers]
        if names.count("Content-Disposition") > 1 or names.count("Content-Type") > 1:
            raise HTTPError(400, "The multipart body is malformed: a header of a part is given twice.")
        if any(_CONTROL.search(value) for _, value in headers):
            raise HTTPError(400, "The multipart body is malformed: a header of a part has a control character.")
        # The parser has seen that there is one; its own reading of it is a search, not a match.
        disposition = next(value for name, value in headers if name == "Content-Disposition")
        self._collector.begin(*read_disposition(disposition), headers)
        self._ahead = 0
        self._step = self._take_content

    def _take_content(self, data: bytes, start: int) -> int:
        ahead, add = self._ahead, self._collector.add
        piece = data[start : start + _MOST_FED]
        for event in self._parse(piece):
            if not isinstance(event, bytes):
                break
            add(event)
            ahead -= len(event)
        else:
            self._ahead = ahead + len(piece)
            return start + len(piece)
        self._collector.end()
        # The content ended `ahead` bytes before `start`, or as many behind it if that is negative. There the delimiter
        # began; two more bytes follow it, and the last of them is in this piece.
        end = start + len(self._delimiter) + 2 - ahead
        if data[end - 1 : end] == b"\n":
            self._begin_part()
        else:
            self._step = self._take_epilogue
        return end

    def _take_epilogue(self, data: bytes, _: int) -> int:
        return len(data)

    def _parse(self, data: bytes) -> Iterator[MultipartSegment | bytes | None]:
        """What the parser makes of the next bytes of a part: its head, bytes of its content, None at its end."""
        try:
            yield from self._parser.parse(data)
        except ParserLimitReached as error:
            raise HTTPError(413, f"A part is too large: {error.args[0]}.") from None
        except MultipartError as error:
            raise HTTPError(400, f"The multipart body is malformed: {error.args[0]}.") from None
