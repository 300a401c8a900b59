"""Transfers, NOTIFY and UPDATE between the daemon and other servers."""

import contextlib
import random
import shlex
import signal
import socket
import struct
import subprocess
import threading
from collections.abc import Callable, Iterable
from functools import partial

import dns.exception
import dns.message
import dns.opcode
import dns.query
import dns.rdatatype
import dns.tsigkeyring
import dns.zone
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import PATIENCE, Daemon, Server, need_tool, wait_until
from tests.daemon.transfer_peers import (
    KEY,
    SECRET,
    ZONE,
    Knot,
    Named,
    Nsd,
    Peer,
    nsupdate,
)

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


class PrimaryTests(TransferCase):
    """The daemon as primary."""

    def check(self, kind: type[Peer]) -> None:
        """A secondary gets the zone, then a change."""
        daemon, peer = self.pair(kind)
        self.await_serial(peer, 10)
        served = records(daemon, KEY)
        self.assertEqual(records(peer, KEY), served)
        self.assertEqual(
            {line.split()[-1] for line in served if line.startswith("ftp.")},
            {"c0000201", "c0000202", "20010db8000000000000000000000001"},
        )
        done = nsupdate(
            daemon.port,
            "update add new.example.org 60 TXT hello\n"
            "update delete www.example.org A\n"
            "update add www.example.org 60 A 192.0.2.81",
        )
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(serial(daemon), 11)
        self.await_serial(peer, 11)
        self.assertEqual(records(peer, KEY), records(daemon, KEY))
        (text,) = peer.ask("new.example.org", "TXT").answer
        self.assertEqual(text[0].to_text(), '"hello"')
        self.assertTrue(
            wait_until(lambda: "serial 11: IXFR to" in daemon.log), daemon.log
        )

    def test_bind(self) -> None:
        """BIND follows."""
        self.check(Named)

    def test_knot(self) -> None:
        """Knot follows."""
        self.check(Knot)

    def test_nsd(self) -> None:
        """NSD follows."""
        self.check(Nsd)


class SecondaryTests(TransferCase):
    """The daemon as secondary."""

    def check(self, kind: type[Peer]) -> None:
        """It gets the zone and each change, and goes on when the primary is gone."""
        daemon = Daemon({}, ZONE, ("127.0.0.1",))
        (daemon.folder / "state").mkdir()
        peer = kind(daemon.port, ZONE_FILE)
        (daemon.folder / "dinamed.toml").write_text(secondary_config(peer.port))
        self.run_all([daemon])
        refused = daemon.ask(ZONE, "SOA")
        self.assertEqual(refused.rcode(), 2, "no zone yet: SERVFAIL")
        self.run_all([peer])
        self.await_serial(daemon, 10)
        self.assertEqual(records(daemon), records(peer, KEY))
        done = nsupdate(peer.port, "update add new.example.org 60 A 192.0.2.99")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.await_serial(daemon, 11)
        self.assertEqual(records(daemon), records(peer, KEY))
        self.assertIn("changes)", daemon.log)
        copy = daemon.folder / "state" / "zones" / "example.org.zone"
        before = copy.stat().st_mtime_ns if copy.exists() else 0
        peer.clean_up()
        daemon.assert_quiet()
        daemon.stop()
        self.assertGreater(before, 0)
        daemon.start()
        self.await_serial(daemon, 11)
        (address,) = daemon.ask("new.example.org", "A").answer
        self.assertEqual(address[0].to_text(), "192.0.2.99")
        daemon.assert_quiet()

    def test_bind(self) -> None:
        """From BIND."""
        self.check(Named)

    def test_knot(self) -> None:
        """From Knot."""
        self.check(Knot)


def dig(port: int, words: str) -> str:
    """What dig prints."""
    command = [need_tool("dig"), "@127.0.0.1", "-p", str(port), *shlex.split(words)]
    return subprocess.run(command, capture_output=True, text=True, timeout=20).stdout


