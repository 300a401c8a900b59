"""The secret of DNS cookies: the same at all servers, as RFC 9018 wants it for anycast.

The first server that finds none in the store puts its own there; who comes later takes
that on.  A store that was emptied gets the secret that is in use.
"""

import re
from collections.abc import Callable

from twisted.internet.defer import Deferred
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.fleet.records import BadRecordError, Codec, CookieSecrets
from dinamed.fleet.store import Store, StoreError

KEY = "secrets/cookies"
_SECRET = re.compile(r"[0-9a-f]{32}")


class CookieRole:
    """Has all servers make and take the same cookies.

    `own` gives the secret in use, `take` goes on with another one.
    """

    name = "secrets"
    log = Logger()

    def __init__(
        self,
        own: Callable[[], bytes],
        take: Callable[[bytes], object],
        wall: Callable[[], float],
    ) -> None:
        self._own = own
        self._take = take
        self._wall = wall
        self._codec = Codec(CookieSecrets)
        self._revision = 0
        self._caught_up = False
        self._giving = False

    def hear(self, key: str, value: bytes | None, revision: int) -> None:
        """Go on with the secret of the fleet."""
        if key != KEY:
            return
        if value is None:
            self._revision = 0
            return
        told = self._codec.read(value)
        if not told.secrets or not _SECRET.fullmatch(told.secrets[0]):
            raise BadRecordError("no secret of 32 hexadecimal digits")
        self._revision = revision
        secret = bytes.fromhex(told.secrets[0])
        if secret != self._own():
            self._take(secret)

    def caught_up(self) -> None:
        """From now on it is known whether there is a secret."""
        self._caught_up = True

    def tick(self) -> None:
        """Nothing fades."""

    def see_to(self, store: Store) -> None:
        """Put the secret in use into a store that has none."""
        if not self._caught_up or self._revision or self._giving:
            return
        self._giving = True
        value = CookieSecrets(now=self._wall(), secrets=(self._own().hex(),))
        giving: Deferred[int] = store.give(KEY, self._codec.pack(value), 0)
        giving.addCallbacks(self._given, self._refused)

    def _given(self, revision: int) -> None:
        self._giving = False
        self._revision = revision

    def _refused(self, failure: Failure) -> None:
        self._giving = False
        # Another server was first, and is heard of; or it is tried again.
        failure.trap(StoreError)
