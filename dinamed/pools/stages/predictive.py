"""`predictive`: the member that will be used least while this answer is in force.

The loads are predicted as `prediction` says: their mean over a horizon H.  The answer
itself brings mine = f * (stay + trust * rate * worth(min(ttl, H))) for a resolver of
that `rate` (`resolvers`), where f is the load of one transfer, and the member with the
smallest (predicted + mine) / capacity gets it.  Members without a report that counts
go by their weight (`fading`).

With a TTL of "LOW-HIGH" the answer's is reference * min(20, mean rate / rate) within
these bounds, so that a resolver with many clients decides more often; the reference is
the geometric mean of the two.  Resolvers that are not known yet
get the reference.

A resolver asks for both families of a name: while its answer is good, the question
for the other family is answered by the same members until the same end, and is no
hand-out of its own.  So is a TXT question, which tells whom the client was given.

The client's part is its whole address for IPv4, 64 bits for IPv6, where a network is
easily one resolver; of a client subnet at most 24 and 56 bits, as in `hash`.
"""

from collections.abc import Mapping, Sequence
from heapq import heapify, heappop, heappush, heapreplace
from math import ceil, inf
from random import Random

from dinamed.config.stages import transfers
from dinamed.pools.accounts import MemberAccount
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.leases import DURATION
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.resolvers import ClientResolver
from dinamed.pools.stages.hashed import network_bits
from dinamed.pools.stages.levels import Levels
from dinamed.pools.stages.mixture import Mixture
from dinamed.pools.stages.prediction import (
    LeaseTrust,
    Subject,
    horizon,
    lot,
    poured,
    predicted,
    reference_ttl,
    trust,
)
from dinamed.pools.stages.protocol import CLIENT, LOAD, TIME, PoolFacts
from dinamed.pools.stages.weighted import by_weight

MOST_TIMES = 20.0
"""Times the reference that an adaptive TTL is at most."""

REFRESH = 0.25
"""Seconds for which a forecast is good, but for the hand-outs made meanwhile."""

_BIT: dict[Family, int] = {0: 0, 4: 1, 6: 2}
_APART: dict[Family, bytes] = {0: b"family", 4: b"v4only", 6: b"v6only"}


class Predictive:
    """Picks by predicted load; `{predictive = {flow = 0.02, duration = 300}}`.

    `duration` is in seconds; `flow` in the unit of load, and learned if it is left out.
    """

    depends = frozenset({CLIENT, LOAD, TIME})

    def __init__(self, argument: object = None) -> None:
        given = {} if argument is None else transfers(argument)
        self._flow = given.get("flow")
        self._duration = given.get("duration", DURATION)

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> "Forecast":
        """Make ready."""
        ahead = horizon(facts.ttl, self._duration)
        facts.accounting.foresee(ahead, self._duration, facts.answers)
        return Forecast(candidates, facts, self._flow, self._duration)


class ForecastRow:
    """A candidate."""

    __slots__ = ("account", "alone", "capacity", "load", "member", "number", "where")

    def __init__(self, member: Member, account: MemberAccount, number: int) -> None:
        # Ready-made tuples, for a draw of one.
        self.member = (member,)
        self.alone = (self,)
        self.where = (account,)
        self.account = account
        self.number = number
        self.capacity = member.capacity
        self.load = 0.0


_ForecastEntry = tuple[float, float, int, ForecastRow]  # forecast, lot, number, row


