"""Every invalid place of a JSON value, found after msgspec has refused it at the first.

Rules
-----
- This runs for refused bodies only; a valid one pays nothing.
- msgspec converts, here as in the first pass; this module only knows where to go on. A conversion stops at the first
  misfit and says where it is: what comes before it in the document is fine, and what comes after is looked at piece by
  piece. So each piece is converted once, and the whole takes time in proportion to the document.
- A place is a JSON Pointer (RFC 6901) of the names that the client used. A missing member has the place where it would
  be. What a mapping's key or a set's item has wrong is said of the key's or the item's own place.
- At most `MOST` problems are told: a hostile document must not become an answer many times its size.
"""

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from types import GenericAlias
from typing import Annotated, Final, cast

import msgspec

from .annotations import Field, Shape, attributes_of, members_of, shape_of, struct_fields
from .convertible import DecHook
from .errors import Invalid

MOST: Final = 1_000
"""The most problems of one document that are told."""

_CHUNK: Final = 512
_MISSING: Final = "This member is required."
_UNKNOWN: Final = "This member is unknown."
_PATH: Final = re.compile(r" - at (`key` in )?`\$(.*)`\Z", re.DOTALL)
_INDEX: Final = re.compile(r"\[(\d+)\]")
_ARRAYS: Final = (list, set, frozenset, tuple)


class JSONProblems:
    """Finds what is wrong with values of one type. Made when the first bad body arrives."""

    def __init__(self, annotation: object, dec_hook: DecHook | None = None) -> None:
        self._dec_hook = dec_hook
        self._nodes: dict[object, _Node] = {}
        self._root = self.node(annotation)

    def find(self, value: object, source: str = "json", place: Sequence[str] = ()) -> tuple[Invalid, ...]:
        """Every invalid place in a decoded JSON value, its pointers beginning with the tokens of `place`.

        Empty if msgspec converts the value. Exceptions of a Struct's `__post_init__` or of the hook that are no
        ValueError or TypeError pass through.
        """
        walk = _Walk(source, [*place], self._dec_hook)
        with suppress(_Enough, RecursionError):
            walk.look(self._root, value)
        return tuple(walk.found)

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
    """`MOST` problems have been found."""


class _Walk:
    """One walk through a document: where it is, and what it has found."""

    def __init__(self, source: str, place: list[str], dec_hook: DecHook | None) -> None:
        self._source = source
        self._place = place
        self._dec_hook = dec_hook
        self.found: list[Invalid] = []

    def add(self, detail: str, *tokens: str) -> None:
        """Note a problem here, or further down."""
        names = [*self._place, *tokens]
        pointer = "".join("/" + name.replace("~", "~0").replace("/", "~1") for name in names)
        self.found.append(Invalid(self._source, pointer, detail))
        if len(self.found) == MOST:
            raise _Enough

    def refusal(self, value: object, annotation: object) -> str | None:
        """Why msgspec refuses a value; None if it does not."""
        try:
            msgspec.convert(value, type=annotation, str_keys=True, dec_hook=self._dec_hook)
        except msgspec.ValidationError as error:
            return str(error)
        return None

    def look(self, node: "_Node", value: object, token: str | None = None) -> None:
        """Note what is wrong with a value, which stands here or under `token`."""
        message = self.refusal(value, node.type)
        if message is None:
            return
        detail, path = _parts(message)
        self.descend(node, value, detail, path, token)

    def descend(self, node: "_Node", value: object, detail: str, path: str, token: str | None) -> None:
        """Note what is wrong with a refused value: `detail`, at msgspec's `path` from it."""
        if token is not None:
            self._place.append(token)
        before = len(self.found)
        node.visit(self, value, detail, path)
        if len(self.found) == before and not path and not node.takes_anything:
            self.add(detail)
        if token is not None:
            self._place.pop()


class _Node:
    """A type that is one value to us: a scalar, or something that only a hook knows."""

    takes_anything = False
    """Whether JSON of any shape is right: `msgspec.Raw`, which only the decoder makes, not a conversion."""

    def __init__(self, annotation: object) -> None:
        self.type = annotation

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        """Note what is wrong with the parts of a refused value; nothing if it is wrong as a whole."""


class _Raw(_Node):
    takes_anything = True


