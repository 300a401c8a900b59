"""Explains why a client gets its answer, stage by stage."""

import ipaddress
from typing import NamedTuple

import dns.edns
import dns.exception
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype
import msgspec

from dinamed.config.stages import BY_PLACE
from dinamed.config.values import shown
from dinamed.plans.context import QueryContext
from dinamed.plans.engine import Engine
from dinamed.plans.explain_signing import signing_words
from dinamed.plans.plan import (
    Fixed,
    Plan,
    PoolAnswer,
    ServiceAnswer,
    Synthesized,
    Targeted,
)
from dinamed.pools.pool import PoolView
from dinamed.pools.recorder import Event, ListRecorder, Narrowed, Out, Picked, Remark
from dinamed.wire.constants import CLASS_IN, Type
from dinamed.wire.edns import Edns
from dinamed.wire.names import BadName, WireName, from_text, to_text
from dinamed.wire.query import query_of
from dinamed.wire.question import Question
from dinamed.wire.subnet import ClientSubnet
from dinamed.zones.packed import MatchKind, PackedZone

ClientNetwork = ipaddress.IPv4Network | ipaddress.IPv6Network


class Asked(NamedTuple):
    """A question and whose it is."""

    name: WireName
    rrtype: dns.rdatatype.RdataType
    client: ClientNetwork


def asked_of(name: str, rrtype: str, client: str) -> Asked:
    """Read a question as a person writes it.

    Raises `ValueError`, whose message says which part can't be read, and why.
    """
    try:
        owner = from_text(name)
    except BadName as error:
        raise ValueError(f"{shown(name)} is not a name: {error}") from None
    try:
        number = dns.rdatatype.from_text(rrtype)
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"no type of record is named {shown(rrtype)}") from None
    try:
        network = ipaddress.ip_network(client, strict=False)
    except ValueError:
        raise ValueError(f"{shown(client)} is not an address or a network") from None
    return Asked(owner, number, network)


class Step(msgspec.Struct, frozen=True):
    """One decision on the way to the answer."""

    topic: str
    text: str


class Explanation(msgspec.Struct, frozen=True):
    """The steps to a reply, and its octets."""

    steps: tuple[Step, ...]
    reply: bytes


class Decoded(NamedTuple):
    """A reply as people read it."""

    rcode: str
    authoritative: bool
    scope: int | None
    """The client prefix that the answer depends on; None without a client subnet."""
    sections: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    """Records of answer, authority and additional section, as in a master file."""


def decoded(reply: bytes) -> Decoded:
    """Read a reply of ours."""
    message = dns.message.from_wire(reply)
    scopes = [o.scopelen for o in message.options if isinstance(o, dns.edns.ECSOption)]
    answer, authority, additional = (
        tuple(line for rrset in section for line in rrset.to_text().splitlines())
        for section in (message.answer, message.authority, message.additional)
    )
    return Decoded(
        dns.rcode.to_text(message.rcode()),
        bool(message.flags & dns.flags.AA),
        scopes[0] if scopes else None,
        (answer, authority, additional),
    )


def explain(
    engine: Engine, name: WireName, rrtype: int, client: ClientNetwork
) -> Explanation:
    """Answer as for `client`, and take down why.

    A client that is a whole address is taken as the resolver that asks; a network is
    given as the client subnet of a query from its first address.  Nothing is counted.
    """
    query = query_of(_question(name, rrtype), _edns(client))
    recorder = ListRecorder()
    source = client.network_address.packed
    context = QueryContext(query, source, True, recorder)
    plan = engine.executor.plan(query)
    reply = engine.executor.execute(plan, context)
    steps = [*_found(engine, name, rrtype, plan), *_aliases(reply)]
    steps += _placed(engine, plan, context)
    steps += _planned(engine, plan)
    steps += [step for event in recorder.events for step in _told(event)]
    signing = signing_words(engine.executor, query, source)
    steps += [Step("dnssec", text) for text in signing]
    return Explanation(tuple(steps), reply)


def chosen(
    engine: Engine, name: WireName, rrtype: int, client: ClientNetwork
) -> tuple[str | None, list[Event]]:
    """The client's country, and what the stages do for it.  Nothing is counted."""
    query = query_of(_question(name, rrtype), _edns(client))
    recorder = ListRecorder()
    source = client.network_address.packed
    context = QueryContext(query, source, True, recorder)
    engine.executor.execute(engine.executor.plan(query), context)
    place = engine.snapshot.locator.locate(source, client.prefixlen).place
    return place.country, recorder.events


def _question(name: WireName, rrtype: int) -> Question:
    return Question(name, name.lower(), rrtype, CLASS_IN)


def _edns(client: ClientNetwork) -> Edns:
    if client.prefixlen == client.max_prefixlen:
        return Edns(65535, 0, False)
    family = 1 if client.version == 4 else 2
    octets = (client.prefixlen + 7) // 8
    address = client.network_address.packed[:octets]
    subnet = ClientSubnet(family, client.prefixlen, address)
    return Edns(65535, 0, False, subnet=subnet)


def _aliases(reply: bytes) -> list[Step]:
    """The aliases that were followed."""
    return [
        Step("alias", f"{rrset.name} leads to {rrset[0]}")
        for rrset in dns.message.from_wire(reply).answer
        if int(rrset.rdtype) == Type.CNAME
    ]