class ToolTests(TransferCase):
    """dig, kdig and nsupdate against the daemon."""

    def setUp(self) -> None:
        self.daemon = Daemon({"zone": ZONE_FILE}, ZONE, ("127.0.0.1",))
        (self.daemon.folder / "state").mkdir()
        (self.daemon.folder / "dinamed.toml").write_text(primary_config(9))
        self.run_all([self.daemon])
        self.addCleanup(self.daemon.assert_quiet)

    def test_axfr(self) -> None:
        """Refused without a key, given with it; the reply is signed."""
        port = self.daemon.port
        self.assertIn("Transfer failed", dig(port, f"axfr {ZONE}"))
        key = f"-y hmac-sha256:{KEY}:{SECRET}"
        given = dig(port, f"{key} axfr {ZONE}")
        self.assertIn("TSIG", given)
        self.assertEqual(given.count("\tSOA\t"), 2)
        self.assertNotIn("failed", given)
        wrong = dig(port, f"-y hmac-sha256:{KEY}:{OTHER_SECRET} axfr {ZONE}")
        self.assertIn("failed", wrong)

    def test_ixfr(self) -> None:
        """One SOA if current, over UDP and TCP; all if the serial is not known."""
        port = self.daemon.port
        key = f"-y hmac-sha256:{KEY}:{SECRET}"
        self.assertEqual(dig(port, f"{key} ixfr=10 {ZONE}").count("\tSOA\t"), 1)
        self.assertEqual(dig(port, f"{key} +notcp ixfr=9 {ZONE}").count("\tSOA\t"), 1)
        self.assertIn("192.0.2.80", dig(port, f"{key} ixfr=9 {ZONE}"))

    def test_signed_query(self) -> None:
        """Signed questions get signed answers, over UDP too; unknown keys do not."""
        port = self.daemon.port
        answer = dig(port, f"-y hmac-sha256:{KEY}:{SECRET} a www.{ZONE} +nocookie")
        self.assertIn("status: NOERROR", answer)
        self.assertIn("192.0.2.80", answer)
        self.assertIn("hmac-sha256.", answer)
        self.assertNotIn("Couldn't verify", answer)
        unknown = dig(port, f"-y hmac-sha256:nobody:{SECRET} a www.{ZONE}")
        self.assertIn("NOTAUTH", unknown)
        self.assertIn("BADKEY", unknown)
        forged = dig(port, f"-y hmac-sha256:{KEY}:{OTHER_SECRET} a www.{ZONE}")
        self.assertIn("BADSIG", forged)

    def test_kdig(self) -> None:
        """kdig gets the zone too."""
        command = [need_tool("kdig"), "@127.0.0.1", "-p", str(self.daemon.port)]
        command += ["-y", f"hmac-sha256:{KEY}:{SECRET}", "axfr", ZONE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.stdout.count("\tSOA\t"), 2, done.stdout)

    def test_acme(self) -> None:
        """A challenge comes, is answered at once, and goes; nothing else may be."""
        port, name = self.daemon.port, f"_acme-challenge.www.{ZONE}"
        acme = ("acme", OTHER_SECRET)
        for tcp in (False, True):
            add = f"update add {name} 60 TXT token"
            self.assertEqual(nsupdate(port, add, *acme, tcp).returncode, 0)
            (answer,) = self.daemon.ask(name, "TXT").answer
            self.assertEqual(answer[0].to_text(), '"token"')
            gone = f"update delete {name} TXT"
            self.assertEqual(nsupdate(port, gone, *acme, tcp).returncode, 0)
            self.assertEqual(self.daemon.ask(name, "TXT").rcode(), 3)
        self.assertEqual(serial(self.daemon), 14)
        for line in (
            f"update add www.{ZONE} 60 TXT token",
            f"update add {name} 60 CAA 0 issue ca",
            f"update delete {name}",
        ):
            done = nsupdate(port, line, *acme)
            self.assertIn("REFUSED", done.stderr, (line, self.daemon.log))

    def test_refused(self) -> None:
        """Not without a key, not names of pools, not other zones."""
        port = self.daemon.port
        add = f"update add new.{ZONE} 60 A 192.0.2.1"
        self.assertIn("REFUSED", nsupdate(port, add, key="").stderr)
        bound = f"update add ftp.{ZONE} 60 A 192.0.2.1"
        self.assertIn("REFUSED", nsupdate(port, bound).stderr)
        wrong = nsupdate(port, add, secret=OTHER_SECRET).stderr
        self.assertIn("BADSIG", wrong)

    def test_prerequisites(self) -> None:
        """What is required must hold."""
        port = self.daemon.port
        for require, said in (
            (f"prereq nxdomain www.{ZONE}", "YXDOMAIN"),
            (f"prereq yxdomain none.{ZONE}", "NXDOMAIN"),
            (f"prereq nxrrset www.{ZONE} A", "YXRRSET"),
            (f"prereq yxrrset www.{ZONE} TXT", "NXRRSET"),
            (f"prereq yxrrset www.{ZONE} A 192.0.2.1", "NXRRSET"),
        ):
            done = nsupdate(port, f"{require}\nupdate add x.{ZONE} 60 A 192.0.2.1")
            self.assertIn(said, done.stderr, require)
        done = nsupdate(
            port,
            f"prereq yxrrset www.{ZONE} A 192.0.2.80\n"
            f"update add x.{ZONE} 60 A 192.0.2.1",
        )
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_restart(self) -> None:
        """What was updated outlasts a restart, and changes of the file."""
        daemon = self.daemon
        nsupdate(daemon.port, f"update add new.{ZONE} 60 A 192.0.2.1")
        daemon.stop()
        text = ZONE_FILE.replace("192.0.2.80", "192.0.2.82")
        (daemon.folder / "zone").write_text(text)
        daemon.start()
        self.assertEqual(len(daemon.ask(f"new.{ZONE}", "A").answer), 1)
        (answer,) = daemon.ask(f"www.{ZONE}", "A").answer
        self.assertEqual(answer[0].to_text(), "192.0.2.82")


