"""HTTP errors: the exceptions that become Problem Details answers (RFC 9457).

Rules
-----
- `raise HTTPError(404, "widget not found")` needs no declaration; its type is `about:blank`.
- A declared error is a class: keywords give its status, type and title; annotated names are members of the answer
  (RFC 9457, section 3.2) and keyword arguments of the class.
- What a class statement gets wrong is a WiringError at that statement: there is no app yet to collect it.
"""

import copy
import inspect
import re
import typing
from collections.abc import Mapping
from http import HTTPStatus
from typing import TYPE_CHECKING, ClassVar, Final, cast, dataclass_transform

import msgspec

from .annotations import EMPTY
from .introspect import place_of
from .wiring import WiringError, WiringProblem

PROBLEM_TYPE: Final = b"application/problem+json"

_BLANK: Final = "about:blank"
_KEYWORDS: Final = ("status", "type", "title")
_URI_REFERENCE: Final = r"[!#-;=?-\[\]_a-z~]+"
"""The characters of a URI reference (RFC 3986, section 2)."""
_PHRASES: Final[Mapping[int, str]] = {int(status): status.phrase for status in HTTPStatus}
_TAKEN: Final = frozenset({"type", "title", "status", "detail", "instance", "errors", "headers", "args"})
"""Names that mean something else in a problem, or in an exception."""


class Invalid(msgspec.Struct, frozen=True):
    """One invalid value of a request: its source, a JSON Pointer (RFC 6901) into it, and what is wrong there."""

    source: str
    pointer: str
    detail: str


@dataclass_transform(kw_only_default=True, eq_default=False)
class _Declarable(Exception):  # noqa: N818  # what HTTPError is made of
    """Checks the class statements of declared errors."""

    if TYPE_CHECKING:

        def __init_subclass__(
            cls,
            *,
            status: int | None = None,
            type: str | None = None,  # noqa: A002  # the member's name in a problem
            title: str | None = None,
        ) -> None: ...

    else:

        def __init_subclass__(cls, **keywords: object) -> None:
            super().__init_subclass__()
            if cls.__module__ != __name__:
                _declare(cls, keywords)


class _Occurrence(_Declarable):
    """What every error has of its own occurrence."""

    detail: str | None = None
    """A sentence for the client about this occurrence."""
    headers: Mapping[str, str] | None = None
    """Further headers of the answer, such as Retry-After."""


class HTTPError(_Occurrence):
    """An error answer: `raise HTTPError(404, "widget not found")`.

    `status` is 400 to 599 (ValueError otherwise), `detail` a sentence for the client about this occurrence (TypeError
    unless it is a str or None), `headers` further headers of the answer.

    A subclass with `status=` declares an error. `type=` is a URI reference that names the problem, `title=` says in few
    words what it is. Its annotated names are keyword arguments, beside `detail` and `headers`, and members of the
    body::

        class OutOfStock(HTTPError, status=409, type="/problems/out-of-stock", title="Out of stock"):
            sku: str
            left: int = 0


        raise OutOfStock(sku="4711", detail="The last one went an hour ago.")
    """

    # For subclasses whose __init__ leaves out to call this one.
    status: ClassVar[int] = 500
    type: ClassVar[str] = _BLANK
    title: ClassVar[str | None] = None
    """What kind of problem it is; None stands for the status's phrase (RFC 9457, section 4.2.1)."""
    _jero_members: ClassVar[Mapping[str, object]] = {}
    """The members by name, with their annotations."""

    def __init__(self, status: int, detail: str | None = None, *, headers: Mapping[str, str] | None = None) -> None:
        if status not in range(400, 600):
            raise ValueError(f"an HTTPError has a status of 400 to 599, not {status!r}")
        if detail is not None and not isinstance(detail, str):
            raise TypeError(f"the detail of an HTTPError is a str, not {detail!r}")
        Exception.__init__(self, status, detail)
        self.__dict__ = {"status": int(status), "detail": detail, "headers": headers}

    def __reduce__(self) -> tuple[object, ...]:
        # As it is: an exception is otherwise made again from its positional arguments, which these may not take.
        return _revive, (type(self), self.args, self.__dict__)


class InvalidRequest(HTTPError):  # noqa: N818  # named for what the client sent
    """A request that a binding refused, with every invalid value that was found."""

    def __init__(self, status: int, detail: str, invalid: tuple[Invalid, ...]) -> None:
        # Without HTTPError's own, which checks what is right here: this is on the way of each bad request.
        Exception.__init__(self, status, detail)
        self.__dict__ = {"status": status, "detail": detail, "headers": None, "invalid": invalid}


def join_refusals(first: InvalidRequest | None, other: InvalidRequest) -> InvalidRequest:
    """One refusal with the invalid values of both; the status is the first one's."""
    if first is None:
        return other
    detail = f"{first.detail} {other.detail}"
    return InvalidRequest(first.status, detail, first.__dict__["invalid"] + other.__dict__["invalid"])


class ClientDisconnected(Exception):  # noqa: N818  # an event, nobody's error
    """The client went away before its body was complete; there is nobody to answer."""


def members_of_error(error: type[HTTPError]) -> Mapping[str, object]:
    """For documents: a declared error's members and their types, strings resolved. Raises NameError and the like."""
    names = error._jero_members  # of this module
    hints: Mapping[str, object] = typing.get_type_hints(error, include_extras=True) if names else {}
    return {name: hints[name] for name in names}


