"""What a pool says to one question."""

from typing import NamedTuple

from dinamed.pools.members import Candidates


class Choice(NamedTuple):
    """The members that a pool chose for one answer.

    `members` are hosts, never pools, with an address of the family asked for; empty
    means NODATA.  `ttl` is in seconds; `scope` the client prefix length that the
    choice depended on (for the EDNS client subnet); `down` tells that no member was
    usable, so that `when_down` has decided.
    """

    members: Candidates
    ttl: int
    scope: int
    down: bool
