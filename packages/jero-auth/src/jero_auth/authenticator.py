"""Authenticators: the objects that may be given as `auth=`, and what startup reads of them.

Rules
-----
- An authenticator has a method `authenticate`, sync or async, or one that returns an awaitable.
- What it takes is its credential: a Struct of request headers (`headers_credential`), or what a ready-made scheme has
  parsed. What it returns is the user (user.py).
- Optional attributes say what it cannot be seen to be: `challenge` (str), the value of WWW-Authenticate, and
  `security_scheme` (a Mapping), an OpenAPI 3.1 Security Scheme Object.
- Everything that is wrong with one is found at startup, with the line of its method.
"""

from abc import ABC, abstractmethod
from collections.abc import Awaitable, Callable, Iterator, Mapping
from typing import ClassVar, Protocol, cast

import msgspec

from jero_core.extend import (
    EMPTY,
    INVALID,
    Codec,
    Field,
    Parameter,
    Place,
    Refusal,
    Signature,
    absent,
    construct,
    conversion,
    header_value,
    is_method,
    is_repeatable,
    place_of,
    read_signature,
    refuse,
    text_struct,
    type_arguments,
    type_name,
    wire_name,
)

from .credential import Credential
from .user import UserType, read_user_type, without_awaitables


class Authenticator[HeadersT: msgspec.Struct, UserT](Protocol):
    """Any object that finds out from a Struct of request headers who calls.

    `authenticate` gives the user, or None for an anonymous caller if `UserT` has None. It refuses by raising
    `HTTPError(401)`; other statuses are answered as they are, and any other exception is a logged 500.
    """

    def authenticate(self, headers: HeadersT, /) -> UserT | Awaitable[UserT]:
        """The user who sent a request with these headers."""
        ...


class Scheme(ABC):
    """What the ready-made schemes share: they parse the credential that their `authenticate` gets."""

    challenge: ClassVar[str | None] = None
    """The value of WWW-Authenticate, in place of the scheme's own."""
    security_scheme: ClassVar[Mapping[str, object] | None] = None
    """The OpenAPI security scheme, in place of the scheme's own."""

    @abstractmethod
    def _jero_credential(self, parameters: tuple[Parameter, ...], codec: Codec) -> Credential:
        """How to get what `authenticate` takes. Raises `Refusal` if the parameters are not what the scheme gives."""


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
    if not is_method(function):
        what = "no `authenticate`" if function is None else "an `authenticate` that is no method"
        raise Refusal(
            code="JERO-W043",
            reason=f"auth= is a value of type {cls.__name__}, which has {what}.",
            remedy="an object with `async def authenticate(self, headers: ...) -> ...`, or a subclass of BearerAuth, "
            "BasicAuth, APIKeyAuth or JWTBearerAuth.",
        )
    place = place_of(function, f"{type_name(cls)}.authenticate")
    signature, refusals = read_signature(function, type_arguments(cls))
    refusals = [_of_authenticators(refusal) for refusal in refusals]
    yields = any(refusal.code == "JERO-W044" for refusal in refusals)
    refusals += _annotation_faults(signature)
    user = None
    if not yields and signature.returned is not None and signature.returned.annotation is not EMPTY:
        user = read_user_type(without_awaitables(signature.returned.annotation))
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


def setting_fault(auth: object, reason: str, remedy: str) -> Refusal:
    """What is wrong with an attribute of an authenticator (JERO-W044), said of its class."""
    cls = type(auth)
    return Refusal(code="JERO-W044", reason=reason, remedy=remedy, place=place_of(cls, type_name(cls)))


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


def expect(parameters: tuple[Parameter, ...], scheme: str, **types: object) -> None:
    """Raise `Refusal` (JERO-W044) unless the parameters of `authenticate` are what a scheme gives."""
    shown = ", ".join(f"{name}: {type_name(kind)}" for name, kind in types.items())
    fits = len(parameters) == len(types) and all(
        each.annotation in (kind, object) for each, kind in zip(parameters, types.values(), strict=True)
    )
    if not fits:
        given = ", ".join(f"{each.name}: {type_name(each.annotation)}" for each in parameters)
        raise Refusal(
            code="JERO-W044",
            reason=f"its `authenticate` takes ({given}), and {scheme} gives ({shown}).",
            remedy=f"`def authenticate(self, {shown})`.",
        )


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


def headers_credential(parameters: tuple[Parameter, ...], codec: Codec) -> Credential:
    """The credential of a plain authenticator: the Struct of headers that it takes. Raises `Refusal`."""
    if len(parameters) != 1:
        raise Refusal(
            code="JERO-W044",
            reason=f"its `authenticate` takes {len(parameters)} arguments beside `self`, and gets one: the headers.",
            remedy="`def authenticate(self, headers: ...)`, with a Struct that has a field for each header.",
        )
    struct, fields = text_struct(
        msgspec.structs.replace(parameters[0], name="headers"),
        "a msgspec Struct with one field for each header, such as `authorization: str`.",
        codec,
    )
    refuse(fault for field in fields for fault in _header_faults(struct.__name__, field))
    names = tuple(wire_name(field.wire_name) for field in fields)
    values: dict[str, object] = {"invalid": INVALID}
    lines: list[str] = []
    locals_ = [f"$_value{index}" for index in range(len(fields))]
    for index, (field, local) in enumerate(zip(fields, locals_, strict=True)):
        part = conversion(field, local, local, codec)
        values |= part.values
        lines += [
            f"if $header{index} is None:",
            f"    {absent(field, index, local, values)}",
            "else:",
            f"    {local} = $header{index}.decode('latin-1')",
            *(f"    {line}" for line in part.lines),
        ]
    lines.append(construct(struct, fields, locals_, values).replace("$target", "$_wanted"))
    needed = [name for name, field in zip(names, fields, strict=True) if field.required] or names
    return Credential(
        arguments=("$_wanted",),
        challenge="Bearer" if b"authorization" in names else "ApiKey",
        schemes=tuple({"type": "apiKey", "in": "header", "name": name.decode()} for name in needed),
        headers=names,
        parse=("try:", *(f"    {line}" for line in lines), "except $invalid:", "    raise $unauthorized() from None"),
        values=values,
    )


def _header_faults(struct: str, field: Field) -> Iterator[Refusal]:
    try:
        wire_name(field.wire_name)
    except ValueError as error:
        yield Refusal(
            reason=f"{struct}.{field.name}: {error}.",
            remedy="a field named after its header, with `_` for `-`: `x_api_key` reads x-api-key.",
        )
    if is_repeatable(field):
        yield Refusal(
            reason=f"{struct}.{field.name}: {type_name(field.type)} cannot come from one header.",
            remedy="a scalar such as str or int; repeated headers arrive joined with ', '.",
        )
