"""JWTBearerAuth: only tokens that were made for this app, by whom it trusts, with an algorithm that it pinned."""

import base64
import hashlib
import hmac
import json
import subprocess
import sys
import time

import pytest
from msgspec import Struct

from jero_auth import JWTBearerAuth
from jero_core import Endpoint, HTTPError

from .auth_driver import app_of, report_of, request, serve

jwt = pytest.importorskip("jwt")
rsa = pytest.importorskip("cryptography.hazmat.primitives.asymmetric.rsa")

from collections.abc import Mapping

from cryptography.hazmat.primitives.asymmetric import ec, ed25519
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat
from jwt.algorithms import ECAlgorithm, HMACAlgorithm, OKPAlgorithm, RSAAlgorithm

SECRET = "a secret of at least 32 bytes, it is said"
OTHER_SECRET = "another secret of at least 32 bytes, surely"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER_RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
ED_KEY = ed25519.Ed25519PrivateKey.generate()


def pem(key):
    public = key.public_key() if hasattr(key, "public_key") else key
    return public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def private_pem(key):
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


class User(Struct):
    name: str


class Claims(Struct):
    sub: str
    roles: list[str] = []


class Tokens(JWTBearerAuth[User, Claims]):
    async def authenticate(self, claims: Claims) -> User:
        if claims.sub == "unknown":
            raise HTTPError(401)
        return User(" ".join([claims.sub, *claims.roles]))


class Me(Endpoint, path="/me"):
    async def get(self, user: User) -> User:
        return user


NOW = int(time.time())
GOOD = {"sub": "ada", "aud": "shop", "exp": NOW + 600}


def symmetric(**settings):
    return Tokens(**{"keys": SECRET, "algorithms": ["HS256"], "audience": "shop", **settings})


def statuses(auth, tokens):
    """What requests with these tokens are answered; the name of the user for a 200."""

    async def conversation(ask):
        found = []
        for token in tokens:
            response = await ask("GET", "/me", [("authorization", f"Bearer {token}")])
            if response.status == 401:
                assert response.body == b'{"type":"about:blank","title":"Unauthorized","status":401}'
                assert response.header("www-authenticate") == 'Bearer realm="restricted"'
            found.append(response.json["name"] if response.status == 200 else response.status)
        return found

    return serve(app_of((Me(), auth)), conversation)


def hs(claims, secret=SECRET, algorithm="HS256", **headers):
    return jwt.encode(claims, secret, algorithm, headers=headers or None)


def forged(header, claims, secret=None, digest=hashlib.sha256):
    """A token made by hand: PyJWT refuses to make such ones."""

    def part(value):
        return base64.urlsafe_b64encode(value if isinstance(value, bytes) else json.dumps(value).encode()).rstrip(b"=")

    signed = part(header) + b"." + part(claims)
    signature = b"" if secret is None else hmac.new(secret.encode(), signed, digest).digest()
    return (signed + b"." + part(signature)).decode()


# claims


def test_a_good_token_is_admitted_with_its_claims_as_a_struct():
    assert statuses(symmetric(), [hs(GOOD), hs({**GOOD, "roles": ["a", "b"], "more": 1})]) == ["ada", "ada a b"]


def test_an_authenticator_may_refuse_a_good_token():
    assert statuses(symmetric(), [hs({**GOOD, "sub": "unknown"})]) == [401]


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": NOW - 1},
        {"exp": None},
        {"exp": "tomorrow"},
        {"exp": ...},
        {"exp": float("inf")},
        {"exp": float("nan")},
        {"exp": []},
        {"exp": True},
        {"exp": -(10**30)},
        {"aud": "other"},
        {"aud": ["other", "another"]},
        {"aud": []},
        {"aud": ""},
        {"aud": None},
        {"aud": ...},
        {"aud": {"shop": 1}},
        {"aud": ["shop", 1]},
        {"nbf": NOW + 600},
        {"nbf": "later"},
        {"iat": NOW + 600},
        {"iat": "now"},
        {"sub": 7},
        {"sub": ...},
        {"roles": "admin"},
        {"roles": [1]},
    ],
    ids=lambda changes: " ".join(f"{name} {type(value).__name__}" for name, value in changes.items()),
)
def test_a_token_with_wrong_claims_is_401(changes):
    claims = {name: value for name, value in {**GOOD, **changes}.items() if value is not ...}
    assert statuses(symmetric(), [forged({"alg": "HS256"}, claims, SECRET)]) == [401]
    assert statuses(symmetric(), [forged({"alg": "HS256"}, GOOD, SECRET)]) == ["ada"]


