"""DNS cookies (RFC 7873) in the form that servers of all makes share (RFC 9018)."""

import hmac
import struct
from collections.abc import Sequence
from typing import NamedTuple

from dinamed.generations import Generations
from dinamed.wire.siphash import siphash24

CLIENT_SIZE = 8
SERVER_SIZE = 16
WHOLE_SIZE = CLIENT_SIZE + SERVER_SIZE
SECRET_SIZE = 16
MAX_AGE = 3600
"""Seconds for which a server cookie proves the client's address (RFC 9018 4.3)."""
MAX_AHEAD = 300
"""Seconds by which the clock of the server that made it may be ahead of ours."""
RENEW_AGE = 1800
"""Seconds after which a good server cookie is replaced by a new one."""
REMEMBERED = 8192
"""Entries in the cache's young generation, about 300 octets each."""

_HEAD = b"\1\0\0\0"  # version 1, three reserved octets
_TIME = struct.Struct("!I")


class CookieVerdict(NamedTuple):
    """Whether the cookie of a query is valid, and the cookie of the reply."""

    valid: bool
    """It was made here, not long ago, for this client at this address."""
    reply: bytes
    """Client and server cookie, 24 octets."""


class _Kept(NamedTuple):
    seen: CookieVerdict
    first: int
    """The seconds of Unix time from which to which this holds."""
    last: int


def is_legal(size: int) -> bool:
    """Whether a COOKIE option may have so many octets (RFC 7873 section 4)."""
    return size == CLIENT_SIZE or 16 <= size <= 40


class Cookies:
    """Judges and makes server cookies.

    `secrets` has the secret that new cookies are made with, then others whose cookies
    are still good; each of 16 octets.  Results are remembered in bounded memory, as a
    resolver sends the same cookie with every query.
    """

    def __init__(self, secrets: Sequence[bytes]) -> None:
        if not secrets or any(len(secret) != SECRET_SIZE for secret in secrets):
            raise ValueError("a secret has 16 octets")
        self._secrets = tuple(secrets)
        self._kept: Generations[bytes, _Kept] = Generations(REMEMBERED)

    @property
    def secrets(self) -> tuple[bytes, ...]:
        """The secret for new cookies, then those that are still accepted."""
        return self._secrets

    def look(self, cookie: bytes, source: bytes, now: float) -> CookieVerdict:
        """Judge the cookie of a query from a packed address at a Unix time.

        `cookie` is the option's data, of a legal size.
        """
        key = cookie + source
        kept = self._kept.young.get(key) or self._kept.get(key)
        if kept is not None and kept.first <= now < kept.last:
            return kept.seen
        kept = self._judge(cookie, source, int(now))
        self._kept.put(key, kept)
        return kept.seen

    def make(self, client: bytes, source: bytes, now: int) -> bytes:
        """A new server cookie for a client cookie, made at a Unix time."""
        head = _HEAD + _TIME.pack(now & 0xFFFFFFFF)
        return head + siphash24(self._secrets[0], client + head + source)

    def _judge(self, cookie: bytes, source: bytes, now: int) -> _Kept:
        client, server = cookie[:CLIENT_SIZE], cookie[CLIENT_SIZE:]
        if len(server) == SERVER_SIZE and server[0] == 1:
            age = _age(server, now)
            if -MAX_AHEAD <= age <= MAX_AGE and (
                made_by := self._maker(cookie, source)
            ):
                if made_by is self._secrets[0] and age < RENEW_AGE:
                    fresh = CookieVerdict(True, cookie)
                    return _Kept(fresh, now - max(0, age), now - age + RENEW_AGE)
                renewed = client + self.make(client, source, now)
                return _Kept(CookieVerdict(True, renewed), now, now - age + MAX_AGE + 1)
        # Good for the second that it is made in, so that its time is right.
        made = client + self.make(client, source, now)
        return _Kept(CookieVerdict(False, made), now, now + 1)

    def _maker(self, cookie: bytes, source: bytes) -> bytes | None:
        """The secret that the server cookie was made with, if it is one of ours."""
        given = cookie[CLIENT_SIZE + 8 :]
        data = cookie[: CLIENT_SIZE + 8] + source
        for secret in self._secrets:
            if hmac.compare_digest(siphash24(secret, data), given):
                return secret
        return None


def _age(server: bytes, now: int) -> int:
    """Seconds since it was made, by serial number arithmetic (RFC 9018 section 4.3)."""
    (made,) = _TIME.unpack_from(server, 4)
    age = (now - made) & 0xFFFFFFFF
    return age - 2**32 if age >= 2**31 else int(age)
