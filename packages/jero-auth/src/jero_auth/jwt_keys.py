"""The keys of a JWTBearerAuth: each proved once, and found by the id that a token names.

Rules
-----
- A key that the app gives by itself must do: it fits a pinned algorithm, is long enough (RFC 7518), is for verifying,
  and is no private key. If it does not, that is a ValueError or TypeError whose text shows nothing of it.
- Of a JSON Web Key Set, which is somebody else's, members that will not do are left out (RFC 7517, section 5): an
  identity provider that adds an odd key is no reason to refuse its good ones. It is an error if none is left.
- Two members of one id are alternatives (RFC 7517, section 4.5). Only a set of one usable key needs no ids.
"""

from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from typing import TYPE_CHECKING, Final, cast

import msgspec

if TYPE_CHECKING:
    from jwt.algorithms import AllowedPublicKeys

type JWTKey = "str | bytes | AllowedPublicKeys | Mapping[str, object]"
"""A secret (HS*) or public key: text, PEM, an object of the package cryptography, or a parsed JSON Web Key."""

KINDS: Final[Mapping[str, tuple[str, str | None]]] = {
    **dict.fromkeys(("HS256", "HS384", "HS512"), ("oct", None)),
    **dict.fromkeys(("RS256", "RS384", "RS512", "PS256", "PS384", "PS512"), ("RSA", None)),
    "ES256": ("EC", "P-256"),
    "ES384": ("EC", "P-384"),
    "ES512": ("EC", "P-521"),
    "EdDSA": ("OKP", "Ed25519"),
}
"""The algorithms that may be pinned (RFC 7518, RFC 8037), and the type and curve of their keys as JSON Web Keys."""

_MOST_TOLD: Final = 10


class Key(msgspec.Struct, frozen=True):
    """One key, as PyJWT wants it, and the pinned algorithms that it fits."""

    prepared: object
    algorithms: list[str]


class Keys:
    """The keys of one authenticator. Raises ValueError and TypeError for keys that cannot be safe."""

    def __init__(self, keys: object, algorithms: tuple[str, ...]) -> None:
        self._only: list[Key] = []
        self._by_id: dict[str, list[Key]] = {}
        by_id = _as_mapping(keys)
        if by_id is None or isinstance(by_id.get("kty"), str):
            self._only = [_prove(keys, algorithms, "the key")]
        elif isinstance(by_id.get("keys"), list):
            self._take_set(cast("list[object]", by_id["keys"]), algorithms)
        else:
            for kid, key in by_id.items():
                if not isinstance(kid, str) or not kid:
                    raise TypeError(f"the id {kid!r} of a key is no text")
                self._by_id[kid] = [_prove(key, algorithms, f"the key {kid!r}")]
            if not self._by_id:
                raise ValueError(f"there are no keys for {', '.join(algorithms)}")

    def _take_set(self, members: list[object], algorithms: tuple[str, ...]) -> None:
        left_out: list[str] = []
        found: list[tuple[object, Key]] = []
        for index, member in enumerate(members):
            jwk = _as_mapping(member)
            kid = None if jwk is None else jwk.get("kid")
            what = f"the key {kid!r:.100}" if kid is not None else f"the key at {index}"
            try:
                if jwk is None:
                    raise TypeError(f"{what} is no object")
                found.append((kid, _prove(jwk, algorithms, what)))
            except (ValueError, TypeError) as error:
                left_out.append(str(error))
        if len(found) == 1 and found[0][0] is None:
            self._only = [found[0][1]]
            return
        for kid, key in found:
            if isinstance(kid, str) and kid:
                self._by_id.setdefault(kid, []).append(key)
            else:
                left_out.append("a key has no id that a token could name")
        if not self._by_id:
            told = "; ".join(["", *left_out[:_MOST_TOLD]])
            raise ValueError(f"there are no keys for {', '.join(algorithms)} in the set{told}")

    def find(self, kid: object) -> Sequence[Key]:
        """The keys that a token's `kid` may mean; none if it names none."""
        return self._only or (self._by_id.get(kid, ()) if isinstance(kid, str) else ())


def read_algorithms(algorithms: object) -> tuple[str, ...]:
    """The names of algorithms that may be pinned together. Raises ValueError and TypeError."""
    if isinstance(algorithms, str) or not isinstance(algorithms, Iterable):
        raise TypeError(f"algorithms={algorithms!r} is no list of names, such as ['RS256']")
    names = [*cast("Iterable[object]", algorithms)]
    if not names or not all(isinstance(name, str) and name in KINDS for name in names):
        raise ValueError(f"algorithms={names!r}: name one or more of {', '.join(sorted(KINDS))}")
    pinned = tuple(dict.fromkeys(cast("list[str]", names)))
    if len({name.startswith("HS") for name in pinned}) > 1:
        raise ValueError(
            f"algorithms={list(pinned)!r} mixes secrets (HS*) with public keys: whoever has a public key could sign "
            "with it as a secret; pin one kind"
        )
    return pinned


def _as_mapping(thing: object) -> Mapping[object, object] | None:
    return cast("Mapping[object, object]", thing) if isinstance(thing, Mapping) else None


def _verifies(jwk: Mapping[object, object]) -> bool:
    """Whether a JSON Web Key may be used to verify signatures (RFC 7517, sections 4.2 and 4.3)."""
    operations = jwk.get("key_ops", ["verify"])
    return jwk.get("use", "sig") == "sig" and isinstance(operations, list) and "verify" in operations


def _prove(key: object, algorithms: tuple[str, ...], what: str) -> Key:
    """A key, proved. Raises ValueError, with a text that does not show the key."""
    from jwt import PyJWK, get_algorithm_by_name

    candidates = algorithms
    kind = type(key).__name__
    if (jwk := _as_mapping(key)) is not None:
        if not _verifies(jwk):
            raise ValueError(f"{what} is not for verifying signatures: its `use` or `key_ops` says so")
        kty, crv = jwk.get("kty"), jwk.get("crv")
        candidates = tuple(
            name
            for name in algorithms
            if jwk.get("alg", name) == name and KINDS[name][0] == kty and KINDS[name][1] in (None, crv)
        )
    fits: list[str] = []
    prepared: object = None
    # PyJWT and cryptography raise many things, and some of their texts show the key.
    for name in candidates:
        with suppress(Exception):
            given = key if jwk is None else PyJWK(cast("dict[str, object]", {**jwk}), name).key
            prepared = get_algorithm_by_name(name).prepare_key(cast("AllowedPublicKeys", given))
            fits.append(name)
    if not fits:
        raise ValueError(f"{what} (a value of type {kind}) fits none of {', '.join(algorithms)}")
    if hasattr(prepared, "private_bytes"):
        raise ValueError(f"{what} is a private key; whoever verifies needs the public one alone")
    for name in fits:
        if (short := get_algorithm_by_name(name).check_key_length(prepared)) is not None:
            raise ValueError(f"{what} is too short for {name}: {short}")
    return Key(prepared, fits)
