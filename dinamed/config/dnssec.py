"""`dnssec` of a zone, and `[dnssec]`: signing, and the keys for it."""

from typing import Annotated, Literal

import msgspec
from msgspec import Meta

from dinamed.config import values
from dinamed.config.transfers import PeerAddress
from dinamed.dnssec.algorithms import Algorithm
from dinamed.dnssec.grid import DEFAULT_VALIDITY, MIN_VALIDITY

_DAY = 86400
MIN_LIFETIME = 7 * _DAY
"""Seconds: a roll needs days, for the parent's TTLs and its habits."""

FilePath = Annotated[str, Meta(extra={"form": values.file_path})]
Validity = Annotated[int, Meta(ge=MIN_VALIDITY, le=366 * _DAY)]
Lifetime = Annotated[int, Meta(ge=MIN_LIFETIME, le=100 * 366 * _DAY)]
UNLIMITED = "unlimited"


class Dnssec(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """How a zone is signed.

    `validity` and `lifetime` are seconds, of signatures and of keys; `lifetime` None
    is unlimited.  `make` tells whether keys may be made here; None: if no other server
    could make some too.
    """

    algorithm: Literal["ecdsap256sha256", "ed25519"] = "ecdsap256sha256"
    keys: FilePath | None = None
    validity: Validity = DEFAULT_VALIDITY
    lifetime: Lifetime | None = None
    parent: tuple[PeerAddress, ...] = ()
    make: bool | None = None

    @property
    def number(self) -> Algorithm:
        """The algorithm of new keys."""
        return Algorithm[self.algorithm.upper()]
