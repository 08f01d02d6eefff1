"""Links: `Location` and `Link` header values that lead to an app's own operations, or elsewhere.

Rules
-----
- A link is made in a handler and becomes text when the response is rendered: only the app knows what is mounted where.
- The `path` Struct is checked against the target's own when the link is made (TypeError).
- Values of slots are what the `path` source reads back, with all but the unreserved characters percent-encoded (RFC
  3986, section 2.3). "", "." and ".." can be no segment, as they bind to nothing: clients and proxies take them out,
  however they are encoded.
- Nothing that a client or a handler gives can end a header or the target of a link; what cannot be sent is a
  ValueError, which answers 500.
"""

import math
import re
import weakref
from collections.abc import Callable, Iterable, Mapping
from typing import Final, Self
from urllib.parse import quote, urlsplit

import msgspec

from .annotations import struct_class_of, type_name
from .asgi import Header, Scope
from .codec import Codec
from .introspect import is_method, read_signature
from .origins import Origin, PathOnly
from .template import Template

_URL_SAFE: Final = "/?#[]@!$&'()*+,;=:%~"
_NO_TEXT: Final = r"[\x00-\x20\x7f\\]"
_ONE_RELATION: Final = r"[A-Za-z][A-Za-z0-9+./?#%&=~_-]*(?::[A-Za-z0-9+.:/?#%&=~_!$'()*,;@\[\]-]*)?"
"""A name, or a URI of any scheme (RFC 8288, section 2.1), such as `tag:example.com,2026:rel`."""
_RELATION: Final = f"{_ONE_RELATION}(?: {_ONE_RELATION})*"
_MEDIA_TYPE: Final = r"[A-Za-z0-9!#$&^_.+-]+/[A-Za-z0-9!#$&^_.+-]+"

_paths: weakref.WeakKeyDictionary[object, type[msgspec.Struct] | None] = weakref.WeakKeyDictionary()
"""The `path` Structs of handlers, once they have been read."""


class Target(msgspec.Struct, frozen=True):
    """Where a link leads: to an operation, by its function or its ref, or to a fixed text."""

    operation: object = None
    ref: str | None = None
    path: msgspec.Struct | None = None
    text: str = ""
    is_absolute: bool = False

    @classmethod
    def of_operation(cls, operation: Callable[..., object], path: msgspec.Struct | None) -> Self:
        """Raises TypeError unless `path` is what the operation's handler takes."""
        function: object = getattr(operation, "__func__", operation)
        try:
            expected = _paths[function]
        except (KeyError, TypeError):
            expected = _paths[function] = _path_of(operation)
        _check_path(expected, path, getattr(operation, "__qualname__", "the operation"))
        return cls(operation=function, path=path)

    @classmethod
    def of_ref(cls, ref: str, path: msgspec.Struct | None) -> Self:
        """Raises TypeError for a ref that is no str, ValueError for one that names no operation."""
        if not isinstance(ref, str):
            raise TypeError(f"a ref is a str such as 'widgets.read_one', not {ref!r}")
        if not all(ref.rpartition(".")[::2]):
            raise ValueError(f"{ref!r} is no ref and operation, such as 'widgets.read_one'")
        return cls(ref=ref, path=path)

    @classmethod
    def of_path(cls, path: str) -> Self:
        """Raises ValueError unless `path` is an absolute path within the app."""
        if not path.startswith("/") or path.startswith("//") or re.search(_NO_TEXT, path):
            raise ValueError(f"{path!r} is no path that begins with one '/', without spaces, backslashes and controls")
        return cls(text=quote(path, safe=_URL_SAFE))

    @classmethod
    def of_url(cls, url: str) -> Self:
        """Raises ValueError unless `url` is an absolute URL of http or https without credentials."""
        parts = urlsplit(url)
        if parts.scheme not in {"http", "https"} or not parts.hostname or "@" in parts.netloc:
            raise ValueError(f"{url!r} is no http or https URL without credentials")
        if re.search(_NO_TEXT, url) or not parts.netloc.isascii():
            raise ValueError(f"{url!r} has a space, backslash or control, or a host that is not in ASCII (IDNA)")
        return cls(text=quote(url, safe=_URL_SAFE), is_absolute=True)


