"""`spill`: the nearest member that has room.

The member with the smallest

    cost + price * max(0, u + sqrt(u * f / C) - start) / (1 - start)

gets the answer.  The cost is the client's round trip to it (`dinamed.steering.costs`),
u the load predicted for it over its capacity C, this answer included (`predictive`),
and f the load of one transfer.  The root is a margin for chance: where a member has
room for few transfers, their number varies more.  So up to `start` only the distance
counts, and beyond it room has a price, which rises with the use of the member.

The price is in milliseconds, or so many times the spread of all costs that are known:
that from their 10 % to their 90 % quantile.

Without a cost for the client it goes by load alone; members without a report that
counts go by their weight (`fading`).  Out of many candidates it looks at the nearest
and at the one with the least load.
"""

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

from dinamed.config.stages import prices
from dinamed.pools.context import DrawContext
from dinamed.pools.leases import DURATION
from dinamed.pools.members import Candidates, Member
from dinamed.pools.stages.levels import Levels
from dinamed.pools.stages.prediction import LeaseTrust, reference_ttl
from dinamed.pools.stages.predictive import Forecast, ForecastRow
from dinamed.pools.stages.protocol import CLIENT, LOAD, PLACE, TIME, PoolFacts
from dinamed.steering.costs import Row
from dinamed.steering.round_trips import network_of

PRICE = "2x"
START = 0.75
LEAST_PRICE = 1.0
"""Milliseconds; where all costs are equal a price is wanted all the same."""

HALF_STEP = 0.05
"""Seconds: the least gap that rates of resolvers go by.  A longer one would hide most
of the clients of the largest, and u is compared with `start`, which is absolute."""

NEAREST = 16
"""Candidates that are looked at, the nearest first, beside the least used."""


class Spill:
    """Picks by cost and price; `{spill = {price = "2x", start = 0.75}}`.

    `flow` and `duration` are those of `predictive`.
    """

    depends = frozenset({CLIENT, PLACE, LOAD, TIME})

    def __init__(self, argument: object = None) -> None:
        given = {} if argument is None else prices(argument)
        flow, duration = given.get("flow"), given.get("duration", DURATION)
        self._flow = None if flow is None else float(flow)
        self._duration = float(duration)
        self._tariff = Tariff(
            given.get("price", PRICE), float(given.get("start", START))
        )

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "Spilling":
        """Make ready."""
        ahead = reference_ttl(facts.ttl)
        facts.accounting.foresee(ahead, self._duration, facts.answers, HALF_STEP)
        return Spilling(candidates, facts, self._flow, self._duration, self._tariff)


class Tariff(NamedTuple):
    """What room costs: `price` in ms or as "2x", `start` a share of the capacity."""

    price: float | str
    start: float

    def ms(self, spread: float) -> float:
        """The price in milliseconds, where costs spread so many."""
        price = self.price
        if isinstance(price, str):
            price = float(price[:-1]) * spread
        return max(LEAST_PRICE, price)


class MemberPrice(NamedTuple):
    """What a member comes to for one client, all in ms but the shares of its
    capacity."""

    cost: float
    price: float
    used: float
    chance: float

    @property
    def total(self) -> float:
        """Cost and price."""
        return self.cost + self.price


def offer(
    cost: float, load: float, capacity: float, flow: float, price: float, start: float
) -> MemberPrice:
    """The offer of a member with that predicted load, this answer included."""
    used = load / capacity
    chance = sqrt(max(0.0, used) * flow / capacity)
    over = max(0.0, used + chance - start) / (1.0 - start)
    return MemberPrice(cost, price * over, used, chance)


