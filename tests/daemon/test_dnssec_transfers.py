"""The signed view of a zone as it is transferred, judged by BIND's and ldns' tools."""

import subprocess

import dns.message
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import need_tool
from tests.daemon.references import Knot, Nsd
from tests.daemon.signed import KEYS, ZONE, Delv, SigningDaemon, transferred
from tests.daemon.test_dnssec import NO, ROWS, YES, full

LIVE = frozenset({"gone", "mgmt", "_status", "_country"})
"""Names whose answers are not those of the primary at the secondaries."""


class ViewTests(SynchronousTestCase):
    """One daemon, and what others make of its zone."""

    def setUp(self) -> None:
        self.daemon = SigningDaemon("1")
        self.addCleanup(self.daemon.clean_up)
        self.daemon.start()
        self.zone = self.daemon.folder / "transferred"
        self.serial = transferred(self.daemon, ZONE, self.zone)

    def run_tool(self, *command: str) -> str:
        """What a tool prints, which has to be content."""
        done = subprocess.run(
            [need_tool(command[0]), *command[1:]],
            capture_output=True,
            text=True,
            timeout=120,
        )
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def test_dnssec_verify(self) -> None:
        """BIND: the zone is fully signed."""
        told = self.run_tool("dnssec-verify", "-z", "-o", ZONE, str(self.zone))
        self.assertIn("Zone fully signed", told)

    def test_ldns_verify_zone(self) -> None:
        """ldns: all signatures and the whole chain are good."""
        told = self.run_tool("ldns-verify-zone", str(self.zone))
        self.assertIn("Zone is verified and complete", told)

    def test_one_serial(self) -> None:
        """Answers tell the serial that the transfer has."""
        query = dns.message.make_query(f"{ZONE}.", "SOA", flags=0)
        for reply in (self.daemon.send(query), self.daemon.send(query, tcp=True)):
            (soa,) = reply.answer[0]
            self.assertEqual(str(soa.serial), self.serial)

    def test_same_again(self) -> None:
        """Another transfer gives the same octets, as another server would."""
        again = self.daemon.folder / "again"
        self.assertEqual(transferred(self.daemon, ZONE, again), self.serial)
        self.assertEqual(again.read_text(), self.zone.read_text())

    def test_served_by_others(self) -> None:
        """NSD and Knot serve the transferred zone, and delv validates each row."""
        for kind in (Nsd, Knot):
            with self.subTest(kind=kind.__name__):
                other = kind(ZONE, self.zone.read_text())
                self.addCleanup(other.clean_up)
                other.start()
                delv = Delv(other, KEYS[ZONE])
                rows = [
                    row
                    for row in ROWS
                    if row.delv in (YES, NO)
                    and row.name not in LIVE
                    and not row.name.endswith((".sec", "mgmt"))
                ]
                said = {
                    (row.name, row.type): delv.verdict(full(row.name), row.type)
                    for row in rows
                }
                expected = {(row.name, row.type): row.delv for row in rows}
                self.assertEqual(said, expected)
