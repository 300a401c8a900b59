"""From a snapshot to the tables of the plane."""

import os
from random import Random

from dinamed.geo.locator import Locator
from dinamed.limits.responses import BURST, ResponseLimiter
from dinamed.plane.chains import Chains, soa_of
from dinamed.plane.extension import native as native
from dinamed.plane.negatives import negative_template, region_labels, special_labels
from dinamed.plane.prefixes import prefixes_of, wraps
from dinamed.plane.route_compiler import RouteCompiler
from dinamed.plane.signature_install import install_soa
from dinamed.plans.counts import TYPES
from dinamed.plans.facts import Facts
from dinamed.plans.reply import NSID_MAX
from dinamed.plans.snapshot import Snapshot
from dinamed.wire.names import WireName, labels
from dinamed.zones.layout import HEADER
from dinamed.zones.packed import PackedZone
from dinamed.zones.zoneset import ZoneSet

MAX_KEEPALIVE = 0xFFFF
"""Steps of 100 ms that a stream may be said to last (RFC 7828 section 3.1)."""


class TableCompiler(RouteCompiler):
    """Makes tables for planes with `rows` counting threads."""

    def __init__(self, rows: int, rng: Random) -> None:
        super().__init__(rows, rng)
        self._secret = os.urandom(16)
        self._locator: Locator | None = None
        self._chains = Chains()

    def tables(self, snapshot: Snapshot) -> "native.Tables":
        """Everything that a snapshot holds.

        From now on a limit on replies has its buckets in the plane, for Python too.
        """
        defence = snapshot.defence
        cookies = defence.cookies
        routes = self.compile_all(snapshot)
        facts = snapshot.facts()
        self._chains.keep(facts.secured)
        run, special = self._zones(snapshot.zones, facts)
        return native.Tables(
            special,
            routes,
            self._rows,
            list(TYPES),
            snapshot.identity.encode()[:NSID_MAX],
            self._secret,
            run=run,
            subnets=snapshot.subnet_from is None,
            trusted=prefixes_of(snapshot.subnet_from or ()),
            managers=prefixes_of(snapshot.management),
            limits=self._limits(defence.limiter),
            trees=self._geo_trees(snapshot.locator),
            shut=cookies is not None and len(cookies.secrets) > native.MOST_KEYS,
            secrets=() if cookies is None else cookies.secrets[: native.MOST_KEYS],
            required=defence.required,
            keepalive=min(MAX_KEEPALIVE, int(defence.keepalive * 10)),
        )

    def _geo_trees(self, locator: Locator) -> "native.GeoTrees | None":
        """The trees of a locator; None where there are too many, or other sources."""
        if locator is not self._locator:
            self._locator = locator
            trees = [getattr(source, "tree", None) for source in locator.databases]
            known = [tree for tree in trees if tree is not None]
            self._classes = None
            if len(known) == len(trees) <= native.MOST_DATABASES:
                self._classes = native.GeoTrees(
                    native.Prefixes(
                        [
                            (network.network_address.packed, network.prefixlen, number)
                            for number, network in enumerate(
                                locator.networks.networks, 1
                            )
                        ]
                    ),
                    native.Prefixes(
                        [
                            (network.network_address.packed, network.prefixlen, how)
                            for network, how in wraps()
                        ]
                    ),
                    known,
                )
        return self._classes

    def _limits(self, limiter: ResponseLimiter | None) -> "native.RateTable | None":
        if limiter is None:
            return None
        shared = limiter.shared
        if not isinstance(shared, native.RateTable):
            shared = native.RateTable(
                limiter.rate,
                BURST,
                limiter.slip,
                prefixes_of(limiter.exempt),
                self._secret,
                self._rows,
            )
            limiter.share(shared)
        return shared

    def _zones(
        self, zones: ZoneSet, facts: Facts
    ) -> "tuple[native.ZoneRun, list[native.ZoneTable]]":
        """The many zones that are nothing but packed octets, and all others.

        The zones that go by clients' places are looked at one by one too.
        """
        others = {
            *facts.secured, *facts.online, *facts.tables, *facts.unready,
            *facts.untailored,
        }  # fmt: skip
        special: list[WireName] = [one for one in zones if one in others]
        plain = [one for one in zones if one not in others] if others else [*zones]
        run = native.ZoneRun([zones.octets(origin) for origin in plain], subnet=True)
        special += (plain[place] for place in run.left)
        return run, [self._zone(zones[origin], facts) for origin in special]

    def _zone(self, zone: PackedZone, facts: Facts) -> "native.ZoneTable":
        fields = HEADER.unpack_from(zone.buffer)
        special = special_labels(zone)
        online = facts.online.get(zone.origin)
        template = negative_template(zone, special, soa_of(zone, online))
        table = native.ZoneTable(
            zone.buffer,
            zone.origin,
            sum(1 for _ in labels(zone.origin)),
            fields[6],
            zone.depth,
            fields[10],
            fields[11],
            [self.route_index.get(pool, 0) for pool in zone.pools],
            *(template or (b"", [])),
            special,
            regions=region_labels(zone, facts.regional),
            subnet=zone.origin not in facts.untailored,
            signed=zone.origin in facts.secured,
            keyed=online is not None,
            chain=self._chains.of(facts.secured.get(zone.origin)),
            left=template is None
            or zone.origin in facts.tables
            or zone.origin in facts.unready,
        )
        if online is not None and table.chain is not None and table.chain.used:
            # It goes on without a question to Python.
            install_soa(table, online)
        return table
