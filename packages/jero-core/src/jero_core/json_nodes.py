"""The nodes of JSON's types: what parts a value of a type has, and where a walk goes on in it.

Rules
-----
- A node is made for each type that a refused value is of, once, as it is needed: types may contain themselves.
- Where the type does not matter it is `Any`: for `object` msgspec asks the app's hook, which does not expect that.
- A missing member has the place where it would be. What a mapping's key or a set's item has wrong is said of the key's
  or the item's own place.
"""

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from operator import itemgetter
from types import GenericAlias
from typing import Annotated, Any, Final, cast

import msgspec

from .annotations import Field, Shape, attributes_of, constrained_members_of, members_of, shape_of, struct_fields
from .convertible import DecHook
from .json_paths import first_index, first_name
from .json_walk import CHUNK, Decode, Walk, encode

_MISSING: Final = "This member is required."
_UNKNOWN: Final = "This member is unknown."
_ARRAYS: Final = (list, set, frozenset, tuple)
_NO_VERDICTS: Final[Mapping[type, str]] = {}
_PLAIN: Final = cast("tuple[object, ...]", (str, int, float, bool))


class Nodes:
    """The nodes of one type and its parts."""

    def __init__(self, dec_hook: DecHook | None) -> None:
        self._dec_hook = dec_hook
        self._known: dict[object, _Node] = {}

    def node(self, annotation: object) -> "_Node":
        """What to do with a value of a type."""
        try:
            node = self._known.get(annotation)
        except TypeError:  # No hash: `Annotated` with a list in its metadata.
            return _node_of(annotation, self)
        if node is None:
            node = self._known[annotation] = _node_of(annotation, self)
        return node

    def decoder(self, annotation: object) -> Decode:
        """What decodes a type."""
        return msgspec.json.Decoder(cast("type[object]", annotation), dec_hook=self._dec_hook).decode


class _Node:
    """A type that is one value to us: a scalar, or something that only a hook knows."""

    def __init__(self, annotation: object, nodes: Nodes) -> None:
        self._nodes = nodes
        self.decode = nodes.decoder(annotation)
        self.is_plain = shape_of(annotation).type in _PLAIN
        """Whether a value of it has no parts."""
        self.verdicts = _verdicts(annotation) if annotation in _PLAIN else _NO_VERDICTS
        """What the decoder says of any value of a class; only where that is the same for all of them."""

    def visit(self, walk: Walk, value: object, detail: str, path: str) -> None:
        """Note what is wrong with the parts of a refused value; nothing if it is wrong as a whole."""

    def fits_tag(self, value: object) -> bool:
        """Whether a union's value is meant for this member."""
        return True

    def wrong_tag(self, walk: Walk, value: object, detail: str) -> None:
        """Note a value's tag that no member of a union has."""


class _Union(_Node):
    """A union, also `T | None`: the member that the value is meant for is looked at."""

    def __init__(self, annotation: object, nodes: Nodes) -> None:
        super().__init__(annotation, nodes)
        shapes = [(member, shape_of(member)) for member in constrained_members_of(annotation)]
        self._objects = [member for member, shape in shapes if _is_object(shape)]
        self._arrays = [member for member, shape in shapes if _is_array(shape)]

    def visit(self, walk: Walk, value: object, detail: str, path: str) -> None:
        members = self._objects if isinstance(value, dict) else self._arrays if isinstance(value, list) else []
        nodes = [self._nodes.node(member) for member in members]
        for node in nodes:
            if node.fits_tag(value):
                node.visit(walk, value, detail, path)
                return
        if nodes:
            nodes[0].wrong_tag(walk, value, detail)


class _Object(_Node):
    """A Struct, dataclass, attrs class or TypedDict: members by name."""

    def __init__(self, annotation: object, nodes: Nodes) -> None:
        super().__init__(annotation, nodes)
        shape = shape_of(annotation)
        struct = struct_fields(shape.type)
        self._tag_field: str | None = None
        self._tag: str | int | None = None
        self._forbids_unknown = False
        if struct is not None:
            config = struct[0].__struct_config__
            self._tag_field, self._tag = config.tag_field, config.tag
            self._forbids_unknown = config.forbid_unknown_fields
            members = [(field.wire_name, field.type, field.required) for field in struct[1]]
        else:
            hints = attributes_of(shape.origin) or {}
            required = _required_attributes(shape.origin)
            members = [(name, hint, name in required) for name, hint in hints.items()]
        self._types = {name: kind for name, kind, _ in members}
        self._required = [name for name, _, required in members if required]
        self._members: dict[str, _Node] = {}

    def fits_tag(self, value: object) -> bool:
        return self._tag is None or _same(cast("dict[object, object]", value).get(self._tag_field), self._tag)

    def wrong_tag(self, walk: Walk, value: object, detail: str) -> None:
        field = cast("str", self._tag_field)
        walk.add(detail if field in cast("dict[str, object]", value) else _MISSING, field)

    def visit(self, walk: Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, dict):
            return
        members = cast("dict[str, object]", value)
        first, path = first_name(path, members)
        if first is not None and first == self._tag_field:
            walk.add(detail, first)
            first = None
        for name, item in members.items():
            node = self._members.get(name) or self._node(name)
            if node is None:
                if self._forbids_unknown and name != self._tag_field:
                    walk.add(_UNKNOWN, name)
            elif name == first:
                walk.descend(node, item, detail, path, name)
                first = None
            elif first is None:  # What comes before the first misfit is fine.
                verdict = node.verdicts.get(type(item))
                if verdict is None:
                    walk.look(node, item, name)
                elif verdict:
                    walk.add(verdict, name)
        for name in self._required:
            if name not in members:
                walk.add(_MISSING, name)

    def _node(self, name: str) -> _Node | None:
        """What a member is; None if it is unknown."""
        if name not in self._types:
            return None
        node = self._members[name] = self._nodes.node(self._types[name])
        return node


