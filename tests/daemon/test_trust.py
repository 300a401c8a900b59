"""The daemon among strangers: cookies, limits, streams, TLS, and systemd."""

import os
import re
import signal
import socket
import subprocess
import time

import dns.edns
import dns.flags
import dns.message
import dns.query
import dns.rcode

from tests.daemon.digging import Reply, run_dig
from tests.daemon.harness import (
    PATIENCE,
    Daemon,
    free_port,
    need_tool,
    wait_until,
    write_files,
)
from tests.daemon.scenario import CONFIG, FILES, ZONE, AskingCase, OwnDaemonCase
from tests.health.certificates import key_and_certificate

COOKIE = "0102030405060708"
SECRETS = ("e5e973e5a6b2a43f48e7dc849e37bfcf", "445536bcd2513298075a5d379663c962")
GOOD = re.compile(rf"{COOKIE}(01000000[0-9a-f]{{24}}) \(good\)")


def with_server(keys: str, more: str = "") -> dict[str, str]:
    """The scenario with more keys in `[server]`, and more tables."""
    return {
        **FILES,
        "dinamed.toml": CONFIG.replace("[server]\n", f"[server]\n{keys}\n", 1) + more,
    }


class CookieTests(AskingCase):
    """`dig +cookie`."""

    purpose = "trust"

    def ask(self, arguments: str) -> Reply:
        """Ask by dig, RD clear."""
        return run_dig(self.daemon, ["+norec", *arguments.split()])

    def test_first(self) -> None:
        """A client cookie comes back with a server cookie, for each kind of answer."""
        for question in ("www", "ftp", "nope", "example.com"):
            name = question if "." in question else f"{question}.{ZONE}"
            for _ in range(2):
                reply = self.ask(f"+cookie={COOKIE} A {name}")
                assert reply.opt is not None
                self.assertRegex(reply.opt.option("COOKIE") or "", GOOD)

    def test_again(self) -> None:
        """The whole cookie comes back as it was."""
        first = self.ask(f"+cookie={COOKIE} A www.{ZONE}")
        assert first.opt is not None
        whole = (first.opt.option("COOKIE") or "").split()[0]
        for _ in range(3):
            again = self.ask(f"+cookie={whole} A ftp.{ZONE}")
            assert again.opt is not None
            self.assertEqual(again.opt.option("COOKIE"), f"{whole} (good)")
            self.assertEqual(len(again.answer), 1)

    def test_tcp(self) -> None:
        """Over TCP too, and with the time that a connection may be idle."""
        reply = self.ask(f"+tcp +keepalive +cookie={COOKIE} A www.{ZONE}")
        assert reply.opt is not None
        self.assertRegex(reply.opt.option("COOKIE") or "", GOOD)
        keepalive = reply.opt.option("TCP-KEEPALIVE") or reply.opt.option(
            "TCP KEEPALIVE"
        )
        self.assertIn("30.0", keepalive or "")

    def test_bad_length(self) -> None:
        """FORMERR."""
        for size in (7, 9, 15, 41):
            reply = self.ask(f"+nocookie +ednsopt=10:{'ab' * size} A www.{ZONE}")
            self.assertEqual(reply.status, "FORMERR")

    def test_alone(self) -> None:
        """A message without a question learns a cookie (dig +header-only)."""
        reply = self.ask(f"+header-only +cookie={COOKIE}")
        self.assertEqual((reply.status, reply.question), ("NOERROR", []))
        assert reply.opt is not None
        self.assertRegex(reply.opt.option("COOKIE") or "", GOOD)

    def test_pipelining(self) -> None:
        """kdig asks twice on one connection."""
        done = subprocess.run(
            [
                need_tool("kdig"), "+tcp", "+keepopen", "@127.0.0.1",
                "-p", str(self.daemon.port), "SOA", ZONE, "A", f"ftp.{ZONE}",
            ],
            capture_output=True, text=True, timeout=20,
        )  # fmt: skip
        self.assertEqual(done.stdout.count("status: NOERROR"), 2, done.stdout)


