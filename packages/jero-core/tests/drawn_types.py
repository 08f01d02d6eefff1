"""Drawn types, each with values that fit: scalars, arrays, Structs, unions of them.

Functions that take `draw` draw; they are no strategies of their own, because those take several times as long. Every
choice shrinks towards the valid and the small.
"""

import datetime
import enum
import functools
import uuid
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Literal

import msgspec
from hypothesis import strategies as st
from msgspec import Meta, Struct

from jero_core import HTTPError


@functools.cache
def below(count):
    return st.integers(0, count - 1)


def maybe(draw, percent):
    """True in so many cases of a hundred; shrinks to False."""
    return draw(below(100)) >= 100 - percent


def pick(draw, items):
    """One of several things; shrinks to the first."""
    return items[draw(below(len(items)))]


def some(draw, items, least, most):
    """So many different things of several."""
    left = [*items]
    return [left.pop(draw(below(len(left)))) for _ in range(least + draw(below(most - least + 1)))]


class Colour(enum.Enum):
    RED = "red"
    NULL = "null"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 20


class Money:
    """A type that msgspec does not know; the app's hooks do."""

    def __init__(self, text):
        if not isinstance(text, str) or not text.endswith(" EUR"):
            raise ValueError("Expected an amount such as '5 EUR'")
        self.text = text

    def __eq__(self, other):
        return isinstance(other, Money) and self.text == other.text

    def __hash__(self):
        return hash(self.text)

    def __repr__(self):
        return f"Money({self.text!r})"


def encode_money(value):
    if isinstance(value, Money):
        return value.text
    raise NotImplementedError


def decode_money(kind, value):
    if kind is Money:
        return Money(value)
    raise NotImplementedError


class Page[T](Struct):
    items: Annotated[list[T], Meta(max_length=2)]
    total: int = 0


# Scalars and arrays of them.


@dataclass(frozen=True)
class Kind:
    """A type, and a strategy of values that fit."""

    type: object
    values: st.SearchStrategy

    def __repr__(self):
        return described(self.type)


AWKWARD = [
    "a b", "", "a+b", "0", "null", "é", "日本", "a&b=c", "50%", "%2F", "a/b", "..", "1", "a,b", ";", "x" * 300, "~1", " a ",
]  # fmt: skip
TEXTS = st.sampled_from(AWKWARD) | st.text(max_size=5)
SCALARS = [
    Kind(str, TEXTS),
    Kind(int, st.integers(-10, 10**6) | st.sampled_from([2**53, 2**63, 2**64, -(2**63), 10**30])),
    Kind(Annotated[int, Meta(ge=2, le=100)], st.sampled_from([2, 3, 50, 99, 100])),
    Kind(Annotated[int, Meta(gt=-3)], st.integers(-2, 5)),
    Kind(Annotated[int, Meta(multiple_of=5)], st.sampled_from([0, 5, -10, 1000])),
    Kind(float, st.floats(allow_nan=False, allow_infinity=False)),
    Kind(Annotated[float, Meta(ge=0, lt=1)], st.floats(0, 1, exclude_max=True)),
    Kind(bool, st.booleans()),
    Kind(Annotated[str, Meta(min_length=1, max_length=4)], st.text(min_size=1, max_size=4)),
    Kind(Annotated[str, Meta(pattern="^[a-z]+$")], st.sampled_from(["a", "bc"])),
    Kind(Colour, st.sampled_from(Colour)),
    Kind(Level, st.sampled_from(Level)),
    Kind(Literal["a", "b", 3], st.sampled_from(["a", "b", 3])),
    Kind(uuid.UUID, st.uuids()),
    Kind(datetime.date, st.dates()),
    Kind(datetime.datetime, st.datetimes(timezones=st.just(datetime.UTC) | st.none())),
    Kind(datetime.timedelta, st.timedeltas(datetime.timedelta(0), datetime.timedelta(days=9))),
    Kind(Decimal, st.decimals(allow_nan=False, allow_infinity=False, places=2)),
    Kind(bytes, st.binary(max_size=4)),
    Kind(int | str, st.integers(0, 9) | TEXTS),
    Kind(int | bool | None, st.integers(2, 9) | st.booleans() | st.none()),
    Kind(Money, st.sampled_from([Money("5 EUR"), Money("é EUR"), Money(" EUR")])),
]
OPTIONAL = [Kind(each.type | None, each.values | st.none()) for each in SCALARS]
# The commonest are drawn more often.
LIKELY = [*SCALARS, *SCALARS, *SCALARS[:6] * 3, *OPTIONAL]
HASHABLE = [each for each in SCALARS if each.type not in (float, Literal["a", "b", 3])]


def scalar(draw):
    return pick(draw, LIKELY)