class Location(msgspec.Struct, frozen=True):
    """A `Location` header (RFC 9110, section 10.2.2), made by one of its class methods."""

    target: Target

    @classmethod
    def from_operation(cls, operation: Callable[..., object], *, path: msgspec.Struct | None = None) -> Self:
        """Lead to an operation: `Location.from_operation(WidgetResource.read_one, path=WidgetPath(1))`.

        Raises TypeError unless `path` is an instance of the `path` Struct that the handler takes.
        """
        return cls(Target.of_operation(operation, path))

    @classmethod
    def from_ref(cls, ref: str, *, path: msgspec.Struct | None = None) -> Self:
        """Lead to an operation by its class's `ref` and its name: `Location.from_ref("widgets.read_one", path=...)`.

        Raises ValueError for a text that is no such ref. What it names is checked when the response is rendered.
        """
        return cls(Target.of_ref(ref, path))

    @classmethod
    def from_path(cls, path: str) -> Self:
        """Lead to a path of the app, percent-encoded where it must be. Raises ValueError if it is none."""
        return cls(Target.of_path(path))

    @classmethod
    def from_url(cls, url: str) -> Self:
        """Lead to an absolute URL. Raises ValueError unless it is one of http or https, without credentials."""
        return cls(Target.of_url(url))


class Link(msgspec.Struct, frozen=True):
    """One link of a `Link` header (RFC 8288), made by one of its class methods, which raise as Location's do.

    `rel` is the relation type, several separated by a space; `title` a text for people; `media_type` what is there.
    ValueError for a relation type or media type that is none.
    """

    target: Target
    rel: str
    title: str | None = None
    media_type: str | None = None

    def __post_init__(self) -> None:
        if not re.fullmatch(_RELATION, self.rel):
            raise ValueError(f"{self.rel!r} is no relation type (RFC 8288, section 3.3)")
        if self.media_type is not None and not re.fullmatch(_MEDIA_TYPE, self.media_type):
            raise ValueError(f"{self.media_type!r} is no media type (RFC 9110, section 8.3.1)")

    @classmethod
    def from_operation(
        cls,
        operation: Callable[..., object],
        *,
        rel: str,
        path: msgspec.Struct | None = None,
        title: str | None = None,
        media_type: str | None = None,
    ) -> Self:
        """Lead to an operation."""
        return cls(Target.of_operation(operation, path), rel, title, media_type)

    @classmethod
    def from_ref(
        cls,
        ref: str,
        *,
        rel: str,
        path: msgspec.Struct | None = None,
        title: str | None = None,
        media_type: str | None = None,
    ) -> Self:
        """Lead to an operation by its class's `ref` and its name."""
        return cls(Target.of_ref(ref, path), rel, title, media_type)

    @classmethod
    def from_path(cls, path: str, *, rel: str, title: str | None = None, media_type: str | None = None) -> Self:
        """Lead to a path of the app."""
        return cls(Target.of_path(path), rel, title, media_type)

    @classmethod
    def from_url(cls, url: str, *, rel: str, title: str | None = None, media_type: str | None = None) -> Self:
        """Lead to an absolute URL."""
        return cls(Target.of_url(url), rel, title, media_type)


class Mounted(msgspec.Struct, frozen=True):
    """One mounted operation, as links find it."""

    name: str
    template: Template
    path: type[msgspec.Struct] | None


