"""The loads that members are predicted to carry: the arithmetic of `predictive`.

For a member, with H the horizon, D how long a transfer lasts on average and f the load
of one, the load now follows from the last report, which is so old,

    now = report * exp(-age/D) + f * (those who came since, as far as they stay)

where they came by hand-outs and by leases (`leases`) since the report.  What counts is
not the load at one moment but its mean over the horizon, to which whoever is there now
comes for stay = D * (1 - exp(-H/D)) / H:

    predicted = now * stay + f * (what the clients come to that leases will bring)

The rates behind leases are learned from few gaps, so what is said of them is noise for
a good part.  Only a part of it is believed (`trust`), of the rest every member gets the
share that its capacity has in all.  How much was found by simulation: half of those who
came since the report; of those who will come `FIXED` where all answers have the same
TTL, and all of it where heavy resolvers have a short one, for then no single one
matters.  Where several servers share what they hand out more is believed: there the
hand-outs that are still under way do more harm than noise.

Of what others have handed out in the last moments a server has not heard yet.  If all
gave their next answer to whoever is the least used as far as they know, they would give
it to the same one.  So each takes a part of what it may not have heard of, by lot, as
handed out already to those who are the least used (`poured`): then all of them together
hand out as one would.
"""

from collections.abc import Sequence
from heapq import heapify, heappop
from math import exp, sqrt
from typing import NamedTuple

from dinamed.config.settings import Ttl
from dinamed.pools.accounts import MemberAccount
from dinamed.pools.belief import kept_share
from dinamed.pools.leases import Leases

CAME = 0.5
"""How much of the arrivals since a report is believed."""

FIXED = 0.7
"""How much of what leases will bring is believed, with a fixed TTL."""

SHARED_CAME = 0.75
"""How much of the arrivals since a report is believed where several servers share."""

LONGER = 2.0
"""Times the reference that the horizon of an adaptive TTL is: the answers of light
resolvers last longer than those of the ordinary one."""

LOT = 1e6 * (sqrt(5.0) - 1.0) / 2.0
"""Microseconds in turns of the golden angle."""


class Subject(NamedTuple):
    """A member whose load is predicted: `load` was reported `age` seconds ago."""

    account: MemberAccount
    load: float
    age: float
    capacity: float


def reference_ttl(ttl: Ttl) -> float:
    """The TTL that an ordinary resolver gets, in seconds."""
    return float(ttl.low) if ttl.low == ttl.high else sqrt(max(1, ttl.low) * ttl.high)


def horizon(ttl: Ttl, duration: float) -> float:
    """How far ahead is looked, in seconds.

    Not beyond the time that a transfer lasts where that is longer than the TTL: what is
    over before the end has no part in it.
    """
    reference = reference_ttl(ttl)
    if ttl.low == ttl.high:
        return reference
    return max(reference, min(LONGER * reference, duration))


class LeaseTrust(NamedTuple):
    """How much of what leases say is believed: of the past, and of what is to come."""

    came: float
    coming: float


def trust(ttl: Ttl, shared: bool) -> LeaseTrust:
    """How much is believed with that TTL, and while other servers tell of hand-outs."""
    if shared:
        return LeaseTrust(SHARED_CAME, 1.0)
    return LeaseTrust(CAME, FIXED if ttl.low == ttl.high else 1.0)


def predicted(
    subjects: Sequence[Subject],
    leases: Leases,
    flow: float,
    answers: int,
    believed: LeaseTrust,
    time: float,
) -> list[float]:
    """The mean load of each over the horizon, as its leases are at that time."""
    stay, duration = leases.stay(), leases.duration
    came = [leases.present(one.account, time) for one in subjects]
    coming = [leases.coming(one.account, time) for one in subjects]
    # By unit of capacity, for all alike.
    whole = sum(one.capacity for one in subjects) or 1.0
    some_came = (1.0 - believed.came) * sum(came) / whole
    some_coming = (1.0 - believed.coming) * sum(coming) / whole
    loads = []
    for one, by_leases, later in zip(subjects, came, coming, strict=True):
        here = _handed_out(one, duration, answers)
        here += believed.came * by_leases + some_came * one.capacity
        later = believed.coming * later + some_coming * one.capacity
        belief = one.account.belief
        load = belief.at_report(flow) if belief.known else one.load
        now = load * exp(-one.age / duration) + flow * here
        loads.append(now * stay + flow * later)
    return loads


def poured(
    loads: Sequence[float], capacities: Sequence[float], amount: float
) -> list[float]:
    """The loads after so much more has gone to whoever is the least used.

    Capacities are above 0.
    """
    heap = [
        (load / size, place)
        for place, (load, size) in enumerate(zip(loads, capacities, strict=True))
    ]
    heapify(heap)
    level, room = 0.0, 0.0
    reached: list[int] = []
    while heap and (not reached or (heap[0][0] - level) * room < amount):
        used, place = heappop(heap)
        if reached:
            amount -= (used - level) * room
        level = used
        reached.append(place)
        room += capacities[place]
    found = list(loads)
    for place in reached:
        found[place] = (level + amount / room) * capacities[place]
    return found


def lot(time: float) -> float:
    """A number from 0 to 1 for a moment: as good as chance for the next one."""
    return time % 1.0 * LOT % 1.0


def _handed_out(one: Subject, duration: float, answers: int) -> float:
    """Who came by hand-outs since the report, and is there, if these were even."""
    return one.account.unseen * kept_share(one.age, duration) / answers