def test_leeway_is_how_much_clocks_may_differ():
    late = hs({**GOOD, "exp": NOW - 30})
    assert statuses(symmetric(leeway=3600), [late]) == ["ada"]
    assert statuses(symmetric(), [late]) == [401]


def test_one_of_several_audiences_is_enough():
    auth = symmetric(audience=["shop", "store"])
    tokens = [hs({**GOOD, "aud": aud}) for aud in ("store", ["x", "shop"], "s", "shopstore")]
    assert statuses(auth, tokens) == ["ada", "ada", 401, 401]


def test_the_issuer_counts_where_one_is_given():
    auth = symmetric(issuer="https://id.example.com")
    tokens = [hs({**GOOD, "iss": iss}) for iss in ("https://id.example.com", "https://id.example.com.evil.net", "")]
    assert statuses(auth, [*tokens, hs(GOOD)]) == ["ada", 401, 401, 401]
    several = symmetric(issuer=["https://a.example", "https://b.example"])
    assert statuses(several, [hs({**GOOD, "iss": "https://b.example"}), hs(GOOD)]) == ["ada", 401]


def test_claims_may_be_a_mapping():
    class Plain(JWTBearerAuth[User]):
        def authenticate(self, claims: Mapping[str, object]) -> User:
            return User(str(claims["sub"]))

    assert statuses(Plain(keys=SECRET, algorithms=["HS256"], audience="shop"), [hs(GOOD)]) == ["ada"]


def test_a_request_without_a_token_may_be_anonymous():
    class Guests(JWTBearerAuth[User | None, Claims]):
        async def authenticate(self, claims: Claims) -> User:
            return User(claims.sub)

    class Whoever(Endpoint, path="/me"):
        async def get(self, user: User | None) -> User:
            return user or User("nobody")

    app = app_of((Whoever(), Guests(keys=SECRET, algorithms=["HS256"], audience="shop")))
    assert request(app, "GET", "/me").json == {"name": "nobody"}
    expired = hs({**GOOD, "exp": 1})
    assert request(app, "GET", "/me", [("authorization", f"Bearer {expired}")]).status == 401


# signatures and algorithms


@pytest.mark.parametrize(
    "token",
    [
        forged({"alg": "none"}, GOOD),
        forged({"alg": "None"}, GOOD),
        forged({"alg": "nOnE"}, GOOD, SECRET),
        forged({"alg": ""}, GOOD, SECRET),
        forged({"alg": None}, GOOD, SECRET),
        forged({"alg": ["HS256"]}, GOOD, SECRET),
        forged({"alg": {"HS256": 1}}, GOOD, SECRET),
        forged({}, GOOD, SECRET),
        forged({"alg": "hs256"}, GOOD, SECRET),
        forged({"alg": "HS384"}, GOOD, SECRET, hashlib.sha384),
        forged({"alg": "HS512"}, GOOD, SECRET, hashlib.sha512),
        forged({"alg": "HS256"}, GOOD, OTHER_SECRET),
        forged({"alg": "HS256"}, GOOD, ""),
        forged({"alg": "HS256"}, GOOD),
        forged({"alg": "HS256", "crit": ["exp"], "exp": 1}, GOOD, SECRET),
        forged({"alg": "HS256", "crit": ["b64"], "b64": False}, GOOD, SECRET),
        forged({"alg": "HS256", "crit": []}, GOOD, SECRET),
        forged({"alg": "HS256", "kid": 7}, GOOD, SECRET),
        forged([], GOOD, SECRET),
        forged({"alg": "HS256"}, [], SECRET),
        forged({"alg": "HS256"}, "text", SECRET),
        forged({"alg": "HS256"}, b"{", SECRET),
        forged({"alg": "HS256"}, b"\xff", SECRET),
        forged(b"[" * 9_000, GOOD, SECRET),
        forged({"alg": "HS256"}, b'{"exp":' + b"[" * 4_000, SECRET),
        forged({"alg": "HS256"}, b'{"exp":' + b"9" * 4_400 + b',"aud":"shop","sub":"ada"}', SECRET),
        "a.b.c",
        "a.b",
        "...",
        ".",
        "a",
        hs(GOOD) + ".x",
        hs(GOOD)[:-1],
        hs(GOOD).rpartition(".")[0] + ".",
        "x" * 16_384,
    ],
    ids=lambda token: token[:30],
)
def test_a_token_that_nobody_trusted_signed_is_401(token):
    assert statuses(symmetric(), [token]) == [401]


