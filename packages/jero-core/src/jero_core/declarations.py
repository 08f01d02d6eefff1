"""Declarations, checked: what an include, a class statement, an app's attributes and a method's place in them say.

Each check raises a `Refusal` or yields several; the planner knows the place.
"""

import inspect
import math
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from typing import TYPE_CHECKING, Final, cast

from .annotations import EMPTY, type_name, unresolvable
from .codec import Codec
from .convertible import not_in_json
from .errors import members_of_error
from .guards import is_guard_planner
from .introspect import Signature, is_method
from .metadata import NO_META, OperationMeta, error_classes, misfits
from .plan import Source
from .routables import Endpoint, OperationKind, Resource, Routable
from .template import Template, parse_template
from .wiring import Refusal

if TYPE_CHECKING:
    from typing import TypeIs

KEYWORDS: Final = frozenset({"path", "max_body_size", "ref", "meta"})
"""The class keywords of Resource and Endpoint."""
_REF: Final = r"[A-Za-z_][A-Za-z0-9_-]*"


def as_routable(thing: object, kind: type[Routable]) -> Routable:
    """An included object as what it has to be. Raises `Refusal` (JERO-W004)."""
    name = kind.__name__
    cls = type(thing)
    if cls in {Resource, Endpoint}:
        reason = f"{name} itself is included."
        remedy = f'a class of your own with a path: `class Widgets({name}, path="/widgets")`.'
    # A mock passes isinstance; its class is what counts.
    elif isinstance(thing, kind) and issubclass(cls, kind):
        if not (issubclass(cls, Resource) and issubclass(cls, Endpoint)):
            return thing
        reason = f"{cls.__name__} is both a Resource and an Endpoint."
        remedy = "one class for the collection and its items, and another for the single path."
    elif isinstance(thing, type) and issubclass(thing, Routable):
        reason = f"{thing.__name__} is included as a class."
        remedy = f"an instance, with its dependencies as arguments: `{thing.__name__}(...)`."
    elif issubclass(cls, Routable):
        other = "endpoint" if name == "Resource" else "resource"
        reason = f"{cls.__name__} is no {name}."
        remedy = f"`self._include_{other}({cls.__name__}(...))`."
    else:
        reason = f"a value of type {cls.__name__} is no {name}."
        remedy = f"an instance of a class that derives from {name}."
    raise Refusal(code="JERO-W004", reason=reason, remedy=remedy)


def limit_faults(max_body_size: object) -> Iterator[Refusal]:
    """What is wrong with the app's body limit (JERO-W051)."""
    if not is_size(max_body_size):
        yield Refusal(
            code="JERO-W051",
            reason=f"the app's max_body_size={max_body_size!r} is no number of bytes.",
            remedy="a positive int, such as `max_body_size = 64 * 1024`.",
        )


def hook_faults(enc_hook: object, dec_hook: object) -> Iterator[Refusal]:
    """What is wrong with the app's hooks (JERO-W051)."""
    for name, hook, takes in (("enc_hook", enc_hook, "value"), ("dec_hook", dec_hook, "type, value")):
        if hook is None:
            continue
        if inspect.iscoroutinefunction(hook):
            yield Refusal(
                code="JERO-W051",
                reason=f"the app's {name} is a coroutine function, and msgspec does not await what a hook gives.",
                remedy=f"`def {name}({takes})`.",
            )
            continue
        try:
            inspect.signature(hook).bind(*takes.split(", "))  # type: ignore[arg-type]  # not callable: a TypeError
        except TypeError as error:
            yield Refusal(
                code="JERO-W051",
                reason=f"the app's {name} cannot be called with ({takes}): {error}.",
                remedy=f"a function, or a static method: `@staticmethod` above `def {name}({takes}):`.",
            )
        except ValueError:
            pass  # A builtin without a signature.


def wire_faults(wire: Callable[..., object]) -> Iterator[Refusal]:
    """What is wrong with the app's `_wire` (JERO-W051)."""
    if not inspect.iscoroutinefunction(wire):
        yield Refusal(code="JERO-W051", reason="`_wire` is no coroutine function.", remedy="`async def _wire(self)`.")
        return
    try:
        inspect.signature(wire).bind(None)
    except TypeError as error:
        yield Refusal(
            code="JERO-W051",
            reason=f"`_wire` cannot be called with the app alone: {error}.",
            remedy="`async def _wire(self)`; what it needs more is the factory's, or the constructor's.",
        )


