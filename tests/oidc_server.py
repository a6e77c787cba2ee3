"""An OpenID provider on the loopback: discovery, keys, tokens that it really signs, and what it knows of the person."""

import base64
import hashlib
import json
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread
from typing import Any
from urllib.parse import parse_qs

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from jwt.algorithms import ECAlgorithm, RSAAlgorithm

CLIENT_ID, CLIENT_SECRET = "m1", "a-secret-of-the-provider"
RSA_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
EC_KEY = ec.generate_private_key(ec.SECP256R1())
OTHER_KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
SHOWN = b"a symmetric key that anybody can read here"
JWKS = [
    {**json.loads(RSAAlgorithm.to_jwk(RSA_KEY.public_key())), "kid": "rsa", "use": "sig", "alg": "RS256"},
    {**json.loads(ECAlgorithm.to_jwk(EC_KEY.public_key())), "kid": "ec", "use": "sig"},
    {"kty": "oct", "kid": "shown", "k": base64.urlsafe_b64encode(SHOWN).decode(), "alg": "HS256"},
]


def signed(claims: dict[str, Any], kid: str = "rsa", key: Any = None, alg: str = "") -> str:
    """Return a token that the provider's key, or another, has signed."""
    key = key or {"rsa": RSA_KEY, "ec": EC_KEY}[kid]
    return jwt.encode(claims, key, alg or {"rsa": "RS256", "ec": "ES256"}[kid], headers={"kid": kid})


@dataclass
class OidcServer:
    """The provider.

    grant     makes the token endpoint's answer from the claims of an honest token
    told      what the userinfo endpoint says; None: there is none
    issuer    what discovery says; "": its own address
    asked     paths that were asked for
    """

    grant: Callable[[dict[str, Any]], Any] = lambda claims: {"id_token": signed(claims)}
    told: Any = None
    issuer: str = ""
    claims: dict[str, Any] = field(default_factory=dict)
    challenge: str = ""
    asked: list[str] = field(default_factory=list)

    def __enter__(self) -> "OidcServer":
        server = self

        class Handler(BaseHTTPRequestHandler):
            """Answers one request."""

            def do_GET(self) -> None:
                self._answer(server.get(self.path))

            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                self._answer(server.token({name: values[0] for name, values in parse_qs(body).items()}))

            def _answer(self, value: Any) -> None:
                body = value if isinstance(value, bytes) else json.dumps(value).encode()
                self.send_response(400 if value is None else 200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args: object) -> None:
                """Say nothing."""

        self._httpd = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._httpd.server_port}"
        Thread(target=self._httpd.serve_forever, args=(0.01,), daemon=True).start()
        return self

    def __exit__(self, *exc: object) -> None:
        self._httpd.shutdown()
        self._httpd.server_close()

    def get(self, path: str) -> Any:
        """Answer what a GET asks for."""
        self.asked.append(path)
        if path == "/jwks":
            return {"keys": JWKS}
        if path == "/userinfo":
            return self.told
        endpoints = {"authorization_endpoint": "authorize", "token_endpoint": "token", "jwks_uri": "jwks"}
        if self.told is not None:
            endpoints["userinfo_endpoint"] = "userinfo"
        config: dict[str, Any] = {name: f"{self.url}/{end}" for name, end in endpoints.items()}
        return {**config, "issuer": self.issuer or self.url}

    def token(self, form: dict[str, str]) -> Any:
        """Give a token for a code, to M1 alone and to the browser that began (RFC 7636)."""
        self.asked.append("/token")
        digest = hashlib.sha256(form.get("code_verifier", "").encode()).digest()
        is_same = base64.urlsafe_b64encode(digest).rstrip(b"=").decode() == self.challenge
        if not is_same or (form["client_id"], form["client_secret"]) != (CLIENT_ID, CLIENT_SECRET):
            return None
        answer = self.grant(self.claims)
        return {"access_token": "opaque", "token_type": "Bearer", **answer} if isinstance(answer, dict) else answer

    def honest(self, nonce: str, **claims: Any) -> dict[str, Any]:
        """Return the claims of a token that is as it should be."""
        now = int(time.time())
        times = {"iat": now, "exp": now + 300}
        return {"iss": self.url, "aud": CLIENT_ID, "sub": "sub-1", "nonce": nonce, **times, **claims}