def test_a_token_with_critical_extensions_is_401_whatever_the_library_makes_of_them(monkeypatch):
    """RFC 7515, section 4.1.11. PyJWT before 2.12 admitted them."""
    monkeypatch.setattr("jwt.api_jws.PyJWS._validate_crit", lambda *_: None)
    tokens = [
        forged({"alg": "HS256", "crit": crit, "x-unknown": 1}, GOOD, SECRET)
        for crit in (["x-unknown"], ["exp"], [], None, "x-unknown")
    ]
    assert statuses(symmetric(), tokens) == [401] * len(tokens)


@pytest.mark.parametrize("token_type", ["at+jwt", "application/AT+JWT", ["logout+jwt", "at+jwt"]])
def test_a_token_of_another_type_is_401(token_type):
    """RFC 8725, section 3.11; RFC 7515, section 4.1.9 compares without case and `application/`."""
    types = ["at+jwt", "AT+JWT", "application/at+jwt", "JWT", "text/at+jwt", "at+jwt ", "", None, 7, ["at+jwt"]]
    tokens = [forged({"alg": "HS256", "typ": kind}, GOOD, SECRET) for kind in types]
    auth = symmetric(token_type=token_type)
    assert statuses(auth, [*tokens, forged({"alg": "HS256"}, GOOD, SECRET)]) == ["ada"] * 3 + [401] * 8
    assert statuses(symmetric(), tokens[:4]) == ["ada"] * 4


def test_a_changed_token_is_401():
    good = hs(GOOD)
    header, payload, signature = good.split(".")
    admin = base64.urlsafe_b64encode(json.dumps({**GOOD, "sub": "root"}).encode()).rstrip(b"=").decode()
    other = hs({**GOOD, "sub": "eve"}, OTHER_SECRET).split(".")
    tokens = [f"{header}.{admin}.{signature}", f"{header}.{payload}.{other[2]}", f"{header}.{payload}.{signature[:-2]}"]
    assert statuses(symmetric(), tokens) == [401] * 3


@pytest.mark.parametrize(
    ("algorithm", "key"),
    [("RS256", RSA_KEY), ("RS512", RSA_KEY), ("PS256", RSA_KEY), ("ES256", EC_KEY), ("EdDSA", ED_KEY)],
)
def test_public_keys_verify_and_nothing_else_passes_for_a_signature(algorithm, key):
    good = jwt.encode(GOOD, key, algorithm)
    public = pem(key)
    confused = [
        forged({"alg": name}, GOOD, secret, digest)
        for name, digest in (("HS256", hashlib.sha256), ("HS512", hashlib.sha512), (algorithm, hashlib.sha256))
        for secret in (public, public.strip(), public.rstrip("\n"), "")
    ]
    wrong = jwt.encode(GOOD, OTHER_RSA_KEY, "RS256")
    unsigned = forged({"alg": "none"}, GOOD)
    embedded = jwt.encode(
        GOOD, OTHER_RSA_KEY, "RS256", headers={"jwk": json.loads(RSAAlgorithm.to_jwk(OTHER_RSA_KEY.public_key()))}
    )
    fetched = jwt.encode(
        GOOD, OTHER_RSA_KEY, "RS256", headers={"jku": "http://127.0.0.1:1/keys", "x5u": "http://127.0.0.1:1/"}
    )
    for given in (public, public.encode(), key.public_key()):
        auth = Tokens(keys=given, algorithms=[algorithm], audience="shop")
        found = statuses(auth, [good, *confused, wrong, unsigned, embedded, fetched])
        assert found == ["ada"] + [401] * (len(confused) + 4)


def test_another_algorithm_of_the_same_key_is_401():
    auth = Tokens(keys=pem(RSA_KEY), algorithms=["RS256"], audience="shop")
    assert statuses(auth, [jwt.encode(GOOD, RSA_KEY, name) for name in ("RS384", "RS512", "PS256", "RS256")]) == [
        401
    ] * 3 + ["ada"]


# keys by id


def test_a_token_names_its_key():
    auth = Tokens(keys={"a": SECRET, "b": OTHER_SECRET}, algorithms=["HS256"], audience="shop")
    tokens = [
        hs(GOOD, kid="a"),
        hs(GOOD, OTHER_SECRET, kid="b"),
        hs(GOOD, kid="b"),
        hs(GOOD, kid="c"),
        hs(GOOD),
        hs(GOOD, kid=""),
    ]
    tokens += [hs(GOOD, kid="../a"), hs(GOOD, kid="a' or 1=1"), forged({"alg": "HS256", "kid": ["a"]}, GOOD, SECRET)]
    assert statuses(auth, tokens) == ["ada", "ada"] + [401] * 7


