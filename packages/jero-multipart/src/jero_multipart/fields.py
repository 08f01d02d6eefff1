"""The fields of a form's Struct: what each takes, read once at startup.

Rules
-----
- A field takes the parts of its wire name: one, or any number for `list[...]` (and `set`, `frozenset`, `tuple[T, ...]`
  of scalars).
- A field that no part is there for gets its default, else None where the type allows it, else it is a problem.
- What a field cannot be is a `Refusal`, with the field's name and what to write instead.
"""

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from types import GenericAlias, UnionType
from typing import Annotated, Final, TypeVar, Union, cast

import msgspec

from jero_core.extend import (
    Codec,
    Field,
    Operation,
    Parameter,
    PartFact,
    Refusal,
    is_plain_text,
    members_of,
    refuse,
    shape_of,
    struct_fields,
    structs_in,
    type_name,
)

from .contents import JSON, Bytes, Content, Text
from .headers import PartHeaders
from .parts import FilePart, FormPart, SpooledFilePart

_PARTS: Final = (FormPart, FilePart, SpooledFilePart)
_FILES: Final = cast("tuple[object, ...]", (FilePart, SpooledFilePart))
_CONTAINERS: Final = cast("tuple[object, ...]", (list, set, frozenset, tuple))
_NO_VALUE: Final = cast("tuple[object, ...]", (type(None), msgspec.UnsetType))
_OTHER_BYTES: Final = cast("tuple[object, ...]", (bytearray, memoryview))
_UNIONS: Final = cast("tuple[object, ...]", (Union, UnionType))
_DEMANDS: Final = ("gt", "ge", "lt", "le", "multiple_of", "pattern", "min_length", "max_length", "tz")
"""What of a `Meta` is a constraint; all else is for documents."""
_REMEDY: Final = (
    "a scalar, bytes, a Struct (the part is JSON), FormPart[...], FilePart or SpooledFilePart, or `list[...]` of one."
)


class FormField(msgspec.Struct, frozen=True):
    """One field of a form."""

    field: Field
    content: Content | None
    """What makes a value of the part; None for files, which stay as they are."""
    part: type | None
    """FormPart, FilePart or SpooledFilePart; None if the value alone is wanted."""
    headers: PartHeaders | None
    container: Callable[[Sequence[object]], Collection[object]] | None
    """What collects the parts, where there may be several."""
    least: int
    """The least number of parts that constraints ask for, if there are any parts."""
    most: int | None
    """The most; None without a bound."""
    is_nullable: bool

    @property
    def is_file(self) -> bool:
        """Whether the part must have a filename."""
        return self.part in _FILES

    @property
    def is_required(self) -> bool:
        """Whether there must be a part."""
        return self.field.required and not self.is_nullable

    @property
    def fact(self) -> PartFact:
        """What documents say of it."""
        return PartFact(
            name=self.field.wire_name,
            type=bytes if self.content is None else self.content.type,
            required=self.is_required,
            repeats=self.container is not None,
            is_file=self.is_file,
            headers=None if self.headers is None else self.headers.struct,
        )


class Form(msgspec.Struct, frozen=True):
    """A form: the Struct, and its fields by wire name."""

    struct: type[msgspec.Struct]
    fields: Mapping[str, FormField]
    codec: Codec

    @property
    def has_files(self) -> bool:
        """Whether only multipart bodies will do."""
        return any(field.is_file for field in self.fields.values())

    @property
    def has_spool(self) -> bool:
        """Whether something must be cleaned up after the response."""
        return any(field.part is SpooledFilePart for field in self.fields.values())


def read_form(parameter: Parameter, operation: Operation) -> Form:
    """The form that an argument's annotation names. Raises `Refusal` with everything that is wrong with it."""
    found = struct_fields(parameter.annotation)
    if found is None or found[0] in _PARTS:
        raise _no_struct(parameter)
    struct, fields = found
    refusals: list[Refusal] = []
    read: dict[str, FormField] = {}
    for field in fields:
        try:
            read[field.wire_name] = _read_field(field, operation.codec)
        except Refusal as refusal:
            refusals += [each.about(f"{struct.__name__}.{field.name}") for each in (refusal, *refusal.others)]
    refuse(refusals)
    return Form(struct, read, operation.codec)


def _no_struct(parameter: Parameter) -> Refusal:
    bare = shape_of(parameter.annotation)
    if bare.origin in _PARTS:
        name = type_name(bare.type)
        return Refusal(
            reason=f"{parameter.name}: {name} is one part, and the argument is the whole form.",
            remedy=f"a Struct with the part as a field: `class Upload(Struct): file: {name}`.",
        )
    remedy = "a msgspec Struct with one field for each part of the form."
    if struct_fields(bare.type) is not None:
        remedy = "the Struct without `| None`; what a form may leave out is a field with a default."
    elif structs_in(bare.type) is not None:
        remedy = "one Struct; for a choice of Structs, a field of that union, which is a JSON part."
    return Refusal(reason=f"{parameter.name}: {type_name(parameter.annotation)} is no Struct.", remedy=remedy)


