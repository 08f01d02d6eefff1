"""What is wrong with a form: every invalid place, within bounds.

A place is a JSON Pointer (RFC 6901): the part's name, with an index where a name repeats, and within a JSON part the
path to the misfit. A hostile form must not become work without end, or an answer many times its size: no more than
`MOST` problems are told, and `PATIENCE` seconds spent in the search within JSON parts. Then the search goes no deeper
than the decoder's own verdict on each part.
"""

from collections.abc import Iterable, Sequence
from time import perf_counter
from typing import Final

import msgspec

from jero_core.extend import Codec, HTTPError, Invalid, InvalidRequest, JSONProblems

SOURCE: Final = "form"

MOST: Final = 1_000
"""The most problems of one form that are told."""

MOST_TEXT: Final = 100_000
"""The characters, of pointers and reasons together, after which no further problem is told."""

PATIENCE: Final = 0.1
"""The seconds for the search within all JSON parts of a form; the last one may take as long again."""


class Problems:
    """What has been found to be wrong with one form."""

    def __init__(self, codec: Codec) -> None:
        self._codec = codec
        self._invalid: list[Invalid] = []
        self._text = 0
        self._patience = PATIENCE

    def __bool__(self) -> bool:
        return bool(self._invalid)

    def add(self, place: Sequence[str], detail: str) -> None:
        """Note a problem at a place, given by the tokens of its pointer."""
        pointer = "".join("/" + token.replace("~", "~0").replace("/", "~1") for token in place)
        self._take([Invalid(SOURCE, pointer, detail)])

    def add_json(
        self, place: Sequence[str], content: bytes, error: msgspec.ValidationError, search: JSONProblems
    ) -> None:
        """Note every problem of a JSON part whose decoder raised `error`."""
        if self._patience <= 0:
            self.add(place, str(error))
            return
        begin = perf_counter()
        try:
            # The decoder stops at the first value that does not fit; what comes after it may be no JSON at all.
            value: object = msgspec.json.decode(content)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            self.add(place, "The part is no JSON text.")
        else:
            self._take(search.find(value, error, source=SOURCE, place=place))
        self._patience -= perf_counter() - begin

    def answer(self) -> HTTPError:
        """The answer that tells them."""
        return InvalidRequest(422, "The form is invalid.", tuple(self._invalid))

    def _take(self, found: Iterable[Invalid]) -> None:
        for invalid in found:
            if len(self._invalid) == MOST or self._text > MOST_TEXT:
                return
            self._invalid.append(invalid)
            self._text += len(invalid.pointer) + len(invalid.detail)
