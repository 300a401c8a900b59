"""Tests of `dinamed.fleet.key_role`: digests of keys told and compared."""

import random

from dinamed.fleet.records import Codec, Digests
from tests.fleet.support import Member
from tests.fleet.test_service import FleetCase


class KeyTests(FleetCase):
    """Zones that are signed at two servers."""

    def differing(self, member: Member) -> dict[str, tuple[str, ...]]:
        """The zones with other keys, by server."""
        return {one.server: one.keys_differ for one in member.fleet.status().servers}

    def test_differences(self) -> None:
        """They are told where both sign a zone, and over when they are over."""
        one, two = self.join("ns1"), self.join("ns2")
        one.keys = {"a.example.": "11", "b.example.": "22", "c.example.": "33"}
        two.keys = {"a.example.": "11", "b.example.": "44", "d.example.": "55"}
        self.run_for(20)
        self.assertEqual(self.differing(one), {"ns1": (), "ns2": ("b.example.",)})
        self.assertEqual(self.differing(two), {"ns2": (), "ns1": ("b.example.",)})
        two.keys = {}
        self.run_for(20)
        self.assertEqual(self.differing(one), {"ns1": (), "ns2": ()})

    def test_many_zones(self) -> None:
        """They are told in values of a bearable size, and not again in between."""
        one, two = self.join("ns1"), self.join("ns2")
        rng = random.Random(1)
        one.keys = {f"z{n}.example.": f"{rng.getrandbits(64):x}" for n in range(8000)}
        two.keys = {**one.keys, "z77.example.": "other"}
        self.run_for(20)
        self.assertEqual(self.differing(one)["ns2"], ("z77.example.",))
        keys = [key for key in self.keeper.values if key.startswith("by/ns1/keys/")]
        self.assertGreater(len(keys), 1)
        before = {key: self.keeper.values[key][1] for key in keys}
        self.run_for(20)
        self.assertEqual(before, {key: self.keeper.values[key][1] for key in keys})

    def test_nothing_private(self) -> None:
        """What is in the store are the zone's name and the digest."""
        one = self.join("ns1")
        one.keys = {"a.example.": "11"}
        self.run_for(12)
        value, _ = self.keeper.values["by/ns1/keys/0"]
        self.assertEqual(Codec(Digests).read(value).digests, one.keys)