class _Array(_Node):
    """A list, set, tuple of one type: items by index."""

    def __init__(self, annotation: object, nodes: Nodes) -> None:
        super().__init__(annotation, nodes)
        shape = shape_of(annotation)
        self._item = next((argument for argument in shape.arguments if argument is not ...), Any)
        self._decode_items = nodes.decoder(GenericAlias(list, (self._item,)))
        # The length of a set is that of its different items: only the decoder of the whole knows it.
        is_set = isinstance(shape.origin, type) and hasattr(shape.origin, "isdisjoint")
        self._lengths = [] if is_set else _lengths(shape, lambda meta: Annotated[list[msgspec.Raw], meta], nodes)

    def visit(self, walk: Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, list):
            return
        items = cast("list[object]", value)
        node = self._nodes.node(self._item)
        first, path = first_index(path)
        if first is not None and first < len(items):
            walk.descend(node, items[first], detail, path, str(first))
        for index, why, rest in walk.misfits(items, 0 if first is None else first + 1, self._decode_items):
            walk.descend(node, items[index], why, rest, str(index))
        for length in self._lengths:
            if (refusal := walk.refusal(items, length)) is not None:
                walk.add(refusal[0])


class _Positions(_Node):
    """A tuple of several types, a NamedTuple, or an array-like Struct: items by position."""

    def __init__(self, annotation: object, types: Sequence[object], required: int, too_many: str, nodes: Nodes) -> None:
        super().__init__(annotation, nodes)
        self._types = types
        self._required = required
        self._too_many = too_many
        struct = struct_fields(shape_of(annotation).type)
        self._tag = None if struct is None else struct[0].__struct_config__.tag

    def fits_tag(self, value: object) -> bool:
        items = cast("list[object]", value)
        return self._tag is None or _same(items[0] if items else None, self._tag)

    def wrong_tag(self, walk: Walk, value: object, detail: str) -> None:
        walk.add(detail if value else _MISSING, "0")

    def visit(self, walk: Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, list):
            return
        items = cast("list[object]", value)
        first, path = first_index(path)
        start = 0
        if first is not None and first < min(len(items), len(self._types)):
            start = first + 1
            if first == 0 and self._tag is not None:
                walk.add(detail, "0")
            else:
                walk.descend(self._nodes.node(self._types[first]), items[first], detail, path, str(first))
        for index, (kind, item) in islice(enumerate(zip(self._types, items, strict=False)), start, None):
            walk.look(self._nodes.node(kind), item, str(index))
        for index in range(len(items), self._required):
            walk.add(_MISSING, str(index))
        if self._too_many and len(items) > len(self._types):
            walk.add(self._too_many)


class _Mapping(_Node):
    """A dict: values by key, and the keys themselves."""

    def __init__(self, annotation: object, nodes: Nodes) -> None:
        super().__init__(annotation, nodes)
        shape = shape_of(annotation)
        key, self._value = shape.arguments if len(shape.arguments) == 2 else (Any, Any)
        self._decode_keys = None if key in (Any, object, str) else nodes.decoder(GenericAlias(dict, (key, Any)))
        self._decode_items = nodes.decoder(GenericAlias(list, (self._value,)))
        self._lengths = _lengths(shape, lambda meta: Annotated[dict[str, msgspec.Raw], meta], nodes)

    def visit(self, walk: Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, dict):
            return
        members = cast("dict[str, object]", value)
        names, items = [*members], [*members.values()]
        node = self._nodes.node(self._value)
        keys = ((index, None, why, "") for index, why in self._wrong_keys(walk, names))
        values = ((index, node, why, rest) for index, why, rest in walk.misfits(items, 0, self._decode_items))
        for index, at, why, rest in merge(keys, values, key=itemgetter(0)):
            if at is None:
                walk.add(why, names[index])
            else:
                walk.descend(at, items[index], why, rest, names[index])
        for length in self._lengths:
            if (refusal := walk.refusal(members, length)) is not None:
                walk.add(refusal[0])

    def _wrong_keys(self, walk: Walk, names: list[str]) -> Iterator[tuple[int, str]]:
        """The keys that do not fit, each with the reason; halving tells where they are."""
        waiting = [(start, names[start : start + CHUNK]) for start in range(0, len(names), CHUNK)][::-1]
        while waiting and self._decode_keys is not None:
            start, some = waiting.pop()
            refusal = walk.refusal(dict.fromkeys(some), self._decode_keys)
            if refusal is not None and len(some) == 1:
                yield start, refusal[0]
            elif refusal is not None:
                half = len(some) // 2
                waiting += [(start + half, some[half:]), (start, some[:half])]


