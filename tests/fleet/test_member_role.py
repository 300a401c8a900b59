"""Tests of `dinamed.fleet.member_role`: lists of members for the whole fleet."""

from dinamed.discovery.texts import told
from dinamed.fleet.records import Codec, MemberTables
from tests.fleet.support import Member
from tests.fleet.test_service import FleetCase


class MemberListTests(FleetCase):
    """Lists that are set at one server."""

    def set(self, member: Member, *names: str) -> None:
        """Set the list of p at one server, as its API does."""
        tables: list[object] = [
            {"name": name, "addresses": ["192.0.2.7"], "weight": 3} for name in names
        ]
        member.lists.put("p", member.lists.read("p", tables))
        member.member_role.given("p")

    def lists(self) -> list[list[str]]:
        """The names of the members at all servers."""
        return [[m.name for m in one.lists.pools["p"]] for one in self.members]

    def test_all_follow(self) -> None:
        """Those who come later too, and changes of one after another."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        self.set(one, "x", "y")
        self.run_for(8)
        self.assertEqual(self.lists(), [["x", "y"]] * 2)
        self.assertEqual(two.lists.pools["p"][0].weight, 3)
        self.set(two, "y")
        self.run_for(8)
        self.set(two, "y", "z")
        self.run_for(8)
        self.join("ns3")
        self.run_for(12)
        self.assertEqual(self.lists(), [["y", "z"]] * 3)

    def test_set_while_alone(self) -> None:
        """It is told later, unless the fleet has another one by then."""
        one, two = self.join("ns1"), self.join("ns2")
        self.run_for(12)
        one.store.reachable = False
        self.run_for(20)
        self.set(one, "x")
        self.run_for(8)
        self.assertEqual(self.lists(), [["x"], []])
        one.store.heal()
        self.run_for(20)
        self.assertEqual(self.lists(), [["x"], ["x"]])
        one.store.reachable = False
        self.run_for(20)
        self.set(one, "mine")
        self.set(two, "ours")
        self.run_for(20)
        one.store.heal()
        self.run_for(20)
        self.assertEqual(self.lists(), [["ours"], ["ours"]])

    def test_of_before(self) -> None:
        """A list that one server had before there was a fleet is that of all."""
        one = Member(self.keeper, "ns1")
        one.lists.put("p", one.lists.read("p", [{"name": "x", "addresses": ["::1"]}]))
        self.members.append(one.start())
        self.addCleanup(self.leave, one)
        self.join("ns2")
        self.run_for(20)
        self.assertEqual(self.lists(), [["x"], ["x"]])

    def test_what_cannot_be_used(self) -> None:
        """It is passed over; what stands stays."""
        one = self.join("ns1")
        self.run_for(12)
        self.set(one, "x")
        self.run_for(8)
        pack = Codec(MemberTables).pack
        for bad in (b"no JSON", b"{}", b"[7]", b'[{"name": "x", "addresses": ["?"]}]'):
            self.keeper.put("members/p", pack(MemberTables(tables=bad)))
            self.run_for(8)
        self.assertEqual(self.lists(), [["x"]])
        self.assertGreaterEqual(one.fleet.status().counters["bad_values"], 4)
        self.assertEqual(told(one.lists.pools["p"][0])["weight"], 3)
