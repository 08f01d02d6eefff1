"""A multipart/form-data body (RFC 7578), fed to the `multipart` library's push parser as it arrives.

Rules
-----
- The answer does not depend on how the body came in pieces. Left to itself the parser takes a line break of another
  kind, a preamble, or a header of just the limit now for one thing and now for another, as the pieces fall. So it is
  fed by the body's own structure: a delimiter, the two bytes behind it, each line of a head as a whole, and content as
  it comes, up to the next delimiter.
- Content is handed on as it came: without a copy, unless a part ends in the middle of a piece.
- A preamble before the first delimiter is skipped (RFC 2046, section 5.1.1), within `MOST_PREAMBLE` bytes; everything
  behind the last delimiter is.
- Limits are checked as bytes arrive, and 413 answers at once; what is malformed is 400 at once.

To look for delimiters here, and the parser again, costs 7 us for 64 KiB.
"""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Final

from multipart import MultipartError, MultipartSegment, ParserLimitReached, PushMultipartParser

from jero_core.extend import HTTPError

from .collecting import Collector
from .limits import Limits

MOST_PREAMBLE: Final = 4 * 1024
"""The most bytes before the first delimiter. No browser or HTTP library sends any."""

_CONTROL: Final = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")


class MultipartBody:
    """Reads one body."""

    def __init__(self, boundary: bytes, limits: Limits, most_bytes: int, collector: Collector) -> None:
        self._limits = limits
        self._collector = collector
        self._delimiter = b"\r\n--" + boundary
        self._parser = PushMultipartParser(
            boundary,
            max_header_size=limits.max_part_header_size,
            max_header_count=limits.max_part_headers,
            max_segment_size=most_bytes,
            max_segment_count=limits.max_parts,
            strict=True,
        )
        self._parts = 0
        self._lines = 0
        self._held = bytearray()
        """What has arrived of something that must be whole."""
        self._edge = b""
        """The end of the content so far, where a delimiter may have begun."""
        self._step: Callable[[bytes], bytes] = self._take_preamble

    def feed(self, data: bytes) -> None:
        """Take the next bytes. Raises HTTPError 400 and 413."""
        while data:
            data = self._step(data)

    def close(self) -> None:
        """End the body. Raises HTTPError 400 if it is not complete."""
        if self._step != self._take_epilogue:
            raise HTTPError(400, "The multipart body ends before its last boundary.")

    # Each step takes what is its own of the bytes, and gives back the rest.

    def _take_preamble(self, data: bytes) -> bytes:
        self._held += data
        first = self._delimiter[2:]
        start = 0 if self._held.startswith(first) else self._held.find(self._delimiter) + 2
        if start == 1:  # There is none yet.
            if len(self._held) >= MOST_PREAMBLE + len(self._delimiter):
                raise HTTPError(400, "The multipart body does not begin with its boundary.")
            return b""
        if start - 2 > MOST_PREAMBLE:
            raise HTTPError(400, "The multipart body does not begin with its boundary.")
        rest = bytes(self._held[start + len(first) :])
        self._held = bytearray(first)
        self._step = self._take_first_tail
        return rest

    def _take_first_tail(self, data: bytes) -> bytes:
        # The parser wants the first delimiter in one piece with what follows it.
        return self._take_tail(data, len(self._delimiter))

    def _take_tail(self, data: bytes, size: int = 2) -> bytes:
        """The two bytes behind a delimiter: a line break before a part, or the mark of the end."""
        missing = size - len(self._held)
        self._held += data[:missing]
        if len(self._held) == size:
            tail = bytes(self._held)
            self._held.clear()
            if tail.endswith(b"\r\n"):
                self._parts += 1
                if self._parts > self._limits.max_parts:
                    raise HTTPError(413, f"The form has more than {self._limits.max_parts} parts.")
                self._step = self._take_header
                self._lines = 0
            else:
                self._step = self._take_epilogue
            self._parse(tail)
        return data[missing:]

    def _take_header(self, data: bytes) -> bytes:
        """A line of a part's head; the empty one ends it."""
        end = data.find(b"\n") + 1
        line = data[:end] if end else data
        limit = self._limits.max_part_header_size
        if len(self._held) + len(line) > limit + (2 if end else 1):
            raise HTTPError(413, f"A header of a part is larger than {limit} bytes.")
        if not end:
            self._held += line
            return b""
        if self._held:
            line = bytes(self._held) + line
            self._held.clear()
        if line != b"\r\n":
            self._lines += 1
            if self._lines > self._limits.max_part_headers:
                raise HTTPError(413, f"A part has more than {self._limits.max_part_headers} headers.")
        self._parse(line)
        return data[end:]

    def _take_content(self, data: bytes) -> bytes:
        delimiter, edge = self._delimiter, self._edge
        end = -1
        if edge and (found := (edge + data[: len(delimiter) - 1]).find(delimiter)) >= 0:
            end = found + len(delimiter) - len(edge)
        elif (found := data.find(delimiter)) >= 0:
            end = found + len(delimiter)
        if end < 0:
            self._edge = (edge + data[1 - len(delimiter) :])[1 - len(delimiter) :]
            self._parse(data)
            return b""
        self._parse(data[:end])
        self._edge = b""
        self._step = self._take_tail
        return data[end:]

    def _take_epilogue(self, _: bytes) -> bytes:
        return b""

    def _parse(self, data: bytes) -> None:
        collector = self._collector
        with _answering():
            for event in self._parser.parse(data):
                if isinstance(event, MultipartSegment):
                    self._begin(event)
                elif event is None:
                    collector.end()
                else:
                    collector.add(bytes(event))

    def _begin(self, segment: MultipartSegment) -> None:
        self._step = self._take_content
        headers = segment.headerlist
        names = [name for name, _ in headers]
        if names.count("Content-Disposition") > 1 or names.count("Content-Type") > 1:
            raise HTTPError(400, "The multipart body is malformed: a header of a part is given twice.")
        if any(_CONTROL.search(value) for _, value in headers):
            raise HTTPError(400, "The multipart body is malformed: a header of a part has a control character.")
        self._collector.begin(segment.name or "", segment.filename, headers)


@contextmanager
def _answering() -> Iterator[None]:
    """Turn what the parser raises into answers."""
    try:
        yield
    except ParserLimitReached as error:
        raise HTTPError(413, f"A part is too large: {error.args[0]}.") from None
    except MultipartError as error:
        raise HTTPError(400, f"The multipart body is malformed: {error.args[0]}.") from None