class RequiredTests(OwnDaemonCase):
    """`cookies = "require"`, and secrets in a file."""

    def secret_daemon(self, secrets: str, keys: str = "") -> Daemon:
        """One with these secrets."""
        keys += '\ncookie_secret_file = "secrets"'
        daemon = Daemon(with_server(keys))
        self.addCleanup(daemon.clean_up)
        self.write_secrets(daemon, secrets)
        daemon.start()
        return daemon

    def write_secrets(self, daemon: Daemon, secrets: str) -> None:
        """Put the file in place of the old one."""
        path = daemon.folder / "secrets"
        path.write_text(secrets)
        path.chmod(0o600)

    def cookie(self, daemon: Daemon, cookie: str = COOKIE) -> str:
        """The cookie that comes back."""
        reply = run_dig(daemon, ["+norec", f"+cookie={cookie}", "A", f"www.{ZONE}"])
        assert reply.opt is not None
        return (reply.opt.option("COOKIE") or "").split()[0]

    def test_badcookie(self) -> None:
        """dig learns a cookie by BADCOOKIE and asks again; without it asks once."""
        daemon = self.secret_daemon(SECRETS[0], 'cookies = "require"')
        arguments = ["+norec", f"+cookie={COOKIE}", "A", f"www.{ZONE}"]
        bad = run_dig(daemon, ["+nobadcookie", *arguments])
        self.assertEqual((bad.status, bad.answer), ("BADCOOKIE", []))
        good = run_dig(daemon, ["+badcookie", *arguments])
        self.assertIn("BADCOOKIE, retrying", good.text)
        self.assertEqual(len(run_dig(daemon, ["+tcp", *arguments]).answer), 1)
        plain = run_dig(daemon, ["+norec", "+nocookie", "A", f"www.{ZONE}"])
        self.assertEqual(len(plain.answer), 1)
        daemon.assert_quiet()

    def test_rotation(self) -> None:
        """Two servers with the same secrets, changed one after the other."""
        one = self.secret_daemon("\n".join(SECRETS))
        other = self.secret_daemon("\n".join(SECRETS))
        cookie = self.cookie(one)
        self.assertEqual(self.cookie(other, cookie), cookie)
        self.write_secrets(one, "\n".join(reversed(SECRETS)))
        one.send_signal(signal.SIGHUP)
        self.assertTrue(wait_until(lambda: "reloaded:" in one.log))
        renewed = self.cookie(one, cookie)
        self.assertNotEqual(renewed, cookie)
        self.assertEqual(self.cookie(one, renewed), renewed)
        told = other.send(self.with_cookie(renewed))
        self.assertEqual(told.rcode(), dns.rcode.NOERROR)
        for daemon in (one, other):
            for secret in SECRETS:
                self.assertNotIn(secret, daemon.log)

    @staticmethod
    def with_cookie(cookie: str) -> dns.message.Message:
        """A query with this cookie."""
        option = dns.edns.GenericOption(
            dns.edns.OptionType.COOKIE, bytes.fromhex(cookie)
        )
        query = dns.message.make_query(f"www.{ZONE}", "A", flags=0)
        query.use_edns(0, options=[option])
        return query


