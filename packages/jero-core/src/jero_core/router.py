"""Routing: from a request to the function that answers it.

Rules
-----
- The path decides the template, then the method decides the operation. A known path with another method is 405 with
  `Allow`; OPTIONS answers 204 with `Allow`; HEAD runs GET without its body.
- At each level of the path literal text goes before a slot, with backtracking; the order of inclusion means nothing. A
  slot never matches an empty segment.
- A path is percent-decoded exactly once, from `raw_path`, segment by segment, so `%2F` stays inside its segment.
  Invalid UTF-8 is 404.
- `root_path` comes off the front, at a segment's border, where the path begins with it.

Theory
------
Three tables, from the cheapest: whole raw paths of templates without slots; raw prefixes of templates whose only slot
is the last segment; a tree of segments for all the rest. A path with an escape goes to the tree, which has every
template. The first two can go first because a template with more literal text to the left always wins in the tree, too.
Their cost does not depend on the number of routes; the tree's depends on the path's length, which is bounded by the
deepest template.
"""

from collections.abc import Iterable
from typing import Final
from urllib.parse import unquote_to_bytes

from .asgi import Answer, Receive, Respond, Scope, Send, constant, without_body
from .errors import PROBLEM_TYPE, HTTPError, problem_body
from .template import Template

_ORDER: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PROBLEM: Final = {b"content-type": PROBLEM_TYPE}

type Methods = dict[object, Respond]
"""The responders of one path by method. None is the key of the answer to every other method."""

not_found: Final = constant(404, _PROBLEM, problem_body(HTTPError(404)))


class _Node:
    """One level of the tree: where a segment leads, and what a path that ends here gets."""

    __slots__ = ("literals", "methods", "slot")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.slot: _Node | None = None
        self.methods: Methods | None = None

    def find(self, segments: list[str], index: int) -> tuple[Methods, tuple[str, ...]] | None:
        """The methods of the path from `index` on, and the values of its slots."""
        if index == len(segments):
            return None if self.methods is None else (self.methods, ())
        segment = segments[index]
        child = self.literals.get(segment)
        if child is not None and (found := child.find(segments, index + 1)) is not None:
            return found
        if segment and self.slot is not None and (found := self.slot.find(segments, index + 1)) is not None:
            return found[0], (segment, *found[1])
        return None


class Router:
    """The routes of one app, frozen once they are all known."""

    def __init__(self, routes: Iterable[tuple[Template, dict[str, Respond]]]) -> None:
        self._root = _Node()
        self._static: dict[bytes, Methods] = {}
        self._trailing: dict[bytes, Methods] = {}
        self._has_others = False
        self._depth = 0
        for template, operations in routes:
            self._add(template, _with_derived(operations))

    def _add(self, template: Template, methods: Methods) -> None:
        segments = template.segments
        node = self._root
        for segment in segments:
            if segment.is_slot:
                node.slot = node.slot or _Node()
                node = node.slot
            else:
                node = node.literals.setdefault(segment.text, _Node())
        node.methods = methods
        self._depth = max(self._depth, len(segments))
        slots = len(template.slots)
        raw = template.path.encode()
        if slots == 0:
            # Text that is not ASCII arrives with escapes, for which there is the tree.
            self._static[raw] = methods
        elif slots == 1 and segments[-1].is_slot:
            self._trailing[raw.rpartition(b"/")[0]] = methods
        else:
            self._has_others = True

    def respond(self, scope: Scope, receive: Receive, send: Send) -> Answer:
        """The coroutine that answers a request. A plain function: another coroutine would cost 60 ns."""
        raw = scope.get("raw_path")
        if not isinstance(raw, bytes) or scope.get("root_path"):
            return self._respond_slowly(scope, receive, send)
        methods = self._static.get(raw)
        if methods is not None:
            return (methods.get(scope["method"]) or methods[None])(scope, receive, send)
        head, _, last = raw.rpartition(b"/")
        methods = self._trailing.get(head)
        if methods is not None and last and last.isascii() and 37 not in last:  # 37 is "%"
            return (methods.get(scope["method"]) or methods[None])(scope, receive, send, last.decode("ascii"))
        if self._has_others or methods is not None or 37 in raw:
            return self._respond_slowly(scope, receive, send)
        return not_found(scope, receive, send)

    def _respond_slowly(self, scope: Scope, receive: Receive, send: Send) -> Answer:
        segments = self._segments(scope)
        found = None if segments is None else self._root.find(segments, 0)
        if found is None:
            return not_found(scope, receive, send)
        methods, slots = found
        return (methods.get(scope["method"]) or methods[None])(scope, receive, send, *slots)

    def _segments(self, scope: Scope) -> list[str] | None:
        """The path's decoded segments behind root_path; None if no template can match them."""
        raw = scope.get("raw_path")
        root = str(scope.get("root_path") or "").strip("/")
        roots = root.split("/") if root else []
        if isinstance(raw, bytes):
            if raw[:1] != b"/" or raw.count(b"/") > self._depth + len(roots) + 1:
                return None
            try:
                segments = [unquote_to_bytes(part).decode() for part in raw[1:].split(b"/")]
            except UnicodeDecodeError:
                return None
        else:
            # Without raw_path the server has decoded already: once is enough.
            path = str(scope["path"])
            if path[:1] != "/":
                return None
            segments = path[1:].split("/")
        if roots and segments[: len(roots)] == roots:
            segments = segments[len(roots) :] or [""]
        return [] if segments == [""] else segments


def _with_derived(operations: dict[str, Respond]) -> Methods:
    """The operations together with HEAD, OPTIONS and the answer to every other method."""
    methods: Methods = {}
    methods.update(operations)
    if "GET" in operations:
        methods["HEAD"] = without_body(operations["GET"])
    allowed = ", ".join(method for method in _ORDER if method in methods or method == "OPTIONS").encode()
    methods["OPTIONS"] = constant(204, {b"allow": allowed}, b"")
    methods[None] = constant(405, {**_PROBLEM, b"allow": allowed}, problem_body(HTTPError(405)))
    return methods
