"""The secrets of DNS cookies, the same at all servers as RFC 9018 has it for anycast.

The first server that finds none in the store puts its own there; who comes later takes
that on.  A store that was emptied gets the secrets that are in use.  Whoever is first
when it is time has them rotated (`dinamed.fleet.cookie_rotation`).
"""

import re
from collections.abc import Callable, Sequence

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.fleet.cookie_rotation import rotated
from dinamed.fleet.records import BadRecordError, Codec, CookieSecrets
from dinamed.fleet.store import Store, StoreError

KEY = "secrets/cookies"
MOST_SECRETS = 2
_SECRET = re.compile(r"[0-9a-f]{32}")


class CookieRole:
    """Has all servers make and take the same cookies.

    `own` gives the secrets in use, `take` goes on with others, the one that makes
    cookies first; `fresh` makes a new one.  `wall` is Unix time.
    """

    name = "secrets"
    log = Logger()

    def __init__(
        self,
        own: Callable[[], Sequence[bytes]],
        take: Callable[[Sequence[bytes]], object],
        fresh: Callable[[], bytes],
        wall: Callable[[], float],
    ) -> None:
        self._own = own
        self._take = take
        self._fresh = fresh
        self._wall = wall
        self._codec = Codec(CookieSecrets)
        self.begin()

    def begin(self) -> None:
        """Nothing is known of the store yet."""
        self._held = CookieSecrets()
        self._revision = 0
        self._caught_up = False
        self._giving = False

    def hear(self, key: str, value: bytes | None, revision: int) -> None:
        """Go on with the secrets of the fleet."""
        if key != KEY:
            return
        if value is None:
            self._revision = 0
            return
        told = self._codec.read(value)
        secrets = told.secrets[:MOST_SECRETS]
        if not secrets or not all(map(_SECRET.fullmatch, secrets)):
            raise BadRecordError("no secret of 32 hexadecimal digits")
        self._revision = revision
        self._held = told
        taken = tuple(map(bytes.fromhex, secrets))
        if taken != tuple(self._own()):
            self._take(taken)

    def caught_up(self) -> None:
        """From now on it is known whether there is a secret."""
        self._caught_up = True

    def tick(self) -> None:
        """Nothing fades."""

    def see_to(self, store: Store) -> None:
        """Put the secrets in use into a store that has none; else see to their age."""
        if not self._caught_up or self._giving:
            return
        now = self._wall()
        value: CookieSecrets | None
        if self._revision:
            value = rotated(self._held, self._fresh().hex(), now)
        else:
            mine = tuple(secret.hex() for secret in self._own())
            since = self._held.since if mine == self._held.secrets else now
            turned = self._held.turned and mine == self._held.secrets
            value = CookieSecrets(now=now, secrets=mine, since=since, turned=turned)
        if value is None:
            return
        self._giving = True
        giving: Deferred[int] = store.give(KEY, self._codec.pack(value), self._revision)
        giving.addCallbacks(self._given, self._refused)

    def _given(self, revision: int) -> None:
        # What was given is heard of as everything is.
        self._giving = False

    def _refused(self, failure: Failure) -> None:
        self._giving = False
        # Another server was first, and is heard of; or it is tried again.
        failure.trap(StoreError)
