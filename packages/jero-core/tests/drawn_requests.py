"""Drawn requests to drawn apps.

Most are valid, so that they get far; the others are wrong in a place or two, or in many: what is wrong in several
places shows the order of checks. `faults` is how many times as often as otherwise something is wrong.
"""

import enum
from dataclasses import dataclass
from urllib.parse import quote, quote_plus, unquote_to_bytes

import msgspec
from hypothesis import strategies as st

from .drawn_apps import ERRORS, WRONG_RESULTS
from .drawn_types import TEXTS, below, encode_money, maybe, pick

TELLING = ["07", "nan", "\u0663", "", "13", "a b", "1"]
HOSTILE = [
    "a", "9" * 30, "9" * 5000, "-1", "101", "+1", "1_0", " 1", "1.0", "\u00b2", "TRUE", "inf", "-Infinity", "1e999",
    "x" * 20, "\x00", "a\r\nb", "NULL", "2026-13-01", "2026-01-02", "0001-01-01T00:00:00Z", "P1D", "red", "3", "5 EUR", "14", "15",
]  # fmt: skip
ESCAPES = ["%FF", "%ED%A0%80", "%C0%AF", "%00", "%", "%zz", "%2f", "%252F", "%C3%A9", "%61", "é", "+", "%2B"]
ESCAPES += ["", "..", "%2e"]
METHODS = ["OPTIONS", "HEAD", "GET", "POST", "PUT", "DELETE", "TRACE", "get", ""]
TARGETS = [b"/", b"", b"*", b"//", b"a/b", b"/" * 50, b"%2F", b"/a/b/a/b/a/b/a", b"/\xff", b"/a/\xff"]
ROOTS = ["/api", "/a", "/", "/api/", "/a/b", "/é", "api"]
QUERIES = [b"z=1&" * 1000, b"z=1&" * 999, b"&" * 2000, b"\xff", b"&&", b"=", b"a", b"?a=1", b"a=%ED%A0%80", b"a=1;B=2"]
CONTENT_TYPES = [
    "application/json; charset=utf-8", "text/plain", "APPLICATION/JSON", "a/b+json", "application/problem+json ; x=y", "", "json", ";",
    "application/jsonp", "application/x-www-form-urlencoded", "application/json, text/plain", "text/json", "application/ json", "\xff",
]  # fmt: skip
LENGTHS = ["", "x", "-1", "+5", "5, 5", " 5", "9" * 15, "9" * 20, "100001", "\u00b2", "1.0", "0x5"]
JUNK = [
    b"", b"{", b"}", b"[" * 30_000, b'{"u":"\xff"}', b"{}" * 2, b"NaN", b"[1e999]", b"\xef\xbb\xbf{}", b"\xff\xfe{\x00}\x00", b'"\xed\xa0\x80"',
    b'{"a":"\\ud800"}', b'{"u":"\\ud800\\u0041"}', b'{"u":' * 15_000, b'{"u":1e999}', b'{"u":' + b"9" * 5000 + b"}", b"null", b"[]", b"{}", b'""', b"1",
    b" {} ", b"\x00",
]  # fmt: skip
MISFITS = [
    None, True, 0, -1, 13, 14, 15, 1.5, 1e308, 2**63, 2**70, "", "x" * 30, "nan", "red", "1", [], [1], ["a", None], {}, {"a": 1}, {"kind": "cat"},
]  # fmt: skip
ODD_NAMES = ["unknown", "kind", "a", "a.b", "a/b", "~", "", "é", "guard"]
# What stands in a member that is ignored, unless it is forbidden.
ODD_MEMBERS = [
    b'"u":"\xff",',
    b'"u":' + b"[" * 30_000 + b",",
    b'"u":1e999,',
    b'"u":"\\ud800 ",',
    b'"u":NaN,',
    b'"u":01,',
]
ODD_PIECES = [b"", b"\x00", b"\xff", b'"', b"}", b",", b"0", b"\\"]


@dataclass(frozen=True)
class Request:
    """A request, what the handler does with it, and how sending the answer fails."""

    scope: dict
    messages: list
    result: object
    error: Exception | None
    send_error: Exception | None


