r"""Content-Disposition of a part (RFC 7578, section 4.2): the part's name, and the name of its file.

Rules
-----
- The value is matched as a whole: `form-data`, then parameters (RFC 9110, section 5.6.6). Whatever is in front of the
  app (a filter of file names, say) reads one thing, and so do we: what is no parameter is not skipped, what stands
  inside a quoted value is no parameter, and neither name is given twice. All else is 400.
- Browsers write `"` as `%22`, line breaks as `%0D` and `%0A`, and a backslash as it is (WHATWG HTML, on
  multipart/form-data); other clients write `\"` and `\\` (RFC 9110, section 5.6.4). So the quote after a backslash may
  end a value, or stand in it. The reading in which the whole value is right is taken; one that is right in both is
  refused.
- Other parameters count for nothing, `filename*` among them (RFC 7578 forbids it).
"""

import re
from typing import Final

from jero_core.extend import HTTPError

_WORD: Final = r"[!#$%&'*+.^_`|~0-9A-Za-z-]++"
"""A token (RFC 9110, section 5.6.2)."""
_ESCAPED: Final = r'"(?:[^"\\]|\\.)*+"'
_PLAIN: Final = r'"[^"]*+"'
_USUAL: Final = re.compile(r'form-data; name="([^"\\%]*+)"(?:; filename="([^"\\%]*+)")?')


def _grammar(quoted: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """A pattern of the whole value, and one of its next parameter; neither tries anything twice."""
    parameter = r"[ \t]*+;[ \t]*+(?:{0}[ \t]*+=[ \t]*+{1})?+"
    value = f"(?:{quoted}|{_WORD})"
    whole = re.compile(rf"form-data(?:{parameter.format(_WORD, value)})*+[ \t]*+", re.IGNORECASE | re.DOTALL)
    return whole, re.compile(parameter.format(f"({_WORD})", f"({value})"), re.DOTALL)


_BY_ESCAPES: Final = _grammar(_ESCAPED)
_BY_QUOTES: Final = _grammar(_PLAIN)


def read_disposition(value: str) -> tuple[str, str | None]:
    """The name of a part, and that of its file if it has one. Raises HTTPError 400."""
    if usual := _USUAL.fullmatch(value):
        return usual[1], usual[2]
    readings = [_BY_ESCAPES, _BY_QUOTES] if '\\"' in value else [_BY_QUOTES]
    right = [parameter for whole, parameter in readings if whole.fullmatch(value)]
    found: dict[str, str] = {}
    if len(right) == 1:
        for key, text in right[0].findall(value, len("form-data")):
            name = key.lower()
            if name in {"name", "filename"} and name in found:
                raise _malformed("has a parameter twice")
            found[name] = _unquoted(text, is_escaped=right[0] is _BY_ESCAPES[1])
    if "name" not in found:
        raise _malformed("is no list of parameters")
    return found["name"], found.get("filename")


def _unquoted(text: str, *, is_escaped: bool) -> str:
    text = text[1:-1] if text.startswith('"') else text
    if is_escaped:
        return re.sub(r'\\(["\\])', r"\1", text)
    return text.replace("%0D", "\r").replace("%0A", "\n").replace("%22", '"')


def _malformed(reason: str) -> HTTPError:
    return HTTPError(400, f"The multipart body is malformed: the Content-Disposition of a part {reason}.")
