"""Every invalid place of a JSON value, found after msgspec's decoder has refused it at the first.

Rules
-----
- This runs for refused bodies only; a valid one pays nothing.
- msgspec's decoders judge, here as in the first pass; this module only knows where to go on. A decoder stops at the
  first misfit and says where it is: what comes before it in the document is fine, and what comes after is looked at
  piece by piece, each encoded again for a decoder of its own type (cheaper than `msgspec.convert`, and the same rules).
  So each piece is decoded once or twice, and the whole takes time in proportion to the document.
- Where the type does not matter it is `Any`: for `object` msgspec asks the app's hook, which does not expect that.
- A place is a JSON Pointer (RFC 6901) of the names that the client used. A missing member has the place where it would
  be. What a mapping's key or a set's item has wrong is said of the key's or the item's own place.
- A hostile document must not become work without end, or an answer many times its size: the search ends after `MOST`
  problems, `MOST_TEXT` characters or `PATIENCE`.
"""

import functools
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from heapq import merge
from itertools import islice
from operator import itemgetter
from time import perf_counter
from types import GenericAlias
from typing import Annotated, Any, Final, cast

import msgspec

from .annotations import Field, Shape, attributes_of, constrained_members_of, members_of, shape_of, struct_fields
from .convertible import DecHook
from .errors import Invalid
from .json_paths import first_index, first_name, parts, pointer, step, sure_place
from .safe_values import NO_HASH, is_hash_fault

MOST: Final = 1_000
"""The most problems of one document that are told."""

MOST_TEXT: Final = 100_000
"""The characters, of pointers and reasons together, after which no further problem is told."""

PATIENCE: Final = 0.1
"""The most seconds that are given to the search in one document."""

_CHUNK: Final = 512
_MISSING: Final = "This member is required."
_UNKNOWN: Final = "This member is unknown."
_ARRAYS: Final = (list, set, frozenset, tuple)
_encode: Final = msgspec.json.Encoder().encode
_NO_VERDICTS: Final[Mapping[type, str]] = {}
_PLAIN: Final = cast("tuple[object, ...]", (str, int, float, bool))


type Decode = Callable[[bytes], object]


class JSONProblems:
    """Finds what is wrong with values of one type. Made when the first bad body arrives."""

    def __init__(self, annotation: object, dec_hook: DecHook | None = None) -> None:
        self._dec_hook = dec_hook
        self._nodes: dict[object, _Node] = {}
        self._root = self.node(annotation)

    def find(
        self, value: object, error: msgspec.ValidationError, source: str = "json", place: Sequence[str] = ()
    ) -> tuple[Invalid, ...]:
        """Every invalid place in a JSON value, decoded without a type; `error` is what the type's decoder raised.

        There is at least one: what only the text shows, such as a member that is given twice, is told by the error
        alone. The pointers begin with the tokens of `place`. Exceptions of a Struct's `__post_init__` or of the hook
        that are no ValueError or TypeError pass through.
        """
        walk = _Walk(source, pointer(place))
        try:  # noqa: SIM105  # suppress() costs 300 ns
            walk.descend(self._root, value, *parts(error))
        except (_Enough, RecursionError):
            pass
        if not walk.found:
            detail, tokens = sure_place(error, value)
            walk.found.append(Invalid(source, pointer([*place, *tokens]), detail))
        return tuple(walk.found)

    def decoder(self, annotation: object) -> Decode:
        """What decodes a type."""
        return msgspec.json.Decoder(cast("type[object]", annotation), dec_hook=self._dec_hook).decode

    def node(self, annotation: object) -> "_Node":
        """What to do with a value of a type. Nodes are made as they are needed: types may contain themselves."""
        try:
            node = self._nodes.get(annotation)
        except TypeError:  # No hash: `Annotated` with a list in its metadata.
            return _node_of(annotation, self)
        if node is None:
            node = self._nodes[annotation] = _node_of(annotation, self)
        return node


class _Enough(Exception):  # noqa: N818  # ends the walk, nobody's error
    """Enough problems have been found, or enough time spent."""