def array(draw):
    """An array of scalars: what collects repeated parameters, too."""
    origin = pick(draw, [list, set, tuple, frozenset])
    item = pick(draw, SCALARS if origin in (list, tuple) else HASHABLE)
    kind = tuple[item.type, ...] if origin is tuple else origin[item.type]
    values = st.lists(item.values, max_size=2).map(origin)
    if origin is tuple and maybe(draw, 30):
        kind, values = tuple[int, item.type], st.tuples(st.integers(0, 9), item.values)
    elif maybe(draw, 25):
        kind = Annotated[kind, Meta(max_length=2)]
    return Kind(kind | None, values) if maybe(draw, 20) else Kind(kind, values)


def scalar_or_array(draw):
    return array(draw) if maybe(draw, 35) else scalar(draw)


# Structs.


@dataclass(frozen=True)
class Shape:
    """A drawn Struct; `required` and `optional` have strategies of values by field name."""

    type: type
    required: dict
    optional: dict

    @functools.cached_property
    def members(self):
        return st.fixed_dictionaries(self.required, optional=self.optional)

    @functools.cached_property
    def values(self):
        return self.members.map(lambda members: self.type(**members))

    def __repr__(self):
        return described(self.type)


NAMES = ["a", "x_trace_id", "page_size", "q", "type_", "B", "_c", "self"]
GUARD = {13: ValueError("13 is refused"), 14: KeyError(14), 15: HTTPError(409, "from a Struct")}


def check_guard(self):
    if self.guard in GUARD:
        raise GUARD[self.guard]


def shape(draw, kind, names=NAMES, *, must=(), tag=None, defaults=True, plain=False):
    """A Struct with a field for each of `must`, or for some of `names`. A plain one renames and refuses nothing."""
    fields, required, optional = [], {}, {}
    for name in must or some(draw, names, 0, min(4, len(names))):
        each = kind(draw)
        if not defaults or not maybe(draw, 50):
            fields.append((name, each.type))
            required[name] = each.values
            continue
        default = draw(each.values)
        if isinstance(default, list | set | dict | Struct):
            default = msgspec.field(default_factory=functools.partial(copied, default))
        fields.append((name, each.type, default))
        optional[name] = each.values
    options = {"kw_only": maybe(draw, 20)}
    if not plain:
        options |= {"rename": pick(draw, [None, None, "camel", "kebab", "upper"])}
        options |= {"forbid_unknown_fields": maybe(draw, 35)}
        if defaults and maybe(draw, 15):
            options["namespace"] = {"__post_init__": check_guard}
            fields.append(("guard", int, 0))
            optional["guard"] = st.integers(0, 2)
    if not options["kw_only"]:
        fields.sort(key=len)  # Those without a default come first.
    if tag:
        options |= {"tag": tag, "tag_field": "kind"}
    return Shape(msgspec.defstruct("Drawn", fields, **options), required, optional)


def copied(value):
    return msgspec.structs.replace(value) if isinstance(value, Struct) else type(value)(value)


# What JSON has.


def member(draw):
    """What a member of a body may be."""
    which = draw(below(12))
    if which == 8:
        return Kind(dict[str, int], st.dictionaries(TEXTS, st.integers(0, 9), max_size=2))
    if which == 9:
        return union(draw)
    if which == 10:
        inner = shape(draw, scalar_or_array, NAMES[:3])
        return Kind(inner.type | None, inner.values | st.none())
    if which == 11:
        inner = shape(draw, scalar_or_array, NAMES[:3])
        return Kind(list[inner.type], st.lists(inner.values, max_size=2))
    return scalar_or_array(draw)


def union(draw):
    """A union of tagged Structs, or a list of it."""
    cat, dog = (shape(draw, scalar_or_array, NAMES[:3], tag=tag) for tag in ("cat", "dog"))
    either = Kind(cat.type | dog.type, cat.values | dog.values)
    return Kind(list[either.type], st.lists(either.values, max_size=3)) if draw(st.booleans()) else either


def document(draw):
    """What a JSON body or answer may be."""
    which = draw(below(4))
    if which == 1:
        return union(draw)
    body = shape(draw, member)
    if which == 2:
        return Kind(list[body.type], st.lists(body.values, max_size=2))
    if which == 3:
        return Kind(Page[body.type], st.builds(Page, st.lists(body.values, max_size=2), st.integers(0, 9)))
    return body


def described(annotation):
    """A type for a person, with the fields of its Structs."""
    arguments = getattr(annotation, "__args__", ())
    if isinstance(annotation, type) and issubclass(annotation, Struct) and not arguments:
        config = annotation.__struct_config__
        marks = [each for each in (config.tag, "strict" * config.forbid_unknown_fields) if each]
        for each in msgspec.structs.fields(annotation):
            default = "" if each.required else f" = {each.default}"
            marks.append(f"{each.encode_name}: {described(each.type)}{default}")
        return f"{{{', '.join(marks)}}}"
    text = getattr(annotation, "__name__", str(annotation)).replace("typing.", "")
    return f"{text}[{', '.join(map(described, arguments))}]" if arguments else text
