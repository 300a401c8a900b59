"""How the daemon starts, reloads and stops, as twistd and its operator expect."""

import contextlib
import os
import re
import signal
import socket
from pathlib import Path

import dns.message
import dns.rcode
from twisted.trial.unittest import SynchronousTestCase

from tests.daemon.harness import (
    LOOPBACK,
    ROOT,
    STOP_SECONDS,
    Daemon,
    is_free,
    need,
    program,
    run_twistd,
    wait_for_exit,
    wait_until,
)
from tests.daemon.scenario import CONFIG, FILES, ZONE, ZONE_TEXT, OwnDaemonCase


class StopTests(OwnDaemonCase):
    """SIGTERM and SIGINT, in the foreground."""

    def check_stop(self, number: signal.Signals) -> None:
        """Stops in time although a connection is open, and dies of the signal."""
        daemon = self.started()
        with socket.create_connection(("127.0.0.1", daemon.port), 3) as idle:
            idle.sendall(b"\x00")  # half of a length
            self.assertEqual(daemon.stop(number), -number)
            idle.settimeout(1)
            with contextlib.suppress(ConnectionResetError):
                self.assertEqual(idle.recv(1), b"")
        self.assertNotIn("Traceback", daemon.log)
        self.assertTrue(is_free(daemon.addresses, daemon.port))
        self.assertEqual(list(daemon.folder.glob("core*")), [])

    def test_terminated(self) -> None:
        """SIGTERM."""
        self.check_stop(signal.SIGTERM)

    def test_interrupted(self) -> None:
        """SIGINT, as Ctrl-C sends it."""
        self.check_stop(signal.SIGINT)

    def test_restart_at_once(self) -> None:
        """The port can be bound again although connections were open."""
        daemon = self.started()
        with socket.create_connection(("127.0.0.1", daemon.port), 3):
            daemon.stop()
        daemon.start()
        self.assertEqual(self.addresses_of(daemon, "mail"), {"192.0.2.25"})


class BackgroundTests(OwnDaemonCase):
    """As a daemon with a pid file and a log file."""

    def test_life(self) -> None:
        """It answers when the parent is done; its pid file goes when it stops."""
        daemon = self.make_daemon()
        pid_file, log = daemon.folder / "pid", daemon.folder / "twistd.log"
        done = run_twistd(
            [f"--pidfile={pid_file}", "-l", str(log), *daemon.plugin()], daemon.folder
        )
        self.assertEqual((done.returncode, done.stdout), (0, ""), done.stderr)
        pid = int(pid_file.read_text())
        try:
            self.assertTrue(wait_until(daemon.answers), log.read_text())
        finally:
            os.kill(pid, signal.SIGTERM)
            stopped = wait_for_exit(pid, STOP_SECONDS)
            if not stopped:
                os.kill(pid, signal.SIGKILL)
        self.assertTrue(stopped)
        self.assertFalse(pid_file.exists())
        self.assertNotIn("Traceback", log.read_text())


class ReloadTests(OwnDaemonCase):
    """SIGHUP."""

    def write(self, daemon: Daemon, name: str, text: str) -> None:
        """Replace a file of the daemon as a whole, as careful operators do."""
        new = daemon.folder / f"{name}.new"
        new.write_text(text, "utf-8")
        new.replace(daemon.folder / name)

    def test_changed_zone(self) -> None:
        """A changed zone file is served soon, over UDP and TCP."""
        daemon = self.started()
        self.write(daemon, "zone", ZONE_TEXT.replace("192.0.2.25", "192.0.2.26"))
        daemon.send_signal(signal.SIGHUP)
        self.assertTrue(
            wait_until(lambda: self.addresses_of(daemon, "mail") == {"192.0.2.26"})
        )
        self.assertIn("192.0.2.26", str(daemon.ask(f"mail.{ZONE}", "A", tcp=True)))
        daemon.assert_quiet()

    def test_changed_pool(self) -> None:
        """A member that is taken out of the config is not handed out any more."""
        daemon = self.started()
        self.write(daemon, "dinamed.toml", CONFIG.replace("192.0.2.11", "192.0.2.12"))
        daemon.send_signal(signal.SIGHUP)
        self.assertTrue(
            wait_until(lambda: self.addresses_of(daemon, "v4") == {"192.0.2.12"})
        )
        daemon.assert_quiet()

    def check_refused(self, file: str, text: str, sign: str) -> None:
        """A bad file changes nothing, is named in the log, and can be mended."""
        daemon = self.started()
        self.write(daemon, file, text)
        daemon.send_signal(signal.SIGHUP)
        self.assertTrue(wait_until(lambda: sign in daemon.log), daemon.log)
        self.assertEqual(self.addresses_of(daemon, "mail"), {"192.0.2.25"})
        self.assertEqual(self.addresses_of(daemon, "v4"), {"192.0.2.11"})
        daemon.assert_quiet()
        self.write(daemon, "dinamed.toml", CONFIG)
        self.write(daemon, "zone", ZONE_TEXT.replace("192.0.2.25", "192.0.2.26"))
        daemon.send_signal(signal.SIGHUP)
        self.assertTrue(
            wait_until(lambda: self.addresses_of(daemon, "mail") == {"192.0.2.26"})
        )

    def test_unknown_key(self) -> None:
        """An unknown key in the config."""
        self.check_refused("dinamed.toml", CONFIG + "wieght = 3\n", "wieght")

    def test_no_toml(self) -> None:
        """A config that is no TOML."""
        self.check_refused("dinamed.toml", "[zones\n", "dinamed.toml:1")

    def test_bad_zone(self) -> None:
        """A zone file with an address that is none; its line is named."""
        text = ZONE_TEXT.replace("192.0.2.25", "192.0.2.256")
        line = text[: text.index("192.0.2.256")].count("\n") + 1
        self.check_refused("zone", text, f"zone:{line}")


