"""How often somebody may be wrong at the door: per account, per address, and per second factor.

Each try is counted before it is checked and given back when it was right, so that no number at once can pass together.
What is counted is the name as it was typed, whether or not there is such an account: the answers are the same. A limit
ends with its window, however much is tried meanwhile; a browser that signed in to the account before has a count of its
own, so that strangers cannot shut the person out. Passkeys cannot be guessed: only their beginnings are counted.
"""

import logging
import time
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache, wraps
from ipaddress import IPv6Address, ip_address, ip_network
from typing import Any, TypeVar

from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import salted_hmac
from limits import RateLimitItem, RateLimitItemPerMinute
from limits.errors import StorageError
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter

from audit.errors import M1Error
from m1site.accounts.limit_storage import TableStorage

log = logging.getLogger(__name__)
T = TypeVar("T")
View = Callable[[HttpRequest], HttpResponse]
PER_ACCOUNT = RateLimitItemPerMinute(10, 15, namespace="m1-account")
PER_BROWSER = RateLimitItemPerMinute(10, 15, namespace="m1-browser")
PER_ADDRESS = RateLimitItemPerMinute(30, 15, namespace="m1-address")
PER_FACTOR = RateLimitItemPerMinute(5, 15, namespace="m1-factor")
PER_START = RateLimitItemPerMinute(100, 15, namespace="m1-start")
PER_CODE = RateLimitItemPerMinute(1, 2, namespace="m1-code")  # a one-time code is good for a minute and a half
AWAY_SECONDS = 30


class TooManyAttemptsError(M1Error):
    """Too many wrong passwords or codes. Wait {minutes} min, then try again; a passkey works meanwhile."""

    code = "too_many_attempts"
    http_status = 429


@dataclass
class SharedLimiter:
    """Counts in Redis, where there is one, and in the table while that is away.

    redis_url   "" is none
    options     of the connection
    """

    redis_url: str = field(default="", repr=False)
    options: dict[str, Any] = field(default_factory=dict, repr=False)
    _away_until: float = 0.0

    def __post_init__(self) -> None:
        self.table = FixedWindowRateLimiter(TableStorage())
        self._redis = None
        if self.redis_url:
            storage = RedisStorage(self.redis_url, key_prefix="m1", wrap_exceptions=True, **self.options)
            self._redis = FixedWindowRateLimiter(storage)

    def take(self, item: RateLimitItem, key: str) -> "Taken":
        """Count one try. Raises TooManyAttemptsError, having counted nothing, where the limit is reached."""
        if not self._ask(lambda counter: counter.hit(item, key)):
            self.give_back(item, key)
            ends_at = self._ask(lambda counter: counter.get_window_stats(item, key)).reset_time
            seconds = max(1, round(ends_at - time.time()))
            raise TooManyAttemptsError(minutes=-(-seconds // 60), retry_after_seconds=seconds)
        return Taken(self, item, key)

    def give_back(self, item: RateLimitItem, key: str) -> None:
        """Count one try less."""
        self._ask(lambda counter: counter.hit(item, key, cost=-1))

    def _ask(self, question: Callable[[FixedWindowRateLimiter], T]) -> T:
        if self._redis is not None and time.monotonic() >= self._away_until:
            try:
                return question(self._redis)
            except StorageError:
                self._away_until = time.monotonic() + AWAY_SECONDS
                log.warning("Redis is away: sign-in limits are counted in the database")
        return question(self.table)


@dataclass(frozen=True)
class Taken:
    """One try that was counted."""

    limiter: SharedLimiter
    item: RateLimitItem
    key: str

    def give_back(self) -> None:
        """It was right after all."""
        self.limiter.give_back(self.item, self.key)


@cache
def limiter() -> SharedLimiter:
    """Return the limiter of this process."""
    url = settings.REDIS_URL if settings.ENABLE_REDIS_CACHING else ""
    return SharedLimiter(url, settings.REDIS_POOL if url else {})


def take_password(name: str, address: str, browser: str = "") -> list[Taken]:
    """Count a try of a password for a name. Raises TooManyAttemptsError.

    browser   what `known_browser` tells of the browser; "" for a stranger's
    """
    of_address = limiter().take(PER_ADDRESS, network_of(address))
    if browser:
        return [of_address, limiter().take(PER_BROWSER, browser)]
    return [of_address, limiter().take(PER_ACCOUNT, name_key(name))]


def counted(view: View) -> View:
    """Limit how often an address may begin a sign-in that makes M1 keep or ask something: by passkey, by a provider."""

    @wraps(view)
    def answer(request: HttpRequest) -> HttpResponse:
        limiter().take(PER_START, network_of(request.META.get("REMOTE_ADDR", "")))
        return view(request)

    return answer


def take_factor(user_id: object) -> Taken:
    """Count a try of a second factor. Raises TooManyAttemptsError."""
    return limiter().take(PER_FACTOR, str(user_id))


def spend(user_id: object, code: str) -> bool:
    """Tell whether the person's one-time code is used for the first time; the table alone knows, Redis may forget."""
    key = salted_hmac("m1.accounts.code", f"{user_id} {code}", algorithm="sha256").hexdigest()
    return limiter().table.hit(PER_CODE, key)


def name_key(name: str) -> str:
    """Return what stands for a name, known or not: no list of names, and no password typed as one, is kept."""
    plain = unicodedata.normalize("NFKC", name).strip().casefold()
    return salted_hmac("m1.accounts.name", plain, algorithm="sha256").hexdigest()


def network_of(address: str) -> str:
    """Return the address; of IPv6 its /64, which is what one customer has."""
    try:
        found = ip_address(address)
    except ValueError:
        return "unknown"
    return str(ip_network(f"{found}/64", strict=False)) if isinstance(found, IPv6Address) else str(found)
