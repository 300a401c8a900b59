"""A primary that lies: each lie is refused as a whole, and told in one line."""

import struct
from functools import partial

import dns.message
import dns.opcode

from tests.daemon.harness import Daemon, wait_until
from tests.daemon.test_transfers import RubbishPrimary
from tests.daemon.transfer_peers import KEY, ZONE
from tests.daemon.transferring import (
    ZONE_FILE,
    TransferCase,
    secondary_config,
    serial,
)

NAME = b"\x07example\x03org\0"
HERE = b"\xc0\x0c"


def soa(number: int = 7) -> bytes:
    """The SOA record of a version."""
    timers = struct.pack("!5I", number, 3600, 600, 86400, 60)
    return record(HERE, 6, HERE + HERE + timers)


def record(owner: bytes, rrtype: int, rdata: bytes, size: int | None = None) -> bytes:
    """One record; `size` is what its RDLENGTH says."""
    length = len(rdata) if size is None else size
    return owner + struct.pack("!HHIH", rrtype, 1, 60, length) + rdata


NS = record(HERE, 2, b"\3ns1" + HERE)
HOST = record(b"\3www" + HERE, 1, b"\xc0\0\2\1")
OUTSIDE = record(b"\4evil\3net\0", 1, b"\xc0\0\2\2")
GIANT = record(b"\3big" + HERE, 16, (b"\xff" + b"x" * 255) * 230)
LIES = {
    "nothing": [],
    "the SOA alone is of another zone": [record(b"\3net\0", 6, soa()[12:])],
    "no SOA first": [NS, soa(), soa()],
    "two versions": [soa(7), NS, soa(8)],
    "no NS": [soa(), HOST, soa()],
    "a loop": [soa(), NS, record(b"\xc0\x0c"[:1] + b"\xff", 1, bytes(4)), soa()],
    "a pointer to itself": [soa(), NS, record(HERE, 2, b"\1a\xc0\x2e"), soa()],
    "an address of three octets": [soa(), NS, record(HERE, 1, bytes(3)), soa()],
    "data past the end": [soa(), NS, record(HERE, 1, bytes(4), 60000)],
    "a label of no kind": [soa(), NS, record(b"\x80a\0", 1, bytes(4)), soa()],
    "CNAME beside data": [
        soa(), NS, HOST, record(b"\3www" + HERE, 5, HERE), soa(),
    ],
    "another class": [soa(), NS, HOST.replace(b"\1\0\1", b"\1\0\3", 1), soa()],
}  # fmt: skip
TRUE = [soa(), NS, HOST, OUTSIDE, GIANT, soa()]


class LyingTests(TransferCase):
    """One daemon, which is told to look after each lie."""

    def setUp(self) -> None:
        self.records: list[bytes] = []
        self.primary = RubbishPrimary(self.reply)
        self.addCleanup(self.primary.stop)
        text = secondary_config(self.primary.port).replace(f', key = "{KEY}"', "")
        other = '[zones."example.net"]\nfile = "zone"\n'
        files = {
            "zone": ZONE_FILE.replace("org.", "net."),
            "dinamed.toml": text + other,
        }
        self.daemon = Daemon(files, "example.net", ("127.0.0.1",))
        (self.daemon.folder / "state").mkdir()

    def reply(self, query: bytes, number: int) -> bytes:
        """All records in messages of one each, behind the query's question."""
        out = b""
        end = 12 + len(NAME) + 4
        for each in self.records or [b""]:
            head = query[:2] + struct.pack("!5H", 0x8400, 1, bool(each), 0, 0)
            message = head + query[12:end] + each
            out += len(message).to_bytes(2, "big") + message
        return out

    def look(self) -> None:
        """Have the daemon ask the primary once more, and wait until it has."""
        before = self.primary.served
        notify = dns.message.make_query(ZONE, "SOA")
        notify.set_opcode(dns.opcode.NOTIFY)
        self.daemon.send(notify)
        self.assertTrue(wait_until(partial(self.primary.has_served, before + 1)))

    def test_lies(self) -> None:
        """None is served; then the truth is, without what is outside of the zone."""
        self.run_all([self.daemon])
        for lie, records in LIES.items():
            self.records = records
            self.look()
            self.assertEqual(self.daemon.ask("www.example.net", "A").rcode(), 0)
            self.assertEqual(self.daemon.ask(ZONE, "SOA").rcode(), 2, lie)
        self.records = TRUE
        self.look()
        self.await_serial(self.daemon, 7)
        self.assertIn("1 outside ignored", self.daemon.log)
        (giant,) = self.daemon.ask(f"big.{ZONE}", "TXT", tcp=True).answer
        self.assertEqual(len(giant[0].to_wire()), 230 * 256)
        # What was served goes on being served, whatever comes next.
        self.records = LIES["no NS"]
        self.look()
        self.assertEqual(serial(self.daemon), 7)
        self.daemon.assert_quiet()
