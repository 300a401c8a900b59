"""Programs made for PowerDNS' API, against the real daemon."""

import logging
import os
import signal
from typing import Any

from octodns.record import Record
from octodns.zone import Zone
from octodns_powerdns import PowerDnsProvider
from twisted.trial.unittest import TestCase

from tests.daemon.harness import Daemon, free_port

ZONE_TEXT = """\
$TTL 3600
@ IN SOA ns1 hostmaster 7 7200 1800 1209600 300
@ IN NS ns1
ns1 IN A 192.0.2.53
"""
CONFIG = """\
[server]
http = "127.0.0.1:{port}"
state = "state"
[[server.tokens]]
name = "octodns"
file = "token"
may = ["records"]
[zones."example.org"]
file = "zone"
names = {{ftp = "mirrors"}}
[pools.mirrors]
[[pools.mirrors.members]]
name = "fra1"
addresses = ["192.0.2.1"]
"""
TOKEN = "octodns-secret"
OURS: dict[str, dict[str, Any]] = {
    "": {"type": "NS", "ttl": 3600, "values": ["ns1.example.org."]},
    "ns1": {"type": "A", "ttl": 3600, "values": ["192.0.2.53"]},
}


class OctodnsTests(TestCase):
    """octoDNS with its provider for PowerDNS."""

    def setUp(self) -> None:
        """Start a daemon whose zone may be changed."""
        logging.disable(logging.ERROR)  # octoDNS would tell the terminal what it does
        self.addCleanup(logging.disable, logging.NOTSET)
        self.port = free_port(["127.0.0.1"])
        files = {
            "dinamed.toml": CONFIG.format(port=self.port),
            "zone": ZONE_TEXT,
            "token": TOKEN,
        }
        self.daemon = Daemon(files)
        self.addCleanup(self.daemon.clean_up)
        os.chmod(self.daemon.folder / "token", 0o600)
        self.daemon.start()

    def synchronize(self, records: dict[str, dict[str, Any]]) -> int:
        """Make the zone so: the number of changes that were needed."""
        provider = PowerDnsProvider("dinamed", "127.0.0.1", TOKEN, port=self.port)
        zone = Zone("example.org.", [])
        for name, data in {**OURS, **records}.items():
            record = Record.new(zone, name, {"ttl": 60, **data}, lenient=True)
            zone.add_record(record, lenient=True)
        plan = provider.plan(zone)
        return 0 if plan is None else int(provider.apply(plan))

    def answers(self, name: str, rrtype: str) -> set[str]:
        """What the daemon answers."""
        reply = self.daemon.ask(f"{name}.example.org", rrtype)
        return {str(item) for rrset in reply.answer for item in rrset}

    def test_whole_way(self) -> None:
        """Plan, apply, apply again without a change, change, restart, remove."""
        wanted: dict[str, dict[str, Any]] = {
            "www": {"type": "A", "values": ["192.0.2.7", "192.0.2.8"]},
            "mail": {"type": "MX", "values": [{"preference": 5, "exchange": "a.b."}]},
            "t": {"type": "TXT", "values": ["a\\; b", "c" * 300]},
        }
        self.assertEqual(self.synchronize(wanted), 3)
        self.assertEqual(self.answers("www", "A"), {"192.0.2.7", "192.0.2.8"})
        self.assertEqual(self.answers("mail", "MX"), {"5 a.b."})
        self.assertEqual(self.synchronize(wanted), 0)
        wanted["www"]["values"] = ["192.0.2.9"]
        self.assertEqual(self.synchronize(wanted), 1)
        self.daemon.stop(signal.SIGKILL)
        self.daemon.start()
        self.assertEqual(self.answers("www", "A"), {"192.0.2.9"})
        self.assertEqual(self.synchronize({}), 3)
        self.assertEqual(self.answers("www", "A"), set())
        self.assertIn("changed over HTTP by octodns", self.daemon.log)

    def test_pool(self) -> None:
        """A pool's name can't be had, which octoDNS tells its user."""
        wanted = {"ftp": {"type": "A", "values": ["192.0.2.7"]}}
        with self.assertRaises(Exception) as caught:
            self.synchronize(wanted)
        self.assertIn("422", str(caught.exception))
        self.assertEqual(self.answers("ftp", "A"), {"192.0.2.1"})