@st.composite
def requests(draw, operations):
    """A request, most often to one of the operations."""
    operation, faults = pick(draw, operations), pick(draw, [1, 1, 1, 3])
    arguments, method = operation.arguments, operation.method
    if maybe(draw, 8):
        method = "HEAD" if method == "GET" and maybe(draw, 50) else pick(draw, METHODS)
    raw_path = path(draw, operation, faults)
    body = json_body(draw, arguments["json"], faults) if "json" in arguments else draw(st.binary(max_size=60))
    if len(body) < operation.limit < 1000 and maybe(draw, 25):
        body = body.ljust(operation.limit + 1 - draw(below(3)))
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "scheme": "http",
        "method": method,
        "query_string": query(draw, arguments.get("params"), faults),
        "headers": headers(draw, arguments, body, faults),
        "root_path": "",
    }
    if maybe(draw, 12):
        scope["root_path"] = pick(draw, ROOTS)
        if not maybe(draw, 30):
            raw_path = quote(scope["root_path"].rstrip("/")).encode() + raw_path
    elif maybe(draw, 5):
        del scope["root_path"]
    scope |= {"raw_path": raw_path, "path": unquote_to_bytes(raw_path).decode("utf-8", "replace")}
    if maybe(draw, 8):
        del scope["raw_path"]
    elif maybe(draw, 4):
        scope["raw_path"] = None
    result, error = None, None
    if maybe(draw, 20):
        error = pick(draw, ERRORS)
    else:
        result = pick(draw, WRONG_RESULTS) if maybe(draw, 12) else draw(operation.reply.values)
    send_error = pick(draw, [OSError("gone"), RuntimeError("broken")]) if maybe(draw, 4) else None
    return Request(scope, messages(draw, body), result, error, send_error)


def text_of(value):
    """A value as text that converts back to it."""
    if isinstance(value, str) and not isinstance(value, enum.Enum):
        return value
    plain = msgspec.to_builtins(value, enc_hook=encode_money)
    return plain if isinstance(plain, str) else msgspec.json.encode(plain).decode()


def hostile(draw):
    return pick(draw, TELLING) if maybe(draw, 40) else draw(TEXTS) if maybe(draw, 20) else pick(draw, HOSTILE)


def escaped(text, **_):
    """Text with everything percent-encoded."""
    return "".join(f"%{byte:02x}" for byte in text.encode())


def path(draw, operation, faults):
    """A raw path, of an operation or near it."""
    values = draw(operation.arguments["path"].members) if "path" in operation.arguments else {}
    segments = [text_of(values[part[1:-1]]) if part[0] == "{" else part for part in operation.template]
    if segments and maybe(draw, 6 * faults):
        segments[draw(below(len(segments)))] = pick(draw, ["a/b", "%2F"]) if maybe(draw, 30) else hostile(draw)
    if maybe(draw, 4):
        segments.insert(draw(below(len(segments) + 1)), pick(draw, ["", "a", "b"]))
    elif segments and maybe(draw, 2):
        segments.pop()
    escape, safe = pick(draw, [quote, quote, escaped]), pick(draw, ["~!$&'()*+,;=:@", ""])
    encoded = [escape(segment, safe=safe) for segment in segments]
    if encoded and maybe(draw, 4):
        encoded[draw(below(len(encoded)))] = pick(draw, ESCAPES)
    if maybe(draw, 2):
        return pick(draw, TARGETS)
    return ("/" + "/".join(encoded)).encode()


def pairs_of(draw, shape, faults):
    """Names and texts for the fields of a Struct, as (field, text), with few faults."""
    found = []
    for name, value in draw(shape.members).items():
        items = value if isinstance(value, list | set | tuple | frozenset) else [value]
        found += [(name, text_of(item)) for item in items]
    for _ in range(1 + draw(below(2)) if maybe(draw, 20 * faults) else 0):
        name = pick(draw, [*shape.required, *shape.optional, "unknown"])
        which = draw(below(5))
        if which == 0:
            found = [pair for pair in found if pair[0] != name]
        elif which == 1:
            found.append((name, hostile(draw)))
        elif which == 2:
            found = [(other, hostile(draw) if other == name else text) for other, text in found]
        elif which == 3:
            found.append(("unknown", draw(TEXTS)))
        elif found:
            found.append(pick(draw, found))
    return found[::-1] if maybe(draw, 20) else found


def query(draw, shape, faults):
    if maybe(draw, 3 * faults):
        return pick(draw, QUERIES)
    if shape is None:
        return pick(draw, [b"", b"a=1", b"\xff"])
    names = {each.name: each.encode_name for each in msgspec.structs.fields(shape.type)}
    escape = pick(draw, [quote_plus, quote_plus, quote, escaped])
    pairs = [f"{escape(names.get(name, name))}={escape(text, safe='')}" for name, text in pairs_of(draw, shape, faults)]
    if maybe(draw, 6 * faults):
        other, escape = pick(draw, [*names.values(), "x"]), pick(draw, ESCAPES)
        pairs.append(pick(draw, [f"{other}={escape}", other, "", "=", f"{other}=a=b", f"={other}"]))
    if maybe(draw, 2):
        pairs += [""] * (1001 - draw(below(2)) - len(pairs))
    return "&".join(pairs).encode()


