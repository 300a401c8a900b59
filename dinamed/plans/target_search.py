"""Finding the label that stands for a name, and the plan that follows from it."""

from dataclasses import dataclass
from math import log
from operator import itemgetter
from random import Random
from typing import NamedTuple

from dinamed.geo.place import Place
from dinamed.plans.plan import Plan, Targeted
from dinamed.plans.planner import Planner
from dinamed.plans.snapshot import Snapshot
from dinamed.plans.targets import Leaf, TargetTable
from dinamed.pools.context import Client
from dinamed.pools.members import Family
from dinamed.pools.recorder import Recorder, Remark
from dinamed.wire.constants import Type
from dinamed.wire.names import to_text
from dinamed.wire.question import Question
from dinamed.zones.model import RRset
from dinamed.zones.targeting import Sample

MOST_SETTLED = 256
"""How many labels' plans a targeted plan remembers."""

_FAMILIES: dict[int, Family] = {Type.A: 4, Type.AAAA: 6, Type.TXT: 0}


@dataclass(frozen=True, slots=True)
class TargetQuery:
    """A question, who asks it and from where, and the source of chance."""

    question: Question
    client: Client
    place: Place
    rng: Random
    recorder: Recorder | None = None


class TargetAnswer(NamedTuple):
    """What follows, and the length of the client's prefix that it depends on, beside
    that of the client's place; `drawn` tells that chance has a part in it."""

    plan: Plan
    scope: int
    drawn: bool = False


def search_targets(
    planner: Planner, snapshot: Snapshot, plan: Targeted, asking: TargetQuery
) -> TargetAnswer:
    """Find the label for this client, and make its plan."""
    table = snapshot.tables[plan.zone]
    targets, scope = table.targets(asking.client, asking.place)

    def has(pool: str, rrtype: int) -> bool:
        family = _FAMILIES.get(rrtype)
        return family is not None and snapshot.pools[pool].offers(family)

    leaf = table.search(plan.key, asking.question.type, targets, has)
    if asking.recorder is not None:
        _tell(asking.recorder, plan, targets, leaf)
    if leaf is None:
        return TargetAnswer(plan.empty, scope)
    drawn = not leaf.pool and table.sample(leaf) is not None
    return TargetAnswer(_plan_of(planner, table, plan, asking, leaf), scope, drawn)


def _plan_of(
    planner: Planner,
    table: TargetTable,
    plan: Targeted,
    asking: TargetQuery,
    leaf: Leaf,
) -> Plan:
    sample = None if leaf.pool else table.sample(leaf)
    if sample is not None:
        drawn = draw(leaf.node.rrsets[leaf.type], sample, asking.rng)
        return planner.plan_for_leaf(asking.question, plan, leaf, drawn)
    key = (leaf.key, leaf.type)
    settled = plan.settled.get(key)
    if settled is None:
        settled = planner.plan_for_leaf(asking.question, plan, leaf, None)
        if len(plan.settled) < MOST_SETTLED:
            plan.settled[key] = settled
    return settled


def draw(rrset: RRset, sample: Sample, rng: Random) -> RRset:
    """Draw records by weight without replacement (Efraimidis and Spirakis 2006)."""
    pairs = zip(sample.weights, rrset.rdatas, strict=True)
    keyed = [(log(1.0 - rng.random()) / weight, rdata) for weight, rdata in pairs]
    keyed.sort(key=itemgetter(0), reverse=True)
    return rrset._replace(rdatas=tuple(rdata for _, rdata in keyed[: sample.count]))


def _tell(
    recorder: Recorder,
    plan: Targeted,
    targets: tuple[bytes, ...],
    leaf: Leaf | None,
) -> None:
    """Record the client's targets, and which label was found."""
    name = to_text(plan.key + plan.zone)
    among = ", ".join(_label(target) for target in targets)
    recorder.record(Remark(name, f"targets of this client: {among}"))
    if leaf is None:
        recorder.record(Remark(name, "no label has anything of this type"))
        return
    kind = "its pool" if leaf.pool else "its records"
    recorder.record(Remark(name, f"answered by {_label(leaf.key)}: {kind}"))


def _label(key: bytes) -> str:
    return to_text(key + b"\0")[:-1] if key else "@"
