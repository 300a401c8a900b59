"""A zone of some size that a real daemon signs ahead, and keeps signed."""

import re
from urllib.request import urlopen

import dns.message
import dns.rdatatype
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import Daemon, free_port, wait_until

ZONE = "example.org"
NAMES = 1100
TEXT = """\
$TTL 300
@ SOA ns1 hostmaster 1 7200 900 1209600 60
@ NS ns1
ns1 A 127.0.0.1
"""
CONFIG = """\
[server]
threads = 1
state = "state"
http = "127.0.0.1:{http}"
[zones."example.org"]
file = "zone"
[zones."example.org".dnssec]
parent = ["127.0.0.1:1"]
"""
LONG = 180.0
"""Seconds that a process of lowest priority may need beside others."""


class SigningAheadTests(SynchronousTestCase):
    """One daemon, stopped and started."""

    def setUp(self) -> None:
        self.http = free_port()
        zone = TEXT + "".join(f"n{number} A 192.0.2.1\n" for number in range(NAMES))
        files = {"dinamed.toml": CONFIG.format(http=self.http), "zone": zone}
        self.daemon = Daemon(files, ZONE, ("127.0.0.1",))
        self.addCleanup(self.daemon.clean_up)

    def metric(self, name: str) -> float:
        """A figure of the zone."""
        with urlopen(f"http://127.0.0.1:{self.http}/metrics") as page:
            text = page.read().decode()
        found = re.search(rf"^dinamed_dnssec_{name}{{.*}} (\S+)$", text, re.MULTILINE)
        assert found is not None, text
        return float(found[1])

    def ask(self, name: str) -> int:
        """Ask for an address with DO; how many signatures the reply has."""
        query = dns.message.make_query(f"{name}.{ZONE}", "A", want_dnssec=True)
        reply = self.daemon.send(query)
        sections = (reply.answer, reply.authority)
        return sum(
            rrset.rdtype == dns.rdatatype.RRSIG
            for section in sections
            for rrset in section
        )

    def test_kept_over_a_restart(self) -> None:
        """It answers at once, signs all meanwhile, and signs nothing again later."""
        self.daemon.start()
        self.assertEqual(self.ask("n0"), 1)
        self.assertTrue(
            wait_until(lambda: "signatures ahead, after" in self.daemon.log, LONG),
            self.daemon.log,
        )
        ahead = self.metric("signatures_ahead")
        self.assertGreaterEqual(ahead, 2 * NAMES)
        self.daemon.assert_quiet()
        self.daemon.stop()
        self.daemon.start()
        self.assertEqual(self.metric("signatures_ahead"), ahead)
        before = self.metric("signatures_total")
        for number in range(0, NAMES, 11):
            self.assertEqual(self.ask(f"n{number}"), 1)
            # The proof is one NSEC, or that of the wildcard too; and the SOA.
            self.assertIn(self.ask(f"n{number}x"), (2, 3))
        # That of the SOA is not among them, for its serial may move.
        self.assertLessEqual(self.metric("signatures_total") - before, 1)
        self.daemon.assert_quiet()

    def test_full_disk(self) -> None:
        """Where nothing can be kept it says so, and is signed as it is asked."""
        folder = self.daemon.folder / "state" / "dnssec" / ZONE
        (folder / "signatures.ahead.new").mkdir(parents=True)
        for one in (folder, folder.parent, folder.parent.parent):
            one.chmod(0o700)
        self.daemon.start()
        self.assertTrue(
            wait_until(lambda: "can't be signed ahead" in self.daemon.log, LONG),
            self.daemon.log,
        )
        self.assertIn("signatures.ahead: Is a directory", self.daemon.log)
        self.assertEqual(self.ask("n5"), 1)
        self.daemon.assert_quiet()
