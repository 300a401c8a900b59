"""A daemon and another server with one zone, and what both have of it."""

import contextlib
from collections.abc import Iterable

import dns.exception
import dns.query
import dns.tsigkeyring
import dns.zone
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import PATIENCE, Daemon, Server, wait_until
from tests.daemon.transfer_peers import KEY, SECRET, ZONE, Peer

ZONE_FILE = """\
$ORIGIN example.org.
$TTL 300
@ IN SOA ns1 hostmaster 10 3600 600 86400 60
@ IN NS ns1
@ IN MX 10 mail
ns1 IN A 127.0.0.1
mail IN AAAA 2001:db8::25
www IN A 192.0.2.80
_sip._tcp IN SRV 1 2 5060 www
*.wild IN TXT "any thing" "and more"
sub IN NS ns.sub
ns.sub IN A 192.0.2.90
odd IN TYPE65280 \\# 4 0a000001
caa IN CAA 0 issue "ca.example.net"
"""
OTHER_SECRET = "YW5vdGhlciBzZWNyZXQgdGhhdCBpcyBub25l"
KEYS = f"""\
[server]
state = "state"
[keys.{KEY}]
secret = "{SECRET}"
[keys.acme]
secret = "{OTHER_SECRET}"
"""
POOL = """\
[pools.mirrors]
ttl = 30
[[pools.mirrors.members]]
name = "a"
addresses = ["192.0.2.1", "2001:db8::1"]
[[pools.mirrors.members]]
name = "b"
addresses = ["192.0.2.2"]
[[pools.mirrors.members]]
name = "never"
addresses = ["192.0.2.3"]
weight = 0
"""


def primary_config(port: int) -> str:
    """The daemon has a zone file, and one secondary on a port."""
    return f"""{KEYS}
[zones."{ZONE}"]
file = "zone"
transfer = ["key:{KEY}"]
notify = [{{ address = "127.0.0.1:{port}", key = "{KEY}" }}]
[[zones."{ZONE}".update]]
key = "{KEY}"
[[zones."{ZONE}".update]]
key = "acme"
names = ["_acme-challenge.*"]
types = ["TXT"]
[zones."{ZONE}".names]
ftp = "mirrors"
{POOL}"""


def secondary_config(port: int) -> str:
    """The daemon fetches its zone from a port."""
    return f"""{KEYS}
[zones."{ZONE}"]
primary = [{{ address = "127.0.0.1:{port}", key = "{KEY}" }}]
transfer = ["127.0.0.1"]
"""


def serial(server: Server) -> int:
    """The serial that a server has; 0 if it has none."""
    with contextlib.suppress(OSError, dns.exception.DNSException):
        for rrset in server.ask(ZONE, "SOA", seconds=1).answer:
            return int(rrset[0].serial)
    return 0


def records(server: Server, key: str | None = None) -> set[str]:
    """All records that a server hands out by AXFR, in one form."""
    ring = dns.tsigkeyring.from_text({key: SECRET}) if key else None
    messages = dns.query.xfr(
        "127.0.0.1",
        ZONE,
        port=server.port,
        keyring=ring,
        keyname=key,
        timeout=PATIENCE,
        relativize=False,
    )
    zone = dns.zone.from_xfr(messages, relativize=False)
    return {
        f"{name} {ttl} {rdata.to_generic()}"
        for name, ttl, rdata in zone.iterate_rdatas()
    }


class TransferCase(SynchronousTestCase):
    """A daemon and another server."""

    def run_all(self, servers: Iterable[Server]) -> None:
        """Start servers, which end with the test."""
        for server in servers:
            self.addCleanup(server.clean_up)
            server.start()

    def pair(self, kind: type[Peer]) -> tuple[Daemon, Peer]:
        """The daemon as primary, and a secondary of this kind."""
        daemon = Daemon({"zone": ZONE_FILE}, ZONE, ("127.0.0.1",))
        (daemon.folder / "state").mkdir()
        peer = kind(daemon.port, None)
        (daemon.folder / "dinamed.toml").write_text(primary_config(peer.port))
        self.run_all([daemon, peer])
        self.addCleanup(daemon.assert_quiet)
        return daemon, peer

    def await_serial(self, server: Server, wanted: int) -> None:
        """Wait until a server has a serial."""
        self.assertTrue(
            wait_until(lambda: serial(server) == wanted, 20),
            f"{serial(server)} is not {wanted}:\n{server.log}",
        )
