"""Transfers, NOTIFY and UPDATE between the daemon and other servers."""

import contextlib
import random
import signal
import socket
import struct
import threading
from collections.abc import Callable
from functools import partial

import dns.message
import dns.opcode

from tests.daemon.harness import PATIENCE, Daemon, wait_until
from tests.daemon.transfer_peers import KEY, ZONE, Knot, Named, Nsd, Peer, nsupdate
from tests.daemon.transferring import (
    KEYS,
    POOL,
    ZONE_FILE,
    TransferCase,
    records,
    secondary_config,
    serial,
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
