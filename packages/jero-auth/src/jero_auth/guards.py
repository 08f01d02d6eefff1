"""AuthGuards: from what is given as `auth=` to the guard of its operations.

Rules
-----
- The generated code calls the authenticator's method itself: no layer is between them.
- The result is checked by its class, as a handler's is: an authenticator that returns something else is a logged 500,
  and never a way in.
- A fragment is made of fixed lines and bound values; nothing that a user wrote stands in its text.
"""

import inspect
from collections.abc import Awaitable
from typing import TypeVar, cast

from jero_core.extend import Fragment, Guard, GuardContext, Name, Refusal, SecurityFact, generic_arguments, type_name

from .authenticator import Method, at, read_method, settings_of
from .credential import Credential
from .refusal import Unauthorized
from .scheme import Scheme
from .struct_headers import headers_credential
from .user import UserType, misfits, read_user_type


class AuthGuards:
    """Makes guards of authenticators: the app's `guards`."""

    def plan(self, auth: object, context: GuardContext, /) -> Guard:
        """Plan the guard. Raises `Refusal` with all that is wrong with the authenticator."""
        method = read_method(auth)
        parameters = method.signature.parameters
        with at(method.place):
            if isinstance(auth, Scheme):
                credential = auth._jero_credential(parameters, context.codec)  # of this package
            else:
                credential = headers_credential(parameters, context.codec)
            credential = settings_of(auth, credential)
            user = _user_of(auth, method)
        name = type_name(type(auth))
        return Guard(
            name=name,
            check=_check(method, credential, user, f"{name}.authenticate"),
            headers=credential.headers,
            yields=user.annotation,
            anonymous=user.anonymous,
            security=tuple(
                SecurityFact(name if len(credential.schemes) == 1 else f"{name}{number}", scheme)
                for number, scheme in enumerate(credential.schemes, 1)
            ),
        )


def _user_of(auth: object, method: Method) -> UserType:
    """The user that an authenticator gives: what a scheme's type argument says, or else what its method returns."""
    if not isinstance(auth, Scheme):
        return method.user
    given = next(iter(_declared(auth)), None)
    if given is None or isinstance(given, TypeVar):
        return method.user
    declared = read_user_type(given)
    if declared is None:
        raise Refusal(
            code="JERO-W044",
            reason=f"its class says that users are {type_name(given)}, and a user is a Struct of the app's own.",
            remedy=f"`{method.user.name}` in the brackets of its base class.",
        )
    if any(misfits(method.user, declared)) or (method.user.anonymous and not declared.anonymous):
        raise Refusal(
            code="JERO-W044",
            reason=f"it returns {method.user.name}, and its class says that users are {declared.name}.",
            remedy=f"`-> {declared.name}`, or the class of the users in the brackets of its base class.",
        )
    return declared


def _declared(scheme: Scheme) -> tuple[object, ...]:
    """The first type argument of the ready-made scheme that a class derives from."""
    of_package = (cls for cls in type(scheme).__mro__ if cls.__module__.partition(".")[0] == __package__)
    base = next(cls for cls in of_package if issubclass(cls, Scheme))
    return generic_arguments(type(scheme), base)[:1]


def _check(method: Method, credential: Credential, user: UserType, name: str) -> Fragment:
    """The lines of a gate; credential.py shows their frame."""
    unauthorized = Unauthorized(credential.challenge)
    classes = (*user.classes, type(None)) if user.anonymous else user.classes
    result = Result(classes, name, user.name)
    values: dict[str, object] = {
        **credential.values,
        "unauthorized": unauthorized,
        "refused": unauthorized.refused,
        "authenticate": method.function,
        "user": user.classes[0],
    }
    arguments: list[str] = []
    for index, (parameter, argument) in enumerate(zip(method.signature.parameters, credential.arguments, strict=True)):
        if not parameter.positional:
            values[f"parameter{index}"] = Name(parameter.name)
        arguments.append(argument if parameter.positional else f"$parameter{index}={argument}")
    call = f"$authenticate({', '.join(arguments)})"
    if inspect.iscoroutinefunction(method.function):
        values |= {"users": classes, "wrong": result.wrong}
        admit = [
            f"$target = await {call}",
            "if $target.__class__ is not $user and not isinstance($target, $users):",
            "    raise $wrong($target)",
        ]
    else:
        values["settle"] = result.settle
        admit = [f"$target = {call}", "if $target.__class__ is not $user:", "    $target = await $settle($target)"]
    admit = [*credential.parse, *admit]
    lines = [*credential.find]
    if credential.absent is None:
        lines += admit
    elif user.anonymous:
        lines += [f"if {credential.absent}:", "    $target = None", "else:", *(f"    {line}" for line in admit)]
    else:
        lines += [f"if {credential.absent}:", "    raise $unauthorized()", *admit]
    frame = ["try:", *(f"    {line}" for line in lines), "except Exception as problem:", "    raise $refused(problem)"]
    return Fragment(tuple(frame), values)


class Result:
    """What an authenticator returns, looked at."""

    def __init__(self, classes: tuple[type, ...], name: str, expected: str) -> None:
        self._classes = classes
        self._name = name
        self._expected = expected

    def wrong(self, value: object) -> TypeError:
        """The fault of an authenticator that returns something else than it says."""
        return TypeError(f"{self._name} returned a value of type {type(value).__name__}, not {self._expected}")

    async def settle(self, value: object) -> object:
        """The user that a method has returned which is no coroutine function: awaited if need be, and checked."""
        if inspect.isawaitable(value):
            value = await cast("Awaitable[object]", value)
        if not isinstance(value, self._classes):
            raise self.wrong(value)
        return value