def status_phrase(status: int) -> str:
    """The reason phrase of a status (RFC 9110, section 15), or "Unknown status"."""
    return _PHRASES.get(status, "Unknown status")


def problem_of(error: HTTPError) -> dict[str, object]:
    """The Problem Details of an error (RFC 9457, section 3), not yet encoded."""
    # The type is always shown, although "about:blank" is its default: it makes the answer explain itself.
    problem: dict[str, object] = {
        "type": error.type,
        "title": error.title or status_phrase(error.status),
        "status": error.status,
    }
    if error.detail is not None:
        # A lone surrogate: text that came from outside must not turn this answer into another error.
        problem["detail"] = error.detail if error.detail.isascii() else error.detail.encode("utf-8", "replace").decode()
    for name in error._jero_members:  # of this module
        problem[name] = getattr(error, name)
    if isinstance(error, InvalidRequest):
        problem["errors"] = error.__dict__["invalid"]
    return problem


_encode = msgspec.json.Encoder().encode


def problem_body(error: HTTPError) -> bytes:
    """The Problem Details body of an error without members of its own."""
    return _encode(problem_of(error))


def _declare(cls: type[_Declarable], keywords: Mapping[str, object]) -> None:
    """Take a class statement's keywords and annotations. Raises WiringError (JERO-W024) with all that is wrong."""
    error = cast("type[HTTPError]", cls)
    annotations = {
        name: annotation
        for name, annotation in inspect.get_annotations(cls).items()
        if not _is_class_variable(annotation)
    }
    is_declared = "status" in keywords or _is_declared(error)
    if not is_declared and error.__init__ is not HTTPError.__init__:
        annotations = {}  # The attributes of a class that makes itself.
    faults = [*_keyword_faults(keywords), *_member_faults(annotations)]
    if annotations and not is_declared:
        faults.append(("it has members and no status.", f"`class {cls.__name__}(HTTPError, status=409)`."))
    if faults:
        place = place_of(cls, cls.__qualname__)
        raise WiringError(
            WiringProblem("JERO-W024", place, f"{cls.__name__}: {reason}", remedy) for reason, remedy in faults
        )
    for name, value in keywords.items():
        setattr(cls, name, value)
    setattr(cls, "_jero_members", {**error._jero_members, **annotations})  # noqa: B010
    if is_declared and error.__init__ is HTTPError.__init__:
        setattr(cls, "__init__", _init_declared)  # noqa: B010


def _is_class_variable(annotation: object) -> bool:
    if isinstance(annotation, str):
        return annotation.removeprefix("typing.").startswith("ClassVar")
    marks: tuple[object, ...] = annotation, typing.get_origin(annotation)
    return ClassVar in marks


def _is_declared(error: type[HTTPError]) -> bool:
    return any("status" in vars(base) for base in error.__mro__ if base.__module__ != __name__)


def _keyword_faults(keywords: Mapping[str, object]) -> list[tuple[str, str]]:
    remedy = "`status`, `type` and `title`; what an occurrence has is a member."
    faults = [(f"`{name}` is no class keyword of an error.", remedy) for name in keywords if name not in _KEYWORDS]
    status = keywords.get("status", 400)
    if type(status) is not int or status not in range(400, 600):
        faults.append((f"status={status!r} is no status of an error.", "a status of 400 to 599."))
    kind = keywords.get("type", _BLANK)
    if not isinstance(kind, str) or not re.fullmatch(_URI_REFERENCE, kind):
        remedy = 'a reference to a page about it: `type="/problems/out-of-stock"`.'
        faults.append((f"type={kind!r} is no URI reference (RFC 3986).", remedy))
    title = keywords.get("title", "-")
    if not isinstance(title, str) or not title.strip():
        remedy = 'what kind of problem it is, in few words: `title="Out of stock"`.'
        faults.append((f"title={title!r} is no text.", remedy))
    return faults


def _member_faults(annotations: Mapping[str, object]) -> list[tuple[str, str]]:
    return [
        (f"the member {name!r} has a name that means something else in a problem.", "another name.")
        for name in annotations
        if name in _TAKEN or name.startswith("_")
    ]


def _init_declared(
    self: HTTPError, *, detail: str | None = None, headers: Mapping[str, str] | None = None, **members: object
) -> None:
    """The `__init__` of declared errors. Raises TypeError for missing and unknown members."""
    cls = type(self)
    Exception.__init__(self)
    names = cls._jero_members  # of this module
    if unknown := sorted(members.keys() - names.keys()):
        raise TypeError(f"{cls.__name__}() has no member {unknown[0]!r}; it has {', '.join(names) or 'none'}")
    for name in names:
        value = members.get(name, EMPTY)
        if value is EMPTY:
            default: object = getattr(cls, name, EMPTY)
            if default is EMPTY:
                raise TypeError(f"{cls.__name__}() needs {name}=")
            value = copy.copy(default) if isinstance(default, list | dict | set) else default
        self.__dict__[name] = value
    if detail is not None and not isinstance(detail, str):
        raise TypeError(f"the detail of an HTTPError is a str, not {detail!r}")
    self.detail = detail
    self.headers = headers
    self.args = (f"{cls.status} {cls.title or status_phrase(cls.status)}", *self.__dict__.values())


def _revive(cls: type[HTTPError], arguments: tuple[object, ...], members: dict[str, object]) -> HTTPError:
    error = cls.__new__(cls, *arguments)
    error.__dict__.update(members)
    return error