def test_a_single_key_needs_no_id():
    assert statuses(symmetric(), [hs(GOOD, kid="whatever"), hs(GOOD)]) == ["ada", "ada"]


def test_each_key_has_the_algorithms_that_fit_it():
    auth = Tokens(keys={"r": pem(RSA_KEY), "e": pem(EC_KEY)}, algorithms=["RS256", "ES256"], audience="shop")
    tokens = [
        jwt.encode(GOOD, RSA_KEY, "RS256", headers={"kid": "r"}),
        jwt.encode(GOOD, EC_KEY, "ES256", headers={"kid": "e"}),
    ]
    tokens += [
        jwt.encode(GOOD, RSA_KEY, "RS256", headers={"kid": "e"}),
        jwt.encode(GOOD, EC_KEY, "ES256", headers={"kid": "r"}),
    ]
    assert statuses(auth, tokens) == ["ada", "ada", 401, 401]


def jwk(algorithm, key, **members):
    return {**json.loads(algorithm.to_jwk(key)), **members}


def test_a_key_set_gives_the_keys_that_are_ours():
    keys = [
        jwk(RSAAlgorithm, RSA_KEY.public_key(), kid="r", use="sig", alg="RS256"),
        jwk(ECAlgorithm, EC_KEY.public_key(), kid="e"),
        jwk(OKPAlgorithm, ED_KEY.public_key(), kid="d"),
        jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid="x", use="enc"),
        jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid="y", alg="RSA-OAEP"),
        jwk(HMACAlgorithm, SECRET, kid="s"),
        {"kty": "new", "kid": "n"},
        {"kid": "m"},
    ]
    auth = Tokens(keys={"keys": keys}, algorithms=["RS256", "ES256", "EdDSA"], audience="shop")
    tokens = [
        jwt.encode(GOOD, key, name, headers={"kid": kid})
        for key, name, kid in ((RSA_KEY, "RS256", "r"), (EC_KEY, "ES256", "e"), (ED_KEY, "EdDSA", "d"))
    ]
    tokens += [jwt.encode(GOOD, OTHER_RSA_KEY, "RS256", headers={"kid": kid}) for kid in "xy"]
    tokens += [hs(GOOD, kid="s"), forged({"alg": "none", "kid": "n"}, GOOD)]
    assert statuses(auth, tokens) == ["ada"] * 3 + [401] * 4


@pytest.mark.parametrize(
    "odd",
    [
        lambda: jwk(RSAAlgorithm, SMALL_RSA.public_key(), kid="x"),
        lambda: {"kty": "RSA", "kid": "x", "e": "AQAB"},
        lambda: {"kty": "RSA", "kid": "x", "n": 7, "e": []},
        lambda: jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key()),
        lambda: jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid=""),
        lambda: jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid=["x"]),
        lambda: jwk(RSAAlgorithm, OTHER_RSA_KEY, kid="x"),
        lambda: jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid="x", key_ops=["encrypt"]),
        lambda: jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid="x", key_ops="verify"),
        lambda: jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid="x", use=["sig"]),
        lambda: jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid="x", alg=["RS256"]),
        lambda: {"kty": "EC", "crv": [], "kid": "x"},
        lambda: {"kty": ["RSA"], "kid": "x"},
        lambda: "text",
        lambda: None,
    ],
)
def test_a_member_of_a_key_set_that_will_not_do_is_left_out(odd):
    """RFC 7517, section 5. An identity provider's odd key must not keep its good ones away."""
    good = jwk(RSAAlgorithm, RSA_KEY.public_key(), kid="r", key_ops=["verify"])
    auth = Tokens(keys={"keys": [odd(), good, odd()]}, algorithms=["RS256", "ES256"], audience="shop")
    tokens = [
        jwt.encode(GOOD, key, "RS256", headers={"kid": kid}) for key, kid in ((RSA_KEY, "r"), (OTHER_RSA_KEY, "x"))
    ]
    assert statuses(auth, [*tokens, jwt.encode(GOOD, OTHER_RSA_KEY, "RS256")]) == ["ada", 401, 401]


