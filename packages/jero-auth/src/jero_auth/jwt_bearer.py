"""`Authorization: Bearer` with JSON Web Tokens (RFC 7519), verified by PyJWT; the extra `jero-auth[jwt]`.

Rules (RFC 8725, Best Current Practices)
-----
- The algorithms are those that the app pins, never one that a token names (section 3.1). `none` is none of them, and
  symmetric ones are not mixed with others: a public key would become the secret of an HMAC (section 2.1).
- Each key is proved at construction (jwt_keys.py). A token's `kid` looks a key up. A token that demands something of
  its reader (`crit`) is refused, since nothing of the kind is understood (RFC 7515, section 4.1.11), whatever the
  library makes of it. No claim is read before the signature is right.
- `exp` and `aud` are required, `iss` where issuers are given (sections 3.8, 3.9), and `typ` where types are
  (section 3.11).
- A wrong configuration is a ValueError or TypeError that says what is wrong and shows nothing of a key.
"""

import math
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Final, cast

import msgspec

from jero_core.extend import Codec, Parameter, Refusal, read_returned, struct_of, type_name

from .bearer import bearer_credential
from .credential import Credential
from .jwt_keys import JWTKey, Key, Keys, read_algorithms
from .scheme import DEFAULT_REALM, Scheme, realm_of, setting_fault

if TYPE_CHECKING:
    from jwt.algorithms import AllowedPublicKeys

_FORMAT: Final = {"bearerFormat": "JWT"}


