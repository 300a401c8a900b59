"""Choosing by the client's place: stages, scopes, regional names, `_country`."""

import json
from dataclasses import replace
from ipaddress import IPv4Address, ip_address, ip_network
from random import Random

import dns.edns
from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.places import Geo, GeoNetwork
from dinamed.config.settings import MemberSettings, PoolSettings, StageSettings, Ttl
from dinamed.geo.files import load_geo
from dinamed.pools.context import Client, DrawContext
from dinamed.wire.names import from_text
from tests.plans.support import (
    Bench,
    data_of,
    make_zone,
    strings_of,
    subnet_of,
    texts,
)

NETWORKS = {
    "192.0.2.0/24": GeoNetwork(country="DE", location=(50.1, 8.7), network="campus"),
    "192.0.2.128/26": GeoNetwork(country="FR"),
    "198.51.100.0/22": GeoNetwork(country="US"),
    "203.0.112.0/20": GeoNetwork(country="JP", asn=64500),
}

MEMBERS = (
    MemberSettings(
        name="fra", addresses=("192.0.2.1",), country="DE", location=(50.0, 8.6)
    ),
    MemberSettings(name="par", addresses=("192.0.2.2",), country="FR"),
    MemberSettings(
        name="nyc", addresses=("192.0.2.3",), country="US", network="campus"
    ),
    MemberSettings(name="any", addresses=("192.0.2.4",), asn=64500),
)


def pool(name: str, *select: str, regions: bool = False) -> PoolSettings:
    """A pool of the members."""
    stages = tuple(map(StageSettings, select))
    return PoolSettings(
        name=name, members=MEMBERS, select=stages, regions=regions, ttl=Ttl(60, 60)
    )


