"""Lists of members: what is believed, and what happens with those who leave."""

import json
import os

from twisted.internet.defer import Deferred, succeed
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.discovery import FileDiscovery
from dinamed.config.settings import PoolSettings
from dinamed.discovery.belief import objection
from dinamed.discovery.service import DiscoveryService
from dinamed.discovery.targets import BadMembersError, MemberReader, Members
from tests.at_once import ReactorOfOneThread

READER = MemberReader({"weight": 3.0})


def listed(*hosts: str) -> bytes:
    """A list in the JSON of Prometheus."""
    return json.dumps([{"targets": [f"{host}:9100" for host in hosts]}]).encode()


class Memory:
    """Keeps lists, and takes members down."""

    def __init__(self) -> None:
        self.kept: dict[str, Members] = {}
        self.taken: list[tuple[list[str], list[str]]] = []

    def take_members(
        self, pool: str, members: Members, leaving: frozenset[str]
    ) -> None:
        """The pool has these."""
        self.taken.append(([one.name for one in members], sorted(leaving)))

    def read(self, pool: str) -> Members | None:
        """What was kept."""
        return self.kept.get(pool)

    def write(self, pool: str, members: Members) -> "Deferred[None]":
        """Keep."""
        self.kept[pool] = members
        return succeed(None)


class TargetTests(SynchronousTestCase):
    """What a list says."""

    def test_targets(self) -> None:
        """Addresses without ports, labels, and the template."""
        data = (
            b'[{"targets": ["192.0.2.1:80", "[2001:db8::1]:80"], "labels": {"x": "y"}}]'
        )
        one, two = READER.prometheus(data)
        self.assertEqual(one.addresses, ("192.0.2.1",))
        self.assertEqual(two.addresses, ("2001:db8::1",))
        self.assertEqual((one.weight, two.weight), (3.0, 3.0))

    def test_bad(self) -> None:
        """A list is taken as a whole or not at all."""
        for data in (
            b"",
            b"{",
            b"{}",
            b"[1]",
            b'[{"targets": 1}]',
            b'[{"targets": ["no address"]}]',
            b'[{"targets": ["192.0.2.1"], "labels": {"weight": "x"}}]',
            b"[" * 100_000,
            b"\xff",
        ):
            with self.subTest(data[:40]):
                self.assertRaises(BadMembersError, READER.prometheus, data)


class ServiceTests(SynchronousTestCase):
    """A file that is asked."""

    def setUp(self) -> None:
        """Ask a file with ten members."""
        self.clock, self.memory = ReactorOfOneThread(), Memory()
        self.path = self.mktemp()
        self.hosts = [f"192.0.2.{number}" for number in range(1, 11)]
        self.put(*self.hosts)
        rules = FileDiscovery(path=self.path, linger=5.0)
        self.pool = PoolSettings(name="p", select=(), discover=rules)
        self.service = DiscoveryService(
            self.clock, self.memory, self.memory, (self.pool,)
        )
        self.service.startService()
        self.addCleanup(self.service.stopService)

    def put(self, *hosts: str) -> None:
        """Replace the file."""
        with open(self.path + ".new", "wb") as file:
            file.write(listed(*hosts))
        os.rename(self.path + ".new", self.path)

    def last(self) -> tuple[list[str], list[str]]:
        """What the pool has, and who of that leaves."""
        return self.memory.taken[-1]

    def test_begin(self) -> None:
        """All of the list are taken at once, and kept."""
        self.assertEqual(self.last(), (self.hosts, []))
        self.assertEqual(len(self.memory.kept["p"]), 10)

    def test_one_leaves(self) -> None:
        """Who leaves drains, then is gone."""
        self.put(*self.hosts[1:])
        self.clock.advance(1.1)
        members, leaving = self.last()
        self.assertEqual((len(members), leaving), (10, [self.hosts[0]]))
        self.clock.advance(5.0)
        self.assertEqual(sorted(self.last()[0]), sorted(self.hosts[1:]))

    def test_comes_back(self) -> None:
        """Who is back in time goes on."""
        self.put(*self.hosts[1:])
        self.clock.advance(1.1)
        self.put(*self.hosts)
        self.clock.advance(1.1)
        self.assertEqual((len(self.last()[0]), self.last()[1]), (10, []))
        self.clock.advance(9.0)
        self.assertEqual(len(self.last()[0]), 10)

    def test_too_many_gone(self) -> None:
        """A list that lacks most is not believed, but by order."""
        self.put(*self.hosts[:2])
        self.clock.advance(1.1)
        self.assertEqual(len(self.memory.taken), 1)
        self.assertIn("max_loss", self.service.status()["p"].trouble)
        self.service.believe("p")
        self.assertEqual(len(self.last()[1]), 8)

    def test_gone(self) -> None:
        """Without the file the last list stays."""
        os.remove(self.path)
        self.clock.advance(3.0)
        self.assertEqual(len(self.memory.taken), 1)
        self.assertNotEqual(self.service.status()["p"].trouble, "")

    def test_restart(self) -> None:
        """A new process begins with the list that was kept."""
        os.remove(self.path)
        another = DiscoveryService(self.clock, self.memory, self.memory, (self.pool,))
        another.startService()
        self.addCleanup(another.stopService)
        self.assertEqual(self.last(), (self.hosts, []))

    def test_bounds(self) -> None:
        """Few, many, or none are not believed."""
        members = READER.prometheus(listed(*self.hosts))
        rules = FileDiscovery(path="x", min_members=3, max_members=9)
        self.assertIn("max_members", objection(rules, (), members))
        self.assertIn("min_members", objection(rules, (), members[:2]))
        self.assertIn("empty", objection(rules, members, ()))
        self.assertEqual(objection(rules, members[:4], members[:3]), "")
