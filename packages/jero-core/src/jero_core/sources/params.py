"""`params`: the query string, as a Struct. Anything invalid is 400, with every invalid value named.

The generated code reads the query once, names in if/elif; it does not stop to say what is wrong. If it fails,
`explain` looks again, with care.
"""

from typing import Final
from urllib.parse import unquote_plus

import msgspec

from jero_core.extend import (
    INVALID,
    Binding,
    Codec,
    Field,
    Findings,
    Fragment,
    HTTPError,
    InvalidRequest,
    Literal,
    Operation,
    Parameter,
    ParameterFact,
    Reads,
    absent,
    construct,
    conversion,
    is_repeatable,
    text_struct,
)

MOST_PARAMETERS: Final = 1_000
"""The most parameters of one query string; it bounds the time that a hostile one takes."""


class ParamsSource:
    """Binds query parameters to the fields of a Struct by their wire names."""

    def shared_by(self, operation: Operation, /) -> None:
        """What of an operation the binding depends on: nothing."""
        return

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        struct, fields = text_struct(
            parameter, "a msgspec Struct with one field for each query parameter.", operation.codec
        )
        return Binding(
            reads=Reads.HEAD,
            extract=_extract(struct, fields, operation.codec),
            problems=(400,),
            parameters=tuple(
                ParameterFact("query", field.wire_name, field.type, field.required, field.known_default)
                for field in fields
            ),
        )


def _extract(struct: type[msgspec.Struct], fields: tuple[Field, ...], codec: Codec) -> Fragment:
    values: dict[str, object] = {
        "unquote": unquote_plus,
        "most": Literal(MOST_PARAMETERS),
        "invalid": INVALID,
        "explain": Explainer(struct, fields, codec),
    }
    lines = ["try:"]
    if fields:
        lines.append("    " + " = ".join(f"$_value{index}" for index in range(len(fields))) + " = None")
    lines += [
        "    query = $query",
        "    if query:",
        "        if len(query) >= $most and query.count(b'&') >= $most:",
        "            raise ValueError('too many')",
        "        for pair in query.decode().split('&'):",
        "            key, _, text = pair.partition('=')",
        "            if '%' in pair or '+' in pair:",
        "                key, text = $unquote(key, errors='strict'), $unquote(text, errors='strict')",
    ]
    branch = "if"
    for index, field in enumerate(fields):
        values[f"key{index}"] = Literal(field.wire_name)
        local = f"$_value{index}"
        lines.append(f"            {branch} key == $key{index}:")
        if is_repeatable(field):
            lines += [
                f"                if {local} is None:",
                f"                    {local} = []",
                f"                {local}.append(text)",
            ]
        else:
            lines += [
                f"                if {local} is not None:",
                "                    raise ValueError('repeated')",
                f"                {local} = text",
            ]
        branch = "elif"
    if struct.__struct_config__.forbid_unknown_fields:
        lines.append(f"            {branch} pair:")
        lines.append("                raise ValueError('unknown')")
    locals_ = [f"$_value{index}" for index in range(len(fields))]
    for index, (field, local) in enumerate(zip(fields, locals_, strict=True)):
        part = conversion(field, local, local, codec)
        values |= part.values
        if field.default is None:
            # An absent value is None already.
            lines += [f"    if {local} is not None:", *(f"        {line}" for line in part.lines)] if part.lines else []
        else:
            lines += [f"    if {local} is None:", f"        {absent(field, index, local, values)}"]
            lines += ["    else:", *(f"        {line}" for line in part.lines)] if part.lines else []
    lines += [
        f"    {construct(struct, fields, locals_, values)}",
        "except $invalid as problem:",
        "    raise $explain(problem, $query) from None",
    ]
    return Fragment(tuple(lines), values)


class Explainer:
    """Names everything that is wrong with a query; made once for each Struct, called only for bad requests."""

    def __init__(self, struct: type[msgspec.Struct], fields: tuple[Field, ...], codec: Codec) -> None:
        self._codec = codec
        self._struct = struct
        self._fields = fields

    def __call__(self, problem: Exception, query: bytes) -> HTTPError:
        """The answer to a request that the generated code refused."""
        if query.count(b"&") >= MOST_PARAMETERS:
            return HTTPError(400, f"The query string has more than {MOST_PARAMETERS} parameters.")
        try:
            texts = _texts_of(query)
        except UnicodeDecodeError:
            return HTTPError(400, "The query string is not valid UTF-8.")
        findings = Findings("params", self._codec)
        for field in self._fields:
            given = texts.pop(field.wire_name, None)
            if given is None:
                if field.required:
                    findings.add(field.wire_name, "This parameter is required.")
            elif is_repeatable(field):
                findings.check_all(field, given, field.wire_name)
            elif len(given) > 1:
                findings.add(field.wire_name, "This parameter may be given only once.")
            else:
                findings.check(field, given[0], field.wire_name)
        if self._struct.__struct_config__.forbid_unknown_fields:
            for name in texts:
                findings.add(name, "This parameter is unknown.")
        if not findings.invalid:
            # Each value is fine by itself: the Struct refused them together (__post_init__).
            findings.add(None, str(problem))
        return InvalidRequest(400, "The query string is invalid.", tuple(findings.invalid))


def _texts_of(query: bytes) -> dict[str, list[str]]:
    """The parameters of a query by name. Raises UnicodeDecodeError."""
    texts: dict[str, list[str]] = {}
    for pair in query.decode().split("&"):
        key, _, text = pair.partition("=")
        if pair:
            key = unquote_plus(key, errors="strict")
            texts.setdefault(key, []).append(unquote_plus(text, errors="strict"))
    return texts
