"""`Authorization: Bearer` with JSON Web Tokens (RFC 7519), verified by PyJWT; the extra `jero-auth[jwt]`.

Rules (RFC 8725, Best Current Practices)
-----
- The algorithms are those that the app pins, never one that a token names (section 3.1). `none` is none of them, and
  symmetric ones are not mixed with others: a public key would become the secret of an HMAC (section 2.1).
- Each key is proved at construction: it fits a pinned algorithm, is long enough, and is no private key. A token's `kid`
  looks a key up, and nothing else is read of a token before its signature is right.
- `exp` and `aud` are required, and `iss` where issuers are given (sections 3.8, 3.9).
- A wrong configuration is a ValueError or TypeError that says what is wrong and shows nothing of a key.
"""

import math
from abc import abstractmethod
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

import msgspec

from jero_core.extend import Codec, Parameter, Refusal, read_returned, struct_of, type_name

from .authenticator import Scheme, setting_fault
from .bearer import bearer_credential
from .credential import Credential

if TYPE_CHECKING:
    from jwt.algorithms import AllowedPublicKeys

type JWTKey = "str | bytes | AllowedPublicKeys | Mapping[str, object]"
"""A secret (HS*) or public key: text, PEM, an object of the package cryptography, or a parsed JSON Web Key."""

_KINDS: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("HS256", "HS384", "HS512"), ("oct", None)),
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The algorithms that may be pinned (RFC 7518, RFC 8037), and the type and curve of their keys as JSON Web Keys."""
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
    `leeway` is the most seconds that clocks may differ by.

    Raises ValueError or TypeError for a configuration that cannot be safe, and ImportError without PyJWT.
    """

    def __init__(
        self,
        *,
        keys: JWTKey | Mapping[str, JWTKey],
        algorithms: Sequence[str],
        audience: str | Sequence[str],
        issuer: str | Sequence[str] | None = None,
        leeway: float = 0.0,
    ) -> None:
        try:
            import jwt
        except ImportError as error:
            raise ImportError('JWTBearerAuth needs PyJWT: install "jero-auth[jwt]"', name="jwt") from error
        self._jwt = jwt
        self._algorithms = _read_algorithms(algorithms)
        self._audience = _read_names("audience", audience)
        self._issuer = None if issuer is None else _read_names("issuer", issuer)
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
        self._keys = _Keys(keys, self._algorithms)

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
        bearer = bearer_credential()
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
            key = self._keys.find(jwt.get_unverified_header(token).get("kid"))
            if key is None:
                return None
            required = ["exp", "aud"] if self._issuer is None else ["exp", "aud", "iss"]
            claims: Mapping[str, object] = jwt.decode(
                token,
                cast("AllowedPublicKeys", key.prepared),
                algorithms=key.algorithms,
                audience=self._audience,
                issuer=self._issuer,
                leeway=self._leeway,
                options={"require": required, "strict_aud": False, "enforce_minimum_key_length": True},
            )
        except (jwt.PyJWTError, ValueError, TypeError, RecursionError, OverflowError):
            # The keys are proved: whatever fails, it is the token. (It is JSON, and may hold anything.)
            return None
        return claims


def _read_algorithms(algorithms: object) -> tuple[str, ...]:
    if isinstance(algorithms, str) or not isinstance(algorithms, Iterable):
        raise TypeError(f"algorithms={algorithms!r} is no list of names, such as ['RS256']")
    names = tuple(dict.fromkeys(cast("Iterable[object]", algorithms)))
    unknown = [name for name in names if name not in _KINDS]
    if unknown or not names:
        listed = ", ".join(sorted(_KINDS))
        raise ValueError(f"algorithms={list(names)!r}: name one or more of {listed}")
    pinned = cast("tuple[str, ...]", names)
    if len({name.startswith("HS") for name in pinned}) > 1:
        raise ValueError(
            f"algorithms={list(pinned)!r} mixes secrets (HS*) with public keys: whoever has a public key could sign "
            "with it as a secret; pin one kind"
        )
    return pinned