def _read_field(field: Field, codec: Codec) -> FormField:
    shape = shape_of(field.type)
    is_nullable = type(None) in [*members_of(field.type)]
    if shape.origin not in _CONTAINERS:
        content, part, headers = _read_part(field, field.type, codec)
        return FormField(field, content, part, headers, None, 0, None, is_nullable)
    items = shape.arguments[:1] if shape.origin is not tuple or shape.arguments[1:] == (...,) else ()
    if not items:
        reason = f"{type_name(shape.type)} does not say what each part is."
        raise Refusal(reason=reason, remedy="`list[...]` of a type.")
    content, part, headers = _read_part(field, items[0], codec)
    if shape.origin is not list and not (part is None and isinstance(content, Text)):
        raise Refusal(
            reason=f"{type_name(shape.type)}: only scalars can be in a {type_name(shape.origin)}.",
            remedy=f"`list[{type_name(items[0])}]`.",
        )
    bare = shape.type if part is None and isinstance(content, Text) else list[str]
    # Proves the constraints, and that the items of a set have a hash.
    codec.json_decoder(cast("GenericAlias", Annotated)[bare, *shape.constraints] if shape.constraints else bare)
    container = cast("Callable[[Sequence[object]], Collection[object]]", shape.origin)
    least = max((meta.min_length or 0 for meta in shape.constraints), default=0)
    most = min((meta.max_length for meta in shape.constraints if meta.max_length is not None), default=None)
    return FormField(field, content, part, headers, container, least, most, is_nullable)


type _Part = tuple[Content | None, type | None, PartHeaders | None]


def _read_part(field: Field, annotation: object, codec: Codec) -> _Part:
    """What a part is: its content, its wrapping, its headers."""
    members = [member for member in members_of(annotation) if member not in _NO_VALUE]
    constraints = tuple(_constraints_of(annotation))
    kinds = [shape_of(member).origin for member in members]
    if len(members) == 1 and kinds[0] in _PARTS:
        part = cast("type", kinds[0])
        if constraints:
            raise _constrained_part(members[0], part, constraints)
        return _read_wrapped(field, part, shape_of(members[0]).arguments, codec)
    for kind in kinds:
        if isinstance(kind, type) and issubclass(kind, _PARTS):
            is_subclass = kind not in _PARTS
            raise Refusal(
                reason=f"{type_name(annotation)}: {kind.__name__} is "
                + ("a class of your own, which jero cannot make." if is_subclass else "one of several types."),
                remedy=f"`{kind.__base__.__name__}`." if is_subclass and kind.__base__ else f"`{kind.__name__}` alone.",
            )
    if bytes in kinds and len(kinds) == 1:
        codec.json_decoder(annotation)  # Proves its constraints.
        return Bytes(annotation, is_constrained=bool(constraints)), None, None
    if members and all(structs_in(member) is not None for member in members):
        return JSON(annotation, codec), None, None
    if bytes in kinds or any(kind in _OTHER_BYTES for kind in kinds):
        raise Refusal(reason=f"{type_name(annotation)} is not bytes alone.", remedy="`bytes`, also with `| None`.")
    try:
        codec.check_text(annotation)
    except Refusal as refusal:
        # What is wrong with the constraints of a scalar, core says best.
        raise refusal if constraints else Refusal(reason=refusal.reason, remedy=_REMEDY) from refusal
    is_plain = is_plain_text(msgspec.structs.replace(field, type=annotation))
    return Text(annotation, codec, is_plain=is_plain), None, None


def _constraints_of(annotation: object) -> Iterator[msgspec.Meta]:
    """What the annotation of a part demands of it, in any member of a union."""
    shape = shape_of(annotation)
    yield from (meta for meta in shape.constraints if any(getattr(meta, name) is not None for name in _DEMANDS))
    if shape.origin in _UNIONS:
        for member in shape.arguments:
            yield from _constraints_of(member)


def _constrained_part(annotation: object, part: type, constraints: Sequence[msgspec.Meta]) -> Refusal:
    """The refusal of a constraint that would be ignored: msgspec never sees a part itself."""
    remedy = "no constraint; what bounds the files of a form is the class keyword `max_body_size`."
    if part is FormPart:
        inner = type_name((*shape_of(annotation).arguments, str)[0])
        remedy = f"the constraint on what the part holds: `FormPart[Annotated[{inner}, Meta(...)]]`."
    shown = type_name(cast("GenericAlias", Annotated)[annotation, *constraints])
    return Refusal(reason=f"{shown}: a {part.__name__} has no constraints.", remedy=remedy)


def _read_wrapped(field: Field, part: type, arguments: tuple[object, ...], codec: Codec) -> _Part:
    """FormPart, FilePart or SpooledFilePart with its type arguments."""
    content: Content | None = None
    # In a generic Struct of bare parts msgspec leaves their own parameters: `Upload[FilePart]` has a `FilePart[H]`.
    arguments = tuple(
        each.__default__ if isinstance(each, TypeVar) and each.has_default() else each for each in arguments
    )
    if part is FormPart:
        if not arguments or isinstance(arguments[0], TypeVar):
            raise Refusal(
                reason="FormPart does not say what the part holds.", remedy="`FormPart[str]`, or another type."
            )
        first, *arguments_left = arguments
        if shape_of(first).origin in _CONTAINERS:
            raise Refusal(
                reason=f"FormPart[{type_name(first)}]: a part holds one value.",
                remedy=f"`list[FormPart[{type_name((*shape_of(first).arguments, str)[0])}]]` for parts that repeat.",
            )
        content, inner, _ = _read_part(field, first, codec)
        if inner is not None:
            raise Refusal(
                reason=f"FormPart[{type_name(first)}] is a part in a part.", remedy=f"`{type_name(first)}` by itself."
            )
        arguments = tuple(arguments_left)
    annotation = arguments[0] if arguments else None
    return content, part, None if annotation in (None, type(None)) else PartHeaders(annotation, codec)


def unknown_names(form: Form, names: Collection[str]) -> Iterator[str]:
    """The names that the Struct does not have, if it forbids them."""
    config = form.struct.__struct_config__
    if config.forbid_unknown_fields:
        yield from (name for name in names if name not in form.fields and name != config.tag_field)