class _Walk:
    """One walk through a document: where it is, and what it has found."""

    def __init__(self, source: str, place: str) -> None:
        self._source = source
        self._place = place
        self._end = perf_counter() + PATIENCE
        self._text = 0
        self.found: list[Invalid] = []

    def add(self, detail: str, token: str | None = None) -> None:
        """Note a problem here, or under `token`."""
        place = self._place if token is None else self._place + step(token)
        self.found.append(Invalid(self._source, place, detail))
        self._text += len(place) + len(detail)
        if len(self.found) == MOST or self._text > MOST_TEXT:
            raise _Enough

    def refusal(self, value: object, decode: Decode) -> tuple[str, str] | None:
        """Why msgspec refuses a value, and the path to the misfit; None if it does not."""
        if perf_counter() > self._end:
            raise _Enough
        try:
            decode(_encode(value))
        except msgspec.ValidationError as error:
            return parts(error)
        except TypeError as error:
            if not is_hash_fault(error):
                raise
            return NO_HASH, ""
        return None

    def misfits(self, items: list[object], start: int, decode: Decode) -> Iterator[tuple[int, str, str]]:
        """The refused items of a list from `start` on, each with the reason and the path within it.

        `decode` decodes a list of such items.
        """
        while start < len(items):
            chunk = items[start : start + _CHUNK]
            refusal = self.refusal(chunk, decode)
            if refusal is None:
                start += len(chunk)
                continue
            index, path = first_index(refusal[1])
            start += index or 0
            yield start, refusal[0], path
            start += 1

    def look(self, node: "_Node", value: object, token: str) -> None:
        """Note what is wrong with a value that stands under `token`."""
        refusal = self.refusal(value, node.decode)
        if refusal is not None:
            self.descend(node, value, *refusal, token)

    def descend(self, node: "_Node", value: object, detail: str, path: str, token: str | None = None) -> None:
        """Note what is wrong with a refused value, which stands here or under `token`: `detail`, at a path from it."""
        if node.is_plain:
            self.add(detail, token)
            return
        outside = self._place
        if token is not None:
            self._place += step(token)
        before = len(self.found)
        node.visit(self, value, detail, path)
        if len(self.found) == before:
            self.add(detail)
        self._place = outside


class _Node:
    """A type that is one value to us: a scalar, or something that only a hook knows."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        self.decode = problems.decoder(annotation)
        self.is_plain = shape_of(annotation).type in _PLAIN
        """Whether a value of it has no parts."""
        self.verdicts = _verdicts(annotation) if annotation in _PLAIN else _NO_VERDICTS
        """What the decoder says of any value of a class; only where that is the same for all of them."""

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        """Note what is wrong with the parts of a refused value; nothing if it is wrong as a whole."""

    def fits_tag(self, value: object) -> bool:
        """Whether a union's value is meant for this member."""
        return True

    def wrong_tag(self, walk: _Walk, value: object, detail: str) -> None:
        """Note a value's tag that no member of a union has."""


class _Union(_Node):
    """A union, also `T | None`: the member that the value is meant for is looked at."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        super().__init__(annotation, problems)
        self._problems = problems
        shapes = [(member, shape_of(member)) for member in constrained_members_of(annotation)]
        self._objects = [member for member, shape in shapes if _is_object(shape)]
        self._arrays = [member for member, shape in shapes if _is_array(shape)]

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        members = self._objects if isinstance(value, dict) else self._arrays if isinstance(value, list) else []
        nodes = [self._problems.node(member) for member in members]
        for node in nodes:
            if node.fits_tag(value):
                node.visit(walk, value, detail, path)
                return
        if nodes:
            nodes[0].wrong_tag(walk, value, detail)


class _Object(_Node):
    """A Struct, dataclass, attrs class or TypedDict: members by name."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        super().__init__(annotation, problems)
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
        self._problems = problems
        self._nodes: dict[str, _Node] = {}

    def fits_tag(self, value: object) -> bool:
        return self._tag is None or _same(cast("dict[object, object]", value).get(self._tag_field), self._tag)

    def wrong_tag(self, walk: _Walk, value: object, detail: str) -> None:
        field = cast("str", self._tag_field)
        walk.add(detail if field in cast("dict[str, object]", value) else _MISSING, field)

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, dict):
            return
        members = cast("dict[str, object]", value)
        first, path = first_name(path, members)
        if first is not None and first == self._tag_field:
            walk.add(detail, first)
            first = None
        for name, item in members.items():
            node = self._nodes.get(name) or self._node(name)
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
        node = self._nodes[name] = self._problems.node(self._types[name])
        return node


