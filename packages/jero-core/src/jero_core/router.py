"""Routing: from a request to the function that answers it.

Rules
-----
- The path decides the template, then the method decides the operation. A known path with another method is 405 with
  `Allow`; OPTIONS answers 204 with `Allow`; HEAD runs GET without its body.
- At each level of the path literal text goes before a slot, with backtracking; the order of inclusion means nothing. A
  slot never matches an empty segment; that the values `.` and `..` are 404 is up to who binds them (sources/path.py).
- A path is percent-decoded exactly once, from `raw_path`, segment by segment, so `%2F` stays inside its segment.
  Invalid UTF-8 is 404.
- `root_path` comes off the front, at a segment's border, where the path begins with it.

Theory
------
Three tables, from the cheapest: whole raw paths of templates without slots (`static`); decoded prefixes of templates
whose only slot is the last segment (`trailing`); a tree of segments, which has every template. entry.py looks into the
first two itself and leaves the rest to `respond`. That agrees with the tree: a template with more literal text to the
left always wins. What entry.py may not decide is left to the tree, too: a path with an escape (its decoded form is
shorter than its raw form), one that is not ASCII, one under a root_path. The first two tables cost the same for any
number of routes; the tree's cost depends on the path's length, which is bounded by the deepest template.
"""

from collections.abc import Iterable, Mapping
from typing import Final
from urllib.parse import unquote_to_bytes

from .asgi import Answer, Receive, Respond, Scope, Send, constant, content_length, without_body
from .errors import PROBLEM_TYPE, HTTPError, problem_body
from .template import Template

_ORDER: Final = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS")
_PROBLEM: Final = {b"content-type": PROBLEM_TYPE}

type Methods = dict[object, Respond]
"""The responders of one path by method, HEAD and OPTIONS included."""

_NOT_FOUND: Final = problem_body(HTTPError(404))
_NOT_FOUND_TYPE: Final = (b"content-type", PROBLEM_TYPE)
_NOT_FOUND_LENGTH: Final = content_length(len(_NOT_FOUND))


async def not_found(_scope: Scope, _receive: Receive, send: Send) -> None:
    """The answer to a path that no template matches, HEAD excepted."""
    try:  # Not `suppress`: a scanner's requests are all of this kind.
        await send({"type": "http.response.start", "status": 404, "headers": [_NOT_FOUND_TYPE, _NOT_FOUND_LENGTH]})
        await send({"type": "http.response.body", "body": _NOT_FOUND})
    except OSError:
        return  # The client is gone.


_not_found_head: Final = without_body(not_found)


class _Target:
    """What a template leads to: its responders, and the answer to every method that it has none for."""

    __slots__ = ("methods", "other")

    def __init__(self, operations: Mapping[str, Respond]) -> None:
        self.methods: Methods = {}
        self.methods.update(operations)
        if "GET" in operations:
            self.methods["HEAD"] = without_body(operations["GET"])
        allowed = ", ".join(name for name in _ORDER if name in self.methods or name == "OPTIONS").encode()
        self.methods["OPTIONS"] = constant(204, {b"allow": allowed}, b"")
        self.other = constant(405, {**_PROBLEM, b"allow": allowed}, problem_body(HTTPError(405)))


class _Node:
    """One level of the tree: where a segment leads, and what a path that ends here gets."""

    __slots__ = ("literals", "slot", "target")

    def __init__(self) -> None:
        self.literals: dict[str, _Node] = {}
        self.slot: _Node | None = None
        self.target: _Target | None = None

    def find(self, segments: list[str], index: int) -> tuple[_Target, tuple[str, ...]] | None:
        """The target of the path from `index` on, and the values of its slots."""
        if index == len(segments):
            return None if self.target is None else (self.target, ())
        segment = segments[index]
        child = self.literals.get(segment)
        if child is not None and (found := child.find(segments, index + 1)) is not None:
            return found
        if segment and self.slot is not None and (found := self.slot.find(segments, index + 1)) is not None:
            return found[0], (segment, *found[1])
        return None


class Router:
    """The routes of one app, frozen once they are all known."""

    def __init__(self, routes: Iterable[tuple[Template, Mapping[str, Respond]]]) -> None:
        self.static: dict[object, Methods] = {}
        """Methods by raw path, of the templates without slots."""
        self.trailing: dict[object, Methods] = {}
        """Methods by what stands before the last slash, of templates whose only slot is the last of several segments.

        `/{id}` is not among them: nothing stands before its slash, and nothing stands before a target without one, such
        as `*`, which is no path.
        """
        self.tables_are_all = True
        """Whether every template is in `static` or `trailing`: a plain path that is in neither is 404."""
        self._root = _Node()
        self._depth = 0
        for template, operations in routes:
            self._add(template, _Target(operations))

    def _add(self, template: Template, target: _Target) -> None:
        segments = template.segments
        node = self._root
        for segment in segments:
            if segment.is_slot:
                node.slot = node.slot or _Node()
                node = node.slot
            else:
                node = node.literals.setdefault(segment.text, _Node())
        node.target = target
        self._depth = max(self._depth, len(segments))
        slots = len(template.slots)
        if slots == 0:
            self.static[template.path.encode()] = target.methods
        elif slots == 1 and segments[-1].is_slot and len(segments) > 1:
            self.trailing[template.path.rpartition("/")[0]] = target.methods
        else:
            self.tables_are_all = False

    def respond(self, scope: Scope, receive: Receive, send: Send) -> Answer:
        """The coroutine that answers a request which is in neither `static` nor `trailing`, or may not be."""
        raw = scope.get("raw_path")
        segments = self._segments(raw, str(scope["path"]), str(scope.get("root_path") or ""))
        found = None if segments is None else self._root.find(segments, 0)
        if found is None:
            return (_not_found_head if scope["method"] == "HEAD" else not_found)(scope, receive, send)
        target, slots = found
        return target.methods.get(scope["method"], target.other)(scope, receive, send, *slots)

    def _segments(self, raw: object, path: str, root_path: str) -> list[str] | None:
        """The path's decoded segments behind root_path; None if no template can match them."""
        root = root_path.strip("/")
        roots = root.split("/") if root else []
        most = self._depth + len(roots) + 1
        if isinstance(raw, bytes):
            if raw[:1] != b"/" or raw.count(b"/") > most:
                return None
            try:
                segments = [unquote_to_bytes(part).decode() for part in raw[1:].split(b"/")]
            except UnicodeDecodeError:
                return None
        else:
            # Without raw_path the server has decoded already: once is enough.
            if path[:1] != "/" or path.count("/") > most:
                return None
            segments = path[1:].split("/")
        if roots and segments[: len(roots)] == roots:
            segments = segments[len(roots) :] or [""]
        return [] if segments == [""] else segments
