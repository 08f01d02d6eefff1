"""The oracle's part about values: which of a request's values are invalid (SPEC.md, section 4: every one is told).

A place of a JSON text is invalid if the text that stands there does not decode as the type that the place has, and
nothing further down is to blame; so is a required member that is missing, and an unknown one where they are forbidden.
The text is decoded again at every place: slow, and simple.
"""

import re
import types
import typing
from decimal import Decimal

import msgspec

ARRAYS = (list, set, frozenset, tuple)
NOT_FINITE = re.compile("-?(s?nan|inf|infinity)", re.IGNORECASE)
MISFIT = (ValueError, TypeError)  # msgspec's own ValidationError is a ValueError.


def from_texts(texts, struct, dec_hook=None):
    """A Struct of lists of texts by wire name, as msgspec's lax conversion takes them, and what is invalid.

    That is the name and the index of a text, which is None if the name is not repeatable, or its texts are invalid
    together. (None, None) stands for all names: each is fine by itself, and the Struct's __post_init__ refuses them.
    """
    fields = {each.encode_name: each for each in msgspec.structs.fields(struct)}
    given, invalid = {}, {(name, None) for name, each in fields.items() if each.required and name not in texts}
    for name in fields.keys() & texts.keys():
        kind, arguments, _ = bare(fields[name].type)
        given[name] = texts[name] if kind in ARRAYS else texts[name][0]
        wrong = set()
        if kind in ARRAYS:
            is_fixed = kind is tuple and ... not in arguments
            kinds = arguments if is_fixed else (arguments[:1] or [typing.Any]) * len(texts[name])
            items = enumerate(zip(texts[name], kinds, strict=False))
            wrong = {(name, index) for index, item in items if not is_fit(*item, dec_hook)}
        elif len(texts[name]) > 1:
            wrong = {(name, None)}
        if not wrong and not is_fit(given[name], fields[name].type, dec_hook):
            wrong = {(name, None)}
        invalid |= wrong
    if struct.__struct_config__.forbid_unknown_fields:
        invalid |= {(name, None) for name in texts.keys() - fields.keys()}
    if invalid:
        return None, invalid
    try:
        return msgspec.convert(given, struct, strict=False, dec_hook=dec_hook), set()
    except MISFIT:
        return None, {(None, None)}


def is_fit(text, annotation, dec_hook=None):
    """Whether text, or the texts of a repeated name, convert to a type. Numbers must be finite."""
    try:
        value = msgspec.convert(text, annotation, strict=False, dec_hook=dec_hook)
    except MISFIT:
        return False
    items = value if isinstance(value, ARRAYS) else [value]
    return not any(isinstance(item, float | Decimal) and NOT_FINITE.fullmatch(str(item)) for item in items)


def misfits(text, annotation, dec_hook=None):
    """The invalid places of a JSON text, as JSON Pointers (RFC 6901)."""
    if fits(text, annotation, dec_hook):
        return set()
    value = msgspec.json.decode(text)
    if isinstance(value, dict):
        found, parts = in_object(text, value, annotation)
    elif isinstance(value, list):
        found, parts = in_array(text, annotation)
    else:
        found, parts = set(), []
    for name, part, kind in parts:
        found |= {pointer(name) + place for place in misfits(part, kind, dec_hook)}
    return found or {""}


def fits(text, annotation, dec_hook=None):
    try:
        msgspec.json.decode(text, type=annotation, dec_hook=dec_hook)
    except msgspec.ValidationError:
        return False
    return True


def in_object(text, value, annotation):
    """The invalid places of an object itself, and its members as (name, text, type)."""
    members = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
    kind, arguments, _ = bare(annotation)
    if kind is dict:
        return set(), [(name, part, arguments[1]) for name, part in members.items()]
    structs = [each for each in (arguments if kind is typing.Union else [annotation]) if is_struct(bare(each)[0])]
    tags = [bare(each)[0].__struct_config__.tag for each in structs]
    tag_field = next((bare(each)[0].__struct_config__.tag_field for each in structs), None)
    if len(structs) > 1 and tag_field not in value:
        return {pointer(tag_field)}, []
    if tag_field in value and value[tag_field] not in tags:
        return {pointer(tag_field)}, []
    if not structs:
        return set(), []
    struct = structs[tags.index(value[tag_field])] if tag_field in value else structs[0]
    fields = {each.encode_name: each for each in msgspec.structs.fields(strip(struct)[0])}
    found = {name for name, each in fields.items() if each.required} - members.keys()
    if bare(struct)[0].__struct_config__.forbid_unknown_fields:
        found |= members.keys() - fields.keys() - {tag_field}
    known = [(name, part, fields[name].type) for name, part in members.items() if name in fields]
    return {pointer(name) for name in found}, known


def in_array(text, annotation):
    """The invalid places of an array itself, and its items as (index, text, type)."""
    items = msgspec.json.decode(text, type=list[msgspec.Raw])
    kind, arguments, constraints = bare(annotation)
    if kind not in ARRAYS:
        return set(), []
    is_fixed = kind is tuple and arguments[-1] is not ...
    kinds = arguments if is_fixed else arguments[:1] * len(items)
    found = {f"/{index}" for index in range(len(items), len(kinds))}
    # How long a set is, only its items know.
    lengths = [typing.Annotated[list[msgspec.Raw], each] for each in constraints if kind in (list, tuple)]
    if len(items) > len(kinds) or not all(fits(text, length) for length in lengths):
        found.add("")
    return found, [(str(index), *pair) for index, pair in enumerate(zip(items, kinds, strict=False))]


def pointer(name):
    return "/" + name.replace("~", "~0").replace("/", "~1")


def strip(annotation):
    """A type without `Annotated` and `| None`, and its constraints."""
    origin, arguments = typing.get_origin(annotation), typing.get_args(annotation)
    members = [each for each in arguments if each is not type(None)]
    if origin is typing.Annotated:
        kind, constraints = strip(arguments[0])
        return kind, [*constraints, *arguments[1:]]
    if origin in (types.UnionType, typing.Union) and len(members) == 1:
        return strip(members[0])
    return annotation, []


def bare(annotation):
    """What a type is (a class, or `typing.Union`), what is in it, and its constraints."""
    kind, constraints = strip(annotation)
    origin = typing.get_origin(kind)
    is_union = origin in (types.UnionType, typing.Union)
    members = [each for each in typing.get_args(kind) if each is not type(None) or not is_union]
    return (typing.Union if is_union else origin) or kind, members, constraints


def is_struct(kind):
    return isinstance(kind, type) and issubclass(kind, msgspec.Struct)
