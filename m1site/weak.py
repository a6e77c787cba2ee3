"""Secrets that somebody could guess: defaults, examples, words, patterns. Pure."""

import math
import re
from collections import Counter

from policy.keys import kid_of

MIN_DISTINCT, MIN_BITS = 8, 80.0
# Long enough that hardly any random secret holds one: one in a hundred million.
WORDS = (
    "changeme", "changethis", "replaceme", "djangoinsecure", "insecure", "password", "passw0rd", "passphrase", "secret",
    "default", "example", "letmein", "qwerty", "yourkey", "supersafe", "testkey", "notsafe", "unsafe",
)  # fmt: skip
_RFC_7515 = b"AyM1SysPpbyDfgZld3umj1qzKObwVMkoqQ-EstJQLr_T-1qS0gZH75aKtMN3Yj0iPS4hcgUuTwjAzZr1Z9CAow"
PUBLISHED = frozenset({_RFC_7515})
# Ed25519 pairs whose private half stands in RFC 8032 §7.1 (and RFC 8037) and in RFC 8410 §10.3, by kid.
PUBLISHED_KIDS = frozenset(
    kid_of(bytes.fromhex(public))
    for public in (
        "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a",
        "3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c",
        "fc51cd8e6218a1a38da47ed00230f0580816ed13ba3303ac5deb911548908025",
        "19bf44096984cdfe8541bac167dc3b96c85086aa30b6b6cb0c5c38ad703166e1",
    )
)


def why(secret: bytes) -> str:
    """Return "" for a secret that looks random, else what gives it away, as a phrase that follows on "it"."""
    plain = re.sub(r"[^a-z0-9]", "", secret.decode(errors="replace").lower())
    if secret in PUBLISHED or any(word in plain for word in WORDS):
        return "is a default, an example or holds a word that people begin with"
    if len(set(secret)) < MIN_DISTINCT or _bits(secret) < MIN_BITS:
        return "has too few different characters"
    if 2 * _period(secret) <= len(secret):
        return "repeats itself"
    return "is a sequence" if any(_is_sequence(secret, stride) for stride in (1, 2)) else ""


def _is_sequence(secret: bytes, stride: int) -> bool:
    """Tell whether most characters are those beside the one that stands a stride before them: abc, 321, a1b2c3."""
    steps = [abs(one - other) <= 1 for one, other in zip(secret, secret[stride:], strict=False)]
    return 3 * sum(steps) >= 2 * len(steps)


def _bits(secret: bytes) -> float:
    """Return how many bits its characters would carry, were they drawn as often as they occur."""
    size = len(secret)
    return sum(count * math.log2(size / count) for count in Counter(secret).values())


def _period(secret: bytes) -> int:
    """Return after how many characters it begins anew; its length if it never does."""
    return next((step for step in range(1, len(secret)) if secret[step:] == secret[:-step]), len(secret))
