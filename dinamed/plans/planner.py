"""From a question to its plan: RFC 1034 section 4.3.2 and what amended it."""

from collections.abc import Iterable

from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.secured import Proof, SecuredZone, Signed
from dinamed.geo.place import Place
from dinamed.plans.builtin_names import TOPICS, pool_asked_for
from dinamed.plans.facts import Facts
from dinamed.plans.plan import (
    NOT_READY,
    PROHIBITED,
    REFUSED,
    AliasChain,
    Fixed,
    Plan,
    PoolAnswer,
    ServiceAnswer,
    Signing,
    Synthesized,
    Targeted,
    Topic,
    Wanted,
)
from dinamed.plans.targets import Leaf
from dinamed.wire.constants import CLASS_IN, Rcode, Type
from dinamed.wire.names import MAX_NAME, WireName, is_within, relative
from dinamed.wire.question import Question
from dinamed.wire.render import EMPTY, Rendered, Renderer, Section
from dinamed.wire.svcb import is_alias, named_target, serves_itself
from dinamed.zones.model import RRset
from dinamed.zones.packed import MatchKind, Node, PackedZone, ZoneMatch
from dinamed.zones.virtual import Names
from dinamed.zones.zoneset import ZoneSet

MAX_ALIASES = 16
"""CNAMEs and DNAMEs followed for one question; a loop ends here."""

HINFO_TTL = 3600
_HINFO_RFC8482 = b"\x07RFC8482\x00"
_WANTED: dict[int, Wanted] = {
    Type.A: Wanted.A,
    Type.AAAA: Wanted.AAAA,
    Type.TXT: Wanted.TEXT,
}
_SERVICES = frozenset({Type.SVCB, Type.HTTPS})
_OF_CHAIN = frozenset({Type.NSEC, Type.RRSIG})
_ALIAS_ITSELF = frozenset({Type.CNAME, Type.ANY})
"""What a CNAME answers, rather than leads on to (RFC 1034 section 3.6.2)."""
# Offset of the host name in the data of the types that get additional addresses.
_TARGET_OFFSET: dict[int, int] = {Type.NS: 0, Type.MX: 2, Type.SRV: 6}


class Planner:
    """Makes plans from one set of zones."""

    def __init__(self, zones: ZoneSet, facts: Facts) -> None:
        self._zones = zones
        self.facts = facts
        self._names: dict[WireName, Names] = {}

    def names(self, zone: PackedZone) -> Names:
        """All names of a zone, virtual ones included."""
        found = self._names.get(zone.origin)
        if found is None:
            found = self._names[zone.origin] = Names(zone, self.facts.regional)
        return found

    def plan(self, question: Question, dnssec_ok: bool = False) -> Plan:
        """The plan of a question for data; it depends on nothing but that, and DO.

        With `dnssec_ok` it is that for those who set DO (RFC 3225): delegations have
        their DS, and what comes from signed zones has signatures and proofs.
        """
        if question.class_ != CLASS_IN:
            return REFUSED
        zone = self._zone(question.key, question.type)
        if zone is None:
            return REFUSED
        if zone.origin in self.facts.unready:
            return NOT_READY
        return _Walk(self, question, dnssec_ok).run(zone)

    def whole(self, question: Question) -> Plan:
        """The plan of a transfer that nobody is allowed."""
        if (
            question.class_ != CLASS_IN
            or (zone := self._zones.zone_for(question.key)) is None
        ):
            return REFUSED
        return NOT_READY if zone.origin in self.facts.unready else PROHIBITED

    def plan_for_leaf(
        self, question: Question, plan: Targeted, leaf: Leaf, sample: RRset | None
    ) -> Plan:
        """The plan of a question once it is known which label stands for the name.

        `sample` holds the records that were drawn where not all are given.
        """
        walk = _Walk(self, question, plan.dnssec_ok, plan.trail)
        return walk.at_leaf(self._zones[plan.zone], leaf, sample)

    def _zone(self, name: WireName, rrtype: int) -> PackedZone | None:
        zone = self._zones.zone_for(name)
        if zone is not None and rrtype == Type.DS and name == zone.origin:
            # RFC 4035 section 3.1.4.1: DS stands on the parent's side of the cut.
            return self._zones.parent_side(name) or zone
        return zone


