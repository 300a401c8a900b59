"""What a stage is.

A stage either narrows (it keeps some of the candidates) or picks (it is the last of
the chain and draws the answer).  Both are made once a pool by `factory(argument)`,
where the argument is what stands beside the name in `select`
(`{nearest = 3}` gives 3; a bare name gives None).
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from dinamed.config.settings import Ttl
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.context import DrawContext
from dinamed.pools.load_reports import LoadReports
from dinamed.pools.members import Candidates, Member
from dinamed.steering.costs import Costs

CLIENT = "client"
PLACE = "place"
LOAD = "load"
TIME = "time"
NAME = "name"
CHANCE = "chance"
STATIC: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class PoolFacts:
    """What a stage may know of the pool it works for, beside its candidates.

    `accounting` and `reports` change as time goes by: hand-outs and reports go there.
    `costs` are what clients' ways to the members cost.
    """

    name: str
    ttl: Ttl
    answers: int
    accounting: PoolAccounting
    reports: LoadReports
    costs: Costs


@runtime_checkable
class Narrowing(Protocol):
    """A stage that keeps some of the candidates.

    `depends` says what else than the candidates its choice depends on, out of
    "client", "place", "load", "time", "chance" and "name", the question's.  A stage
    that depends on nothing is run once a snapshot where it leads the chain, so it must
    not look at the context.
    """

    @property
    def depends(self) -> frozenset[str]:
        """What the choice depends on beside the candidates."""

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """Return those to keep, in the same order.

        To return none means "no opinion": the chain goes on with what came in.
        A choice by client must be told to `context.used`, whatever its outcome.
        """


@runtime_checkable
class Noted(Protocol):
    """A narrowing stage that says in words what it has done."""

    def note(self, candidates: Candidates, kept: Candidates) -> str:
        """A remark on those it kept."""


class Prepared(Protocol):
    """A picking stage made ready for certain candidates (at least one)."""

    def draw(self, context: DrawContext, count: int) -> Candidates:
        """Draw `count` different members, or all if there are fewer."""

    def rank(self, now: float) -> Sequence[Member]:
        """All candidates, best first, for listings; draws nothing."""

    def odds(self, context: DrawContext) -> Sequence[float]:
        """Each candidate's chance to be drawn first; empty if not known."""


@runtime_checkable
class Scored(Protocol):
    """A prepared picking stage that can show what it goes by."""

    def scores(self, context: DrawContext) -> Sequence[str]:
        """A few words on each candidate, e.g. its predicted load."""


@runtime_checkable
class Remarks(Scored, Protocol):
    """One whose words on the candidates are lines, and which remarks on its choice."""

    def remark(self, context: DrawContext, picked: Candidates) -> str:
        """One line more; "" for none."""


@runtime_checkable
class Foresees(Protocol):
    """A prepared picking stage that predicts loads."""

    def forecast(self, member: Member, now: float) -> float | None:
        """The predicted load of a member; None if there is nothing to go by."""

    def forecasts(self, now: float) -> Mapping[Member, float]:
        """All of them at once, where there is something to go by."""


@runtime_checkable
class Prices(Protocol):
    """A prepared picking stage that sets a price on the room of members."""

    def prices(self, now: float) -> Mapping[Member, float]:
        """The prices in milliseconds, where there is a load to go by."""


@runtime_checkable
class Picking(Protocol):
    """A stage that draws the answer: the last of a chain."""

    @property
    def depends(self) -> frozenset[str]:
        """What the draw depends on beside the candidates and chance."""

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> Prepared:
        """Make ready for these candidates; all weights are above 0."""


Stage = Narrowing | Picking
Factory = Callable[[object], Stage]
Registry = Mapping[str, Factory]