class ReloadTests(TransferCase):
    """SIGHUP and transfers."""

    def reload(self, daemon: Daemon) -> None:
        """Reload, and wait for it."""
        before = daemon.log.count("reloaded:")
        daemon.send_signal(signal.SIGHUP)
        self.assertTrue(
            wait_until(lambda: daemon.log.count("reloaded:") > before), daemon.log
        )

    def test_zone_file(self) -> None:
        """A new serial in the file goes to the secondary, as differences."""
        daemon, peer = self.pair(Knot)
        self.await_serial(peer, 10)
        text = ZONE_FILE.replace(" 10 3600", " 20 3600").replace("80\n", "79\n")
        (daemon.folder / "zone").write_text(text)
        self.reload(daemon)
        self.await_serial(peer, 20)
        self.assertEqual(records(peer, KEY), records(daemon, KEY))
        self.assertIn("serial 20: IXFR", daemon.log)
        (daemon.folder / "zone").write_text(text.replace("79\n", "78\n"))
        self.reload(daemon)
        self.assertIn("but its serial 20 has not grown", daemon.log)

    def test_comes_and_goes(self) -> None:
        """A secondary zone that a reload brings is fetched; one it takes is gone."""
        daemon = Daemon({"zone": ZONE_FILE.replace("org.", "net.")}, "example.net")
        (daemon.folder / "state").mkdir()
        peer = Named(daemon.port, ZONE_FILE)
        config = daemon.folder / "dinamed.toml"
        plain = '[zones."example.net"]\nfile = "zone"\n'
        config.write_text(KEYS + plain)
        self.run_all([daemon, peer])
        self.assertEqual(daemon.ask(ZONE, "SOA").rcode(), 5)
        names = f'[zones."{ZONE}".names]\nftp = "mirrors"\nwww = "mirrors"\n{POOL}'
        config.write_text(secondary_config(peer.port) + names + plain)
        self.reload(daemon)
        self.await_serial(daemon, 10)
        for name in ("ftp", "www"):
            (answer,) = daemon.ask(f"{name}.{ZONE}", "A").answer
            self.assertIn(answer[0].to_text(), ("192.0.2.1", "192.0.2.2"))
        config.write_text(KEYS + plain)
        self.reload(daemon)
        self.assertEqual(daemon.ask(ZONE, "SOA").rcode(), 5)
        daemon.assert_quiet()


class HostileTests(TransferCase):
    """A primary that sends rubbish does no harm."""

    def test_rubbish(self) -> None:
        """Nothing is served of it, and good queries are answered meanwhile."""
        generator = random.Random(6)
        good = struct.pack("!6H", 0, 0x8400, 0, 1, 0, 0) + ORIGIN_SOA

        def rubbish(query: bytes, number: int) -> bytes:
            data = bytearray(query[:2] + good[2:])
            for _ in range(number):
                data[generator.randrange(2, len(data))] = generator.randrange(256)
            size = generator.choice([len(data), 0, 65535])
            return size.to_bytes(2, "big") + bytes(data) * (1 + number % 3)

        primary = RubbishPrimary(rubbish)
        self.addCleanup(primary.stop)
        text = secondary_config(primary.port).replace(f', key = "{KEY}"', "")
        other = '[zones."example.net"]\nfile = "zone"\n'
        daemon = Daemon(
            {"zone": ZONE_FILE.replace("org.", "net."), "dinamed.toml": text + other},
            "example.net",
            ("127.0.0.1",),
        )
        (daemon.folder / "state").mkdir()
        self.run_all([daemon])
        for number in range(5):
            notify = dns.message.make_query(ZONE, "SOA", id=number)
            notify.set_opcode(dns.opcode.NOTIFY)
            daemon.send(notify)
            self.assertEqual(daemon.ask("www.example.net", "A").rcode(), 0)
            self.assertTrue(
                wait_until(partial(primary.has_served, number + 1)),
                (number, daemon.log),
            )
        self.assertEqual(daemon.ask(ZONE, "SOA").rcode(), 2)
        daemon.assert_quiet()


ORIGIN_SOA = b"\x07example\x03org\0\0\6\0\1\0\0\1\x2c\0\x16\0\0" + struct.pack(
    "!5I", 1, 3600, 600, 86400, 60
)


class RubbishPrimary:
    """Answers each connection with one reply of a function, in a thread."""

    def __init__(self, reply: Callable[[bytes, int], bytes]) -> None:
        self.served = 0
        self._reply = reply
        self._socket = socket.create_server(("127.0.0.1", 0))
        self.port = int(self._socket.getsockname()[1])
        self._thread = threading.Thread(target=self._serve, daemon=True)
        self._thread.start()

    def _serve(self) -> None:
        while True:
            try:
                connection, _ = self._socket.accept()
            except OSError:
                return
            with connection, contextlib.suppress(OSError):
                query = connection.recv(512)[2:]
                connection.sendall(self._reply(query, self.served))
            self.served += 1

    def has_served(self, number: int) -> bool:
        """Whether so many connections have been."""
        return self.served >= number

    def stop(self) -> None:
        """Close the socket, which ends the thread."""
        self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.close()
        self._thread.join(PATIENCE)
