"""The head of a request with a form: which kind of body it announces.

415 for what is no form, 400 for a multipart body without a usable boundary; before a byte of the body is read.

The parameters are matched to their end, and not searched for: what stands in front of the app must see the same
boundary. A comma outside quotes is two content types (RFC 9110, section 8.3, allows one), or a boundary that RFC 2046
wants quoted.
"""

import re
from typing import Final

from jero_core.extend import HTTPError

from .contents import Misfit, check_charset

MULTIPART: Final = "multipart/form-data"
URLENCODED: Final = "application/x-www-form-urlencoded"

_MOST: Final = 1_000
"""The most bytes of a content type; a boundary has 70 at most (RFC 2046, section 5.1.1)."""
_BOUNDARY: Final = re.compile(r"[!-~](?:[ -~]{0,198}[!-~])?")
_PARAMETER: Final = (
    r""";[ \t]*+(?:([!#$%&'*+.^_`|~0-9A-Za-z-]++)[ \t]*+=[ \t]*+("(?:[^"\\]|\\.)*+"|[^\s;",]*+))?+[ \t]*+"""
)
_NEXT_PARAMETER: Final = re.compile(_PARAMETER)
_PARAMETERS: Final = re.compile(rf"(?:{_PARAMETER})*+")


class FormType:
    """Reads the content types of one operation; made at startup."""

    def __init__(self, *, takes_urlencoded: bool) -> None:
        self._takes_urlencoded = takes_urlencoded
        wanted = f"{MULTIPART} or {URLENCODED}" if takes_urlencoded else MULTIPART
        self._wanted = f"The content type must be {wanted}."

    def __call__(self, content_type: bytes | None, content_encoding: bytes | None) -> bytes | None:
        """The boundary of a multipart body; None for a url-encoded one. Raises HTTPError 400 and 415."""
        if content_encoding is not None and content_encoding.strip().lower() not in {b"", b"identity"}:
            raise HTTPError(415, "A content-encoding is not supported.", headers={"accept-encoding": "identity"})
        if content_type is None or len(content_type) > _MOST:
            raise HTTPError(415, self._wanted)
        text = content_type.decode("latin-1")
        media_type, semicolon, rest = text.partition(";")
        media_type = media_type.strip().lower()
        if media_type not in {MULTIPART, URLENCODED} or (media_type == URLENCODED and not self._takes_urlencoded):
            raise HTTPError(415, self._wanted)
        if not _PARAMETERS.fullmatch(semicolon + rest):
            raise HTTPError(400, "The content type has malformed parameters.")
        parameters = [(name.lower(), _unquoted(value)) for name, value in _NEXT_PARAMETER.findall(semicolon + rest)]
        if media_type == MULTIPART:
            boundaries = [value for name, value in parameters if name == "boundary"]
            if len(boundaries) != 1 or not _BOUNDARY.fullmatch(boundaries[0]):
                raise HTTPError(400, f"The content type {MULTIPART} must have one boundary.")
            return boundaries[0].encode("ascii")
        try:
            for name, value in parameters:
                if name == "charset":
                    check_charset(value)
        except Misfit as misfit:
            raise HTTPError(415, str(misfit)) from None
        return None


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value