class LimitTests(OwnDaemonCase):
    """`[limits]`."""

    def limited(self, limits: str) -> Daemon:
        """One with these limits."""
        daemon = Daemon(with_server("", f"\n[limits]\n{limits}\n"))
        self.addCleanup(daemon.clean_up)
        daemon.start()
        return daemon

    def test_responses(self) -> None:
        """A flood of one question: a few answers, truncated ones, and TCP for all."""
        daemon = self.limited("responses_per_second = 5\nslip = 2")
        query = dns.message.make_query(f"www.{ZONE}", "A", flags=0).to_wire()
        answered = truncated = 0
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", daemon.port))
            for _ in range(200):
                sock.send(query)
            sock.settimeout(1)
            try:
                while True:
                    reply = dns.message.from_wire(sock.recv(4096))
                    short = bool(reply.flags & dns.flags.TC)
                    truncated += short
                    answered += not short
            except TimeoutError:
                pass
        self.assertTrue(5 <= answered <= 30, answered)
        self.assertTrue(60 <= truncated <= 110, truncated)
        reply = daemon.ask(f"www.{ZONE}", "A", tcp=True)
        self.assertEqual(len(reply.answer), 1)
        reply = daemon.ask(f"ns1.{ZONE}", "A")
        self.assertEqual(len(reply.answer), 1)
        daemon.assert_quiet()

    def test_by_dig(self) -> None:
        """Over the limit: truncated and asked again over TCP; but not for everyone."""
        daemon = self.limited(
            'responses_per_second = 0.02\nslip = 1\nexempt = ["127.0.0.2/32"]'
        )
        for name in (f"www.{ZONE}", f"ftp.{ZONE}", f"nope.{ZONE}"):
            first = run_dig(daemon, ["+nocookie", "+ignore", name])
            self.assertNotIn("tc", first.flags)
            for _ in range(3):
                short = run_dig(daemon, ["+nocookie", "+ignore", name])
                self.assertIn("tc", short.flags)
                self.assertEqual((short.answer, short.authority), ([], []))
            again = run_dig(daemon, ["+nocookie", name])  # over TCP by itself
            self.assertNotIn("tc", again.flags)
            self.assertEqual(bool(again.answer), bool(first.answer))
            exempt = run_dig(daemon, ["+nocookie", "+ignore", "-b127.0.0.2", name])
            self.assertNotIn("tc", exempt.flags)
            fresh = run_dig(daemon, [f"+cookie={COOKIE}", "+ignore", name])
            self.assertIn("tc", fresh.flags)
            assert fresh.opt is not None
            given = GOOD.match(fresh.opt.option("COOKIE") or "")
            assert given is not None
            cookie = f"+cookie={COOKIE}{given[1]}"
            for _ in range(3):
                known = run_dig(daemon, [cookie, "+ignore", name])
                self.assertNotIn("tc", known.flags)
        daemon.assert_quiet()

    def test_dropped(self) -> None:
        """Without slip those over the limit are met by silence, and counted."""
        daemon = self.limited("responses_per_second = 0.02\nslip = 0")
        query = dns.message.make_query(f"www.{ZONE}", "A", flags=0).to_wire()
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
            sock.connect(("127.0.0.1", daemon.port))
            for _ in range(5):
                sock.send(query)
            sock.settimeout(1)
            self.assertEqual(len(dns.message.from_wire(sock.recv(4096)).answer), 1)
            with self.assertRaises(TimeoutError):
                sock.recv(4096)
        daemon.assert_quiet()

    def test_streams(self) -> None:
        """Idle connections are cut, and those of one network are bounded."""
        daemon = self.limited("tcp_idle = 1\ntcp_per_prefix = 3")
        began = time.monotonic()
        socks = []
        for _ in range(5):
            sock = socket.create_connection(("127.0.0.1", daemon.port), PATIENCE)
            self.addCleanup(sock.close)
            sock.sendall(b"\0")
            socks.append(sock)
        for sock in socks:
            try:
                self.assertEqual(sock.recv(1), b"")
            except ConnectionResetError:
                continue
        self.assertLess(time.monotonic() - began, PATIENCE)
        daemon.assert_quiet()


