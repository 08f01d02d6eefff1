"""`headers`: request headers, as a Struct. Anything invalid is 400, with every invalid value named."""

from jero_core.extend import (
    INVALID,
    Binding,
    Codec,
    Field,
    Findings,
    Fragment,
    HTTPError,
    InvalidRequest,
    Operation,
    Parameter,
    ParameterFact,
    Reads,
    header_struct,
    header_values,
)


class HeadersSource:
    """Binds request headers to the fields of a Struct: `x_trace_id` reads `x-trace-id`."""

    def shared_by(self, operation: Operation, /) -> None:
        """What of an operation the binding depends on: nothing."""
        return

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        struct, fields, names = header_struct(
            parameter,
            "a msgspec Struct with one field for each header, such as `x_trace_id: str`; "
            "for all headers as they came, the argument `raw_headers: RawHeaders`.",
            operation.codec,
        )
        made = header_values(struct, fields, operation.codec)
        found = "".join(f"$header{index}, " for index in range(len(fields))).removesuffix(" ")
        lines = (
            "try:",
            *(f"    {line}" for line in made.lines),
            "except $invalid as problem:",
            f"    raise $explain(problem, ({found})) from None",
        )
        explain = Explainer(fields, names, operation.codec)
        return Binding(
            reads=Reads.HEAD,
            extract=Fragment(lines, {**made.values, "invalid": INVALID, "explain": explain}),
            headers=names,
            problems=(400,),
            parameters=tuple(
                ParameterFact("header", name.decode(), field.type, field.required, field.known_default)
                for name, field in zip(names, fields, strict=True)
            ),
        )


class Explainer:
    """Names everything that is wrong with the wanted headers; called only for bad requests."""

    def __init__(self, fields: tuple[Field, ...], names: tuple[bytes, ...], codec: Codec) -> None:
        self._codec = codec
        self._fields = fields
        self._names = names

    def __call__(self, problem: Exception, found: tuple[bytes | None, ...]) -> HTTPError:
        """The answer to a request that the generated code refused."""
        findings = Findings("headers", self._codec)
        for field, name, value in zip(self._fields, self._names, found, strict=True):
            if value is not None:
                findings.check(field, value.decode("latin-1"), name.decode())
            elif field.required:
                findings.add(name.decode(), "This header is required.")
        if not findings.invalid:
            findings.add(None, str(problem))
        return InvalidRequest(400, "The request headers are invalid.", tuple(findings.invalid))