def headers(draw, arguments, body, faults):
    pairs = []
    if "headers" in arguments:
        shape = arguments["headers"]
        names = {each.name: each.encode_name.replace("_", "-").lower() for each in msgspec.structs.fields(shape.type)}
        encoding = "utf-8" if maybe(draw, 20) else "latin-1"
        for name, text in pairs_of(draw, shape, faults):
            pairs.append((names.get(name, name).encode(), text.encode(encoding, "replace")))
        if maybe(draw, 10):
            pairs.append((pick(draw, [b"x_trace_id", b"page_size", b"x-other", b"cookie"]), b"1"))
        if maybe(draw, 3 * faults):
            pairs += [(name, b"y" * 1000) for name, _ in pairs[:1]] * (15 + draw(below(3)))
    if "json" in arguments or maybe(draw, 20):
        if not maybe(draw, 10 * faults):
            pairs.append((b"content-type", b"application/json"))
        elif not maybe(draw, 30):
            pairs.append((b"content-type", pick(draw, CONTENT_TYPES).encode("latin-1")))
    if not maybe(draw, 20 * faults):
        pairs.append((b"content-length", b"%d" % len(body)))
    elif maybe(draw, 50):
        wrong = [str(len(body) + 1), str(max(len(body) - 1, 0)), "0" * 20 + str(len(body)), *LENGTHS]
        pairs.append((b"content-length", pick(draw, wrong).encode("latin-1")))
    if pairs and maybe(draw, 3 * faults):
        pairs.append(pick(draw, pairs))
    return pairs


def json_body(draw, kind, faults):
    """A JSON text that fits, or nearly, or not at all."""
    if maybe(draw, 6 * faults):
        return pick(draw, JUNK)
    document = msgspec.to_builtins(draw(kind.values), str_keys=True, enc_hook=encode_money)
    for _ in range(1 + draw(below(3)) if maybe(draw, 33 * faults) else 0):
        document = mutated(draw, document)
    text = msgspec.json.encode(document)
    if maybe(draw, 8):
        text = msgspec.json.format(text, indent=1)
    if text[:2] not in (b"{}", b"[]") and maybe(draw, 10 * faults):
        text = text.replace(b"{", b"{" + pick(draw, ODD_MEMBERS), 1)
    if maybe(draw, 6 * faults):
        cut = draw(below(len(text) + 1))
        text = text[:cut] + pick(draw, ODD_PIECES) + text[cut + 1 :]
    return text


def mutated(draw, value):
    """A JSON value with one part taken away, added, or put in place of another."""
    if isinstance(value, dict) and value and not maybe(draw, 10):
        name, which = pick(draw, [*value]), draw(below(6))
        if which == 0:
            return {other: item for other, item in value.items() if other != name}
        if which == 1:
            return value | {pick(draw, ODD_NAMES): pick(draw, MISFITS)}
        return value | {name: mutated(draw, value[name])}
    if isinstance(value, list) and value and not maybe(draw, 20):
        index = draw(below(len(value)))
        if maybe(draw, 40):
            more = [pick(draw, MISFITS)] if maybe(draw, 50) else value[-1:]
            return [*value, *value[: index + 1], *more]
        return [mutated(draw, item) if at == index else item for at, item in enumerate(value)]
    return pick(draw, MISFITS)


def messages(draw, body):
    """The messages of a body, and then a disconnect."""
    found = [{"type": "http.request", "body": body, "more_body": False}]
    if maybe(draw, 30):
        cuts = sorted(draw(below(len(body) + 1)) for _ in range(draw(below(4))))
        pieces = [body[start:end] for start, end in zip([0, *cuts], [*cuts, len(body)], strict=True)]
        found = [{"type": "http.request", "body": piece, "more_body": True} for piece in pieces]
        which = draw(below(4))
        if which == 0:
            found[-1]["more_body"] = False
        elif which == 1:
            found.append({"type": "http.request"})
        elif which == 2:
            found.append({"type": "http.request", "more_body": True})
        else:
            found = found[: draw(below(len(found) + 1))]
    return [*found, {"type": "http.disconnect"}]
