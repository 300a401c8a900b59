"""BIND, Knot and NSD as secondaries of a zone that is signed here."""

import signal
import sys
from functools import partial
from pathlib import Path

import dns.message
import dns.rcode

from dinamed.dnssec.grid import Grid
from tests.daemon import shifted_twistd
from tests.daemon.harness import Daemon, wait_until
from tests.daemon.signed import Delv, write_pair
from tests.daemon.test_dnssec import NO, YES
from tests.daemon.transfer_peers import ZONE, Knot, Named, Nsd, Peer
from tests.daemon.transferring import POOL, TransferCase, records, serial
from tests.dnssec.support import fixed_key

ZONE_TEXT = """\
$TTL 300
@ SOA ns1 hostmaster 10 3600 600 86400 60
@ NS ns1
ns1 A 127.0.0.1
www A 192.0.2.80
*.wild TXT "any"
a.b.ent A 192.0.2.70
cut NS ns.cut
ns.cut A 127.0.0.1
"""
CONFIG = """\
[server]
state = "state"
[dnssec]
keys = "keys"
parent = ["127.0.0.1:1"]
[zones."{zone}"]
file = "zone"
dnssec = true
transfer = ["127.0.0.1"]
notify = ["127.0.0.1:{port}"]
[zones."{zone}".names]
ftp = "mirrors"
{pool}"""
ROWS = {
    ("www", "A"): YES,
    ("www", "MX"): NO,
    ("ftp", "A"): YES,
    ("ftp", "AAAA"): YES,
    ("ftp", "SRV"): NO,
    ("foo.wild", "TXT"): YES,
    ("foo.wild", "A"): NO,
    ("nope", "A"): NO,
    ("b.ent", "A"): NO,
    ("cut", "DS"): NO,
    ("_status", "A"): NO,
}


class ShiftedDaemon(Daemon):
    """The daemon, whose clock is behind ours by one version of the signed zone."""

    def __init__(self, key_number: int) -> None:
        super().__init__({"zone": ZONE_TEXT}, ZONE, ("127.0.0.1",))
        self.key = fixed_key(f"{ZONE}.", key_number)
        keys = self.folder / "keys"
        keys.mkdir(0o700)
        write_pair(keys, self.key)
        (self.folder / "state").mkdir()
        self.set_clock(-Grid().refresh)

    def configure(self, port: int) -> None:
        """Have one secondary on a port."""
        text = CONFIG.format(zone=ZONE, port=port, pool=POOL)
        (self.folder / "dinamed.toml").write_text(text)

    def set_clock(self, ahead: float) -> None:
        """Set its clock."""
        path = self.folder / "clock"
        path.with_suffix(".new").write_text(str(ahead))
        path.with_suffix(".new").replace(path)

    def command(self) -> list[str]:
        """With the other clock."""
        script = str(Path(shifted_twistd.__file__))
        head = [sys.executable, script, str(self.folder / "clock")]
        return [*head, *super().command()[1:]]


class SignedSecondaryTests(TransferCase):
    """What they get is valid, with each version."""

    def check(self, kind: type[Peer]) -> None:
        """The whole zone at first, then what a refresh and a new file have changed."""
        daemon = ShiftedDaemon(31)
        peer = kind(daemon.port, None, keyed=False)
        daemon.configure(peer.port)
        self.run_all([daemon, peer])
        first = serial(daemon)
        self.await_serial(peer, first)
        self.judge(daemon, peer)

        daemon.set_clock(0)
        daemon.send_signal(signal.SIGHUP)
        self.await_serial(daemon, first + 1)
        self.await_serial(peer, first + 1)
        self.judge(daemon, peer)

        text = ZONE_TEXT.replace(" 10 3600", " 20 3600").replace("www A", "new TXT")
        (daemon.folder / "zone").write_text(text)
        daemon.send_signal(signal.SIGHUP)
        last = first + 11
        self.await_serial(daemon, last)
        self.await_serial(peer, last)
        changed = {("new", "TXT"): YES, ("new", "A"): NO, ("www", "A"): NO}
        self.judge(daemon, peer, changed)
        query = dns.message.make_query(f"www.{ZONE}", "A")
        self.assertEqual(peer.send(query).rcode(), dns.rcode.NXDOMAIN)
        for number in (first + 1, last):
            line = f"serial {number}: IXFR to"
            self.assertTrue(wait_until(partial(self.has, daemon, line)), daemon.log)
        daemon.assert_quiet()

    def has(self, daemon: Daemon, line: str) -> bool:
        """Whether the log of the daemon has a line."""
        return line in daemon.log

    def judge(
        self,
        daemon: ShiftedDaemon,
        peer: Peer,
        changed: dict[tuple[str, str], str] | None = None,
    ) -> None:
        """The peer has what the daemon has, and delv finds it valid."""
        self.assertEqual(records(peer), records(daemon))
        delv = Delv(peer, daemon.key)
        rows = {**ROWS, **(changed or {})}
        said = {
            (name, rrtype): delv.verdict(f"{name}.{ZONE}.", rrtype)
            for name, rrtype in rows
        }
        self.assertEqual(said, rows)

    def test_bind(self) -> None:
        """BIND."""
        self.check(Named)

    def test_knot(self) -> None:
        """Knot."""
        self.check(Knot)

    def test_nsd(self) -> None:
        """NSD."""
        self.check(Nsd)
