"""Signatures and proofs that Python has made, installed in the plane."""

from collections.abc import Iterator
from itertools import combinations
from math import comb

from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.presigned import ByName
from dinamed.plane.extension import native
from dinamed.plane.presigned_install import install_presigned
from dinamed.plans.context import QueryContext
from dinamed.plans.draw import DRAWN_TYPES, choose, drawn_data, member_text
from dinamed.plans.executor import Executor
from dinamed.plans.hints import drawn_sets
from dinamed.plans.moment import Moment
from dinamed.plans.plan import Plan, PoolAnswer, ServiceAnswer, Signing, Wanted
from dinamed.pools.context import Client
from dinamed.pools.members import Member
from dinamed.pools.recorder import ListRecorder
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, relative
from dinamed.wire.query import Query
from dinamed.wire.render import rdata_record
from dinamed.zones.layout import WILDCARD
from dinamed.zones.model import RRset
from dinamed.zones.packed import MatchKind, PackedZone

MOST_SETS = 64
"""Sets of a pool's records up to which all are signed when the first one is missed."""
SETS_AT_ONCE = 8
"""Else so many are drawn and signed for each miss."""


def install_signed(
    plane: "native.Plane", engine: Executor, query: Query, plan: Plan, source: bytes
) -> None:
    """Have the plane know what it misses for an answer from a signed zone.

    The answer was given by Python just now, so nothing here is signed for the first
    time, but the other sets of a pool.
    """
    if isinstance(plan, PoolAnswer | ServiceAnswer):
        client = engine.client_of(plan, QueryContext(query, source))
        present, asked = engine.present(), query.question.key
        if isinstance(plan, PoolAnswer):
            install_sets(plane, present, plan, client, asked)
        else:
            install_services(plane, present, plan, client, asked)
    name, snapshot = query.question.key, engine.snapshot
    zone = snapshot.zones.zone_for(name)
    if zone is None:
        return
    secured = snapshot.secured.get(zone.origin)
    if isinstance(secured, ByName):
        install_presigned(plane, secured, name, query.question.type)
    online = snapshot.online.get(zone.origin)
    if online is None:
        return
    install_static(plane, zone, online, name, query.question.type)
    for table in plane.tables.zones if plane.tables is not None else ():
        if table.chain is not None and table.origin == zone.origin:
            install_links(plane, table, online, name)


def install_sets(
    plane: "native.Plane",
    moment: Moment,
    plan: PoolAnswer,
    client: Client,
    name: WireName,
) -> None:
    """Have the plane know signatures of what this client may be given for a name."""
    signing = plan.signing
    if signing is None:
        return
    rrtype = DRAWN_TYPES[plan.wanted]
    view = moment.snapshot.pools[plan.pool]
    ttl = view.ttl
    for rdatas in set(_sets(moment, plan, client, name)):
        rrset = RRset(rrtype, view.settings.ttl.high, rdatas)
        _install(plane, signing, rrset, ttl, list(rdatas))


def install_services(
    plane: "native.Plane",
    moment: Moment,
    plan: ServiceAnswer,
    client: Client,
    name: WireName,
) -> None:
    """The same for records with hints and the addresses beside them."""
    signing = plan.signing
    if signing is None:
        return
    for _ in range(SETS_AT_ONCE):
        choice = choose(moment, plan, client, name, ListRecorder())
        for one in drawn_sets(moment, plan, choice):
            rrset = RRset(one.type, one.highest, tuple(sorted(one.rdatas)))
            _install(plane, signing, rrset, one.ttl, one.rdatas)


def _sets(
    moment: Moment, plan: PoolAnswer, client: Client, name: WireName
) -> Iterator[tuple[bytes, ...]]:
    """All sets of data of a small pool; of another, some that are drawn."""
    view = moment.snapshot.pools[plan.pool]
    count = view.settings.answers
    rows = [row for member in view.usable if (row := _data_of(plan, member))]
    single = all(len(row) == 1 for row in rows)
    if single and not any(member.inner for member in view.offered):
        count = min(count, len(rows))
        if count and comb(len(rows), count) <= MOST_SETS:
            data = [row[0] for row in rows]
            yield from (tuple(sorted(one)) for one in combinations(data, count))
    for _ in range(SETS_AT_ONCE):
        choice = choose(moment, plan, client, name, ListRecorder())
        found = drawn_data(moment, plan, choice)
        if found:
            yield tuple(sorted(found))


def _data_of(plan: PoolAnswer, member: Member) -> tuple[bytes, ...]:
    """The data of the records of a member."""
    if plan.wanted is Wanted.TEXT:
        return (member_text(member),) if member.addresses(0) else ()
    return member.addresses(4 if plan.wanted is Wanted.A else 6)


def install_static(
    plane: "native.Plane",
    zone: PackedZone,
    online: OnlineZone,
    name: WireName,
    rrtype: int,
) -> None:
    """Have the plane know the signature of an RRset of the zone's data."""
    match = zone.find(name)
    rrset = match.node.get(rrtype)
    if match.kind not in (MatchKind.EXACT, MatchKind.WILDCARD) or rrset is None:
        return
    owner = match.name if match.kind is MatchKind.WILDCARD else name
    _install(plane, Signing(online, owner), rrset, rrset.ttl, [])


def _install(
    plane: "native.Plane",
    signing: Signing,
    rrset: RRset,
    ttl: int,
    members: list[bytes],
) -> None:
    rrsigs = signing.zone.drawn(signing.owner, rrset, ttl)
    if len(rrsigs) == 1:
        record = rdata_record(b"", Type.RRSIG, ttl, rrsigs[0])
        plane.install_signature(signing.owner, rrset.type, members, record)


def install_links(
    plane: "native.Plane", table: "native.ZoneTable", online: OnlineZone, name: WireName
) -> None:
    """Have the plane know what denies a name, or the types that it has not."""
    install_soa(table, online)
    names, denial, origin = online.denial.names, online.denial, online.origin
    match = names.find(name)
    wanted = {denial.position(relative(name, origin))}
    if match.kind is MatchKind.MISSING:
        wildcard = WILDCARD + relative(match.name, origin)
        wanted.add(denial.position(wildcard))
    for place in wanted:
        if table.chain is not None:
            install_link(plane, table.chain, online, place)


def install_soa(table: "native.ZoneTable", online: OnlineZone) -> None:
    """Have the plane know what signs the SOA in negative answers."""
    zone = online.denial.names.zone
    soa = online.signatures(zone.apex, zone.negative)
    if soa is not None and len(soa.rdatas) == 1:
        table.install_soa(rdata_record(b"", Type.RRSIG, soa.ttl, soa.rdatas[0]))


def install_link(
    plane: "native.Plane", chain: "native.ChainLinks", online: OnlineZone, place: int
) -> None:
    """Have the plane know the NSEC at a place of the chain, as it is signed now."""
    owner, nsec, rrsigs = online.link(place)
    if rrsigs is not None and len(rrsigs.rdatas) == 1:
        plane.install_link(
            chain,
            place,
            relative(owner, online.origin),
            rdata_record(b"", Type.NSEC, nsec.ttl, nsec.rdatas[0]),
            rdata_record(b"", Type.RRSIG, nsec.ttl, rrsigs.rdatas[0]),
            online.renewed(owner, Type.NSEC),
        )