def _found(engine: Engine, name: WireName, rrtype: int, plan: Plan) -> list[Step]:
    """Where the name stands in our zones."""
    zones = engine.snapshot.zones
    key = name.lower()
    zone = zones.zone_for(key)
    if zone is not None and rrtype == Type.DS and key == zone.origin:
        zone = zones.parent_side(key) or zone
    if zone is None:
        return [Step("zone", "none of ours: refused")]
    text = f"{to_text(zone.origin)} serial {zone.serial}, {zone.records} records"
    return [Step("zone", text), Step("name", _match(zone, key, plan))]


def _match(zone: PackedZone, key: WireName, plan: Plan) -> str:
    match = zone.find(key)
    owner = to_text(match.name)
    if match.kind in (MatchKind.MISSING, MatchKind.WILDCARD):
        if isinstance(plan, Synthesized):
            return "answers by itself"
        if isinstance(plan, PoolAnswer) and plan.place is not None:
            return "a pool's name with the label of a region"
    match match.kind:
        case MatchKind.EXACT:
            if match.node.rrsets or match.node.pool:
                return f"{owner} exists"
            return f"{owner} has only names below it"
        case MatchKind.WILDCARD:
            return f"matched by the wildcard {owner}"
        case MatchKind.CUT:
            return f"delegated at {owner}"
        case MatchKind.DNAME:
            return f"below the DNAME of {owner}"
        case MatchKind.MISSING:
            return f"does not exist below {owner}"


def _placed(engine: Engine, plan: Plan, context: QueryContext) -> list[Step]:
    """Where the client is, and how that is known."""
    if isinstance(plan, Fixed):
        return []
    place, scope = (plan.place if isinstance(plan, PoolAnswer) else None), 0
    if place is None:
        client = engine.executor.client_of(plan, context)
        place, scope = engine.snapshot.locator.locate(client.address, client.prefix)
    known = place.known()
    source = known.pop("source", "")
    if not known:
        if not _goes_by_place(engine, plan):
            return []
        text = "nothing is known of this client"
        return [Step("place", text + (": no [geo]" * engine.snapshot.locator.empty))]
    told = ", ".join(f"{key} {value}" for key, value in known.items())
    return [Step("place", f"{told} (from {source}, scope /{scope})")]


def _goes_by_place(engine: Engine, plan: Plan) -> bool:
    """Whether it matters to this answer where a client is."""
    if isinstance(plan, Targeted):
        return plan.tailored
    if not isinstance(plan, PoolAnswer | ServiceAnswer):
        return False
    select = engine.snapshot.pools[plan.pool].settings.select
    return any(stage.name in BY_PLACE for stage in select)


def _planned(engine: Engine, plan: Plan) -> list[Step]:
    if isinstance(plan, PoolAnswer | ServiceAnswer):
        return [Step("pool", _pool_text(engine.snapshot.pools[plan.pool]))]
    if isinstance(plan, Synthesized):
        return [Step("told", f"{plan.topic.name.lower()}, composed for each question")]
    if isinstance(plan, Targeted):
        text = "one label for all" if not plan.tailored else "labels by target"
        return [Step("targets", text)]
    return [Step("fixed", _fixed_text(plan))]


def _fixed_text(plan: Fixed) -> str:
    answer, authority, additional = plan.records.counts
    return (
        f"{plan.rcode.name}, the same for everybody: {answer} answer, "
        f"{authority} authority, {additional} additional records"
    )


def _pool_text(pool: PoolView) -> str:
    settings = pool.settings
    stages = ", ".join(stage.name for stage in settings.select)
    return (
        f"{pool.name}: {len(pool.members)} members, {len(pool.usable)} usable; "
        f"answers {settings.answers}, select {stages}"
    )


def _told(event: Event) -> list[Step]:
    match event:
        case Out(member=member, reason=reason):
            return [Step("out", f"{event.pool}/{member}: {reason}")]
        case Narrowed():
            kept = f"{len(event.before)} -> {len(event.after)}: {_names(event.after)}"
            text = f"{kept} ({event.note})" if event.note else kept
            return [Step(event.stage, text)]
        case Picked(listed=True):
            return [Step(event.stage, line) for line in _picked_lines(event)]
        case Picked():
            return [Step(event.stage, _picked_text(event))]
        case Remark(text=text):
            return [Step("note", f"{event.pool}: {text}")]
        case _:
            return [Step("note", repr(event))]


def _picked_lines(event: Picked) -> list[str]:
    """A line for each candidate, and the stage's remark."""
    lines = [
        f"{name} {score}" + (" <- picked" if name in event.picked else "")
        for name, score in zip(event.candidates, event.scores, strict=True)
    ]
    return [*lines, event.remark] if event.remark else lines


def _picked_text(event: Picked) -> str:
    if event.scores:
        scored = zip(event.candidates, event.scores, strict=True)
        among = "; ".join(f"{name}: {score}" for name, score in scored)
    elif event.odds:
        among = ", ".join(
            f"{name} {odds:.1%}"
            for name, odds in zip(event.candidates, event.odds, strict=True)
        )
    else:
        among = _names(event.candidates)
    return f"picked {_names(event.picked)} of {among}"


def _names(names: tuple[str, ...]) -> str:
    return ", ".join(names) or "nobody"