@functools.cache
def _verdicts(annotation: object) -> Mapping[type, str]:
    """What the decoder of a plain type says of the values of each class: "" if it takes them all.

    It is asked once; to ask it again for each value costs a microsecond, most of it for the exception.
    """
    decode = msgspec.json.Decoder(cast("type[object]", annotation)).decode
    verdicts: dict[type, str] = {}
    for value in ("", 0, 0.5, True, None, list[object](), dict[str, object]()):
        try:
            decode(encode(value))
        except msgspec.ValidationError as error:
            verdicts[type(value)] = str(error)
        else:
            if type(value) is annotation:
                verdicts[type(value)] = ""
    return verdicts


def _lengths(shape: Shape, constrained: Callable[[msgspec.Meta], object], nodes: Nodes) -> list[Decode]:
    """Decoders that look at nothing but an array's or object's length."""
    return [
        nodes.decoder(constrained(msgspec.Meta(min_length=meta.min_length, max_length=meta.max_length)))
        for meta in shape.constraints
        if (meta.min_length, meta.max_length) != (None, None)
    ]


def _same(value: object, tag: str | int) -> bool:
    """Whether a value is a tag: `true` is not 1."""
    return type(value) is type(tag) and value == tag


def _node_of(annotation: object, nodes: Nodes) -> _Node:
    if len([*members_of(annotation)]) > 1:
        return _Union(annotation, nodes)
    shape = shape_of(annotation)
    struct = struct_fields(shape.type)
    if struct is not None and struct[0].__struct_config__.array_like:
        return _array_like(annotation, struct[0], struct[1], nodes)
    if _is_object(shape):
        is_mapping = struct is None and attributes_of(shape.origin) is None
        return _Mapping(annotation, nodes) if is_mapping else _Object(annotation, nodes)
    if shape.origin is tuple and shape.arguments and shape.arguments[-1] is not ...:
        return _tuple(annotation, shape.arguments, len(shape.arguments), nodes)
    if isinstance(shape.origin, type) and issubclass(shape.origin, tuple) and shape.origin is not tuple:
        hints = attributes_of(shape.origin) or {}
        required = len(hints) - len(getattr(shape.origin, "_field_defaults", {}))
        return _tuple(annotation, [*hints.values()], required, nodes)
    return _Array(annotation, nodes) if _is_array(shape) else _Node(annotation, nodes)


def _tuple(annotation: object, types: Sequence[object], required: int, nodes: Nodes) -> _Positions:
    length = f"{len(types)}" if len(types) == required else f"{required} to {len(types)}"
    return _Positions(annotation, types, required, f"Expected `array` of length {length}", nodes)


def _array_like(annotation: object, struct: type[msgspec.Struct], fields: Sequence[Field], nodes: Nodes) -> _Positions:
    config = struct.__struct_config__
    types = [field.type for field in fields]
    required = max((index + 1 for index, field in enumerate(fields) if field.required), default=0)
    if config.tag is not None:
        types, required = [Any, *types], required + 1  # The tag stands first.
    too_many = f"Expected `array` of at most length {len(types)}" if config.forbid_unknown_fields else ""
    return _Positions(annotation, types, required, too_many, nodes)


def _is_object(shape: Shape) -> bool:
    """Whether a type's JSON is an object."""
    struct = struct_fields(shape.type)
    if struct is not None:
        return not struct[0].__struct_config__.array_like
    if not isinstance(shape.origin, type) or issubclass(shape.origin, (*_ARRAYS, str)):
        return False
    return hasattr(shape.origin, "keys") or attributes_of(shape.origin) is not None


def _is_array(shape: Shape) -> bool:
    """Whether a type's JSON is an array."""
    struct = struct_fields(shape.type)
    if struct is not None:
        return bool(struct[0].__struct_config__.array_like)
    if not isinstance(shape.origin, type) or issubclass(shape.origin, str | bytes | bytearray | memoryview):
        return False
    # An Enum class has a length, but its members have none.
    return issubclass(shape.origin, Collection) and not _is_object(shape)


def _required_attributes(cls: object) -> frozenset[str]:
    """The members that a TypedDict, dataclass or attrs class cannot do without."""
    info = cast("msgspec.inspect.DataclassType", msgspec.inspect.type_info(cls))  # The others' have fields, too.
    return frozenset(field.name for field in info.fields if field.required)