class JWTBearerAuth[UserT, ClaimsT = Mapping[str, object]](Scheme):
    """Admits whoever brings a JSON Web Token that was made for this app.

    A subclass says who its claims stand for; they arrive as a Struct if the class names one::

        class Claims(Struct):
            sub: str
            roles: list[str] = []


        class Tokens(JWTBearerAuth[User, Claims]):
            async def authenticate(self, claims: Claims) -> User:
                return User(claims.sub, claims.roles)


        Tokens(keys=PUBLIC_KEY, algorithms=["RS256"], audience="https://api.example.com", issuer="https://id.example.com")

    `keys` is one key; or keys by their ids, of which a token names one (`kid`); or a JSON Web Key Set (RFC 7517), as
    parsed from its JSON. `algorithms` are the names (RFC 7518) that a token may have been signed with. A token must
    have one of `audience` in its `aud`, an `exp` that is not over, and one of `issuer` as `iss`, if that is given.
    `token_type` is what a token must say it is in its header `typ`, such as "at+jwt" for access tokens of OAuth 2.0
    (RFC 9068): without it, any token that the issuer makes for this audience is taken, an ID token too. `leeway` is the
    most seconds that clocks may differ by.

    Raises ValueError or TypeError for a configuration that cannot be safe, and ImportError without PyJWT.
    """

    realm: ClassVar[str] = DEFAULT_REALM
    """What the challenge says is protected."""

    def __init__(
        self,
        *,
        keys: JWTKey | Mapping[str, JWTKey],
        algorithms: Sequence[str],
        audience: str | Sequence[str],
        issuer: str | Sequence[str] | None = None,
        token_type: str | Sequence[str] | None = None,
        leeway: float = 0.0,
    ) -> None:
        try:
            import jwt
        except ImportError as error:
            raise ImportError('JWTBearerAuth needs PyJWT: install "jero-auth[jwt]"', name="jwt") from error
        self._jwt = jwt
        self._algorithms = read_algorithms(algorithms)
        self._audience = _read_names("audience", audience)
        self._issuer = None if issuer is None else _read_names("issuer", issuer)
        types = None if token_type is None else _read_names("token_type", token_type)
        self._types = None if types is None else frozenset(map(_plain_type, types))
        if (
            isinstance(leeway, bool)
            or not isinstance(cast("object", leeway), int | float)
            or not 0 <= leeway < math.inf
        ):
            raise ValueError(f"leeway={leeway!r} is no number of seconds")
        self._leeway = leeway
        self.replace_keys(keys)

    def replace_keys(self, keys: JWTKey | Mapping[str, JWTKey]) -> None:
        """Verify with other keys from now on, as when an identity provider has new ones. Raises as the constructor."""
        self._keys = Keys(keys, self._algorithms)

    @abstractmethod
    def authenticate(self, claims: ClaimsT, /) -> UserT | Awaitable[UserT]:
        """The user for whom the claims stand. Raises `HTTPError(401)` if there is none."""

    def _jero_credential(self, parameters: tuple[Parameter, ...], codec: Codec) -> Credential:
        if not hasattr(self, "_keys"):
            raise setting_fault(
                self,
                "its `__init__` does not call the one of JWTBearerAuth, and it has no keys.",
                "`super().__init__(keys=..., algorithms=..., audience=...)`.",
            )
        bearer = bearer_credential(realm_of(self))
        parse = ("$_claims = $read_claims($_token)", "if $_claims is None:", "    raise $unauthorized()")
        return msgspec.structs.replace(
            bearer,
            arguments=("$_claims",),
            schemes=({**bearer.schemes[0], **_FORMAT},),
            parse=(*bearer.parse, *parse),
            values={**bearer.values, "read_claims": self._reader(parameters, codec)},
        )

    def _reader(self, parameters: tuple[Parameter, ...], codec: Codec) -> Callable[[str], object]:
        """What makes of a token what `authenticate` takes; None if the token is not good."""
        if len(parameters) != 1:
            raise Refusal(
                code="JERO-W044",
                reason=f"its `authenticate` takes {len(parameters)} arguments beside `self`, and gets one: the claims.",
                remedy="`def authenticate(self, claims: ...)`.",
            )
        annotation = parameters[0].annotation
        if read_returned(annotation).origin is Mapping:
            return self._claims_of
        struct = struct_of(annotation)
        if struct is None:
            raise Refusal(
                code="JERO-W044",
                reason=f"its claims are {type_name(annotation)}, and claims are a Struct or a Mapping.",
                remedy="a msgspec Struct with one field for each claim, or `Mapping[str, object]`.",
            )
        codec.json_decoder(struct)

        def read_claims(token: str) -> object:
            claims = self._claims_of(token)
            try:
                return None if claims is None else msgspec.convert(claims, struct, dec_hook=codec.dec_hook)
            except msgspec.ValidationError:
                return None

        return read_claims

    def _claims_of(self, token: str) -> Mapping[str, object] | None:
        """The claims of a token that is good for this app; None if it is not."""
        jwt = self._jwt
        try:
            header: Mapping[str, object] = jwt.get_unverified_header(token)
            if "crit" in header or not self._is_wanted(header.get("typ")):
                return None
            for key in self._keys.find(header.get("kid")):
                if (claims := self._verified(token, key)) is not None:
                    return claims
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError):
            # The keys are proved: whatever fails, it is the token. (It is JSON, and may hold anything.)
            return None
        return None

    def _is_wanted(self, token_type: object) -> bool:
        return self._types is None or (isinstance(token_type, str) and _plain_type(token_type) in self._types)

    def _verified(self, token: str, key: Key) -> Mapping[str, object] | None:
        """The claims, if this key signed them. Raises much for a token that is not good in another way."""
        required = ["exp", "aud"] if self._issuer is None else ["exp", "aud", "iss"]
        try:
            claims: Mapping[str, object] = self._jwt.decode(
                token,
                cast("AllowedPublicKeys", key.prepared),
                algorithms=key.algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": required, "strict_aud": False, "enforce_minimum_key_length": True},
            )
        except (self._jwt.InvalidSignatureError, self._jwt.InvalidAlgorithmError):
            return None  # Another key of this id may be its own.
        return claims


def _plain_type(token_type: str) -> str:
    """A `typ` as it is compared: without case, and without the prefix that may be left out (RFC 7515, 4.1.9)."""
    return token_type.lower().removeprefix("application/")


def _read_names(what: str, names: object) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(cast("Sequence[object]", names)) if _is_list(names) else ()
    if not found or not all(isinstance(name, str) and name for name in found):
        raise ValueError(f"{what}={names!r} is no text, or list of texts, that a token could name")
    return cast("tuple[str, ...]", found)


def _is_list(thing: object) -> bool:
    return isinstance(thing, Iterable) and not isinstance(thing, Mapping | bytes)