def test_a_set_of_one_usable_key_needs_no_id():
    keys = [jwk(RSAAlgorithm, RSA_KEY.public_key()), jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), use="enc", kid="x")]
    auth = Tokens(keys={"keys": keys}, algorithms=["RS256"], audience="shop")
    tokens = [jwt.encode(GOOD, RSA_KEY, "RS256"), jwt.encode(GOOD, RSA_KEY, "RS256", headers={"kid": "any"})]
    assert statuses(auth, [*tokens, jwt.encode(GOOD, OTHER_RSA_KEY, "RS256", headers={"kid": "x"})]) == [
        "ada",
        "ada",
        401,
    ]


def test_two_keys_of_one_id_are_alternatives():
    """RFC 7517, section 4.5: of several types, or while one replaces the other."""
    keys = [
        jwk(RSAAlgorithm, RSA_KEY.public_key(), kid="a"),
        jwk(ECAlgorithm, EC_KEY.public_key(), kid="a"),
        jwk(RSAAlgorithm, OTHER_RSA_KEY.public_key(), kid="a"),
    ]
    auth = Tokens(keys={"keys": keys}, algorithms=["RS256", "ES256"], audience="shop")
    tokens = [
        jwt.encode(GOOD, key, name, headers={"kid": "a"})
        for key, name in ((RSA_KEY, "RS256"), (OTHER_RSA_KEY, "RS256"), (EC_KEY, "ES256"))
    ]
    wrong = [forged({"alg": "HS256", "kid": "a"}, GOOD, pem(RSA_KEY))]
    late = [jwt.encode({**GOOD, "exp": 1}, OTHER_RSA_KEY, "RS256", headers={"kid": "a"})]
    assert statuses(auth, tokens + wrong + late) == ["ada"] * 3 + [401] * 2


def test_a_single_json_web_key_is_a_key():
    auth = Tokens(
        keys=jwk(RSAAlgorithm, RSA_KEY.public_key(), alg="RS256"), algorithms=["RS256", "RS512"], audience="shop"
    )
    assert statuses(auth, [jwt.encode(GOOD, RSA_KEY, "RS256"), jwt.encode(GOOD, RSA_KEY, "RS512")]) == ["ada", 401]
    secret = symmetric(keys=jwk(HMACAlgorithm, SECRET))
    assert statuses(secret, [hs(GOOD)]) == ["ada"]


def test_keys_may_be_replaced_while_the_app_runs():
    auth = Tokens(keys={"a": SECRET}, algorithms=["HS256"], audience="shop")
    old, new = hs(GOOD, kid="a"), hs(GOOD, OTHER_SECRET, kid="b")

    async def conversation(ask):
        async def both():
            return [(await ask("GET", "/me", [("authorization", f"Bearer {token}")])).status for token in (old, new)]

        before = await both()
        with pytest.raises(ValueError, match="too short"):
            auth.replace_keys({"b": "short"})
        assert await both() == before
        auth.replace_keys({"b": OTHER_SECRET})
        return before, await both()

    assert serve(app_of((Me(), auth)), conversation) == ([200, 401], [401, 200])


# configuration