class _Union(_Node):
    """A union, also `T | None`: the member that the value is meant for is looked at."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        super().__init__(annotation)
        self._problems = problems
        self._members = [(member, shape_of(member)) for member in members_of(annotation)]

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        for member in self._candidates(value):
            node = self._problems.node(member)
            if not isinstance(node, _Object) or node.fits_tag(value):
                node.visit(walk, value, detail, path)
                return
        tags = [
            node.tag_field for node in map(self._problems.node, self._candidates(value)) if isinstance(node, _Object)
        ]
        if tags and tags[0] is not None:
            missing = isinstance(value, dict) and tags[0] not in value
            walk.add(_MISSING if missing else detail, tags[0])

    def _candidates(self, value: object) -> Iterator[object]:
        for member, shape in self._members:
            is_object = _is_object(shape)
            if (is_object and isinstance(value, dict)) or (
                not is_object and isinstance(value, list) and _is_array(shape)
            ):
                yield member


class _Object(_Node):
    """A Struct, dataclass, attrs class or TypedDict: members by name."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        super().__init__(annotation)
        shape = shape_of(annotation)
        struct = struct_fields(shape.type)
        self.tag_field: str | None = None
        self._tag: str | int | None = None
        self._forbids_unknown = False
        if struct is not None:
            config = struct[0].__struct_config__
            self.tag_field, self._tag = config.tag_field, config.tag
            self._forbids_unknown = config.forbid_unknown_fields
            members = [(field.wire_name, field.type, field.required) for field in struct[1]]
        else:
            hints = attributes_of(shape.origin) or {}
            required = _required_attributes(shape.origin)
            members = [(name, hint, name in required) for name, hint in hints.items()]
        self._types = {name: kind for name, kind, _ in members}
        self._required = [name for name, _, required in members if required]
        self._problems = problems

    def fits_tag(self, value: object) -> bool:
        """Whether a union's value is meant for this member."""
        return self._tag is None or (isinstance(value, dict) and value.get(self.tag_field) == self._tag)

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, dict):
            return
        members = cast("dict[str, object]", value)
        first = _first_name(path, members)
        if first == self.tag_field and first is not None:
            walk.add(detail, first)
            first = None
        for name, item in members.items():
            kind = self._types.get(name)
            if kind is None:
                if self._forbids_unknown and name != self.tag_field:
                    walk.add(_UNKNOWN, name)
            elif name == first:
                walk.descend(self._problems.node(kind), item, detail, path[len(name) + 1 :], name)
                first = None
            elif first is None:  # What comes before the first misfit is fine.
                walk.look(self._problems.node(kind), item, name)
        for name in self._required:
            if name not in members:
                walk.add(_MISSING, name)