class Forecast:
    """The predicted loads of certain candidates."""

    __slots__ = (
        "_accounting",
        "_adaptive",
        "_answers",
        "_by_account",
        "_candidates",
        "_duration",
        "_edition",
        "_flow",
        "_given_flow",
        "_groups",
        "_known",
        "_mixture",
        "_reference",
        "_reports",
        "_rows",
        "_stay",
        "_trust",
        "_ttl",
        "_until",
    )

    def __init__(
        self,
        candidates: Candidates,
        facts: PoolFacts,
        flow: float | None,
        duration: float,
    ) -> None:
        self._candidates = candidates
        self._accounting = facts.accounting
        self._reports = facts.reports
        self._given_flow = flow
        self._duration = duration
        self._ttl = facts.ttl
        self._adaptive = facts.ttl.low != facts.ttl.high
        self._reference = reference_ttl(facts.ttl)
        self._answers = facts.answers
        self._rows = [
            ForecastRow(member, facts.accounting.account(member.name), number)
            for number, member in enumerate(candidates)
        ]
        self._by_account: dict[MemberAccount, Candidates] = {
            row.account: row.member for row in self._rows
        }
        self._groups: list[tuple[float, list[_ForecastEntry]]] | None = None
        self._flow = 0.0
        self._stay = 1.0
        self._trust = self._believed(inf)
        self._until = -inf
        self._edition = -1

    def draw(self, context: DrawContext, count: int) -> Candidates:
        """Draw; learns from the question and counts the leases if it counts."""
        accounting = self._accounting
        time = accounting.clock.read(context.now)
        family = context.family
        address = context.client.address
        if len(address) == 4 and not context.client.subnet:
            key = address
            context.used(32)
        else:
            key = _key(context)
        resolver = accounting.resolvers.get(key)
        if (
            resolver is not None
            and time < resolver.expires
            and not resolver.families & _BIT[family]
        ):
            same = self._same(resolver)
            if same:
                self._repeat(context, key, resolver, time)
                return same
            # Its members have no such address: a question for itself.
            key += _APART[family]
            resolver = accounting.resolvers.get(key)
        if context.count:
            resolver = accounting.resolvers.asks(key, resolver, time, self._reference)
        if time >= self._until or self._edition != accounting.edition:
            self._expect(time)
        if self._adaptive:
            context.ttl = self._adapted(resolver)
        rate = 0.0 if resolver is None else resolver.rate
        ttl = context.ttl
        kept = float(ttl) if resolver is None else resolver.keeps(ttl)
        clients = self._stay + self._trust.coming * rate * accounting.leases.worth(kept)
        rows = self._best(context, clients, count)
        if context.count and resolver is not None:
            self._book(rows, rate, clients, kept, time)
            first = rows[0]
            resolver.where = (
                first.where if count == 1 else tuple(row.account for row in rows)
            )
            resolver.families = _BIT[family]
            resolver.expires, resolver.ttl = time + ttl, float(ttl)
            accounting.resolvers.keep(key, resolver)
        return rows[0].member if count == 1 else tuple(r.member[0] for r in rows)

    def _best(
        self, context: DrawContext, clients: float, count: int
    ) -> "Sequence[ForecastRow]":
        """Who gets an answer that comes to so many clients over the horizon."""
        rng = context.rng
        if count > 1:
            return self._several(clients, count, rng)
        if self._mixture.all_fresh or (place := self._mixture.draw(rng)) < 0:
            return self._smallest(self._flow * clients, rng)[0][3].alone
        return self._rows[place].alone

    def _believed(self, time: float) -> LeaseTrust:
        """How much of what leases say is believed."""
        return trust(self._ttl, self._accounting.hears(time))

    def _same(self, resolver: ClientResolver) -> Candidates:
        """The members of the resolver's answer, as they are now; () if one is not."""
        members = self._by_account
        where = resolver.where
        if len(where) == 1:
            return members.get(where[0], ())
        if any(account not in members for account in where):
            return ()
        return tuple(members[account][0] for account in where)

    def _repeat(
        self, context: DrawContext, key: bytes, resolver: ClientResolver, time: float
    ) -> None:
        """Give an answer once more."""
        context.again = True
        if context.family:
            context.ttl = max(1, ceil(resolver.expires - time))
        if context.count:
            resolver.families |= _BIT[context.family]
            self._accounting.resolvers.keep(key, resolver)

    def _adapted(self, resolver: ClientResolver | None) -> int:
        """The TTL for a resolver of that rate."""
        times = 1.0
        if resolver is not None and resolver.known:
            mean = self._accounting.resolvers.mean_rate or resolver.rate
            times = min(MOST_TIMES, mean / resolver.rate)
        low, high = self._ttl.low, self._ttl.high
        return max(low, min(high, round(self._reference * times)))

    def _smallest(
        self, mine: float, rng: Random
    ) -> tuple[_ForecastEntry, list[_ForecastEntry]]:
        """The smallest (predicted + mine) / capacity, and the heap that it tops.

        Among members of one capacity that is whoever has the smallest prediction, which
        only hand-outs raise until the next forecast.  So there is a heap for each
        capacity, and only what lies on top is brought up to date and compared.
        """
        groups = self._groups
        if groups is None:
            groups = self._groups = self._new_groups(rng)
        lowest = lot = inf
        best, among = None, groups[0][1]
        for capacity, heap in groups:
            if not heap:
                continue
            top = heap[0]
            while top[0] != top[3].account.forecast:
                row = top[3]
                heapreplace(heap, (row.account.forecast, rng.random(), top[2], row))
                top = heap[0]
            score = (top[0] + mine) / capacity
            if score < lowest or (score == lowest and top[1] < lot):
                lowest, lot, best, among = score, top[1], top, heap
        assert best is not None
        return best, among

    def _new_groups(self, rng: Random) -> list[tuple[float, list[_ForecastEntry]]]:
        groups: dict[float, list[_ForecastEntry]] = {}
        for row in self._fresh_rows():
            entry = (row.account.forecast, rng.random(), row.number, row)
            groups.setdefault(row.capacity, []).append(entry)
        for heap in groups.values():
            heapify(heap)
        return list(groups.items())

    def _fresh_rows(self) -> list[ForecastRow]:
        fresh = self._mixture.fresh
        return [row for row in self._rows if fresh[row.number]]

    def _several(
        self, clients: float, count: int, rng: Random
    ) -> Sequence[ForecastRow]:
        """Those with the smallest, and so on, whose clients spread over all of them."""
        mine = self._flow * clients / max(1, min(count, len(self._rows)))
        taken: list[tuple[_ForecastEntry, list[_ForecastEntry]]] = []
        for _ in range(min(count, self._known)):
            entry, heap = self._smallest(mine, rng)
            taken.append((entry, heap))
            heappop(heap)
        for entry, heap in taken:
            heappush(heap, entry)
        smallest = [entry[3].number for entry, _ in taken]
        places = self._mixture.several(smallest, count, rng)
        return [self._rows[place] for place in places]

    def _book(
        self,
        rows: Sequence[ForecastRow],
        rate: float,
        clients: float,
        kept: float,
        time: float,
    ) -> None:
        """Count the clients that an answer brings, spread over its members.

        It is `kept` for so many seconds.
        """
        add = self._accounting.leases.add
        share = 1.0 / len(rows)
        for row in rows:
            row.account.forecast += self._flow * clients * share
            add(row.account, rate * share, time, kept)

    def _foresee(self, time: float) -> None:
        """Work out the forecasts anew."""
        accounting, reports = self._accounting, self._reports
        leases = accounting.leases
        leases.advance(time)
        self._mixture = Mixture(self._candidates, reports, time)
        self._known = sum(1 for fresh in self._mixture.fresh if fresh)
        rows = self._rows
        posted = reports.posted
        for row, fresh in zip(rows, self._mixture.fresh, strict=True):
            report = posted[row.account.name].report if fresh else None
            row.load = 0.0 if report is None else report.load
            if report is not None and report.capacity is not None:
                row.capacity = report.capacity
        flow = self._given_flow
        if flow is None:
            flow = accounting.flow_at(time).value(sum(row.capacity for row in rows))
        self._flow = flow
        self._stay = leases.stay()
        self._trust = self._believed(time)
        subjects = []
        for row in rows:
            known = posted.get(row.account.name)
            age = 0.0 if known is None else max(0.0, time - known.measured)
            subjects.append(Subject(row.account, row.load, age, row.capacity))
        loads = predicted(subjects, leases, flow, self._answers, self._trust, time)
        for row, load in zip(rows, loads, strict=True):
            row.account.forecast = load
        self._groups = None
        # Draws prepare themselves for others that draw too.
        self._until = -inf

    def _expect(self, time: float) -> None:
        """Work out the forecasts for draws, among other servers that draw too."""
        self._foresee(time)
        unheard = self._accounting.unheard(time)
        rows = [row for row in self._fresh_rows() if row.capacity > 0]
        if unheard and rows:
            loads = poured(
                [row.account.forecast for row in rows],
                [row.capacity for row in rows],
                self._flow * unheard * lot(time),
            )
            for row, load in zip(rows, loads, strict=True):
                row.account.forecast = load
        self._until = time + REFRESH
        self._edition = self._accounting.edition

    def levels(self, time: float) -> Levels:
        """The levels that another engine needs to draw in the same way for a while."""
        self._expect(time)
        rows, fresh = self._rows, self._mixture.fresh
        return Levels(
            fresh,
            [row.account.forecast for row in rows],
            [self._flow] * len(rows),
            [row.capacity for row in rows],
            self._flow,
            self._trust.coming,
        )

    def forecast(self, member: Member, now: float) -> float | None:
        """The predicted load of a member; None without a report that counts."""
        return self.forecasts(now).get(member)

    def forecasts(self, now: float) -> Mapping[Member, float]:
        """The predicted loads of all members that have a report that counts."""
        self._foresee(self._accounting.clock.read(now))
        return {row.member[0]: row.account.forecast for row in self._fresh_rows()}

    def rank(self, now: float) -> Sequence[Member]:
        """The least used first, as foreseen; then those without a report, by weight."""
        self._foresee(self._accounting.clock.read(now))
        rows = self._fresh_rows()
        rows.sort(key=lambda row: row.account.forecast / row.capacity)
        known = dict.fromkeys(row.member[0] for row in rows)
        rest = tuple(member for member in self._candidates if member not in known)
        return [*known, *by_weight(rest)]

    def odds(self, context: DrawContext) -> Sequence[float]:
        """Each one's share of the weight if nobody has a report, else unknown."""
        self._foresee(self._accounting.clock.read(context.now))
        return self._mixture.odds()

    def scores(self, context: DrawContext) -> Sequence[str]:
        """Reported and predicted load, and what it is of the capacity."""
        time = self._accounting.clock.read(context.now)
        self._foresee(time)
        words = []
        for row, fresh in zip(self._rows, self._mixture.fresh, strict=True):
            account = row.account
            clients = self._accounting.leases.due(account, time)
            text = f"{account.pending} handed out, {clients:.3g} due"
            if account.foreign:
                text = f"{text}, {account.foreign:.3g} handed out by others"
            if fresh:
                share = account.forecast / row.capacity
                text = (
                    f"load {row.load:.3g}, {text}: "
                    f"{account.forecast:.3g} foreseen, {share:.0%}"
                )
            else:
                text = f"no report, {text}"
            words.append(text)
        return words


def _key(context: DrawContext) -> bytes:
    """The key of the client; keys of different kinds have different lengths."""
    client = context.client
    if client.subnet:
        return _subnet_key(context, client)
    address = client.address
    if len(address) == 4:
        context.used(32)
        return address
    context.used(64)
    return address[:8]


def _subnet_key(context: DrawContext, client: Client) -> bytes:
    bits = network_bits(client)
    context.used(bits)
    size = 4 if len(client.address) == 4 else 8
    whole = int.from_bytes(client.address[:size].ljust(size, b"\0"))
    unused = size * 8 - bits
    return (whole >> unused << unused).to_bytes(size) + bytes((bits,))
