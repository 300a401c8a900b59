"""Programs made for PowerDNS' API, against the real daemon."""

import logging
import signal
from typing import Any

from octodns.record import Record
from octodns.zone import Zone
from octodns_powerdns import PowerDnsProvider
from twisted.trial.unittest import TestCase

from tests.daemon.records import TOKEN, RecordsDaemon

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
        self.daemon = RecordsDaemon("octodns")
        self.addCleanup(self.daemon.clean_up)
        self.daemon.start()

    def synchronize(self, records: dict[str, dict[str, Any]]) -> int:
        """Make the zone so: the number of changes that were needed."""
        provider = PowerDnsProvider(
            "dinamed", "127.0.0.1", TOKEN, port=self.daemon.http_port
        )
        zone = Zone("example.org.", [])
        for name, data in {**OURS, **records}.items():
            record = Record.new(zone, name, {"ttl": 60, **data}, lenient=True)
            zone.add_record(record, lenient=True)
        plan = provider.plan(zone)
        return 0 if plan is None else int(provider.apply(plan))

    def test_whole_way(self) -> None:
        """Plan, apply, apply again without a change, change, restart, remove."""
        wanted: dict[str, dict[str, Any]] = {
            "www": {"type": "A", "values": ["192.0.2.7", "192.0.2.8"]},
            "mail": {"type": "MX", "values": [{"preference": 5, "exchange": "a.b."}]},
            "t": {"type": "TXT", "values": ["a\\; b", "c" * 300]},
        }
        self.assertEqual(self.synchronize(wanted), 3)
        self.assertEqual(self.daemon.found("www", "A"), {"192.0.2.7", "192.0.2.8"})
        self.assertEqual(self.daemon.found("mail", "MX"), {"5 a.b."})
        self.assertEqual(self.synchronize(wanted), 0)
        wanted["www"]["values"] = ["192.0.2.9"]
        self.assertEqual(self.synchronize(wanted), 1)
        self.daemon.stop(signal.SIGKILL)
        self.daemon.start()
        self.assertEqual(self.daemon.found("www", "A"), {"192.0.2.9"})
        self.assertEqual(self.synchronize({}), 3)
        self.assertEqual(self.daemon.found("www", "A"), set())
        self.assertIn("changed over HTTP by octodns", self.daemon.log)

    def test_pool(self) -> None:
        """A pool's name can't be had, which octoDNS tells its user."""
        wanted = {"ftp": {"type": "A", "values": ["192.0.2.7"]}}
        with self.assertRaises(Exception) as caught:
            self.synchronize(wanted)
        self.assertIn("422", str(caught.exception))
        self.assertEqual(self.daemon.found("ftp", "A"), {"192.0.2.1"})
