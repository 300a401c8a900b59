"""Samples that others send in."""

from ipaddress import IPv4Address, IPv6Address

from hypothesis import given
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.place import NOWHERE, Place
from dinamed.steering.round_trips import RoundTrips, network_of
from dinamed.steering.samples import MAX_ITEMS, Samples

NETWORKS = "::ffff:0:0/96"
NOW = 1_800_000_000.0


class SampleTests(SynchronousTestCase):
    """What is taken, and what is told of the rest."""

    def setUp(self) -> None:
        self.table = RoundTrips()
        self.located: list[bytes] = []
        self.samples = Samples(self.table, self.members, self.locate)

    def members(self) -> dict[str, frozenset[str]]:
        """One pool."""
        return {"mirrors": frozenset({"fra1"})}

    def locate(self, address: bytes) -> Place:
        """Nowhere."""
        self.located.append(address)
        return NOWHERE

    def sample(self, **keys: object) -> dict[str, object]:
        """A sound sample with other values in it."""
        sound = {
            "pool": "mirrors",
            "member": "fra1",
            "client": "198.51.100.7",
            "rtt": 20,
        }
        return {**sound, **keys}

    def test_sound(self) -> None:
        """One table, or a list; of an address or of a prefix."""
        self.assertEqual(self.samples.take(self.sample(), NOW), {})
        more = [
            self.sample(client="198.51.100.0/24", count=17, at=NOW - 60),
            self.sample(client="2001:db8:1::/48"),
            self.sample(client="2001:db8:2::7"),
            self.sample(client="::ffff:203.0.113.9"),
        ]
        self.assertEqual(self.samples.take(more, NOW), {})
        self.assertEqual(len(self.table), 4)
        self.assertEqual(self.table.samples, 5)
        key = ("mirrors", "fra1")
        self.assertIsNotNone(self.table.measured(key, bytes((203, 0, 113)), NOW))

    def test_steps(self) -> None:
        """A message is taken step by step, and its form is looked at before."""
        taking = self.samples.taking([self.sample(), self.sample(rtt=0)], NOW)
        self.assertEqual(self.table.samples, 0)
        self.assertEqual(next(taking), "")
        self.assertEqual(self.table.samples, 1)
        self.assertIn("rtt is not a number", next(taking))
        self.assertRaises(ValueError, self.samples.taking, 5, NOW)

    @given(st.one_of(st.ip_addresses(), st.ip_addresses(network=NETWORKS)), st.data())
    def test_clients(
        self, address: IPv4Address | IPv6Address, data: st.DataObject
    ) -> None:
        """However a client is written, its network is the same."""
        bits = data.draw(st.integers(0, address.max_prefixlen))
        mapped = getattr(address, "ipv4_mapped", None)
        known = bits - 96 if mapped else bits
        packed = (mapped or address).packed
        network = network_of(packed, known)
        told = self.samples.take(self.sample(client=f"{address}/{bits}"), NOW)
        self.assertEqual(bool(told), network is None)
        if network is not None:
            key = ("mirrors", "fra1")
            self.assertIsNotNone(self.table.measured(key, network, NOW))

    def test_unsound(self) -> None:
        """Each that is not sound is told of, and the others are taken."""
        bad = {
            "expected a table": 5,
            'unknown key "x"': self.sample(x=1),
            'no pool "no"': self.sample(pool="no"),
            "no pool nothing": self.sample(pool=None),
            'pool "mirrors" has no member "x"': self.sample(member="x"),
            "client is not an address": self.sample(client="here"),
            "an address or a prefix: 7": self.sample(client=7),
            "larger than /24": self.sample(client="198.51.0.0/16"),
            "larger than /48": self.sample(client="2001:db8::/32"),
            "or a prefix: ": self.sample(client="fe80::1%eth0"),
            "rtt is not a number": self.sample(rtt=0),
            "rtt is not a": self.sample(rtt="20"),
            "rtt is": self.sample(rtt=True),
            "rtt": self.sample(rtt=10**400),
            "rtt is not": self.sample(rtt=float("nan")),
            "count is not": self.sample(count=0),
            "count": self.sample(count=1.5),
            "at is not": self.sample(at=NOW + 3600),
            "at": self.sample(at="now"),
        }
        items = [*bad.values(), self.sample()]
        problems = self.samples.take(items, NOW)
        self.assertEqual(sorted(problems), list(range(len(bad))))
        for index, words in enumerate(bad):
            self.assertIn(words, problems[index])
        self.assertEqual(self.table.samples, 1)

    def test_no_message(self) -> None:
        """What is no list, or too long a one."""
        too_many: list[object] = [{}] * (MAX_ITEMS + 1)
        for items in ("x", None, 5, too_many):
            self.assertRaises(ValueError, self.samples.take, items, NOW)
