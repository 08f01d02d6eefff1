"""The base of the ready-made schemes: they parse the credential that their `authenticate` gets."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import ClassVar, Final

from jero_core.extend import Codec, Parameter, Refusal, place_of, read_returned, type_name

from .credential import Credential

DEFAULT_REALM: Final = "restricted"
_QUOTED: Final = re.compile(r"[\t !#-\[\]-~]*")
"""What a quoted string may hold without an escape (RFC 9110, section 5.6.4)."""


class Scheme(ABC):
    """What the ready-made schemes share."""

    challenge: ClassVar[str | None] = None
    """The value of WWW-Authenticate, in place of the scheme's own."""
    security_scheme: ClassVar[Mapping[str, object] | None] = None
    """The OpenAPI security scheme, in place of the scheme's own."""

    @abstractmethod
    def _jero_credential(self, parameters: tuple[Parameter, ...], codec: Codec) -> Credential:
        """How to get what `authenticate` takes. Raises `Refusal` if the parameters are not what the scheme gives."""


def setting_fault(auth: object, reason: str, remedy: str) -> Refusal:
    """What is wrong with an attribute of an authenticator (JERO-W044), said of its class."""
    cls = type(auth)
    return Refusal(code="JERO-W044", reason=reason, remedy=remedy, place=place_of(cls, type_name(cls)))


def realm_of(scheme: Scheme) -> str:
    """The realm of a challenge, quoted (RFC 9110, section 11.5). Raises `Refusal` (JERO-W044)."""
    realm: object = getattr(scheme, "realm", None)
    if not isinstance(realm, str) or not _QUOTED.fullmatch(realm):
        raise setting_fault(
            scheme,
            f"its realm {realm!r} is no text for a header.",
            'ASCII without quotes and backslashes, such as `realm = "staff"`.',
        )
    return f'realm="{realm}"'


def expect(parameters: tuple[Parameter, ...], scheme: str, **types: object) -> None:
    """Raise `Refusal` (JERO-W044) unless the parameters of `authenticate` are what a scheme gives."""
    shown = ", ".join(f"{name}: {type_name(kind)}" for name, kind in types.items())
    fits = len(parameters) == len(types) and all(
        read_returned(each.annotation).bare in (kind, object)
        for each, kind in zip(parameters, types.values(), strict=True)
    )
    if not fits:
        given = ", ".join(f"{each.name}: {type_name(each.annotation)}" for each in parameters)
        raise Refusal(
            code="JERO-W044",
            reason=f"its `authenticate` takes ({given}), and {scheme} gives ({shown}).",
            remedy=f"`def authenticate(self, {shown})`.",
        )
