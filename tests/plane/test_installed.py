"""Plans that go by the client, by a region, or for a while: as the engine has them."""

from dataclasses import replace

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from dinamed.plane.negatives import region_labels
from dinamed.plans.targets import TargetTable
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.zones.targeting import Targeting
from dinamed.zones.virtual import Names
from tests.plane.support import Pair, pools
from tests.plane.test_agreement import CLIENT, ask
from tests.plans.support import make_pool, make_zone
from tests.plans.test_places import MEMBERS

ZONE = """\
www IN A 192.0.2.80
www.de IN A 192.0.2.81
www.europe IN A 192.0.2.82
www.europe IN A 192.0.2.83
www.near IN A 192.0.2.84
ftp.se IN CNAME www
plain IN A 192.0.2.85
*.wild IN A 192.0.2.86
"""
BOUND = {"ftp": "placed", "ftp.de": "hashed", "reg": "regional"}
NETWORKS = ("192.0.2.0", "192.0.2.160", "198.51.100.0", "203.0.113.0", "8.8.8.8")


def key(*parts: str) -> bytes:
    """A relative key."""
    return b"".join(bytes((len(part),)) + part.encode() for part in parts)


class InstalledCase(SynchronousTestCase):
    """Both engines, and clients in all places."""

    def setUp(self) -> None:
        regional = msgspec.structs.replace(
            make_pool("regional", *MEMBERS, select=["country", "hash"]), regions=True
        )
        zone = make_zone("example.org.", ZONE, BOUND)
        self.pair = Pair(served=([zone], [*pools(), regional]))
        self.zone = zone

    def serve(self, *kinds: str) -> None:
        """Have labels stand for `www` and `ftp`, by these kinds of targets."""
        networks = {"192.0.2.0/24": key("near")} if "ip" in kinds else {}
        heads = frozenset({key("www"), key("ftp")})
        targeting = Targeting(
            from_text("example.org."), kinds, heads, networks=networks
        )
        engine = self.pair.bench.engine
        tables = {self.zone.origin: TargetTable(self.zone, targeting)}
        engine.serve(replace(engine.snapshot, tables=tables))
        self.pair.plane.serve(self.pair.tables())

    def check(self, data: bytes, source: bytes = CLIENT, *, left: bool = False) -> None:
        """Both say the same; the plane by itself, unless it is `left` to Python."""
        told = self.pair.ask_plane(data, source)
        self.assertEqual(told is None, left)
        if told is not None:
            self.assertEqual(told, self.pair.ask_engine(data, source))

    def check_everywhere(self, left: str, rrtype: int = Type.A) -> None:
        """The same question by clients everywhere, of every length of prefix."""
        for network in NETWORKS:
            packed = bytes(map(int, network.split(".")))
            self.check(ask(left, rrtype), packed)
            for bits in (0, 7, 16, 24, 25, 32):
                value = int.from_bytes(packed) >> 32 - bits << 32 - bits
                size = (bits + 7) // 8
                option = bytes((0, 8, 0, 4 + size, 0, 1, bits, 0))
                option += value.to_bytes(4)[:size]
                data = bytearray(ask(left, rrtype))
                data[11] = 1
                data += bytes.fromhex("00002904d000000000") + len(option).to_bytes(2)
                self.check(bytes(data) + option)
                self.check(bytes(data) + option)


class TargetTests(InstalledCase):
    """Labels that stand for names."""

    def test_by_place(self) -> None:
        """By country, continent or everybody's; records, pools and aliases."""
        self.serve("country", "continent", "@")
        for left in ("www", "ftp", "plain"):
            for rrtype in (Type.A, Type.AAAA, Type.MX):
                self.check_everywhere(left, rrtype)

    def test_by_address(self) -> None:
        """Also by the networks of the clients themselves."""
        self.serve("ip", "country", "@")
        for left in ("www", "ftp"):
            self.check_everywhere(left)

    def test_for_everybody(self) -> None:
        """By a target that all have, nobody's place is looked for."""
        self.serve("europe", "@")
        self.check_everywhere("www")

    def test_forget(self) -> None:
        """What was installed is forgotten when labels may have changed."""
        self.serve("country", "@")
        self.check(ask("www"))
        tables = self.pair.plane.tables
        assert tables is not None
        self.assertEqual(tables.installed, 1)
        self.pair.plane.forget()
        self.assertEqual(tables.installed, 0)
        self.check(ask("www"))


