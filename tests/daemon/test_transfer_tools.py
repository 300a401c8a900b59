"""dig, kdig and nsupdate against the daemon: transfers, signed queries, updates."""

import shlex
import subprocess

from tests.daemon.harness import Daemon, free_port, need_tool
from tests.daemon.transfer_peers import KEY, SECRET, ZONE, nsupdate
from tests.daemon.transferring import (
    OTHER_SECRET,
    ZONE_FILE,
    TransferCase,
    primary_config,
    serial,
)
from tests.health.certificates import key_and_certificate


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

    def test_tls(self) -> None:
        """kdig gets the zone over TLS as well (RFC 9103)."""
        port = free_port(("127.0.0.1",))
        key, certificate = key_and_certificate("ns1.example.org")
        text = primary_config(9).replace(
            "[server]",
            f'[server]\ntls = ["127.0.0.1:{port}"]\n'
            'certificate = "cert.pem"\nkey = "key.pem"',
        )
        daemon = Daemon({"zone": ZONE_FILE, "dinamed.toml": text}, ZONE)
        (daemon.folder / "state").mkdir()
        (daemon.folder / "cert.pem").write_bytes(certificate)
        (daemon.folder / "key.pem").write_bytes(key)
        (daemon.folder / "key.pem").chmod(0o600)
        self.run_all([daemon])
        command = [need_tool("kdig"), "@127.0.0.1", "-p", str(port), "+tls"]
        command += ["-y", f"hmac-sha256:{KEY}:{SECRET}", "axfr", ZONE]
        done = subprocess.run(command, capture_output=True, text=True, timeout=20)
        self.assertEqual(done.stdout.count("\tSOA\t"), 2, done.stdout)
        daemon.assert_quiet()

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