class _Array(_Node):
    """A list, set, tuple of one type: items by index."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        super().__init__(annotation, problems)
        shape = shape_of(annotation)
        self._item = next((argument for argument in shape.arguments if argument is not ...), Any)
        self._decode_items = problems.decoder(GenericAlias(list, (self._item,)))
        # The length of a set is that of its different items: only the decoder of the whole knows it.
        is_set = isinstance(shape.origin, type) and hasattr(shape.origin, "isdisjoint")
        self._lengths = [] if is_set else _lengths(shape, lambda meta: Annotated[list[msgspec.Raw], meta], problems)
        self._problems = problems

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, list):
            return
        items = cast("list[object]", value)
        node = self._problems.node(self._item)
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

    def __init__(
        self, annotation: object, types: Sequence[object], required: int, too_many: str, problems: JSONProblems
    ) -> None:
        super().__init__(annotation, problems)
        self._types = types
        self._required = required
        self._too_many = too_many
        self._problems = problems
        struct = struct_fields(shape_of(annotation).type)
        self._tag = None if struct is None else struct[0].__struct_config__.tag

    def fits_tag(self, value: object) -> bool:
        items = cast("list[object]", value)
        return self._tag is None or _same(items[0] if items else None, self._tag)

    def wrong_tag(self, walk: _Walk, value: object, detail: str) -> None:
        walk.add(detail if value else _MISSING, "0")

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
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
                walk.descend(self._problems.node(self._types[first]), items[first], detail, path, str(first))
        for index, (kind, item) in islice(enumerate(zip(self._types, items, strict=False)), start, None):
            walk.look(self._problems.node(kind), item, str(index))
        for index in range(len(items), self._required):
            walk.add(_MISSING, str(index))
        if self._too_many and len(items) > len(self._types):
            walk.add(self._too_many)


class _Mapping(_Node):
    """A dict: values by key, and the keys themselves."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        super().__init__(annotation, problems)
        shape = shape_of(annotation)
        key, self._value = shape.arguments if len(shape.arguments) == 2 else (Any, Any)
        self._decode_keys = None if key in (Any, object, str) else problems.decoder(GenericAlias(dict, (key, Any)))
        self._decode_items = problems.decoder(GenericAlias(list, (self._value,)))
        self._lengths = _lengths(shape, lambda meta: Annotated[dict[str, msgspec.Raw], meta], problems)
        self._problems = problems

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, dict):
            return
        members = cast("dict[str, object]", value)
        names, items = [*members], [*members.values()]
        node = self._problems.node(self._value)
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

    def _wrong_keys(self, walk: _Walk, names: list[str]) -> Iterator[tuple[int, str]]:
        """The keys that do not fit, each with the reason; halving tells where they are."""
        waiting = [(start, names[start : start + _CHUNK]) for start in range(0, len(names), _CHUNK)][::-1]
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
            decode(_encode(value))
        except msgspec.ValidationError as error:
            verdicts[type(value)] = str(error)
        else:
            if type(value) is annotation:
                verdicts[type(value)] = ""
    return verdicts


def _lengths(shape: Shape, constrained: Callable[[msgspec.Meta], object], problems: JSONProblems) -> list[Decode]:
    """Decoders that look at nothing but an array's or object's length."""
    return [
        problems.decoder(constrained(msgspec.Meta(min_length=meta.min_length, max_length=meta.max_length)))
        for meta in shape.constraints
        if (meta.min_length, meta.max_length) != (None, None)
    ]


def _same(value: object, tag: str | int) -> bool:
    """Whether a value is a tag: `true` is not 1."""
    return type(value) is type(tag) and value == tag


def _node_of(annotation: object, problems: JSONProblems) -> _Node:
    if len([*members_of(annotation)]) > 1:
        return _Union(annotation, problems)
    shape = shape_of(annotation)
    struct = struct_fields(shape.type)
    if struct is not None and struct[0].__struct_config__.array_like:
        return _array_like(annotation, struct[0], struct[1], problems)
    if _is_object(shape):
        is_mapping = struct is None and attributes_of(shape.origin) is None
        return _Mapping(annotation, problems) if is_mapping else _Object(annotation, problems)
    if shape.origin is tuple and shape.arguments and shape.arguments[-1] is not ...:
        return _tuple(annotation, shape.arguments, len(shape.arguments), problems)
    if isinstance(shape.origin, type) and issubclass(shape.origin, tuple) and shape.origin is not tuple:
        hints = attributes_of(shape.origin) or {}
        required = len(hints) - len(getattr(shape.origin, "_field_defaults", {}))
        return _tuple(annotation, [*hints.values()], required, problems)
    return _Array(annotation, problems) if _is_array(shape) else _Node(annotation, problems)


def _tuple(annotation: object, types: Sequence[object], required: int, problems: JSONProblems) -> _Positions:
    length = f"{len(types)}" if len(types) == required else f"{required} to {len(types)}"
    return _Positions(annotation, types, required, f"Expected `array` of length {length}", problems)


def _array_like(
    annotation: object, struct: type[msgspec.Struct], fields: Sequence[Field], problems: JSONProblems
) -> _Positions:
    config = struct.__struct_config__
    types = [field.type for field in fields]
    required = max((index + 1 for index, field in enumerate(fields) if field.required), default=0)
    if config.tag is not None:
        types, required = [Any, *types], required + 1  # The tag stands first.
    too_many = f"Expected `array` of at most length {len(types)}" if config.forbid_unknown_fields else ""
    return _Positions(annotation, types, required, too_many, problems)


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