class RegionTests(InstalledCase):
    """Names with the label of a region."""

    def test_regions(self) -> None:
        """They are answered as for clients there, whoever asks."""
        for left in ("reg", "reg.de", "reg.europe", "reg.se", "reg.nowhere"):
            self.check_everywhere(left)

    def test_beside_regions(self) -> None:
        """Names below no region are looked up in the zone: nothing is installed."""
        for left in ("missing", "a.missing", "n1.wild", "de.wild", "reg.wild"):
            for rrtype in (Type.A, Type.MX):
                self.check(ask(left, rrtype))
        self.assertEqual(self.pair.installed, 0)
        for left in ("no.de", "no.europe", "a.reg.europe", "a.xx"):
            self.check(ask(left))
        self.assertEqual(self.pair.installed, 4)

    def test_labels(self) -> None:
        """What the plane takes for labels of regions are all there are."""
        names = Names(self.zone, frozenset({"regional"}))
        virtual = (found for found in names.virtual.values() if found.place is not None)
        last = {found.key.rpartition(b"\3reg")[2] for found in virtual}
        self.assertGreater(len(last), 200)
        known = region_labels(self.zone, frozenset({"regional"}))
        assert known is not None
        self.assertEqual(
            {label for label in last if label[0] != 2},
            {label for label in last if label in known},
        )
        self.assertIsNone(region_labels(self.zone, frozenset({"other"})))


class OwnNamesTests(InstalledCase):
    """What the server tells of itself."""

    def test_for_a_second(self) -> None:
        """It is told unchanged for a second, and renewed by one question."""
        for name, rrtype in (("mgmt", 16), ("_status", 16), ("mgmt", 1)):
            told = self.pair.ask_plane(ask(name, rrtype), CLIENT)
            expected = self.pair.ask_engine(ask(name, rrtype), CLIENT)
            assert told is not None
            # But for the count of questions at the end.
            self.assertEqual(told[:-20], expected[:-20])
            self.assertEqual(told, self.pair.ask_plane(ask(name, rrtype), CLIENT))
        before = self.pair.installed
        self.pair.bench.now += 1.5
        first = self.pair.plane.answer(ask("_status", 16), CLIENT, 0, self.steady())
        self.assertEqual(first, (None, 1))
        # Another one that comes before the answer gets what was told before.
        second, _ = self.pair.plane.answer(ask("_status", 16), CLIENT, 0, self.steady())
        self.assertIn(b'"up":0', second or b"")
        self.pair.install(ask("_status", 16), CLIENT, 1)
        self.pair.ask_plane(ask("_status", 16), CLIENT)
        self.assertEqual(self.pair.installed, before)
        self.pair.bench.now += 3
        told = self.pair.ask_plane(ask("_status", 16), CLIENT)
        self.assertIn(b'"up":4', told or b"")
        self.assertEqual(self.pair.installed, before + 1)

    def steady(self) -> float:
        """The steady clock."""
        return self.pair.bench.manager.clock.read(self.pair.bench.now)

    def test_members(self) -> None:
        """Those who may not see members are refused without asking Python."""
        for source in (b"\x7f\0\0\1", CLIENT):
            for rrtype in (16, 1):
                self.check(ask("placed.mgmt", rrtype), source)

    def test_country(self) -> None:
        """Each class of clients is told its place."""
        self.check_everywhere("_country", 16)
        self.check(ask("_country", 1))
