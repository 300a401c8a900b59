"""What a view of a pool is made of."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from dinamed.config import settings
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.chain import Chain
from dinamed.pools.load_reports import LoadReports
from dinamed.pools.members import Candidates, Family
from dinamed.pools.stages.protocol import PoolFacts
from dinamed.pools.states import MemberState
from dinamed.steering.costs import Costs

View = TypeVar("View")


@dataclass(frozen=True, slots=True)
class PoolParts(Generic[View]):
    """What a view of a pool is made of.

    `inner` holds the views of the pools named by members and by `when_down`;
    `last` the names of the members that were usable when any last was, by family.
    """

    settings: settings.PoolSettings
    chain: Chain
    accounting: PoolAccounting
    reports: LoadReports
    costs: Costs
    members: Candidates
    member_states: Mapping[str, MemberState]
    inner: Mapping[str, View]
    last: Mapping[Family, frozenset[str]] = field(default_factory=dict)

    def facts(self) -> PoolFacts:
        """What stages may know of the pool."""
        return PoolFacts(
            self.settings.name,
            self.settings.ttl,
            self.settings.answers,
            self.accounting,
            self.reports,
            self.costs,
        )