class Spilling(Forecast):
    """What is foreseen for certain candidates, and what they cost."""

    __slots__ = ("_costs", "_indexes", "_tariff")

    def __init__(
        self,
        candidates: Candidates,
        facts: PoolFacts,
        flow: float | None,
        duration: float,
        tariff: Tariff,
    ) -> None:
        super().__init__(candidates, facts, flow, duration)
        self._costs = facts.costs
        self._tariff = tariff
        self._indexes = frozenset(member.index for member in candidates)

    def _best(
        self, context: DrawContext, clients: float, count: int
    ) -> Sequence[ForecastRow]:
        """Those with the smallest sum of cost and price."""
        row = self._row(context)
        if not row.ms or not self._known:
            return super()._best(context, clients, count)
        if count == 1 and (place := self._mixture.draw(context.rng)) >= 0:
            return self._rows[place].alone
        number = min(count, self._known)
        mine = self._flow * clients / max(1, min(count, len(self._rows)))
        price = self._tariff.ms(self._costs.spread())
        offers = [
            (self._offer(one, row, mine, price), context.rng.random(), one)
            for one in self._looked_at(row, mine, number, context)
        ]
        offers.sort(key=lambda each: (each[0].total, each[0].used, each[1]))
        best = [one for _, _, one in offers[:number]]
        if context.count:
            farther = row.ms[best[0].member[0].index] - self._least(row)
            self._accounting.detours.sent(clients, farther)
        if count == 1:
            return best
        smallest = [one.number for one in best]
        places = self._mixture.several(smallest, count, context.rng)
        return [self._rows[place] for place in places]

    def _believed(self, time: float) -> LeaseTrust:
        """All: clients come by their place, and so do not spread by capacity."""
        return LeaseTrust(1.0, 1.0)

    def _row(self, context: DrawContext) -> Row:
        """The costs for the client.  What they depend on is taken down."""
        network = None
        if context.told_place is None:
            client = context.client
            network = network_of(client.address, client.prefix)
            if network is not None:
                context.used(len(network) * 8)
        return self._costs.row(network, context.place, context.now)

    def _least(self, row: Row) -> float:
        """The cost of the nearest candidate."""
        return next(row.ms[at] for at in row.nearest if at in self._indexes)

    def _looked_at(
        self, row: Row, mine: float, number: int, context: DrawContext
    ) -> Sequence[ForecastRow]:
        """The candidates that may be the best; there is one at least."""
        fresh = self._fresh_rows()
        if len(fresh) <= 2 * NEAREST:
            return fresh
        by_index = {one.member[0].index: one for one in fresh}
        found: dict[int, ForecastRow] = {}
        for index in row.nearest:
            one = by_index.get(index)
            if one is not None:
                found[index] = one
                if len(found) >= max(NEAREST, number):
                    break
        least = self._smallest(mine, context.rng)[0][3]
        found.setdefault(least.member[0].index, least)
        return [*found.values()]

    def _offer(
        self, one: ForecastRow, row: Row, mine: float, price: float
    ) -> MemberPrice:
        return offer(
            row.ms[one.member[0].index],
            one.account.forecast + mine,
            one.capacity,
            self._flow,
            price,
            self._tariff.start,
        )

    def scores(self, context: DrawContext) -> Sequence[str]:
        """What each candidate comes to for this client."""
        words = super().scores(context)
        row = self._row(context)
        if not row.ms:
            return words
        mine = self._flow * self._stay
        price = self._tariff.ms(self._costs.spread())
        told = []
        for one, fresh in zip(self._rows, self._mixture.fresh, strict=True):
            cost = _cost_words(row, one.member[0].index)
            if not fresh:
                told.append(f"{cost}, no report: by weight")
                continue
            told.append(f"{cost} {_price_words(self._offer(one, row, mine, price))}")
        return told

    def remark(self, context: DrawContext, picked: Candidates) -> str:
        """How much farther than the nearest the first of those picked is."""
        row = self._row(context)
        if not row.ms:
            return "no cost is known, not even of a region: the least used of all"
        if not picked:
            return ""
        farther = row.ms[picked[0].index] - self._least(row)
        guess = "" if row.direct[picked[0].index] else ", by estimate"
        if round(farther) < 1:
            return f"the nearest{guess}"
        return f"{farther:.0f} ms farther than the nearest{guess}"

    def levels(self, time: float) -> Levels:
        """What another engine needs to draw in the same way for a while."""
        price = self._tariff.ms(self._costs.spread())
        return super().levels(time)._replace(price=price, start=self._tariff.start)

    def costs(self, context: DrawContext) -> Sequence[float]:
        """What each candidate costs the client, in ms; empty if nothing is known."""
        row = self._row(context)
        return [row.ms[one.member[0].index] for one in self._rows] if row.ms else ()

    def prices(self, now: float) -> dict[Member, float]:
        """The price of each member that has a report that counts, in milliseconds."""
        self._foresee(self._accounting.clock.read(now))
        price = self._tariff.ms(self._costs.spread())
        return {
            one.member[0]: offer(
                0.0,
                one.account.forecast,
                one.capacity,
                self._flow,
                price,
                self._tariff.start,
            ).price
            for one in self._fresh_rows()
        }


def _cost_words(row: Row, index: int) -> str:
    source = row.sources[index]
    if source == "measured":
        return f"{row.ms[index]:.0f} ms"
    return f"~{row.ms[index]:.0f} ms ({source})"


def _price_words(made: MemberPrice) -> str:
    total = f"= {made.total:.0f}"
    if made.price < 0.5:
        return f"+ 0 ({_percent(made.used)}) {total}"
    foreseen = f"foreseen {_percent(made.used)} + {_percent(made.chance)} for chance"
    return f"+ {made.price:.0f} ms ({foreseen}) {total}"


def _percent(share: float) -> str:
    return f"{share * 100:.0f} %"
