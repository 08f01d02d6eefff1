"""Structs from text: path slots, query values and header values, each a field that arrives as text.

Rules
-----
- Text converts as msgspec's lax mode takes it (`msgspec.convert(text, type, strict=False)`); numbers must be finite.
- Generated code converts the common cases inline and leaves every other case, and every refusal, to the codec:
  what the inline code accepts, its `convert_text` accepts with the same result.
- When the inline code refuses, the caller looks again, value by value, to name every invalid one (`Findings`).
"""

from collections.abc import Callable, Iterator, Sequence
from itertools import repeat
from typing import Any, Final, cast

import msgspec

from .annotations import Field, Shape, is_writable, shape_of, struct_fields, type_name
from .codec import Codec
from .errors import Invalid
from .fragment import Fragment, Literal, Name
from .introspect import Parameter
from .wiring import Refusal, refuse

INVALID: Final = (ValueError, TypeError, msgspec.ValidationError)
"""What says that a value is invalid. Another exception, from a Struct's `__post_init__`, is the app's fault: 500."""

_REPEATABLE: Final = cast("tuple[object, ...]", (list, set, frozenset, tuple))


def is_repeatable(field: Field) -> bool:
    """Whether a field collects repeated values: list, set, frozenset and tuple."""
    return shape_of(field.type).origin in _REPEATABLE


def is_plain_text(field: Field) -> bool:
    """Whether a field takes any text as it is."""
    shape = shape_of(field.type)
    return shape.origin is str and not shape.constraints


def conversion(field: Field, source: str, target: str, codec: Codec) -> Fragment:
    """Lines that convert the text in the local `source` and leave the value in the local `target`.

    Both are placeholders, such as `$slot0`. The lines raise on a refusal, whatever exception is nearest.
    """
    if is_plain_text(field):
        return Fragment((f"{target} = {source}",) if source != target else ())
    shape = shape_of(field.type)
    key = target.lstrip("$_")
    values: dict[str, object] = {f"convert_{key}": codec.convert_text, f"type_{key}": field.type}
    careful = f"{target} = $convert_{key}({source}, $type_{key})"
    bounds = _integer_bounds(shape)
    if bounds is None:
        return Fragment((careful,), values)
    low, high = bounds
    number = f"(number := int({source}))"
    within = f"$low_{key} <= {number}" if low is not None else number
    within = f"{within} <= $high_{key}" if high is not None else within
    values |= {
        name: Literal(bound) for name, bound in ((f"low_{key}", low), (f"high_{key}", high)) if bound is not None
    }
    guard = f"{source}.isdecimal() and {source}.isascii() and {source}[0] != '0'"
    if bounds != (None, None):
        guard = f"{guard} and {within}"
        return Fragment((f"if {guard}:", f"    {target} = number", "else:", f"    {careful}"), values)
    return Fragment((f"if {guard}:", f"    {target} = int({source})", "else:", f"    {careful}"), values)


def _integer_bounds(shape: Shape) -> tuple[int | None, int | None] | None:
    """The inclusive bounds of an int field, None where open; None if it is no int or has other constraints."""
    if shape.origin is not int:
        return None
    low: int | None = None
    high: int | None = None
    for meta in shape.constraints:
        if meta.multiple_of is not None or meta.gt is not None or meta.lt is not None:
            return None
        # msgspec has refused a bound of an int that is no int.
        if meta.ge is not None:
            low = int(meta.ge) if low is None else max(low, int(meta.ge))
        if meta.le is not None:
            high = int(meta.le) if high is None else min(high, int(meta.le))
    return low, high


def text_struct(parameter: Parameter, example: str, codec: Codec) -> tuple[type[msgspec.Struct], tuple[Field, ...]]:
    """The Struct that an argument names, and its fields.

    Raises `Refusal`: with `example` as the remedy if it is no Struct, or with every field that no text converts to.
    """
    found = struct_fields(parameter.annotation)
    if found is None:
        if struct_fields(shape_of(parameter.annotation).type) is not None:
            example = "the Struct without `| None`; what a request may leave out is a field with a default."
        raise Refusal(reason=f"{parameter.name}: {type_name(parameter.annotation)} is no Struct.", remedy=example)
    struct, fields = found
    if struct is msgspec.Struct:
        raise Refusal(reason=f"{parameter.name}: Struct is the base class, which has no fields.", remedy=example)
    refuse(fault for field in fields for fault in _faults(struct, field, codec))
    return found


