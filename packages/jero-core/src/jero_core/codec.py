"""The codec of one app: msgspec with the app's hooks, and what it has been proved to convert.

Rules
-----
- Every value that comes in or goes out passes through the app's codec, so that `enc_hook` and `dec_hook` are honoured
  everywhere alike, and at startup when a contract is checked.
- A type is checked once for each app, however many operations name it.
"""

import enum
import math
from collections.abc import Callable, Iterable, Sequence
from decimal import Decimal
from typing import Final, cast

import msgspec

from .convertible import DecHook, EncHook, compile_decoder, not_in_json, text_fault, untagged_fault
from .header_fields import header_value
from .safe_values import check_safe
from .wiring import Refusal

_REPEATABLE: Final = cast("tuple[object, ...]", (list, set, frozenset, tuple))


class Codec:
    """Converts for one app. `enc_hook` and `dec_hook` are msgspec's."""

    def __init__(self, enc_hook: EncHook | None = None, dec_hook: DecHook | None = None) -> None:
        self.enc_hook = enc_hook
        self.dec_hook = dec_hook
        self.encode: Callable[[object], bytes] = msgspec.json.Encoder(enc_hook=enc_hook).encode
        self._checked: dict[tuple[object, str], msgspec.json.Decoder[object]] = {}

    def json_decoder(self, annotation: object) -> msgspec.json.Decoder[object]:
        """A decoder of JSON texts. Raises `Refusal` (JERO-W016) if JSON cannot carry every part of the type."""
        decoder = self._check_json(annotation, "JERO-W016", knows_all=self.dec_hook is not None)
        check_safe(annotation)
        return decoder

    def check_encodes(self, annotation: object, code: str = "JERO-W021") -> None:
        """Raise `Refusal` with this code if JSON cannot carry every part of the type of a value to be sent."""
        self._check_json(annotation, code, knows_all=self.enc_hook is not None)

    def check_text(self, annotation: object) -> None:
        """Raise `Refusal` (JERO-W016) unless text converts to a type."""
        if (fault := text_fault(annotation, knows_all=self.dec_hook is not None)) is not None:
            raise fault
        check_safe(annotation)

    def convert_text(self, text: str | Sequence[str], to: object) -> object:
        """Convert text (or the texts of a repeated name). Raises msgspec.ValidationError, also for nan and infinity."""
        value: object = msgspec.convert(text, type=to, strict=False, dec_hook=self.dec_hook)
        items = cast("Iterable[object]", value) if type(value) in _REPEATABLE else (value,)
        if not all(map(_is_finite, items)):
            raise msgspec.ValidationError("Expected a finite number")
        return value

    def text_of(self, value: object) -> str:
        """A value as one piece of text: the one that `convert_text` reads back, or compact JSON for a nested value.

        A str as it is, a bool as true or false, an enum by its value, other scalars as msgspec prints them.
        """
        if isinstance(value, str) and not isinstance(value, enum.Enum):
            return value
        text = self.encode(value)
        return msgspec.json.decode(text, type=str) if text[:1] == b'"' else text.decode()

    def header_value(self, value: object) -> bytes:
        """A typed header value as bytes. Raises ValueError for controls, None and what latin-1 does not have."""
        if value is None:
            raise ValueError("None is no header value; where a header may be left out, its type says so: `int | None`")
        return header_value(self.text_of(value))

    def _check_json(self, annotation: object, code: str, *, knows_all: bool) -> msgspec.json.Decoder[object]:
        try:
            decoder = self._checked.get((annotation, code))
        except TypeError:  # No hash, such as `Annotated` with a list in its metadata.
            return _checked_decoder(annotation, code, self.dec_hook, knows_all=knows_all)
        if decoder is None:
            decoder = _checked_decoder(annotation, code, self.dec_hook, knows_all=knows_all)
            self._checked[annotation, code] = decoder
        return decoder


def _is_finite(value: object) -> bool:
    """Whether a value is not a number, or a finite one."""
    if isinstance(value, float):
        return math.isfinite(value)
    return not isinstance(value, Decimal) or value.is_finite()


def _checked_decoder(
    annotation: object, code: str, dec_hook: DecHook | None, *, knows_all: bool
) -> msgspec.json.Decoder[object]:
    if (part := not_in_json(annotation, knows_all=knows_all)) is not None:
        hook = "dec_hook" if code == "JERO-W016" else "enc_hook"
        raise Refusal(
            code=code,
            reason=f"JSON cannot carry {part}.",
            remedy=f"a Struct, a dataclass or a builtin type in its place, or the app's `{hook}` for it.",
        )
    if (fault := untagged_fault(annotation, code)) is not None:
        raise fault
    return compile_decoder(annotation, code, dec_hook)
