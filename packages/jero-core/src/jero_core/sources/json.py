"""`json`: the request's body, decoded and validated by msgspec.

The content type must be `application/json` or end in `+json` (415 otherwise, also when it is missing): a cross-site
form can send neither. Malformed JSON is 400, JSON that does not fit the type 422.
"""

import re
from typing import Final

import msgspec

from jero_core.extend import (
    DEEP,
    LARGE,
    NO_HASH,
    Binding,
    BodyFact,
    Codec,
    Fragment,
    HTTPError,
    InvalidRequest,
    JSONProblems,
    Literal,
    Operation,
    Parameter,
    Reads,
    Refusal,
    is_hash_fault,
    key_check,
    list_item,
    nesting_check,
    shape_of,
    structs_in,
    type_name,
)

# Besides msgspec's own: invalid UTF-8, and nesting beyond the recursion limit. (msgspec does not look into members that
# it skips, so the text is checked before.) Any other exception, from a Struct's `__post_init__`, is a fault of the app.
_NOT_DECODABLE: Final = (msgspec.DecodeError, UnicodeDecodeError, RecursionError)
_COMMON_TYPES: Final = frozenset(
    {b"application/json", b"application/json; charset=utf-8", b"application/json;charset=utf-8"}
)


class JSONSource:
    """Binds a JSON body to a Struct, a list of Structs, or a union of tagged Structs."""

    def shared_by(self, operation: Operation, /) -> None:
        """What of an operation the binding depends on: nothing."""

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        annotation = parameter.annotation
        item = list_item(annotation)
        if structs_in(annotation) is None and structs_in(item) is None:
            remedy = "a msgspec Struct that names the body's members, or `list[...]` of one."
            if structs_in(shape_of(annotation).type) is not None:
                remedy = "the Struct without `| None`; what a client may leave out is a field with a default."
            raise Refusal(
                reason=f"json: {type_name(annotation)} is no Struct, list of Structs or union of tagged Structs.",
                remedy=remedy,
            )
        decoder = operation.codec.json_decoder(annotation)
        admit = Fragment.of(
            """
            if $header0 not in $common_types:
                $require_json($header0)
            """,
            common_types=_COMMON_TYPES,
            require_json=require_json,
        )
        lines = [
            "try:",
            "    if not $body.isascii():",
            "        $body.decode()",
            "    $target = $decode($body)",
            "except $not_decodable as problem:",
            "    raise $refused(problem, $body) from None",
        ]
        values: dict[str, object] = {
            "decode": decoder.decode,
            "not_decodable": _NOT_DECODABLE,
            "refused": Refused(annotation, operation.codec),
        }
        check_nesting = nesting_check(annotation)
        if check_nesting is not None:
            lines[1:1] = ["    if len($body) > $deep:", "        $check_nesting($body)"]
            values |= {"deep": Literal(DEEP), "check_nesting": check_nesting}
        check_keys = key_check(annotation)
        if check_keys is not None:
            values["not_decodable"] = (*_NOT_DECODABLE, TypeError)
            lines = ["if len($body) > $large:", "    $check_keys($body)", *lines]
            values |= {"large": Literal(LARGE), "check_keys": check_keys}
        return Binding(
            reads=Reads.BODY,
            headers=(b"content-type",),
            admit=admit,
            extract=Fragment(tuple(lines), values),
            problems=(400, 413, 415, 422),
            body=BodyFact(("application/json",), annotation),
        )


def require_json(content_type: bytes | None) -> None:
    """Raise a 415 unless the content type is JSON (RFC 9110, section 8.3.1: names are case-insensitive)."""
    media_type = (content_type or b"").partition(b";")[0].strip().lower()
    if media_type != b"application/json" and not re.fullmatch(rb"[^\s/,]+/[^\s/,]+\+json", media_type):
        raise HTTPError(415, "The content type must be application/json or end in +json.")


class Refused:
    """Says what is wrong with a body; made once for each type, called only for bad bodies."""

    def __init__(self, annotation: object, codec: Codec) -> None:
        self._annotation = annotation
        self._codec = codec
        self._problems: JSONProblems | None = None

    def __call__(self, error: Exception, body: bytes) -> HTTPError:
        """The answer for a body that the decoder refused: 422 if it is JSON of another shape, 400 if it is no JSON."""
        if isinstance(error, TypeError):
            if not is_hash_fault(error):
                raise error
            error = msgspec.ValidationError(NO_HASH)
        if not isinstance(error, msgspec.ValidationError):
            return _malformed(error)
        # The decoder stops at the first value that does not fit; what comes after it may be no JSON at all.
        try:
            value: object = msgspec.json.decode(body)
        except _NOT_DECODABLE as malformed:
            return _malformed(malformed)
        if self._problems is None:
            self._problems = JSONProblems(self._annotation, self._codec.dec_hook)
        invalid = self._problems.find(value, error)
        return InvalidRequest(422, "The JSON body is invalid.", invalid)


def _malformed(error: Exception) -> HTTPError:
    if isinstance(error, RecursionError):
        return HTTPError(400, "The body is nested too deeply.")
    if isinstance(error, msgspec.DecodeError):
        return HTTPError(400, str(error))
    return HTTPError(400, "The body is no JSON text.")  # Invalid UTF-8 raises UnicodeDecodeError.