def _faults(struct: type[msgspec.Struct], field: Field, codec: Codec) -> Iterator[Refusal]:
    if field.name not in struct.__match_args__ and not is_writable(field.name):
        yield Refusal(
            reason=f"{struct.__name__}.{field.name}: Python source cannot name a field so.",
            remedy=f"`{field.name}_: ... = msgspec.field(name={field.name!r})`.",
        )
    shape = shape_of(field.type)
    repeats = shape.origin in _REPEATABLE
    try:
        for part in shape.arguments if repeats else (field.type,):
            if part is not ...:
                codec.check_text(part)
        if repeats:
            codec.json_decoder(field.type)  # Its own constraints.
    except Refusal as refusal:
        yield refusal.about(f"{struct.__name__}.{field.name}")


def absent(field: Field, index: int, local: str, values: dict[str, object]) -> str:
    """The statement for a field that the request does not have: its default, or an exception."""
    if field.default_factory is not msgspec.NODEFAULT:
        values[f"default{index}"] = _own_fault(cast("Callable[[], object]", field.default_factory))
        return f"{local} = $default{index}()"
    if field.default is msgspec.NODEFAULT:
        return "raise ValueError('missing')"
    values[f"default{index}"] = literal_or_global(field.default)
    return f"{local} = $default{index}"


class DefaultError(Exception):
    """A default factory has failed: the app's own fault, whatever it raised."""


def _own_fault(factory: Callable[[], object]) -> Callable[[], object]:
    """The factory, so that none of its exceptions is taken for one that a client's value causes."""
    if isinstance(factory, type) and factory in _REPEATABLE:
        return factory

    def make() -> object:
        try:
            return factory()
        except Exception as error:
            raise DefaultError(f"the default factory {type_name(factory)} has failed") from error

    return make


def literal_or_global(value: object) -> object:
    """A `Literal` where the value has one, so that the generated text shows it; otherwise the value, as a global."""
    if value is None or type(value) in (str, int, bool):
        return Literal(cast("str | int | bool | None", value))
    return value


def construct(
    struct: type[msgspec.Struct], fields: tuple[Field, ...], locals_: list[str], values: dict[str, object]
) -> str:
    """The statement that makes the Struct from locals, by position where its fields allow that (the faster way)."""
    values["struct"] = struct
    arguments: list[str] = []
    for index, (field, local) in enumerate(zip(fields, locals_, strict=True)):
        if field.name in struct.__match_args__:
            arguments.append(local)
        else:
            values[f"name{index}"] = Name(field.name)
            arguments.append(f"$name{index}={local}")
    return f"$target = $struct({', '.join(arguments)})"


class Findings:
    """The invalid values of one source, found by looking at each value by itself."""

    def __init__(self, source: str, codec: Codec) -> None:
        self._source = source
        self._codec = codec
        self.invalid: list[Invalid] = []

    def add(self, name: str | None, detail: str, index: int | None = None) -> None:
        """Note an invalid value under the name that the client used; None stands for all values together.

        `index` counts the values of a name that is repeated.
        """
        pointer = "" if name is None else "/" + name.replace("~", "~0").replace("/", "~1")
        self.invalid.append(Invalid(self._source, pointer if index is None else f"{pointer}/{index}", detail))

    def check(self, field: Field, text: str, name: str) -> None:
        """Convert one value, and note it if it is invalid."""
        if (detail := self._refusal(text, field.type)) is not None:
            self.add(name, detail)

    def check_all(self, field: Field, texts: Sequence[str], name: str) -> None:
        """Convert the values of a repeated name, and note each that is invalid, or that all together are."""
        shape = shape_of(field.type)
        kinds = shape.arguments or (Any,)
        is_positional = shape.origin is tuple and ... not in kinds
        found = len(self.invalid)
        for index, (text, kind) in enumerate(zip(texts, kinds if is_positional else repeat(kinds[0]), strict=False)):
            if (detail := self._refusal(text, kind)) is not None:
                self.add(name, detail, index)
        if len(self.invalid) == found and (detail := self._refusal(texts, field.type)) is not None:
            self.add(name, detail)

    def _refusal(self, text: str | Sequence[str], kind: object) -> str | None:
        """Why a value is invalid; None if it is not."""
        try:
            self._codec.convert_text(text, kind)
        except (msgspec.MsgspecError, ValueError) as error:
            return str(error)
        return None
