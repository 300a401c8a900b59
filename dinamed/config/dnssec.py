"""`dnssec` of a zone, and `[dnssec]`: how zones are signed, and with which keys."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dinamed.config.durations import DURATION
from dinamed.config.transfers import PeerAddress
from dinamed.config.values import FilePath
from dinamed.dnssec.grid import DEFAULT_VALIDITY, MIN_VALIDITY
from dinamed.dnssec.numbers import Algorithm

_DAY = 86400
MIN_LIFETIME = 7 * _DAY
"""Seconds: a roll needs days, for the parent's TTLs and its habits."""

Validity = Annotated[int, Meta(ge=MIN_VALIDITY, le=366 * _DAY, extra=DURATION)]
Lifetime = Annotated[int, Meta(ge=MIN_LIFETIME, le=36600 * _DAY, extra=DURATION)]


class Dnssec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a zone is signed.

    `validity` and `lifetime` are seconds, of signatures and of keys; `keys` is the
    folder of the key files.  `make` tells whether keys may be made here; None: if no
    other server could make some too.  `parent` are the servers that are asked for the
    DS; empty: those that the system's resolver finds.
    """

    algorithm: Literal["ecdsap256sha256", "ed25519"] = "ecdsap256sha256"
    keys: FilePath | None = None
    validity: Validity = DEFAULT_VALIDITY
    lifetime: Lifetime | Literal["unlimited"] = "unlimited"
    parent: tuple[PeerAddress, ...] = ()
    make: bool | None = None

    @property
    def number(self) -> Algorithm:
        """The algorithm of new keys."""
        return Algorithm[self.algorithm.upper()]