class LogTests(OwnDaemonCase):
    """What a running server writes."""

    def test_no_queries(self) -> None:
        """At the default level queries of no kind leave a line."""
        daemon = self.started()
        before = daemon.log
        for name, rdtype, tcp in (
            (f"ftp.{ZONE}", "A", False),
            (f"nope.{ZONE}", "A", False),
            ("foreign.test", "A", False),
            (f"big.{ZONE}", "TXT", True),
        ):
            for _ in range(5):
                daemon.ask(name, rdtype, tcp=tcp)
        self.assertEqual(daemon.log, before)


class PrivilegeTests(OwnDaemonCase):
    """Port below 1024, then no root."""

    def test_dropped(self) -> None:
        """All ids and groups are the user's, and it answers and reloads."""
        need(os.getuid() == 0, "only root can drop privileges")
        daemon = self.make_daemon(
            twistd_options=["--uid", "nobody", "--gid", "nogroup"]
        )
        daemon.port = next(
            port for port in range(532, 700) if is_free(daemon.addresses, port)
        )
        daemon.start()
        status = Path(f"/proc/{daemon.pid}/status").read_text()
        for field, count in (("Uid", 4), ("Gid", 4), ("Groups", 1)):
            found = re.search(rf"^{field}:\s+(.*)$", status, re.MULTILINE)
            assert found is not None
            self.assertEqual(found.group(1).split(), ["65534"] * count, field)
        self.assertEqual(self.addresses_of(daemon, "mail"), {"192.0.2.25"})
        daemon.assert_quiet()
        self.assertEqual(daemon.stop(), -signal.SIGTERM)


class WildcardTests(OwnDaemonCase):
    """Bound to all addresses of a family."""

    def ask_connected(self, family: socket.AddressFamily, where: str, port: int) -> int:
        """The rcode that a connected socket gets: only the asked address counts."""
        query = dns.message.make_query(f"mail.{ZONE}", "A")
        with socket.socket(family, socket.SOCK_DGRAM) as sock:
            sock.settimeout(3)
            sock.connect((where, port))
            sock.send(query.to_wire())
            return dns.message.from_wire(sock.recv(4096)).rcode()

    def test_answers_from_the_asked_address(self) -> None:
        """0.0.0.0 and :: side by side, each query answered from where it went."""
        daemon = self.make_daemon(addresses=("0.0.0.0", "::"))
        daemon.start()
        for family, where in (
            (socket.AF_INET, "127.0.0.1"),
            (socket.AF_INET, "127.0.0.5"),
            (socket.AF_INET6, "::1"),
        ):
            with self.subTest(where):
                rcode = self.ask_connected(family, where, daemon.port)
                self.assertEqual(rcode, dns.rcode.NOERROR)
        tcp = daemon.ask(f"mail.{ZONE}", "A", address="127.0.0.5", tcp=True)
        self.assertEqual(tcp.rcode(), dns.rcode.NOERROR)
        daemon.assert_quiet()


class TacDaemon(Daemon):
    """The application file of the project, on a port of the test's own."""

    def command(self) -> list[str]:
        """By the -y of twistd."""
        text = (ROOT / "etc" / "dinamed.tac").read_text("utf-8")
        arguments = '"--interface", "127.0.0.1", "--port", "5300"'
        assert text.count(arguments) == 1, text
        port = f'"{self.port}", "--config", "{self.folder}/dinamed.toml"'
        tac = self.folder / "dinamed.tac"
        tac.write_text(text.replace('"5300"', port), "utf-8")
        return [program("twistd"), "-n", "--pidfile=", "-y", str(tac)]


class ApplicationFileTests(SynchronousTestCase):
    """``twistd -n -y etc/dinamed.tac``."""

    def test_serves(self) -> None:
        """It answers, and stops as the plugin does."""
        daemon = TacDaemon(FILES, addresses=LOOPBACK[:1])
        self.addCleanup(daemon.clean_up)
        daemon.start()
        self.assertEqual(daemon.stop(), -signal.SIGTERM)
        self.assertNotIn("Traceback", daemon.log)
