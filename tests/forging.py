"""Forged tokens of every family, made from a real key and the claims of a real token: what a test calls a forgery.

A forgery is a function of a Mint; the table of all of them has names that stay the same from run to run.
"""

import base64
import hmac
import json
import secrets
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from uuid import UUID, uuid4

import jwt as pyjwt
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from policy import jwt

Sign = Callable[[bytes], bytes]
RSA = generate_private_key(public_exponent=65537, key_size=2048)
STRANGER = Ed25519PrivateKey.generate()


@dataclass(frozen=True)
class Mint:
    """A real key, the claims of a real token, and where keys that a header names would be fetched from.

    ahead   a genuine token of the other kind
    """

    private: Ed25519PrivateKey
    kid: str
    body: dict[str, Any]
    listener: str = "http://127.0.0.1:9"
    ahead: str = ""
    kind: str = "execution"
    head: dict[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "head", {"alg": "EdDSA", "typ": jwt.TYP[self.kind], "kid": self.kid})

    @property
    def public_raw(self) -> bytes:
        """The 32 bytes of the public key."""
        return self.private.public_key().public_bytes_raw()

    @property
    def public_pem(self) -> bytes:
        """The public key as M1_JWT_KEYS has it."""
        return self.private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)

    def make(self, head: Any = None, body: Any = None, sign: Sign | None = None) -> str:
        """Return a token of exactly these parts; the real key signs unless told otherwise."""
        parts = [self.head if head is None else head, self.body if body is None else body]
        written = [part if isinstance(part, bytes) else json.dumps(part).encode() for part in parts]
        signed = ".".join(map(b64, written))
        return f"{signed}.{b64((sign or self.private.sign)(signed.encode()))}"

    def headed(self, *, sign: Sign | None = None, **head: Any) -> str:
        """Return the token with another header."""
        return self.make({**self.head, **head}, sign=sign)

    def saying(self, **body: Any) -> str:
        """Return the token with other claims, signed by the real key."""
        return self.make(body={**self.body, **body})

    def scoped(self, **scope: Any) -> str:
        """Return the token with another scope, signed by the real key."""
        return self.saying(scope={**self.body["scope"], **scope})

    def without(self, claim: str) -> str:
        """Return the token without a claim, signed by the real key."""
        return self.make(body={name: value for name, value in self.body.items() if name != claim})


Forgery = Callable[[Mint], str]


def body_of(*, person: UUID, jti: UUID, issued: datetime, expires: datetime, scope: dict[str, Any]) -> dict[str, Any]:
    """Return the claims of an execution token."""
    when = int(issued.timestamp())
    return {
        "iss": "m1", "aud": "m1:executor", "sub": str(person), "jti": str(jti), "iat": when, "nbf": when,
        "exp": int(expires.timestamp()), "scope": scope,
    }  # fmt: skip