class Links:
    """What links of one app may lead to. The planner fills it at startup."""

    def __init__(self, codec: Codec, origin: Origin | None = None) -> None:
        self._codec = codec
        self.origin = origin or PathOnly()
        self._by_function: dict[object, list[Mounted]] = {}
        self._by_ref: dict[str, Mounted] = {}

    def mount(self, function: object, ref: object, mounted: Mounted) -> None:
        """Let links lead to an operation, also by its class's ref if it is a str."""
        self._by_function.setdefault(function, []).append(mounted)
        if isinstance(ref, str):
            self._by_ref[f"{ref}.{mounted.name.rpartition('.')[2]}"] = mounted

    def find(self, target: Target) -> Mounted:
        """The operation that a link leads to. Raises LookupError if there is none, or more than one."""
        if target.ref is not None:
            found = self._by_ref.get(target.ref)
            if found is None:
                known = ", ".join(sorted(self._by_ref)) or "none"
                raise LookupError(f"no operation has the ref {target.ref!r}; the app has {known}")
            return found
        name = getattr(target.operation, "__qualname__", repr(target.operation))
        mounts = self._by_function.get(target.operation, [])
        if not mounts:
            raise LookupError(f"{name} is not mounted in this app")
        if len(mounts) > 1:
            places = ", ".join(mounted.template.path for mounted in mounts)
            raise LookupError(f"{name} is mounted more than once ({places}); a `ref=` and from_ref tell which is meant")
        return mounts[0]

    def faults(self, targets: Iterable[tuple[str, Target]]) -> Mapping[str, str]:
        """Why each of these targets, by how it is written, leads nowhere; those that lead somewhere are left out."""
        faults: dict[str, str] = {}
        for written, target in targets:
            try:
                self.find(target)
            except LookupError as error:
                faults[written] = str(error)
        return faults

    def url(self, target: Target, scope: Scope) -> str:
        """The URL of a target, as text in ASCII. Raises LookupError, TypeError or ValueError."""
        if target.is_absolute:
            return target.text
        path = target.text or self._path(self.find(target), target.path)
        return self.origin.prefix(scope) + path

    def headers(self, location: Location | None, links: Iterable[Link] | None, scope: Scope) -> list[Header]:
        """The `location` and `link` headers of a response."""
        pairs: list[Header] = []
        if location is not None:
            if not isinstance(location, Location):
                raise TypeError(f"location= is a Location, not {type(location).__name__}")
            pairs.append((b"location", self.url(location.target, scope).encode("ascii")))
        if links is not None:
            values = [self._value(link, scope) for link in links]
            if values:
                pairs.append((b"link", ", ".join(values).encode("ascii")))
        return pairs

    def _value(self, link: Link, scope: Scope) -> str:
        if not isinstance(link, Link):
            raise TypeError(f"links= has Links in it, not {type(link).__name__}")
        parts = [f"<{self.url(link.target, scope)}>", f'rel="{link.rel}"']
        if link.title is not None:
            parts.append(_title(link.title))
        if link.media_type is not None:
            parts.append(f'type="{link.media_type}"')
        return "; ".join(parts)

    def _path(self, mounted: Mounted, path: msgspec.Struct | None) -> str:
        _check_path(mounted.path, path, mounted.name)
        segments = [
            quote(self._text(segment.text, getattr(path, segment.text)) if segment.is_slot else segment.text, safe="")
            for segment in mounted.template.segments
        ]
        return "/" + "/".join(segments)

    def _text(self, name: str, value: object) -> str:
        if isinstance(value, float) and not math.isfinite(value):
            raise ValueError(f"{name}={value!r} is no path segment")
        text = self._codec.text_of(value)
        if text in {"", ".", ".."}:
            raise ValueError(f"{name}={text!r} is no path segment that clients and proxies leave in a URL")
        return text


def _path_of(operation: Callable[..., object]) -> type[msgspec.Struct] | None:
    """The `path` Struct of a handler. Raises TypeError if it is no handler, or its annotations cannot be read."""
    if not is_method(operation):
        raise TypeError(
            f"an operation is a method of a handler class, such as WidgetResource.read_one, not {operation!r}"
        )
    signature, _ = read_signature(operation)
    if "path" not in signature.names:
        return None
    path = next((parameter.annotation for parameter in signature.parameters if parameter.name == "path"), None)
    # A type variable is known only where the class is mounted.
    return struct_class_of(path) or msgspec.Struct


def _check_path(expected: type[msgspec.Struct] | None, path: object, name: str) -> None:
    if expected is None:
        if path is not None:
            raise TypeError(f"{name} takes no path, and path={type(path).__name__}(...) is given")
    elif not isinstance(path, expected):
        given = "none" if path is None else type_name(type(path))
        raise TypeError(f"{name} takes path={expected.__name__}(...), and {given} is given")


def _title(text: str) -> str:
    """A title as a parameter: a quoted-string (RFC 9110, section 5.6.4), or in UTF-8 (RFC 8187)."""
    if text.isascii() and text.isprintable():
        escaped = text.replace("\\", "\\\\").replace('"', '\\"')
        return f'title="{escaped}"'
    return f"title*=UTF-8''{quote(text, safe='', errors='replace')}"