def stop_faults(shutdown_timeout: object, watch_signals: object) -> Iterator[Refusal]:
    """What is wrong with the app's shutdown_timeout and watch_signals (JERO-W051)."""
    is_number = isinstance(shutdown_timeout, int | float) and not isinstance(shutdown_timeout, bool)
    if not (is_number and 0 <= cast("float", shutdown_timeout) < math.inf):
        yield Refusal(
            code="JERO-W051",
            reason=f"the app's shutdown_timeout={shutdown_timeout!r} is no number of seconds.",
            remedy="a number from 0 on, such as `shutdown_timeout = 30.0`.",
        )
    if not isinstance(watch_signals, bool):
        yield Refusal(
            code="JERO-W051",
            reason=f"the app's watch_signals={watch_signals!r} is neither True nor False.",
            remedy="`watch_signals = False`, if the server's own shutdown is to end the streams.",
        )


def guards_faults(guards: object) -> Iterator[Refusal]:
    """What is wrong with the app's guards (JERO-W051)."""
    if guards is not None and not is_guard_planner(guards):
        yield Refusal(
            code="JERO-W051",
            reason=f"the app's guards are {type_name(guards)}, no object with a method `plan`.",
            remedy="an object that makes guards: `guards = jero_auth.AuthGuards()`.",
        )


def source_faults(sources: object) -> Iterator[Refusal]:
    """What is wrong with the app's sources (JERO-W051)."""
    if not isinstance(sources, Mapping):
        yield Refusal(
            code="JERO-W051",
            reason=f"the app's sources are a value of type {type(sources).__name__}.",
            remedy="a dict of sources by argument name: `sources = {**BaseApp.sources, ...}`.",
        )
        return
    for name, source in cast("Mapping[object, object]", sources).items():
        if not _is_source(source):
            yield Refusal(
                code="JERO-W051",
                reason=f"the app's source {name!r} is {type_name(source)}, no object with a method `bind`.",
                remedy=f"a source object: `sources = {{**BaseApp.sources, {name!r}: ...}}`.",
            )


def _is_source(thing: object) -> "TypeIs[Source]":
    return not isinstance(thing, type) and callable(getattr(thing, "bind", None))


def usable_sources(sources: object) -> dict[str, Source]:
    """The sources that are sources."""
    pairs = cast("Mapping[str, object]", sources).items() if isinstance(sources, Mapping) else ()
    return {name: source for name, source in pairs if _is_source(source)}


def keyword_faults(cls: type[Routable], codec: Codec, of_sources: AbstractSet[str] = frozenset()) -> Iterator[Refusal]:
    """What is wrong with a class's keywords (JERO-W003), but for those of sources, which check them themselves."""
    keywords = cls._jero_keywords
    for keyword in sorted(keywords.keys() - KEYWORDS - of_sources):
        operation = keyword.removeprefix("meta_")
        if operation == keyword:
            yield Refusal(
                code="JERO-W003",
                reason=f"`{keyword}` is no class keyword.",
                remedy=f"one of {listing(sorted(KEYWORDS | of_sources))}, and `meta_<operation>`.",
            )
        elif operation not in operations_of(cls):
            yield Refusal(
                code="JERO-W003",
                reason=f"`{keyword}` is about an operation that {cls.__name__} does not have.",
                remedy=f"`meta_` and one of {listing(operations_of(cls))}.",
            )
    for keyword, value in sorted(keywords.items()):
        if keyword == "meta" or keyword.startswith("meta_"):
            yield from _meta_faults(keyword, value, codec)
    ref = keywords.get("ref")
    if ref is not None and not (isinstance(ref, str) and re.fullmatch(_REF, ref)):
        yield Refusal(
            code="JERO-W003",
            reason=f"ref={ref!r} is no name of letters, digits, `_` and `-`.",
            remedy='`ref="widgets"`; links lead to its operations as "widgets.read_one".',
        )
    if "max_body_size" in keywords and not is_size(limit := keywords["max_body_size"]):
        yield Refusal(
            code="JERO-W003",
            reason=f"max_body_size={limit!r} is no number of bytes.",
            remedy="a positive int, such as `max_body_size=64 * 1024`.",
        )