def b64(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


def hs(secret: bytes, name: str = "sha256") -> Sign:
    return lambda data: hmac.digest(secret, data, name)


def unsigned(data: bytes) -> bytes:
    return b""


@contextmanager
def listening() -> Iterator[tuple[str, Callable[[], int]]]:
    """Give an address on this machine, and how to ask how many have called there."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        server.setblocking(False)

        def calls() -> int:
            count = 0
            while True:
                try:
                    server.accept()[0].close()
                except BlockingIOError:
                    return count
                count += 1

        yield f"http://127.0.0.1:{server.getsockname()[1]}", calls


def literal(claim: str, text: bytes) -> Forgery:
    """Write a claim as JSON that Python's own writer would not write."""

    def forge(mint: Mint) -> str:
        return mint.make(body=json.dumps({**mint.body, claim: "HERE"}).encode().replace(b'"HERE"', text))

    return forge


def twice(claim: str, value: str) -> Forgery:
    """Say a claim twice: two readers may take two of them."""
    return lambda mint: mint.make(body=json.dumps(mint.body).encode()[:-1] + f', "{claim}": {value}}}'.encode())


SHAPES: dict[str, Forgery] = {
    "empty": lambda m: "",
    "dots": lambda m: "..",
    "two parts": lambda m: m.make().rpartition(".")[0],
    "four parts": lambda m: m.make() + ".x",
    "JWE, five parts": lambda m: "a.b.c.d.e",
    "not base64": lambda m: "!!!.???.###",
    "no ASCII": lambda m: "é.é.é",
    "NUL at the end": lambda m: m.make() + "\0",
    "spaces around": lambda m: f" {m.make()} ",
    "a JSON serialisation": lambda m: json.dumps({"payload": m.make()}),
    "200 kB": lambda m: m.saying(scope={"x": "y" * 200_000}),
    "deeply nested header": lambda m: m.make(b'{"alg":' + b"[" * 10_000 + b"]" * 10_000 + b"}"),
    "deeply nested body": lambda m: m.make(body=b"[" * 20_000 + b"]" * 20_000),
    "header is a list": lambda m: m.make([m.head]),
    "header is null": lambda m: m.make(b"null"),
    "header says alg twice": lambda m: m.make(json.dumps(m.head).encode()[:-1] + b', "alg": "EdDSA"}'),
    "body is a list": lambda m: m.make(body=[m.body]),
    "body is a text": lambda m: m.make(body="m1"),
    "body is no JSON": lambda m: m.make(body=b"\xff\xfe"),
    "body says exp twice": twice("exp", "4000000000"),
    "body says scope twice": twice("scope", "{}"),
}
SIGNATURES: dict[str, Forgery] = {
    **{
        f"alg {word!r}, unsigned": lambda m, word=word: m.headed(alg=word, sign=unsigned)
        for word in ("none", "None", "NONE", "nOnE", " none", "none\0", "", None, ["none"], ["EdDSA"], {}, 0, True)
    },
    "alg none with a signature": lambda m: m.headed(alg="none"),
    "no alg": lambda m: m.make({"typ": m.head["typ"], "kid": m.kid}),
    "no signature": lambda m: m.make(sign=unsigned),
    "signature cut": lambda m: m.make()[:-4],
    "signature all zero": lambda m: m.make(sign=lambda data: bytes(64)),
    "signature of another body": lambda m: m.make().rpartition(".")[0] + "." + m.saying(exp=1).rpartition(".")[2],
    "another Ed25519 key": lambda m: m.make(sign=STRANGER.sign),
    "HS256, the public key in PEM as secret": lambda m: m.headed(alg="HS256", sign=hs(m.public_pem)),
    "HS256, that PEM stripped": lambda m: m.headed(alg="HS256", sign=hs(m.public_pem.strip())),
    "HS256, the raw public key as secret": lambda m: m.headed(alg="HS256", sign=hs(m.public_raw)),
    "HS256, an empty secret": lambda m: m.headed(alg="HS256", sign=hs(b"")),
    "HS256, the kid as secret": lambda m: m.headed(alg="HS256", sign=hs(m.kid.encode())),
    "HS384, the public key as secret": lambda m: m.headed(alg="HS384", sign=hs(m.public_pem, "sha384")),
    "HS512, the public key as secret": lambda m: m.headed(alg="HS512", sign=hs(m.public_pem, "sha512")),
    "an HS256 signature named EdDSA": lambda m: m.make(sign=hs(m.public_pem)),
    "Ed25519 by another name": lambda m: m.headed(alg="Ed25519"),
    "alg in small letters": lambda m: m.headed(alg="eddsa"),
    "RS256": lambda m: pyjwt.encode(m.body, RSA, algorithm="RS256", headers={"typ": m.head["typ"], "kid": m.kid}),
    "RS256 named EdDSA": lambda m: m.make(sign=lambda data: bytes(256)),
}
KIDS: dict[str, Forgery] = {
    **{
        f"kid is {name}": lambda m, kid=kid: m.headed(kid=kid(m))
        for name, kid in {
            "empty": lambda m: "", "of nobody": lambda m: "nobody", "upper case": lambda m: m.kid.upper() + "A",
            "a space before": lambda m: f" {m.kid}", "a NUL after": lambda m: f"{m.kid}\0",
            "a part": lambda m: m.kid[:8], "100 kB": lambda m: "k" * 60_000, "a path": lambda m: "../../../../dev/null",
            "a file": lambda m: "/etc/passwd", "SQL": lambda m: "' UNION SELECT 'AA' --",
            "a URL": lambda m: f"{m.listener}/jwks", "a look-up": lambda m: "${jndi:ldap://127.0.0.1/x}",
            "null": lambda m: None, "0": lambda m: 0, "7": lambda m: 7, "true": lambda m: True, "a list": lambda m: [],
            "a list of it": lambda m: [m.kid], "an object": lambda m: {"kid": m.kid},
        }.items()
    },
    "kid is /dev/null, the empty secret signs": lambda m: m.headed(alg="HS256", kid="/dev/null", sign=hs(b"")),
    "kid is SQL, its answer signs": lambda m: m.headed(alg="HS256", kid="' UNION SELECT 'AA' --", sign=hs(b"AA")),
    "no kid": lambda m: m.make({"alg": "EdDSA", "typ": m.head["typ"]}),
}  # fmt: skip
_THEIRS = {"kty": "OKP", "crv": "Ed25519", "x": b64(STRANGER.public_key().public_bytes_raw())}
HEADERS: dict[str, Forgery] = {
    "jwk, and its key signs": lambda m: m.headed(jwk=_THEIRS, sign=STRANGER.sign),
    "jwk, and the real key signs": lambda m: m.headed(jwk=_THEIRS),
    "jku": lambda m: m.headed(jku=f"{m.listener}/jwks.json", sign=STRANGER.sign),
    "x5u": lambda m: m.headed(x5u=f"{m.listener}/cert.pem", sign=STRANGER.sign),
    "x5c": lambda m: m.headed(x5c=["MIIB"]),
    "x5t": lambda m: m.headed(x5t="abc"),
    "crit": lambda m: m.headed(crit=["exp"]),
    "crit, empty": lambda m: m.headed(crit=[]),
    "b64 false": lambda m: m.headed(b64=False),
    "b64 false, critical": lambda m: m.headed(b64=False, crit=["b64"]),
    "zip": lambda m: m.headed(zip="DEF"),
    "cty": lambda m: m.headed(cty="JWT"),
    "enc": lambda m: m.headed(enc="A256GCM"),
    "p2c": lambda m: m.headed(p2c=2**31),
    "a name that is empty": lambda m: m.make({**m.head, "": ""}),
    "a name that nobody knows": lambda m: m.headed(x="y"),
    **{
        f"typ {typ!r}": lambda m, typ=typ: m.headed(typ=typ)
        for typ in ("JWT", "jwt", "M1-EXECUTION+JWT", "at+jwt", "application/m1-execution+jwt", "", None, 1, [])
    },
    "no typ": lambda m: m.make({"alg": "EdDSA", "kid": m.kid}),
}
EDITS: dict[str, dict[str, Callable[[Mint], Any]]] = {
    **{
        time: {
            "zero": lambda m: 0, "negative": lambda m: -1, "a text": lambda m, t=time: str(m.body[t]),
            "a float": lambda m, t=time: float(m.body[t]), "half a second": lambda m, t=time: m.body[t] + 0.5,
            "true": lambda m: True, "null": lambda m: None, "a list": lambda m: [], "an object": lambda m: {},
            "2^40": lambda m: 2**40, "2^63": lambda m: 2**63, "10^400": lambda m: 10**400, "a word": lambda m: "never",
        } for time in ("iat", "nbf", "exp")
    },
    "iss": {
        "empty": lambda m: "", "a part": lambda m: "m", "more": lambda m: "m11", "upper case": lambda m: "M1",
        "a space after": lambda m: "m1 ", "a URL": lambda m: "https://m1", "null": lambda m: None, "1": lambda m: 1,
        "a list": lambda m: ["m1"], "an object": lambda m: {"m1": 1},
    },
    "aud": {
        "empty": lambda m: "", "a part": lambda m: "m1", "a space after": lambda m: "m1:executor ",
        "upper case": lambda m: "M1:executor", "that of the other kind": lambda m: "m1:claim", "null": lambda m: None,
        "1": lambda m: 1, "a list": lambda m: ["m1:executor"], "a longer list": lambda m: ["m1:executor", "x"],
        "an object": lambda m: {},
    },
    "sub": {
        "empty": lambda m: "", "a name": lambda m: "ava", "upper case": lambda m: m.body["sub"].upper(),
        "without dashes": lambda m: m.body["sub"].replace("-", ""), "null": lambda m: None, "a list": lambda m: [],
    },
    "jti": {
        "empty": lambda m: "", "1": lambda m: "1", "upper case": lambda m: m.body["jti"].upper(),
        "a URN": lambda m: f"urn:uuid:{m.body['jti']}", "null": lambda m: None, "a list": lambda m: [],
        "an object": lambda m: {},
    },
    "scope": {
        "null": lambda m: None, "a text": lambda m: "files.write", "a list": lambda m: [m.body["scope"]],
        "true": lambda m: True,
    },
}  # fmt: skip
CLAIMS: dict[str, Forgery] = {
    **{
        f"{claim} is {name}": lambda m, claim=claim, value=value: m.saying(**{claim: value(m)})
        for claim, values in EDITS.items()
        for name, value in values.items()
    },
    **{f"no {claim}": lambda m, claim=claim: m.without(claim) for claim in sorted(jwt.CLAIMS)},
    "one claim more": lambda m: m.saying(admin=True),
    **{
        f"{claim} is the literal {text.decode()}": literal(claim, text)
        for claim in ("nbf", "exp")
        for text in (b"NaN", b"Infinity", b"-Infinity", b"1e400", b"1e9", b"0x7fffffff")
    },
    "it was issued in the future": lambda m: m.saying(iat=m.body["iat"] + 3_000, exp=m.body["exp"] + 3_000),
    "it is valid in the future only": lambda m: m.saying(nbf=m.body["exp"] - 1),
    "it lives for ever": lambda m: m.saying(exp=m.body["exp"] + 10**9),
    "it lives an hour and a second": lambda m: m.saying(exp=m.body["iat"] + 3_601),
}
SUBSTITUTES: dict[str, Forgery] = {
    "a pre-authorisation": lambda m: m.ahead,
    "a pre-authorisation's claims under this typ": lambda m: m.make(body={**m.body, "aud": "m1:claim"}),
    "a session key": lambda m: secrets.token_urlsafe(24),
    "a signed cookie": lambda m: f"{uuid4()}:1uABCD:{b64(bytes(32))}",
    "an API key": lambda m: f"m1_{secrets.token_urlsafe(32)}",
    "a checkpoint": lambda m: f"m1/log\n7\n{b64(bytes(32))}\n\n— m1/log {b64(m.private.sign(b'checkpoint'))}\n",
    "an ID token": lambda m: pyjwt.encode(m.body, RSA, algorithm="RS256"),
    "the key of M1 on a JWT of its own": lambda m: pyjwt.encode(m.body, m.private, algorithm="EdDSA"),
}
FAMILIES = {
    "shape": SHAPES, "signature": SIGNATURES, "kid": KIDS, "header": HEADERS, "claim": CLAIMS, "substitute": SUBSTITUTES
}  # fmt: skip
FORGERIES: dict[str, Forgery] = {
    f"{family}: {name}": forge for family, table in FAMILIES.items() for name, forge in table.items()
}