SMALL_RSA = rsa.generate_private_key(public_exponent=65537, key_size=1024)


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"algorithms": []}, "name one or more of"),
        ({"algorithms": "HS256"}, "is no list of names"),
        ({"algorithms": None}, "is no list of names"),
        ({"algorithms": ["none"]}, "name one or more of"),
        ({"algorithms": ["HS256", "none"]}, "name one or more of"),
        ({"algorithms": ["hs256"]}, "name one or more of"),
        ({"algorithms": [None]}, "name one or more of"),
        ({"algorithms": [["HS256"]]}, "name one or more of"),
        ({"token_type": ""}, "token_type='' is no text"),
        ({"token_type": []}, "token_type="),
        ({"token_type": 7}, "token_type=7"),
        ({"algorithms": ["HS256", "RS256"]}, "mixes secrets"),
        ({"audience": ""}, "audience='' is no text"),
        ({"audience": []}, "audience="),
        ({"audience": None}, "audience=None"),
        ({"audience": ["a", 1]}, "audience="),
        ({"audience": {"a": 1}}, "audience="),
        ({"audience": b"a"}, "audience="),
        ({"issuer": ""}, "issuer="),
        ({"issuer": [""]}, "issuer="),
        ({"leeway": -1}, "leeway=-1"),
        ({"leeway": float("nan")}, "leeway=nan"),
        ({"leeway": float("inf")}, "leeway=inf"),
        ({"leeway": "1"}, "leeway='1'"),
        ({"leeway": True}, "leeway=True"),
        ({"keys": ""}, "(fits none of|is too short for) HS256"),  # by PyJWT's version
        ({"keys": "short"}, "too short for HS256"),
        ({"keys": None}, "fits none of HS256"),
        ({"keys": {}}, "there are no keys"),
        ({"keys": {"keys": []}}, "there are no keys"),
        ({"keys": {"keys": ["x"]}}, "the key at 0 is no object"),
        ({"keys": {"keys": [{"kty": "oct", "k": "eA"}]}}, "in the set; the key at 0 is too short"),
        ({"keys": {"keys": [{"kty": "oct", "k": "eA", "kid": "a"}]}}, "in the set; the key 'a' is too short"),
        ({"keys": {"keys": [jwk(HMACAlgorithm, SECRET), jwk(HMACAlgorithm, OTHER_SECRET)]}}, "has no id"),
        ({"keys": jwk(HMACAlgorithm, SECRET, use="enc")}, "not for verifying"),
        ({"keys": jwk(HMACAlgorithm, SECRET, key_ops=["sign"])}, "not for verifying"),
        ({"keys": jwk(HMACAlgorithm, SECRET, crv=[], kty="EC")}, "fits none of HS256"),
        ({"keys": {"a": "short"}}, "the key 'a' is too short"),
        ({"keys": {"": SECRET}}, "is no text"),
        ({"keys": {1: SECRET}}, "is no text"),
        ({"keys": pem(RSA_KEY)}, "fits none of HS256"),
        ({"keys": pem(EC_KEY).encode()}, "fits none of HS256"),
        ({"keys": RSA_KEY.public_key()}, "fits none of HS256"),
        ({"keys": jwk(RSAAlgorithm, RSA_KEY.public_key())}, "fits none of HS256"),
        ({"algorithms": ["RS256"]}, "fits none of RS256"),
        ({"algorithms": ["RS256"], "keys": pem(EC_KEY)}, "fits none of RS256"),
        ({"algorithms": ["ES384"], "keys": pem(EC_KEY)}, "fits none of ES384"),
        ({"algorithms": ["RS256"], "keys": private_pem(RSA_KEY)}, "is a private key"),
        ({"algorithms": ["ES256"], "keys": EC_KEY}, "is a private key"),
        ({"algorithms": ["EdDSA"], "keys": {"d": private_pem(ED_KEY)}}, "the key 'd' is a private key"),
        ({"algorithms": ["RS256"], "keys": pem(SMALL_RSA)}, "too short for RS256"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_configuration_that_cannot_be_safe_is_refused_and_shows_no_key(settings, said):
    with pytest.raises((ValueError, TypeError), match=said) as caught:
        symmetric(**settings)
    text = str(caught.value)
    assert SECRET not in text
    assert "BEGIN" not in text
    assert "short'" not in text


def test_without_pyjwt_it_says_what_to_install(monkeypatch):
    monkeypatch.setitem(sys.modules, "jwt", None)
    with pytest.raises(ImportError, match=r'needs PyJWT: install "jero-auth\[jwt\]"'):
        symmetric()


def test_importing_the_package_does_not_import_pyjwt():
    code = "import sys, jero_auth; print(*[name for name in ('jwt', 'cryptography') if name in sys.modules])"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == ""


# wiring


def test_an_init_of_its_own_must_call_the_other():
    class Forgets(Tokens):
        def __init__(self): ...

    assert "JERO-W044" in report_of(app_of((Me(), Forgets())))


@pytest.mark.parametrize("annotation", [str, dict, int, list[str], Claims | None])
def test_claims_are_a_struct_or_a_mapping(annotation):
    class Wrong(JWTBearerAuth[User]):
        def authenticate(self, claims: annotation) -> User: ...

    report = report_of(app_of((Me(), Wrong(keys=SECRET, algorithms=["HS256"], audience="shop"))))
    assert "claims are a Struct or a Mapping" in report


def test_claims_are_one_argument():
    class Two(JWTBearerAuth[User]):
        def authenticate(self, claims: Claims, token: str) -> User: ...

    report = report_of(app_of((Me(), Two(keys=SECRET, algorithms=["HS256"], audience="shop"))))
    assert "takes 2 arguments beside `self`" in report


def test_it_says_what_it_is_to_openapi():
    app = app_of((Me(), symmetric()))

    async def conversation(ask):
        return app._jero_plans[0].guard.security[0].scheme

    assert serve(app, conversation) == {"type": "http", "scheme": "bearer", "bearerFormat": "JWT"}