def _meta_faults(keyword: str, meta: object, codec: Codec) -> Iterator[Refusal]:
    if meta is None:
        return
    if not isinstance(meta, OperationMeta):
        yield Refusal(
            code="JERO-W003",
            reason=f"{keyword}={meta!r} is no OperationMeta.",
            remedy=f"`{keyword}=OperationMeta(errors=(OutOfStock,))`.",
        )
        return
    for wrong, remedy in misfits(meta):
        yield Refusal(code="JERO-W003", reason=f"{keyword}: {wrong}.", remedy=f"{remedy}.")
    for error in error_classes(meta):
        try:
            for name, kind in members_of_error(error).items():
                if (part := not_in_json(kind, knows_all=codec.enc_hook is not None)) is not None:
                    yield Refusal(
                        code="JERO-W003",
                        reason=f"{keyword}: {error.__name__}.{name}: JSON cannot carry {part}.",
                        remedy="a Struct, a dataclass or a builtin type in its place.",
                    )
        except Exception as fault:  # noqa: BLE001  # whatever evaluating an annotation raises
            yield unresolvable(f"a member of {error.__name__}", fault)


def meta_of(cls: type[Routable], operation: str) -> OperationMeta:
    """What a class's keywords say of one operation; nothing where they are wrong."""
    keywords = cls._jero_keywords
    own, shared = keywords.get(f"meta_{operation}"), keywords.get("meta")
    if own is shared is None:
        return NO_META
    given = [meta for meta in (own, shared) if isinstance(meta, OperationMeta) and not any(misfits(meta))]
    return given[0].over(given[1]) if len(given) > 1 else next(iter(given), NO_META)


def is_size(value: object) -> "TypeIs[int]":
    """Whether a value is a number of bytes."""
    return type(value) is int and value > 0


def mount_template(cls: type[Routable]) -> Template:
    """The template of a class's mount path. Raises `Refusal` (JERO-W001, JERO-W002)."""
    path = cls._jero_keywords.get("path")
    if path is None:
        raise Refusal(
            code="JERO-W001",
            reason=f"{cls.__name__} has no path.",
            remedy=f'`class {cls.__name__}({cls.__bases__[0].__name__}, path="/...")`.',
        )
    return parse_template(path)


def operations_of(cls: type[Routable]) -> dict[str, OperationKind]:
    """The operations that a class has a member for."""
    # Looked up without asking the instance: a property or a `__getattr__` would run the user's code.
    operations = cls._jero_operations.items()
    return {name: kind for name, kind in operations if inspect.getattr_static(cls, name, EMPTY) is not EMPTY}


def handler_of(routable: Routable, name: str) -> Callable[..., object]:
    """An operation's method, bound. Raises `Refusal` (JERO-W017) if it is none."""
    try:
        handler: object = getattr(routable, name)
    except Exception as error:
        raise Refusal(
            code="JERO-W017",
            reason=f"`{name}` names an operation, and reading it raised {type(error).__name__}: {error}.",
            remedy=f"a method `{name}`, or another name for the attribute.",
        ) from error
    if not is_method(handler):
        what = "class" if isinstance(handler, type) else f"value of type {type(handler).__name__}"
        raise Refusal(
            code="JERO-W017",
            reason=f"`{name}` names an operation, and it is a {what}.",
            remedy=f"a method `{name}`, or another name for the attribute.",
        )
    return handler


def receiver_faults(signature: Signature, sources: Mapping[str, Source]) -> Iterator[Refusal]:
    """What is wrong with a method whose `self` was forgotten (JERO-W017)."""
    name = signature.receiver
    if name in sources:
        yield Refusal(
            code="JERO-W017",
            reason=f"its first argument is {name!r}, and the first argument of a method gets the instance.",
            remedy=f"`self` before {name!r}, or `@staticmethod` above it.",
        )


def short_name(cls: type) -> str:
    """A class's dotted name, without the function that it is defined in."""
    return cls.__qualname__.rpartition("<locals>.")[2]


def listing(names: Iterable[str]) -> str:
    """Names as a reader would list them."""
    return ", ".join(f"`{name}`" for name in names)