class PlaceTests(SynchronousTestCase):
    """An engine that knows some networks."""

    def setUp(self) -> None:
        """Three pools: by country, by distance, by network."""
        names = {
            "ftp": "country",
            "*.cdn": "country",
            "near": "near",
            "net": "net",
        }
        zone = make_zone(
            "example.org.", "www A 192.0.2.80\nse.ftp A 192.0.2.81\n", names
        )
        apex = make_zone("example.net.", "", {"@": "country"})
        self.bench = Bench(
            [zone, apex],
            [
                pool("country", "country", "all", regions=True),
                pool("near", "nearest", "all"),
                pool("net", "network", "all"),
            ],
        )
        locator = load_geo(Geo(networks=NETWORKS)).locator
        self.bench.engine.serve(self.bench.engine.snapshot.with_locator(locator))

    def members(self, name: str, client: str) -> set[str]:
        """The members handed out to a resolver at this address."""
        by_address = {member.addresses[0]: member.name for member in MEMBERS}
        reply = self.bench.ask(name, "A", client=client)
        return {by_address[address] for address in data_of(reply)}

    def test_country(self) -> None:
        """The country, else the continent, else those without a place."""
        self.assertEqual(self.members("ftp.example.org.", "192.0.2.1"), {"fra"})
        self.assertEqual(self.members("ftp.example.org.", "192.0.2.129"), {"par"})
        self.assertEqual(self.members("ftp.example.org.", "198.51.100.9"), {"nyc"})
        self.assertEqual(self.members("ftp.example.org.", "203.0.113.9"), {"any"})
        self.assertEqual(self.members("ftp.example.org.", "10.0.0.1"), {"any"})

    def test_nearest(self) -> None:
        """The member at the least distance."""
        self.assertEqual(self.members("near.example.org.", "192.0.2.1"), {"fra"})

    def test_network(self) -> None:
        """The client's network, or its AS; else all."""
        self.assertEqual(self.members("net.example.org.", "192.0.2.1"), {"nyc"})
        self.assertEqual(self.members("net.example.org.", "203.0.113.9"), {"any"})
        self.assertEqual(len(self.members("net.example.org.", "10.0.0.1")), 4)

    def test_regional_names(self) -> None:
        """The label of a country or continent puts the client there."""
        for name, member in (
            ("ftp.fr.example.org.", "par"),
            ("ftp.FR.example.org.", "par"),
            ("ftp.north-america.example.org.", "nyc"),
            ("a.cdn.us.example.org.", "nyc"),
            ("de.example.net.", "fra"),
        ):
            self.assertEqual(self.members(name, "192.0.2.1"), {member}, name)

    def test_regional_text(self) -> None:
        """TXT of a regional name tells the member too."""
        reply = self.bench.ask("ftp.fr.example.org.", "TXT")
        self.assertEqual(strings_of(reply), ["serviced by par"])

    def test_regional_scope(self) -> None:
        """A regional name does not depend on the client."""
        option = dns.edns.ECSOption("192.0.2.0", 24)
        reply = self.bench.ask("ftp.fr.example.org.", "A", options=[option])
        self.assertEqual(subnet_of(reply), "192.0.2.0/24/0")

    def test_no_regional_name(self) -> None:
        """Regions of other names, unknown ones, and names the zone has itself."""
        for name in (
            "www.de.example.org.",
            "ftp.xx.example.org.",
            "de.de.example.net.",
        ):
            self.assertEqual(self.bench.ask(name, "A").rcode(), 3, name)
        self.assertEqual(self.bench.ask("near.de.example.org.", "A").rcode(), 3)
        reply = self.bench.ask("se.ftp.example.org.", "A")
        self.assertEqual(data_of(reply), ["192.0.2.81"])

    def test_region_itself(self) -> None:
        """A name that regional names stand below exists, without data (RFC 8020)."""
        reply = self.bench.ask("de.example.org.", "A")
        self.assertEqual((reply.rcode(), texts(reply.answer)), (0, []))

    def test_country_name(self) -> None:
        """`_country` tells the client's place, and how far that holds."""
        reply = self.bench.ask("_country.example.org.", "TXT", client="192.0.2.1")
        told = json.loads(strings_of(reply)[0])
        self.assertEqual((told["country"], told["continent"]), ("DE", "europe"))
        self.assertEqual(reply.answer[0].ttl, 1)
        option = dns.edns.ECSOption("198.51.100.0", 24)
        reply = self.bench.ask("_country.example.org.", "TXT", options=[option])
        self.assertEqual(json.loads(strings_of(reply)[0])["country"], "US")
        self.assertEqual(subnet_of(reply), "198.51.100.0/24/22")

    def test_scope_beside_a_finer_prefix(self) -> None:
        """The scope does not cover a neighbour that is told something else."""
        for address, scope in (("192.0.2.0", 25), ("192.0.2.128", 26)):
            option = dns.edns.ECSOption(address, 28)
            reply = self.bench.ask("ftp.example.org.", "A", options=[option])
            self.assertEqual(subnet_of(reply), f"{address}/28/{scope}")

    def test_do_not_tailor(self) -> None:
        """A subnet of no bits is not tailored for, by nobody's place."""
        option = dns.edns.ECSOption("0.0.0.0", 0)
        reply = self.bench.ask(
            "ftp.example.org.", "A", options=[option], client="192.0.2.1"
        )
        self.assertEqual(data_of(reply), ["192.0.2.4"])
        self.assertEqual(subnet_of(reply), "0.0.0.0/0/0")

    def test_static_scope(self) -> None:
        """Static data are for everybody."""
        option = dns.edns.ECSOption("192.0.2.0", 24)
        reply = self.bench.ask("www.example.org.", "A", options=[option])
        self.assertEqual(subnet_of(reply), "192.0.2.0/24/0")

    def test_untailored_zone(self) -> None:
        """A zone may want the resolver's place instead of the subnet's."""
        snapshot = self.bench.engine.snapshot
        zones = frozenset({from_text("example.org.")})
        self.bench.engine.serve(replace(snapshot, untailored=zones))
        option = dns.edns.ECSOption("198.51.100.0", 24)
        reply = self.bench.ask(
            "ftp.example.org.", "A", options=[option], client="192.0.2.1"
        )
        self.assertEqual(data_of(reply), ["192.0.2.1"])
        self.assertEqual(subnet_of(reply), "198.51.100.0/24/0")

    def test_untrusted_resolver(self) -> None:
        """Subnets count from the resolvers that the operator trusts."""
        snapshot = self.bench.engine.snapshot
        trusted = (ip_network("192.0.2.128/26"),)
        self.bench.engine.serve(replace(snapshot, subnet_from=trusted))
        option = dns.edns.ECSOption("198.51.100.0", 24)
        for client, address, scope in (
            ("192.0.2.1", "192.0.2.1", 0),
            ("192.0.2.129", "192.0.2.3", 22),
        ):
            reply = self.bench.ask(
                "ftp.example.org.", "A", options=[option], client=client
            )
            self.assertEqual(data_of(reply), [address])
            self.assertEqual(subnet_of(reply), f"198.51.100.0/24/{scope}")

    @given(st.integers(0, 2**32 - 1), st.integers(0, 32), st.integers(0, 2**32 - 1))
    def test_one_scope_one_candidates(self, bits: int, source: int, other: int) -> None:
        """Two clients inside one announced scope get the same candidates."""
        mask = ~0 << 32 - source & 0xFFFFFFFF
        first, scope = self.candidates(bits & mask, source)
        inside = ~0 << 32 - scope & 0xFFFFFFFF
        twin = bits & inside | other & ~inside & 0xFFFFFFFF
        second, _ = self.candidates(twin, 32)
        self.assertEqual(first, second, f"{IPv4Address(bits & mask)}/{scope}")

    def candidates(self, address: int, prefix: int) -> tuple[set[str], int]:
        """Who may be handed out to a client subnet, and the scope."""
        snapshot = self.bench.engine.snapshot
        client = Client(ip_address(address).packed, prefix, True)
        context = DrawContext(
            client,
            4,
            self.bench.now,
            Random(1),
            count=False,
            locator=snapshot.locator,
        )
        choice = snapshot.pools["country"].choose(context)
        return {member.name for member in choice.members}, choice.scope