class TlsTests(OwnDaemonCase):
    """`kdig +tls`."""

    def tls_daemon(self) -> tuple[Daemon, int]:
        """One that answers over TLS on a port of its own."""
        port = free_port()
        keys = f'tls = ["127.0.0.1:{port}", "[::1]:{port}"]'
        keys += '\ncertificate = "cert"\nkey = "key"'
        daemon = Daemon(with_server(keys))
        self.addCleanup(daemon.clean_up)
        self.write_pair(daemon)
        daemon.start()
        return daemon, port

    def write_pair(self, daemon: Daemon) -> None:
        """A new key and certificate."""
        key, certificate = key_and_certificate("ns1.example.org")
        write_files(daemon.folder, {"key": key.decode(), "cert": certificate.decode()})
        (daemon.folder / "key").chmod(0o600)

    def kdig(self, port: int, *arguments: str) -> str:
        """What kdig prints."""
        done = subprocess.run(
            [need_tool("kdig"), "-d", "-p", str(port), *arguments],
            capture_output=True, text=True, timeout=20,
        )  # fmt: skip
        return done.stdout + done.stderr

    def test_queries(self) -> None:
        """Over IPv4 and IPv6, several on one connection."""
        daemon, port = self.tls_daemon()
        for address in ("127.0.0.1", "::1"):
            told = self.kdig(
                port, "+tls", "+keepopen", f"@{address}",
                "SOA", ZONE, "A", f"www.{ZONE}", "TXT", f"big.{ZONE}",
            )  # fmt: skip
            self.assertEqual(told.count("status: NOERROR"), 3, told)
            self.assertIn("TLS1.3", told)
        daemon.assert_quiet()
        self.assertIn(f"TLS on 127.0.0.1:{port}", daemon.log)
        daemon.stop()

    def test_new_certificate(self) -> None:
        """Files that are replaced are used without a restart, at SIGHUP at once."""
        daemon, port = self.tls_daemon()
        before = self.pin(port)
        self.write_pair(daemon)
        daemon.send_signal(signal.SIGHUP)
        self.assertTrue(wait_until(lambda: self.pin(port) != before, 15))
        daemon.assert_quiet()
        self.assertNotIn("PRIVATE", daemon.log)

    def pin(self, port: int) -> str:
        """The hash of the server's key, as kdig prints it."""
        told = self.kdig(port, "+tls", "@127.0.0.1", "SOA", ZONE)
        found = re.search(r"PIN: (\S+)", told)
        self.assertIsNotNone(found, told)
        return found[1] if found else ""


class NotifiedDaemon(Daemon):
    """A daemon that has `NOTIFY_SOCKET` in its environment."""

    def command(self) -> list[str]:
        """The same in such an environment."""
        path = self.folder / "notify"
        return [
            "env",
            f"NOTIFY_SOCKET={path}",
            "WATCHDOG_USEC=400000",
            *super().command(),
        ]


class SystemdTests(OwnDaemonCase):
    """Type=notify."""

    def test_life(self) -> None:
        """READY when it answers, WATCHDOG, RELOADING and READY again, STOPPING."""
        daemon = NotifiedDaemon(FILES)
        self.addCleanup(daemon.clean_up)
        systemd = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(systemd.close)
        systemd.settimeout(PATIENCE)
        systemd.bind(str(daemon.folder / "notify"))
        daemon.start()
        first = systemd.recv(4096).decode().splitlines()
        self.assertIn("READY=1", first)
        self.assertIn(f"MAINPID={daemon.pid}", first)
        self.assertEqual(systemd.recv(4096), b"WATCHDOG=1")
        daemon.send_signal(signal.SIGHUP)
        told: list[str] = []
        while not (told and told[-1].startswith("READY=1")):
            told.append(systemd.recv(4096).decode())
        reloading = [
            line for line in told if line.startswith("RELOADING=1\nMONOTONIC_USEC=")
        ]
        self.assertEqual(len(reloading), 1)
        os.kill(daemon.pid, signal.SIGTERM)
        while systemd.recv(4096) != b"STOPPING=1":
            continue
        assert daemon.process is not None
        daemon.process.wait(PATIENCE)
