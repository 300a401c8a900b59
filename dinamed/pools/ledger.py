"""What a pool's hand-outs leave behind: counts, and whose turn it is.

One ledger a pool, kept by the pool manager across snapshots.  It holds entries for
the pool's present members only, so its size is bounded by theirs.
"""

from collections.abc import Iterable, Mapping
from types import MappingProxyType

from dinamed.pools.context import Client
from dinamed.pools.members import Member


class Ledger:
    """The one book of a pool that everything which hands out writes to."""

    __slots__ = ("_credits", "_pending", "_totals")

    def __init__(self, names: Iterable[str] = ()) -> None:
        self._totals: dict[str, int] = {}
        self._pending: dict[str, int] = {}
        self._credits: dict[str, float] = {}
        self.keep(names)

    def keep(self, names: Iterable[str]) -> None:
        """Keep the entries of these members, open new ones, forget the others."""
        names = tuple(names)
        self._totals = {name: self._totals.get(name, 0) for name in names}
        self._pending = {name: self._pending.get(name, 0) for name in names}
        self._credits = {
            name: self._credits[name] for name in names if name in self._credits
        }

    def hand_out(self, member: Member, client: Client, ttl: int, now: float) -> None:
        """Book one answer that sends `client` to `member` for `ttl` seconds."""
        name = member.name
        # A member that has left may still be handed out from an old snapshot.
        if name in self._totals:
            self._totals[name] += 1
            self._pending[name] += 1

    def add(self, name: str, count: int) -> None:
        """Book `count` hand-outs at once, as another engine has counted them."""
        if name in self._totals:
            self._totals[name] += count
            self._pending[name] += count

    def reported(self, name: str) -> None:
        """A load report has come that includes all hand-outs to `name` so far."""
        if name in self._pending:
            self._pending[name] = 0

    @property
    def totals(self) -> Mapping[str, int]:
        """Hand-outs by member's name, since the member came."""
        return MappingProxyType(self._totals)

    @property
    def pending(self) -> Mapping[str, int]:
        """Hand-outs by member's name, since its last report."""
        return MappingProxyType(self._pending)

    @property
    def credits(self) -> dict[str, float]:
        """What round-robin owes each member, by name; written by that stage."""
        return self._credits
