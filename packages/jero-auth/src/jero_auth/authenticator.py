"""Authenticators: the objects that may be given as `auth=`, and what startup reads of them.

Rules
-----
- An authenticator has a method `authenticate`, sync or async, or one that returns an awaitable.
- What it takes is its credential: a Struct of request headers (struct_headers.py), or what a ready-made scheme has
  parsed (scheme.py). What it returns is the user (user.py).
- Optional attributes say what it cannot be seen to be: `challenge` (str), the value of WWW-Authenticate, and
  `security_scheme` (a Mapping), an OpenAPI 3.1 Security Scheme Object.
- Everything that is wrong with one is found at startup, with the line of its method.
"""

import inspect
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import Protocol, cast

import msgspec

from jero_core.extend import (
    EMPTY,
    Place,
    Refusal,
    Signature,
    header_value,
    is_method,
    place_of,
    read_signature,
    refuse,
    type_arguments,
    type_name,
)

from .credential import Credential
from .scheme import setting_fault
from .user import UserType, read_user_type, without_awaitables


class Authenticator[HeadersT: msgspec.Struct, UserT](Protocol):
    """Any object that finds out from a Struct of request headers who calls.

    `authenticate` gives the user, or None for an anonymous caller if `UserT` has None. It refuses by raising
    `HTTPError(401)`; other statuses are answered as they are, and any other exception is a logged 500.
    """

    def authenticate(self, headers: HeadersT, /) -> UserT | Awaitable[UserT]:
        """The user who sent a request with these headers."""
        ...


class Method(msgspec.Struct, frozen=True):
    """The method `authenticate` of an authenticator, read."""

    function: Callable[..., object]
    signature: Signature
    user: UserType
    place: Place


def read_method(auth: object) -> Method:
    """Read an authenticator's method. Raises `Refusal` with all that is wrong with it."""
    cls = type(auth)
    if isinstance(auth, type):
        raise Refusal(
            code="JERO-W043",
            reason=f"auth= is the class {auth.__name__}.",
            remedy=f"an instance, with its dependencies as arguments: `auth={auth.__name__}(...)`.",
        )
    try:
        function: object = getattr(auth, "authenticate", None)
    except Exception as error:
        raise Refusal(
            code="JERO-W043",
            reason=f"reading `authenticate` of auth= raised {type(error).__name__}: {error}.",
            remedy="an object with a method `authenticate`.",
        ) from error
    if getattr(function, "__func__", None) is Authenticator.authenticate:
        function = None  # A subclass that does not define its own.
    if not is_method(function):
        what = "no `authenticate`" if function is None else "an `authenticate` that is no method"
        raise Refusal(
            code="JERO-W043",
            reason=f"auth= is a value of type {cls.__name__}, which has {what}.",
            remedy="an object with `async def authenticate(self, headers: ...) -> ...`, or a subclass of BearerAuth, "
            "BasicAuth, APIKeyAuth or JWTBearerAuth.",
        )
    place = place_of(function, f"{type_name(cls)}.authenticate")
    signature, refusals = read_signature(function, type_arguments(cls), cls)
    refusals = [_of_authenticators(refusal) for refusal in refusals]
    yields = any(refusal.code == "JERO-W044" for refusal in refusals)
    refusals += _annotation_faults(signature)
    user = None
    if not yields and signature.returned is not None and signature.returned.annotation is not EMPTY:
        # What is awaited once is a user already: `async def authenticate(...) -> Awaitable[User]` gives none.
        annotation = signature.returned.annotation
        is_async = inspect.iscoroutinefunction(function)
        user = read_user_type(annotation if is_async else without_awaitables(annotation))
        if user is None:
            refusals.append(
                Refusal(
                    code="JERO-W044",
                    reason=f"it returns {type_name(signature.returned.annotation)}, and a user is a Struct of the "
                    "app's own.",
                    remedy="`-> User`, with a msgspec Struct; `-> User | None` if it admits anonymous callers.",
                )
            )
    with at(place):
        refuse(refusals)
    # None would have been a fault.
    return Method(function, signature, cast("UserType", user), place)


def _of_authenticators(refusal: Refusal) -> Refusal:
    """A fault of a signature, in words for authenticators where its own are for handlers."""
    if refusal.code == "JERO-W018":
        return Refusal(
            code="JERO-W044",
            reason="it yields, and what calling it gives is a generator, not a user.",
            remedy="a method that returns the user.",
        )
    if refusal.code == "JERO-W013":
        return Refusal(
            code="JERO-W044",
            reason=refusal.reason,
            remedy="the arguments that it gets, named and annotated; a decorator keeps those of what it decorates with "
            "`functools.wraps`.",
        )
    return refusal


def _annotation_faults(signature: Signature) -> Iterator[Refusal]:
    for parameter in signature.parameters:
        if parameter.annotation is EMPTY:
            yield Refusal(
                code="JERO-W010",
                reason=f"the argument {parameter.name!r} has no annotation, and the annotation is its contract.",
                remedy=f"`{parameter.name}: ...` with its type.",
            )
    if signature.returned is not None and signature.returned.annotation is EMPTY:
        yield Refusal(
            code="JERO-W020",
            reason="the authenticator has no return annotation, and the annotation says who its users are.",
            remedy="`-> User`, with the Struct that it returns.",
        )


class at:  # noqa: N801  # reads as a word
    """Gives every `Refusal` that leaves the block this place, unless it has one."""

    def __init__(self, place: Place) -> None:
        self._place = place

    def __enter__(self) -> None: ...

    def __exit__(self, _: object, error: BaseException | None, __: object) -> None:
        if isinstance(error, Refusal):
            for refusal in (error, *error.others):
                refusal.place = refusal.place or self._place


def settings_of(auth: object, credential: Credential) -> Credential:
    """The credential with what the authenticator's own attributes say of it. Raises `Refusal` (JERO-W044)."""
    challenge: object = getattr(auth, "challenge", None)
    scheme: object = getattr(auth, "security_scheme", None)
    if challenge is not None:
        try:
            valid = isinstance(challenge, str) and bool(header_value(challenge))
        except ValueError:
            valid = False
        if not valid:
            raise setting_fault(
                auth,
                f"its challenge {challenge!r} is no value of a WWW-Authenticate header.",
                """a str such as `challenge = 'Digest realm="shop"'`.""",
            )
        credential = msgspec.structs.replace(credential, challenge=challenge)
    if scheme is not None:
        if not isinstance(scheme, Mapping) or not isinstance(cast("Mapping[object, object]", scheme).get("type"), str):
            raise setting_fault(
                auth,
                f"its security_scheme {scheme!r} is no OpenAPI Security Scheme Object.",
                'a dict such as `security_scheme = {"type": "http", "scheme": "digest"}`.',
            )
        credential = msgspec.structs.replace(credential, schemes=(scheme,))
    return credential
