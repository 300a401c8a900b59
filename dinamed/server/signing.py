"""Signing zones as they are served: keys at the first start, rolls, the parent's DS."""

import ipaddress
from collections.abc import Callable, Mapping, Set
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.logger import Logger

from dinamed.config.dnssec import Dnssec
from dinamed.config.settings import Settings
from dinamed.config.zone_rules import origin
from dinamed.dnssec.denial import Denial
from dinamed.dnssec.grid import HOUR
from dinamed.dnssec.keyset import KeySet
from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.rolling import ParentView, ServersView, Waiting, waiting
from dinamed.dnssec.signing import ZoneSigner
from dinamed.plans.targets import TargetTable
from dinamed.server.authority import Authority
from dinamed.server.highest_ttls import HighestTtls
from dinamed.server.key_folder import KeyFolder
from dinamed.server.parents import ParentAsker
from dinamed.server.periodic import Periodic
from dinamed.server.signing_config import SigningConfig, signing_config
from dinamed.server.zone_keys import ZoneKeys
from dinamed.transfers.overlay import with_serial
from dinamed.transfers.rebuild import stripped
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, relative, to_text
from dinamed.zones.packed import PackedZone
from dinamed.zones.targeting import Targeting
from dinamed.zones.virtual import Names
from dinamed.zones.zoneset import ZoneSet

TICK = 60.0
"""Seconds between looks at what time has brought about."""
ASK_INTERVAL = 3600.0
"""Seconds between questions to the parent of a zone."""

Local = Callable[[str], bool]
"""Whether an address is one of this host."""


