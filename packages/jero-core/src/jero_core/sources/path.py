"""`path`: the slots of the path template, as a Struct.

Rules
-----
- A value that does not convert is no path of the app: 404.
- Neither are `.` and `..`, however they are encoded: no type takes them. Clients and proxies take them out of a URL
  (RFC 3986, section 5.2.4), links refuse them (links.py), and a handler that makes a file name of a value meets none
  that leads elsewhere.
"""

import datetime as dt
import decimal
import uuid
from collections.abc import Iterator
from typing import Final

from jero_core.extend import (
    INVALID,
    Binding,
    Field,
    Fragment,
    HTTPError,
    Operation,
    Parameter,
    ParameterFact,
    Reads,
    Refusal,
    construct,
    conversion,
    is_plain_text,
    is_repeatable,
    refuse,
    shape_of,
    text_struct,
    type_name,
)

_NEVER_DOTS: Final = frozenset(
    {bool, int, float, decimal.Decimal, uuid.UUID, dt.datetime, dt.date, dt.time, dt.timedelta}
)
"""The types to which `.` and `..` do not convert, so that nothing need be asked."""


class PathSource:
    """Binds the template's slots to the fields of a Struct by name."""

    def shared_by(self, operation: Operation, /) -> tuple[str, ...]:
        """What of an operation the binding depends on: the slots' order."""
        return operation.template.slots

    def bind(self, parameter: Parameter, operation: Operation, /) -> Binding:
        """Plan the argument. Raises `Refusal` if its annotation cannot be bound."""
        struct, fields = text_struct(
            parameter, "a msgspec Struct with one field for each slot of the template.", operation.codec
        )
        refuse(self._faults(struct.__name__, fields, operation))
        lines: list[str] = []
        values: dict[str, object] = {"HTTPError": HTTPError, "invalid": INVALID}
        locals_: list[str] = []
        for index, field in enumerate(fields):
            slot = f"$slot{operation.template.slots.index(field.name)}"
            local = slot if is_plain_text(field) else f"$_field{index}"
            if shape_of(field.type).origin not in _NEVER_DOTS:
                lines += [f"    if {slot} == '.' or {slot} == '..':", "        raise ValueError"]
            part = conversion(field, slot, local, operation.codec)
            lines += [f"    {line}" for line in part.lines]
            values |= part.values
            locals_.append(local)
        extract = Fragment(
            (
                "try:",
                *lines,
                f"    {construct(struct, fields, locals_, values)}",
                "except $invalid:",
                "    raise $HTTPError(404) from None",
            ),
            values,
        )
        return Binding(
            reads=Reads.PATH,
            extract=extract,
            problems=(404,),
            parameters=tuple(ParameterFact("path", field.name, field.type, required=True) for field in fields),
        )

    def _faults(self, struct: str, fields: tuple[Field, ...], operation: Operation) -> Iterator[Refusal]:
        template = operation.template
        for slot in template.slots:
            if slot not in [field.name for field in fields]:
                yield Refusal(
                    code="JERO-W030",
                    reason=f"{template.path!r} has the slot {{{slot}}}, and {struct} has no field {slot!r}.",
                    remedy=f"a field `{slot}: str` in {struct}, or a template without {{{slot}}}.",
                )
        for field in fields:
            if not field.required:
                yield Refusal(
                    code="JERO-W031",
                    reason=f"{struct}.{field.name} has a default, and a path always has every slot.",
                    remedy=f"`{field.name}` without a default; what may be left out belongs in `params`.",
                )
            elif field.name not in template.slots:
                yield Refusal(
                    code="JERO-W032",
                    reason=f"{struct}.{field.name} has no slot in {template.path!r}.",
                    remedy=f"`/{{{field.name}}}` in the template, or a Struct without the field.",
                )
            if is_repeatable(field):
                yield Refusal(
                    reason=f"{struct}.{field.name}: {type_name(field.type)} cannot come from one path segment.",
                    remedy="a scalar such as str, int, UUID or an Enum.",
                )