def _read_names(what: str, names: object) -> tuple[str, ...]:
    found = (names,) if isinstance(names, str) else tuple(cast("Sequence[object]", names)) if _is_list(names) else ()
    if not found or not all(isinstance(name, str) and name for name in found):
        raise ValueError(f"{what}={names!r} is no text, or list of texts, that a token could name")
    return cast("tuple[str, ...]", found)


def _is_list(thing: object) -> bool:
    return isinstance(thing, Iterable) and not isinstance(thing, Mapping | bytes)


def _as_mapping(thing: object) -> Mapping[object, object] | None:
    return cast("Mapping[object, object]", thing) if isinstance(thing, Mapping) else None


class _Key(msgspec.Struct, frozen=True):
    """One key, as PyJWT wants it, and the pinned algorithms that it fits."""

    prepared: object
    algorithms: list[str]


class _Keys:
    """The keys of one authenticator."""

    def __init__(self, keys: object, algorithms: tuple[str, ...]) -> None:
        self._only: _Key | None = None
        self._by_id: dict[str, _Key] = {}
        by_id = _as_mapping(keys)
        if by_id is None or isinstance(by_id.get("kty"), str):
            self._only = _fitting(keys, algorithms, "the key")
            return
        if isinstance(by_id.get("keys"), list):
            by_id = _keys_of_set(cast("list[object]", by_id["keys"]), algorithms)
        for kid, key in by_id.items():
            if not isinstance(kid, str) or not kid:
                raise TypeError(f"the id {kid!r} of a key is no text")
            self._by_id[kid] = _fitting(key, algorithms, f"the key {kid!r}")
        if not self._by_id:
            raise ValueError(f"there are no keys for {', '.join(algorithms)}")

    def find(self, kid: object) -> _Key | None:
        """The key for a token's `kid`; None if it names none."""
        if self._only is not None:
            return self._only
        return self._by_id.get(kid) if isinstance(kid, str) else None


def _keys_of_set(members: list[object], algorithms: tuple[str, ...]) -> dict[object, object]:
    """The members of a JSON Web Key Set that may be ours: an app ignores those of other kinds (RFC 7517, section 5)."""
    found: dict[object, object] = {}
    for member in members:
        jwk = _as_mapping(member)
        if jwk is None:
            raise TypeError("a JSON Web Key Set holds objects")
        kinds = {_KINDS[name] for name in algorithms}
        if (
            jwk.get("use", "sig") == "sig"
            and jwk.get("alg", algorithms[0]) in algorithms
            and (jwk.get("kty"), jwk.get("crv")) in kinds
        ):
            found[jwk.get("kid")] = jwk
    return found


def _fitting(key: object, algorithms: tuple[str, ...], what: str) -> _Key:
    """A key, proved. Raises ValueError, with a text that does not show the key."""
    from jwt import PyJWK, get_algorithm_by_name

    candidates = algorithms
    fits: list[str] = []
    prepared: object = None
    # PyJWT and cryptography raise many things, and some of their texts show the key.
    with suppress(Exception):
        if (jwk := _as_mapping(key)) is not None:
            candidates = tuple(name for name in algorithms if jwk.get("alg", name) == name)
            key = cast("object", PyJWK(cast("dict[str, object]", {**jwk})).key)
    for name in candidates:
        with suppress(Exception):
            prepared = get_algorithm_by_name(name).prepare_key(key)
            fits.append(name)
    if not fits:
        raise ValueError(f"{what} (a value of type {type(key).__name__}) fits none of {', '.join(algorithms)}")
    if hasattr(prepared, "private_bytes"):
        raise ValueError(f"{what} is a private key; whoever verifies needs the public one alone")
    for name in fits:
        if (short := get_algorithm_by_name(name).check_key_length(prepared)) is not None:
            raise ValueError(f"{what} is too short for {name}: {short}")
    return _Key(prepared, fits)