class _Array(_Node):
    """A list, set, tuple of one type: items by index."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        super().__init__(annotation)
        shape = shape_of(annotation)
        self._item = next((argument for argument in shape.arguments if argument is not ...), object)
        self._plain: object = GenericAlias(list, (self._item,))
        lengths = [(meta.min_length, meta.max_length) for meta in shape.constraints]
        self._lengths = [
            Annotated[list[object], msgspec.Meta(min_length=low, max_length=high)]
            for low, high in lengths
            if (low, high) != (None, None)
        ]
        self._problems = problems

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, list):
            return
        items = cast("list[object]", value)
        index = _INDEX.match(path)
        start = 0
        node = self._problems.node(self._item)
        if index is not None and int(index[1]) < len(items):
            start = int(index[1])
            walk.descend(node, items[start], detail, path[index.end() :], str(start))
            start += 1
        while start < len(items):
            chunk = items[start : start + _CHUNK]
            message = walk.refusal(chunk, self._plain)
            if message is None:
                start += len(chunk)
                continue
            index = _INDEX.match(_parts(message)[1])
            start += int(index[1]) if index is not None else 0
            walk.look(node, items[start], str(start))
            start += 1
        for constrained in self._lengths:
            if (message := walk.refusal([None] * len(items), constrained)) is not None:
                walk.add(message)


class _Positions(_Node):
    """A tuple of several types, a NamedTuple, or an array-like Struct: items by position."""

    def __init__(self, annotation: object, types: Sequence[object], required: int, problems: JSONProblems) -> None:
        super().__init__(annotation)
        self._types = types
        self._required = required
        self._problems = problems

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, list):
            return
        items = cast("list[object]", value)
        for index, (kind, item) in enumerate(zip(self._types, items, strict=False)):
            walk.look(self._problems.node(kind), item, str(index))
        for index in range(len(items), self._required):
            walk.add(_MISSING, str(index))


class _Mapping(_Node):
    """A dict: values by key, and the keys themselves."""

    def __init__(self, annotation: object, problems: JSONProblems) -> None:
        super().__init__(annotation)
        arguments = shape_of(annotation).arguments
        key, self._value = arguments if len(arguments) == 2 else (object, object)
        self._plain: object = GenericAlias(dict, (key, self._value))
        self._keys: object = GenericAlias(dict, (key, None))
        self._problems = problems

    def visit(self, walk: _Walk, value: object, detail: str, path: str) -> None:
        if not isinstance(value, dict):
            return
        node = self._problems.node(self._value)
        members = [*cast("dict[str, object]", value).items()]
        for start in range(0, len(members), _CHUNK):
            chunk = members[start : start + _CHUNK]
            if walk.refusal(dict(chunk), self._plain) is None:
                continue
            for key, item in chunk:
                message = walk.refusal({key: None}, self._keys)
                if message is not None:
                    walk.add(message.partition(" - at ")[0], key)
                walk.look(node, item, key)


def _node_of(annotation: object, problems: JSONProblems) -> _Node:
    members = [*members_of(annotation)]
    if len(members) > 1:
        return _Union(annotation, problems)
    shape = shape_of(annotation)
    if shape.type is msgspec.Raw:
        return _Raw(annotation)
    struct = struct_fields(shape.type)
    if struct is not None and struct[0].__struct_config__.array_like:
        return _array_like(annotation, struct[0], struct[1], problems)
    if _is_object(shape):
        is_mapping = struct is None and attributes_of(shape.origin) is None
        return _Mapping(annotation, problems) if is_mapping else _Object(annotation, problems)
    if shape.origin is tuple and shape.arguments and shape.arguments[-1] is not ...:
        return _Positions(annotation, shape.arguments, len(shape.arguments), problems)
    if isinstance(shape.origin, type) and issubclass(shape.origin, tuple) and shape.origin is not tuple:
        hints = attributes_of(shape.origin) or {}
        required = len(hints) - len(getattr(shape.origin, "_field_defaults", {}))
        return _Positions(annotation, [*hints.values()], required, problems)
    return _Array(annotation, problems) if _is_array(shape) else _Node(annotation)


def _array_like(
    annotation: object, struct: type[msgspec.Struct], fields: Sequence[Field], problems: JSONProblems
) -> _Positions:
    types = [field.type for field in fields]
    required = max((index + 1 for index, field in enumerate(fields) if field.required), default=0)
    if struct.__struct_config__.tag is not None:
        types, required = [object, *types], required + 1  # The tag stands first.
    return _Positions(annotation, types, required, problems)


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
    return hasattr(shape.origin, "__len__") and hasattr(shape.origin, "__contains__") and not _is_object(shape)


def _required_attributes(cls: object) -> frozenset[str]:
    """The members that a TypedDict, dataclass or attrs class cannot do without."""
    if (keys := getattr(cls, "__required_keys__", None)) is not None:
        return cast("frozenset[str]", keys)
    info = cast("msgspec.inspect.DataclassType", msgspec.inspect.type_info(cls))  # Of an attrs class too.
    return frozenset(field.name for field in info.fields if field.required)


def _parts(message: str) -> tuple[str, str]:
    """A message of msgspec's as its detail and the path behind the `$`."""
    found = _PATH.search(message)
    if found is None:
        return message, ""
    # A key has no path of its own: it is the mapping's part, as an unknown value is.
    return message[: found.start()], found[2] + ("[...]" if found[1] else "")


def sure_place(error: msgspec.ValidationError) -> tuple[str, str]:
    """What msgspec says of its first misfit, and the pointer to it, or to the nearest part that its path names."""
    detail, path = _parts(str(error))
    steps = re.findall(r"\[(\d+)\]|\.([^.\[]+)", path.partition("[...]")[0])
    return detail, "".join("/" + (index or name).replace("~", "~0").replace("/", "~1") for index, name in steps)


def _first_name(path: str, members: dict[str, object]) -> str | None:
    """The member that msgspec's path leads to first; None if it ends here."""
    if not path.startswith("."):
        return None
    # A name may itself have dots and brackets in it.
    names = (
        name for name in members if path.startswith(name, 1) and path[len(name) + 1 : len(name) + 2] in ("", ".", "[")
    )
    return max(names, key=len, default=None)