class SigningService(Periodic):
    """Owns the keys of all zones that are signed here.

    It must start before anything answers: keys are made as the user that we become.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        authority: Authority,
        rng: Random,
        asker: ParentAsker,
        is_local: Local,
    ) -> None:
        super().__init__(reactor, TICK, self.tick, "going on with DNSSEC")
        self._authority = authority
        self._rng = rng
        self._asker = asker
        self._is_local = is_local
        self._zones: dict[WireName, ZoneKeys] = {}
        self._built: dict[WireName, tuple[tuple[object, ...], OnlineZone]] = {}
        self._denials: dict[WireName, tuple[tuple[object, ...], Denial]] = {}
        self._highest = HighestTtls(reactor)
        self._asked: dict[WireName, float] = {}
        self._hour = 0
        self._told: dict[WireName, str] = {}
        self._open = False
        self._stripped: dict[WireName, tuple[PackedZone, PackedZone]] = {}
        authority.take_signing(self.prepared)

    @property
    def zones(self) -> Mapping[WireName, ZoneKeys]:
        """The zones that are signed here, or are to be."""
        return self._zones

    def key_digests(self) -> dict[str, str]:
        """Digests of the DNSKEY records that are given out now, by signed zone."""
        built = self._built.items()
        return {to_text(apex): made.keys_digest for apex, (_, made) in built}

    def startService(self) -> None:
        """Read the keys, make those that are wanted, and sign."""
        self._open = True
        self._hour = int(self._authority.seconds()) // HOUR
        self._authority.refresh()
        super().startService()

    def stopService(self) -> Deferred[None]:
        """Keep the signatures for the next start."""
        stopped = super().stopService() or succeed(None)
        for keys in self._zones.values():
            keys.remember()
        return stopped

    def prepared(
        self, settings: Settings, zones: Mapping[WireName, PackedZone]
    ) -> tuple[Mapping[WireName, PackedZone], Mapping[WireName, OnlineZone]]:
        """The zones to serve, and what signing adds to each that is signed now."""
        if not self._open:
            return zones, {}
        now = self._authority.seconds()
        self._take(settings, zones, now)
        if not self._zones:
            self._built, self._stripped, self._denials = {}, {}, {}
            return zones, {}
        serve = {}
        said = signing_config(settings)
        found = {}
        for apex, keys in self._zones.items():
            zone = zones.get(apex)
            keyset = None if zone is None else keys.keyset(now)
            if zone is not None and keyset is not None:
                zone = serve[apex] = self._bare(zone, apex in said.fetched)
                found[apex] = self._online(keys, zone, keyset, said)
        self._built = {apex: self._built[apex] for apex in found}
        self._denials = {apex: self._denials[apex] for apex in found}
        self._stripped = {apex: self._stripped[apex] for apex in found}
        self._tell()
        return ZoneSet(zones).changed(serve), found

    def _bare(self, zone: PackedZone, fetched: bool) -> PackedZone:
        """The zone without what another signer has put into it."""
        known = self._stripped.get(zone.origin)
        if known is None or known[0] is not zone:
            known = (zone, stripped(zone, keys_too=fetched))
            self._stripped[zone.origin] = known
        return known[1]

    def _take(
        self, settings: Settings, zones: Mapping[WireName, PackedZone], now: float
    ) -> None:
        """Open what the config signs, and keep signing where a DS stands."""
        wanted = {origin(zone): zone.dnssec for zone in settings.zones if zone.dnssec}
        state = settings.server.state
        for apex, table in wanted.items():
            known = self._zones.get(apex)
            if known is not None and known.settings == table:
                continue
            self._zones[apex] = self._opened(apex, table, state, zones, now)
        for apex in self._zones.keys() - wanted.keys():
            keys = self._zones[apex]
            if apex in zones and keys.must_stay(now):
                keys.problem = _STAYS.format(zone=to_text(apex).removesuffix("."))
            else:
                del self._zones[apex]

    def _opened(
        self,
        apex: WireName,
        table: Dnssec,
        state: str | None,
        zones: Mapping[WireName, PackedZone],
        now: float,
    ) -> ZoneKeys:
        keys = ZoneKeys(apex, table, KeyFolder(apex, table.keys, state))
        before = self._zones.get(apex)
        if before is not None:
            keys.signatures = before.signatures
        else:
            keys.recall()
        zone = zones.get(apex)
        may_make = table.make
        if may_make is None:
            may_make = zone is not None and self._alone(zone)
        keys.open(now, may_make)
        if keys.state is not None:
            tags = ", ".join(str(key.tag) for key in keys.held.keys.values())
            self.log.info(
                "{zone} is signed with key {tags} of {folder}",
                zone=to_text(apex),
                tags=tags,
                folder=keys.folder.keys,
            )
        return keys

    def _alone(self, zone: PackedZone) -> bool:
        """Whether no other server could make keys for the zone too."""
        servers = zone.apex.get(Type.NS)
        if servers is None or len(servers.rdatas) < 2:
            return True
        return all(self._is_ours(zone, name.lower()) for name in servers.rdatas)

    def _is_ours(self, zone: PackedZone, server: WireName) -> bool:
        addresses = addresses_in(zone, server)
        return bool(addresses) and all(map(self._is_local, addresses))

    def _online(
        self, keys: ZoneKeys, zone: PackedZone, keyset: KeySet, said: SigningConfig
    ) -> OnlineZone:
        """The zone as it is signed; what has not changed is taken over."""
        origin = zone.origin
        used = {name: said.pools[name] for name in zone.pools}
        moved = origin in said.moved
        version = keys.grid.version(self.seconds()) if moved else 0
        regional = said.regional & used.keys()
        targeting = said.targeting.get(origin)
        dnskeys = zone.apex.get(Type.DNSKEY)
        found = () if dnskeys is None else dnskeys.rdatas
        others = tuple(keys.take_others(found, self.seconds()))
        config = (used, regional, targeting)
        made_of = (zone, keyset, keys.settings, others, version, *config)
        before = self._built.get(origin)
        if before is not None and before[0] == made_of:
            return before[1]
        signer = ZoneSigner(
            origin, keyset, keys.grid, keys.signatures, self._authority.seconds
        )
        gone = (one.dnskey for one in others if one.gone_since is not None)
        apex = keyset.rrsets(found, gone)
        if moved:
            serial = keys.next_serial(zone.serial, version, before is not None)
            apex = {**apex, int(Type.SOA): with_serial(zone.soa, serial)}
        denial = self._denial(zone, used, regional, targeting).with_apex(apex)
        made = OnlineZone(signer, denial, apex)
        self._built[origin] = (made_of, made)
        return made

    def _denial(
        self,
        zone: PackedZone,
        used: Mapping[str, frozenset[int]],
        regional: Set[str],
        targeting: Targeting | None,
    ) -> Denial:
        """The chain, which keys and serials have nothing to do with."""
        made_of = (zone, used, regional, targeting)
        known = self._denials.get(zone.origin)
        if known is None or known[0] != made_of:
            further: Mapping[bytes, frozenset[int]] = {}
            if targeting is not None:
                further = TargetTable(zone, targeting).types(used)
            names = Names(zone, frozenset(regional))
            known = (made_of, Denial(names, used, (), further))
            self._denials[zone.origin] = known
        return known[1]

    def tick(self) -> None:
        """Go on with rolls, ask parents, and sign anew what the hour has renewed."""
        now = self._authority.seconds()
        zones = self._authority.engine.snapshot.zones
        for apex, keys in self._zones.items():
            zone = zones.get(apex)
            if zone is None:
                continue
            highest = self._highest_ttl(zone)
            if highest is not None:
                keys.advance(now, highest)
            if now >= self._asked.get(apex, 0.0):
                self._asked[apex] = now + ASK_INTERVAL * (0.9 + self._rng.random() / 5)
                self.ask_parent(apex)
                self.ask_servers(apex)
        self._highest.keep(self._zones)
        hour = int(now) // HOUR
        known = {apex: built[0][1] for apex, built in self._built.items()}
        current = {
            apex: keyset
            for apex, keys in self._zones.items()
            if (keyset := keys.keyset(now)) is not None and apex in zones
        }
        if hour != self._hour or known != current:
            self._hour = hour
            self._authority.refresh()
        self._tell()

    def seconds(self) -> float:
        """The moment, Unix time."""
        return self._authority.seconds()

    def order(self, apex: WireName, order: str, emergency: bool = False) -> None:
        """Carry out an order about a zone's keys.  Raises `OrderFault`.

        `order` is `read`, `make`, `roll`, `off`, `ds-seen` or `ask`.
        """
        keys = self._zones[apex]
        now = self._authority.seconds()
        if order == "read":
            keys.open(now, may_make=False)
        elif order == "make":
            keys.make(now)
        elif order == "roll":
            keys.roll(now, emergency)
        elif order == "off":
            keys.off(now)
        elif order == "ds-seen":
            keys.ds_seen(now)
        if order in ("read", "ask"):
            self.ask_parent(apex)
            self.ask_servers(apex)
        self.tick()
        self.log.info(
            "DNSSEC of {zone}: {order} was ordered", zone=to_text(apex), order=order
        )

    def ask_parent(self, apex: WireName) -> Deferred[None]:
        """Ask the parent of a zone for its DS now."""
        keys = self._zones[apex]
        now = self._authority.seconds()

        def shown(view: ParentView) -> None:
            keys.parent_shows(view)
            self._tell()

        parent, known = keys.settings.parent, keys.dnskeys
        return self._asker.ask(apex, parent, now, known).addCallback(shown)

    def ask_servers(self, apex: WireName) -> Deferred[None]:
        """Ask the name servers of a zone for its keys now."""
        zone = self._authority.engine.snapshot.zones.get(apex)
        keys = self._zones[apex]
        servers = None if zone is None else zone.apex.get(Type.NS)
        if zone is None or servers is None:
            return succeed(None)
        known = {
            name.lower(): addresses_in(zone, name.lower()) for name in servers.rdatas
        }

        def shown(view: ServersView) -> None:
            keys.servers_show(view)
            self._tell()

        now = self._authority.seconds()
        return self._asker.keys_at(apex, known, now).addCallback(shown)

    def waits(self, apex: WireName) -> list[Waiting]:
        """What a zone waits for."""
        keys = self._zones[apex]
        if keys.state is None:
            return []
        return waiting(keys.state, keys.held.keys, self._authority.seconds())

    def _highest_ttl(self, zone: PackedZone) -> int | None:
        """The highest TTL of a zone and its pools; None: not known yet."""
        highest = self._highest.of(zone)
        if highest is None or not zone.pools:
            return highest
        pools = self._authority.loaded.settings.pools
        bound = [pool.ttl.high for pool in pools if pool.name in zone.pools]
        return max(highest, *bound, 0)

    def _tell(self) -> None:
        """Log problems once each, and that they are over."""
        for apex, keys in self._zones.items():
            before = self._told.get(apex, "")
            if keys.problem == before:
                continue
            self._told[apex] = keys.problem
            if keys.problem:
                self.log.error(
                    "DNSSEC of {zone}: {why}", zone=to_text(apex), why=keys.problem
                )
            else:
                self.log.info("DNSSEC of {zone}: well again", zone=to_text(apex))


_STAYS = (
    "still signed, for the parent has a DS: `dinamed dnssec off {zone}` first, and "
    "take `dnssec` out of the config when it says that this is safe"
)


def addresses_in(zone: PackedZone, host: WireName) -> list[str]:
    """The addresses that a zone has of a host; empty if it is none of its names."""
    if not host.endswith(zone.origin):
        return []
    node = zone.node(relative(host, zone.origin))
    found = [] if node is None else [node.get(one) for one in (Type.A, Type.AAAA)]
    packed = [rdata for one in found if one is not None for rdata in one.rdatas]
    return [str(ipaddress.ip_address(rdata)) for rdata in packed]