class _Walk:
    """Follows one question through the zones and collects records."""

    def __init__(
        self,
        planner: Planner,
        question: Question,
        dnssec_ok: bool,
        trail: AliasChain | None = None,
    ) -> None:
        self._planner = planner
        self._dnssec_ok = dnssec_ok
        self._type = question.type
        self._name = question.key
        self._renderer = Renderer(question.key)
        self._aliases = 0
        self._answers: list[Signed] = []
        self._proofs: list[Signed] = []
        if trail is not None:
            for signed in trail.answers:
                self._put(Section.ANSWER, signed)
            self._proofs += trail.proofs
            self._name, self._aliases = trail.name, trail.aliases

    def run(self, zone: PackedZone) -> Plan:
        outcome = self._visit(zone)
        return self._go_on() if outcome is None else outcome

    def _go_on(self) -> Plan:
        """Look for what an alias has led to."""
        outcome = None
        while outcome is None:
            zone = self._planner._zone(self._name, self._type)
            if (
                zone is None
                or self._aliases >= MAX_ALIASES
                or zone.origin in self._planner.facts.unready
            ):
                return self._fixed(Rcode.NOERROR)
            outcome = self._visit(zone)
        return outcome

    def _visit(self, zone: PackedZone) -> Plan | None:
        """Look the name up in one zone; None: an alias was followed."""
        match = self._find(zone)
        if match.kind is MatchKind.CUT and not self._is_above_cut(zone, match):
            return self._referral(zone, match)
        if match.kind is MatchKind.DNAME:
            return self._dname(zone, match)
        targeted = self._targeted(zone)
        if targeted is not None:
            return targeted
        virtual = self._virtual(zone, match)
        if virtual is not None:
            return virtual
        if match.kind is MatchKind.MISSING:
            secured = self._secured(zone)
            proof = secured.no_name(self._name, match) if secured else ()
            return self._negative(zone, Rcode.NXDOMAIN, proof)
        return self._at_node(zone, match)

    def _find(self, zone: PackedZone) -> ZoneMatch:
        """Look the name up among the zone's names, virtual ones included.

        In a zone that came signed those are not there for who would miss signatures.
        """
        secured = self._secured(zone)
        if secured is not None and zone.origin not in self._planner.facts.online:
            return zone.find(self._name)
        # An alias does not lead to what a server tells about itself; but where a proof
        # goes with the answer, that has to fit the chain, in which such names are.
        own = not self._aliases or self._online(zone) is not None
        return self._planner.names(zone).find(self._name, own)

    def _is_above_cut(self, zone: PackedZone, match: ZoneMatch) -> bool:
        """Whether what is asked for stands on this side of the cut it is asked at.

        RFC 4035 section 3.1.4.1: the DS does, and so does an NSEC if there is one.
        """
        if match.name != self._name:
            return False
        if self._type == Type.NSEC:
            online = self._online(zone)
            return online is not None or match.node.get(Type.NSEC) is not None
        return self._type == Type.DS

    def _virtual(self, zone: PackedZone, match: ZoneMatch) -> Plan | None:
        """The plan of a name that exists without standing in the zone's data."""
        if match.kind is MatchKind.MISSING:
            return None if self._aliases else self._members(zone)
        key = relative(match.name, zone.origin)
        virtual = self._planner.names(zone).virtual.get(key)
        if virtual is None or virtual.node is not match.node:
            return None
        special = self._special(zone, match)
        if special is not None:
            return special
        if virtual.own and not self._aliases:
            empty = self._no_data(zone, match)
            return Synthesized(
                TOPICS[virtual.own], empty, signing=self._signing(zone, match)
            )
        return self._drawn(zone, match, virtual.place)

    def _members(self, zone: PackedZone) -> Plan | None:
        """The plan of `POOL.mgmt`, which is not for everybody, and so in no chain."""
        pool = pool_asked_for(self._name, zone.origin, self._planner.facts.pools.get)
        if pool is None or (self._secured(zone) and not self._online(zone)):
            return None
        online = self._online(zone)
        signing = None if online is None else Signing(online, self._name)
        return Synthesized(Topic.MEMBERS, self._no_data(zone), pool, signing)

    def _targeted(self, zone: PackedZone) -> Plan | None:
        """The plan of a name that is not the same label for everybody."""
        table = self._planner.facts.tables.get(zone.origin)
        if table is None:
            return None
        key = relative(self._name, zone.origin)
        match = ZoneMatch(MatchKind.EXACT, self._name, zone.apex)
        if not table.speaks_of(key, self._type):
            if not table.exists(key) or zone.node(key) is not None:
                return None
            return self._special(zone, match) or self._no_data(zone, match)
        if self._type == Type.ANY:
            return self._any(zone, match) if self._online(zone) else self._minimal()
        trail = AliasChain(
            tuple(self._answers), tuple(self._proofs), self._name, self._aliases
        )
        return Targeted(
            zone.origin,
            key,
            trail,
            empty=self._no_data(zone, match),
            tailored=table.tailored(key),
            subnet=zone.origin not in self._planner.facts.untailored,
            dnssec_ok=self._dnssec_ok,
        )

    def at_leaf(self, zone: PackedZone, leaf: Leaf, sample: RRset | None) -> Plan:
        """Answer from the label that stands for the name."""
        match = ZoneMatch(MatchKind.EXACT, self._name, leaf.node)
        if leaf.pool:
            return self._drawn(zone, match)
        rrset = sample or leaf.node.rrsets[leaf.type]
        online = self._online(zone)
        signatures = None if online is None else online.made(self._name, rrset)
        self._put(Section.ANSWER, Signed(self._name, rrset, signatures))
        if leaf.type != Type.CNAME or self._type in _ALIAS_ITSELF:
            self._addresses_of(zone, rrset)
            return self._fixed(Rcode.NOERROR)
        self._follow(rrset.rdatas[0])
        return self._go_on()

    def _at_node(self, zone: PackedZone, match: ZoneMatch) -> Plan | None:
        special = self._special(zone, match)
        if special is not None:
            return special
        node = match.node
        rrset = self._rrset(zone, node, self._type)
        if rrset is not None:
            if node.pool is not None and self._type in _SERVICES:
                hinted = self._hinted(zone, match, node.pool, rrset)
                if hinted is not None:
                    return hinted
            self._answer(zone, match, rrset)
            self._addresses_of(zone, rrset)
            return self._fixed(Rcode.NOERROR)
        alias = node.get(Type.CNAME)
        if alias is not None:
            self._answer(zone, match, alias)
            self._follow(alias.rdatas[0])
            return None
        return self._drawn(zone, match)

    def _rrset(self, zone: PackedZone, node: Node, rrtype: int) -> RRset | None:
        """An RRset of a node, or what signing puts at the apex in its place."""
        if node.offset == zone.apex.offset:
            online = self._planner.facts.online.get(zone.origin)
            if online is not None and rrtype in online.apex:
                return online.apex[rrtype]
        return node.get(rrtype)

    def _special(self, zone: PackedZone, match: ZoneMatch) -> Plan | None:
        """The plan of ANY, and in a zone that is signed here of NSEC and RRSIG."""
        node = match.node
        online = self._online(zone)
        if self._type == Type.ANY and (
            node.rrsets
            or node.pool is not None
            or (online is not None and online.nsec(match.name) is not None)
        ):
            return self._any(zone, match)
        if online is None or self._type not in _OF_CHAIN:
            return None
        nsec = online.nsec(match.name) if match.name == self._name else None
        if nsec is None or nsec.signatures is None:
            return None
        if self._type == Type.RRSIG:
            # The bit map promises one; another would need no other proof.
            nsec = Signed(nsec.owner, nsec.signatures, None)
        self._put(Section.ANSWER, nsec)
        return self._fixed(Rcode.NOERROR)

    def _drawn(
        self, zone: PackedZone, match: ZoneMatch, place: Place | None = None
    ) -> PoolAnswer | Fixed:
        """The plan of a name that is bound to a pool, or NODATA."""
        wanted = _WANTED.get(self._type)
        pool = match.node.pool
        if pool is None or wanted is None:
            return self._no_data(zone, match)
        before, owner = self._renderer.finish(), self._renderer.reference(self._name)
        # The proofs of an answer are not those of none.
        answered, kept = self._expanded(zone, match), list(self._proofs)
        self._proofs += answered
        after = self._after()
        self._proofs = kept
        return PoolAnswer(
            pool,
            wanted,
            before=before,
            owner=owner,
            after=after,
            empty=self._no_data(zone, match),
            subnet=zone.origin not in self._planner.facts.untailored,
            place=place,
            signing=self._signing(zone, match),
        )

    def _online(self, zone: PackedZone) -> OnlineZone | None:
        """The signer of a zone for this answer, if it is signed here."""
        return self._planner.facts.online.get(zone.origin) if self._dnssec_ok else None

    def _signing(self, zone: PackedZone, match: ZoneMatch) -> Signing | None:
        """The signer of answers that are made for one client."""
        online = self._online(zone)
        if online is None:
            return None
        wildcard = match.kind is MatchKind.WILDCARD
        return Signing(online, match.name if wildcard else self._name)

    def _expanded(self, zone: PackedZone, match: ZoneMatch) -> Proof:
        """That a wildcard had to stand for the name, if one does."""
        secured = self._secured(zone)
        if secured is None or match.kind is not MatchKind.WILDCARD:
            return ()
        return secured.expanded(self._name, match)

    def _hinted(
        self, zone: PackedZone, match: ZoneMatch, pool: str, rrset: RRset
    ) -> ServiceAnswer | None:
        """RFC 9460: what a service of the pool's own name answers, if there is one."""
        if not any(serves_itself(rdata, self._name) for rdata in rrset.rdatas):
            return None
        before, owner = self._renderer.finish(), self._renderer.reference(self._name)
        self._proofs += self._expanded(zone, match)
        return ServiceAnswer(
            pool,
            rrset,
            self._name,
            owner,
            before,
            self._after(),
            subnet=zone.origin not in self._planner.facts.untailored,
            signing=self._signing(zone, match),
        )

    def _any(self, zone: PackedZone, match: ZoneMatch) -> Plan:
        """RFC 8482: section 4.2's HINFO, or the CNAME that stands alone anyway.

        Where signatures are missed it is one RRset that has them (section 4.1).
        """
        node = match.node
        rrset = node.get(Type.CNAME)
        online = self._online(zone)
        if rrset is None and online is not None:
            nsec = online.nsec(self._name)
            if nsec is not None:
                self._put(Section.ANSWER, nsec)
                return self._fixed(Rcode.NOERROR)
        if rrset is None and self._secured(zone):
            rrset = node.get(Type.NSEC) or next(iter(node.rrsets.values()), None)
        if rrset is None and online is not None:  # a wildcard for a pool
            types = online.denial.types(relative(match.name, zone.origin))
            self._type = Type.A if Type.A in types else Type.AAAA
            return self._drawn(zone, match)
        if rrset is None:
            return self._minimal()
        self._answer(zone, match, rrset)
        return self._fixed(Rcode.NOERROR)

    def _minimal(self) -> Fixed:
        """RFC 8482 section 4.2."""
        hinfo = RRset(Type.HINFO, HINFO_TTL, (_HINFO_RFC8482,))
        self._put(Section.ANSWER, Signed(self._name, hinfo, None))
        return self._fixed(Rcode.NOERROR)

    def _dname(self, zone: PackedZone, match: ZoneMatch) -> Fixed | None:
        """RFC 6672 section 3.2: the DNAME, the CNAME made from it, and on."""
        dname = match.node.get(Type.DNAME)
        assert dname is not None
        self._add(Section.ANSWER, zone, match.node, match.name, dname)
        left = self._name[: len(self._name) - len(match.name)]
        target = left + dname.rdatas[0]
        if len(target) > MAX_NAME:
            return self._fixed(Rcode.YXDOMAIN)
        alias = RRset(Type.CNAME, dname.ttl, (target,))
        # Made here, so without a signature (RFC 6672 section 5.3.1).
        self._put(Section.ANSWER, Signed(self._name, alias, None))
        if self._type in _ALIAS_ITSELF:
            return self._fixed(Rcode.NOERROR)
        self._follow(target)
        return None

    def _follow(self, target: WireName) -> None:
        self._aliases += 1
        self._name = target.lower()

    def _referral(self, zone: PackedZone, match: ZoneMatch) -> Fixed:
        delegation = match.node.get(Type.NS)
        assert delegation is not None
        self._put(Section.AUTHORITY, Signed(match.name, delegation, None))
        if self._dnssec_ok:
            self._security_of(zone, match)
        servers = [server.lower() for server in delegation.rdatas]
        # RFC 9471: glue below the cut is no option, so it comes first and its loss
        # sets TC.
        for target in servers:
            if is_within(target, match.name):
                self._glue(zone, target, required=True)
        for target in servers:
            if is_within(target, zone.origin):
                self._glue(zone, target, required=False)
        return self._fixed(Rcode.NOERROR, authoritative=self._aliases > 0)

    def _security_of(self, zone: PackedZone, match: ZoneMatch) -> None:
        """RFC 4035 section 3.1.4: the DS of a delegation, or that it has none."""
        signer = match.node.get(Type.DS)
        if signer is not None:
            self._add(Section.AUTHORITY, zone, match.node, match.name, signer)
        elif secured := self._secured(zone):
            for signed in secured.unsigned_cut(match):
                self._put(Section.AUTHORITY, signed)

    def _addresses_of(self, zone: PackedZone, rrset: RRset) -> None:
        """Additional records: the addresses that the data lead to, in this zone.

        RFC 9460 section 4.1: of services also what their targets are aliases for.
        """
        offset = _TARGET_OFFSET.get(rrset.type)
        services = rrset.type in _SERVICES
        if offset is None and not services:
            return
        for rdata in rrset.rdatas:
            target = (
                named_target(rdata, self._name) if services else rdata[offset:].lower()
            )
            if target is None or not is_within(target, zone.origin):
                continue
            self._glue(zone, target, required=False)
            if services and is_alias(rdata):
                self._beside(zone, target, (rrset.type,), required=False)

    def _glue(self, zone: PackedZone, target: WireName, required: bool) -> None:
        self._beside(zone, target, (Type.A, Type.AAAA), required)

    def _beside(
        self,
        zone: PackedZone,
        target: WireName,
        types: Iterable[int],
        required: bool,
    ) -> None:
        """Additional records of a name that stands in the zone."""
        node = zone.node(target[: len(target) - len(zone.origin)])
        if node is None:
            return
        for rrtype in types:
            rrset = node.get(rrtype)
            if rrset is not None:
                self._add(Section.ADDITIONAL, zone, node, target, rrset, required)

    def _no_data(self, zone: PackedZone, match: ZoneMatch | None = None) -> Fixed:
        """NODATA; `match` is None for a name that does not stand in the zone."""
        secured = self._secured(zone)
        proof: Proof = ()
        if secured is not None and match is not None:
            proof = secured.no_data(self._name, match, self._type)
        return self._negative(zone, Rcode.NOERROR, proof)

    def _negative(self, zone: PackedZone, rcode: Rcode, proof: Proof) -> Fixed:
        """RFC 2308 section 3: the SOA, and what proves it in a signed zone."""
        soa = self._rrset(zone, zone.apex, Type.SOA)
        assert soa is not None
        soa = soa._replace(ttl=zone.negative.ttl)
        self._add(Section.AUTHORITY, zone, zone.apex, zone.origin, soa)
        self._proofs += proof
        return self._fixed(rcode)

    def _secured(self, zone: PackedZone) -> SecuredZone | None:
        """The additions of a signed zone to this answer, if there are any."""
        return self._planner.facts.secured.get(zone.origin) if self._dnssec_ok else None

    def _answer(self, zone: PackedZone, match: ZoneMatch, rrset: RRset) -> None:
        """Answer with an RRset of the node that was found."""
        self._add(Section.ANSWER, zone, match.node, self._name, rrset)
        self._proofs += self._expanded(zone, match)

    def _add(
        self,
        section: Section,
        zone: PackedZone,
        node: Node,
        owner: WireName,
        rrset: RRset,
        required: bool = True,
    ) -> None:
        """Add an RRset of a node, and its signatures where they are wanted."""
        secured = self._secured(zone)
        signatures = secured.signatures(node, rrset) if secured else None
        self._put(section, Signed(owner, rrset, signatures), required)

    def _put(self, section: Section, signed: Signed, required: bool = True) -> None:
        if section is Section.ANSWER:
            self._answers.append(signed)
        if section is Section.ADDITIONAL:
            self._prove(self._renderer)
        _render(self._renderer, section, signed, required)

    def _prove(self, renderer: Renderer) -> None:
        """The proofs stand at the end of the authority section."""
        for signed in self._proofs:
            _render(renderer, Section.AUTHORITY, signed)

    def _after(self) -> Rendered:
        """The records behind drawn answers: the proofs so far."""
        if not self._proofs:
            return EMPTY
        renderer = self._renderer.behind()
        self._prove(renderer)
        return renderer.finish()

    def _fixed(self, rcode: Rcode, authoritative: bool = True) -> Fixed:
        self._prove(self._renderer)
        return Fixed(rcode, authoritative, self._renderer.finish())


def _render(
    renderer: Renderer, section: Section, signed: Signed, required: bool = True
) -> None:
    rrset, signatures = signed.rrset, signed.signatures
    renderer.add(
        section,
        signed.owner,
        rrset.type,
        rrset.ttl,
        rrset.rdatas,
        required,
        signatures.rdatas if signatures is not None else (),
    )
