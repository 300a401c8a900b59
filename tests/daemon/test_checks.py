"""Checks of the real daemon against real peers: states, reasons, and `when_down`."""

import json
import ssl
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from tests.daemon import peers
from tests.daemon.peers import Behaviour, NamePeers, Peers, server_context
from tests.daemon.watched import WatchedCase, WatchedDaemon, members
from tests.health.certificates import Authority

M1, M2, M3 = HOSTS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
TIMES = "interval = 1\ntimeout = 0.9\nrise = 2\nfall = 2\n"
REDIRECT = b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n"
CLOSED = "closed in the middle of the response"
MANY_HEADERS = b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 20000


def addresses(count: int) -> list[str]:
    """So many loopback addresses."""
    return [f"127.0.0.{number}" for number in range(11, 11 + count)]


def pool(hosts: Mapping[str, object], check: str, head: str = "") -> str:
    """The pool `mirrors` of these hosts, checked every second."""
    table = f"[pools.mirrors.check]\n{TIMES}{check}\n"
    return f"[pools.mirrors]\n{head}\n{table}{members(list(hosts))}"


class CheckCase(WatchedCase):
    """Tests with peers."""

    def peers(
        self,
        behaviours: Mapping[str, Behaviour],
        contexts: Mapping[str, ssl.SSLContext] | None = None,
    ) -> Peers:
        """Peers that end with the test."""
        found = Peers(behaviours, contexts)
        self.addCleanup(found.stop)
        return found

    def reasons(self, daemon: WatchedDaemon) -> list[str]:
        """Why members are out, in the order of their addresses."""
        told = sorted(
            daemon.members().values(), key=lambda m: int(m["addresses"][0][8:])
        )
        return [member["reason"] for member in told]

    def assert_reasons(self, daemon: WatchedDaemon, wanted: list[str]) -> None:
        """Raise if members are not out for these reasons; "" is one that is up."""
        reasons = self.reasons(daemon)
        status = daemon.run_command("status", "mirrors", "--http", daemon.url)
        explained = daemon.explained()
        for reason, words in zip(reasons, wanted, strict=True):
            if not words:
                self.assertEqual(reason, "")
                continue
            self.assertIn(words, reason)
            self.assertIn(reason, status)
            self.assertIn(reason, explained)


class HttpTests(CheckCase):
    """Web servers, good and bad."""

    def served(self, found: Peers, check: str = "", head: str = "") -> WatchedDaemon:
        """A daemon that checks these peers by HTTP."""
        url = f'type = "http"\nurl = "http://{{address}}:{found.port}/health"\n'
        return self.started(pool(found.behaviours, url + check, head))

    def test_fall_and_rise(self) -> None:
        """Down after `fall` failures, up after `rise` successes, one line for each."""
        found = self.peers(dict.fromkeys(HOSTS, peers.ok))
        daemon = self.served(found)
        self.assertEqual(daemon.states(), "up up up")
        self.assertEqual(set(daemon.share(60)), set(HOSTS))
        before = found.met[M1]
        found.behaviours[M1] = peers.error
        self.eventually(lambda: daemon.states() == "down up up", daemon, 6)
        self.assertGreaterEqual(found.met[M1] - before, 2)
        self.assertEqual(set(daemon.share(60)), {M2, M3})
        self.assert_reasons(daemon, ["status 500", "", ""])
        before = found.met[M1]
        found.behaviours[M1] = peers.ok
        self.eventually(lambda: daemon.states() == "up up up", daemon, 6)
        self.assertGreaterEqual(found.met[M1] - before, 2)
        self.assertEqual(set(daemon.share(60)), set(HOSTS))
        self.assertEqual(
            daemon.changes(),
            [
                "mirrors/m1: down, unhealthy: http 127.0.0.11: status 500",
                "mirrors/m1: up",
            ],
        )

    def test_one_failure(self) -> None:
        """One failure among successes changes nothing."""
        found = self.peers(dict.fromkeys(HOSTS, peers.ok))
        daemon = self.served(found)

        def once(peer, end):  # type: ignore[no-untyped-def]
            found.behaviours[M1] = peers.ok
            peers.error(peer, end)

        found.behaviours[M1] = once
        before = found.met[M1]
        self.eventually(lambda: found.met[M1] >= before + 3, daemon, 6)
        self.assertEqual(daemon.states(), "up up up")
        self.assertEqual(daemon.changes(), [])

    def test_bad_peers(self) -> None:
        """Each has its reason, none costs much, and the good one is not disturbed."""
        bad: list[tuple[Behaviour, str]] = [
            (peers.ok, ""),
            (peers.error, "status 500"),
            (peers.said(REDIRECT), "status 302"),
            (peers.said(b"HTTP/1.1 200 OK\r\n\r\nno\n"), "no match of the pattern"),
            (peers.said(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok"), CLOSED),
            (peers.said(b"HTTP/1.1 200 OK\r\nContent-L"), CLOSED),
            (peers.said(b"220 mail.example.org ESMTP\r\n"), "the answer is not HTTP"),
            (peers.said(b""), "closed without a response"),
            (peers.hang, "0.9 s"),
            (peers.drip, "0.9 s"),
            (peers.flood, "no match of the pattern"),
            (peers.said(MANY_HEADERS), "octets of header"),
        ]
        behaviours = dict(zip(addresses(12), (it for it, _ in bad), strict=True))
        found = self.peers(behaviours)
        daemon = self.served(found, 'body = "^ok$"')
        self.assertEqual(daemon.states(), "up" + " down" * 11)
        self.assertEqual(set(daemon.share(30)), {M1})
        self.eventually(lambda: found.met[M1] > 4, daemon, 8)
        self.assert_reasons(daemon, [words for _, words in bad])
        self.assertLess(memory(daemon.pid), 150)
        self.assertEqual(daemon.states(), "up" + " down" * 11)
        self.assertEqual(len(daemon.changes()), 11, daemon.log)

    def test_first_answer(self) -> None:
        """One that is down at the start is in no answer, not even the first."""
        found = self.peers({M1: peers.ok, M2: peers.shut, M3: peers.ok})
        daemon = self.served(found)
        self.assertEqual(set(daemon.share(60)), {M1, M3})
        self.assertEqual(daemon.states(), "up down up")

    def test_start_waits(self) -> None:
        """Answers wait for the first round, but only as long as a check may take."""
        found = self.peers({M1: peers.hang, M2: peers.hang, M3: peers.ok})
        daemon = self.served(found)
        # It probes every 0.5 s whether there are answers.
        self.assertLess(daemon.get("/api/v1/status")["up"], 0.9 + 0.5 + 1.0)
        self.assertEqual(set(daemon.share(30)), {M3})

    def test_all_hang(self) -> None:
        """Where nobody is up `when_down` decides, from the first answer on."""
        found = self.peers(dict.fromkeys(HOSTS, peers.hang))
        daemon = self.served(found)
        self.assertEqual(set(daemon.share(60)), set(HOSTS))
        self.assertIn('when_down = "all"', daemon.explained())

    def test_shared(self) -> None:
        """The same check of the same address in two pools is made once."""
        found = self.peers({M1: peers.ok})
        url = f'type = "http"\nurl = "http://{{address}}:{found.port}/health"\n'
        second = pool(found.behaviours, url).replace("pools.mirrors", "pools.other")
        daemon = self.started(pool(found.behaviours, url) + second)
        self.eventually(lambda: found.met[M1] >= 3, daemon, 6)
        up = daemon.get("/api/v1/status")["up"]
        self.assertLessEqual(found.met[M1], up + 2)


class WhenDownTests(CheckCase):
    """What is answered when all members of a pool are down."""

    def test_all_ways(self) -> None:
        """All, none, those that were last up, another pool; never NXDOMAIN."""
        found = self.peers(dict.fromkeys(HOSTS, peers.ok))
        check = f'type = "tcp"\nport = {found.port}\nexpect = "ok"\nsend = "x"\n'
        pools = ""
        for name in ("all", "none", "last", "spare"):
            table = f"[pools.{name}x.check]\n{TIMES}{check}"
            head = f'[pools.{name}x]\nwhen_down = "{name}"\n{table}'
            pools += head + members(HOSTS, pool=f"{name}x")
        pools += "[pools.spare]\n" + members(["192.0.2.99"], pool="spare")
        names = "".join(f'{n} = "{n}x"\n' for n in ("all", "none", "last", "spare"))
        daemon = self.started(pools, names=names)
        for name in ("all", "none", "last", "spare"):
            self.assertEqual(set(daemon.share(60, name)), set(HOSTS))
        found.behaviours[M1] = peers.shut
        self.wait_for(daemon, "down up up")
        found.behaviours[M2] = found.behaviours[M3] = peers.shut
        self.wait_for(daemon, "down down down")
        self.assertEqual(set(daemon.share(90, "all")), set(HOSTS))
        self.assertEqual(daemon.named("none"), set())
        last = set(daemon.share(60, "last"))
        # Of the two that were left, one has gone before the other.
        self.assertTrue(last and last <= {M2, M3}, last)
        self.assertEqual(daemon.named("spare"), {"192.0.2.99"})
        self.assertIn("no usable member: all", daemon.run_command("status", "allx"))
        down = [line for line in daemon.changes() if "has no usable member" in line]
        self.assertEqual(len(down), 4, daemon.log)
        found.behaviours.update(dict.fromkeys(HOSTS, peers.ok))
        self.wait_for(daemon, "up up up")
        self.assertEqual(set(daemon.share(60, "none")), set(HOSTS))

    def wait_for(self, daemon: WatchedDaemon, states: str) -> None:
        """Wait until all pools have these states, and ask all the while."""
        pools = ("allx", "nonex", "lastx", "sparex")

        def reached() -> bool:
            for name in ("all", "last", "spare"):
                assert len(daemon.named(name)) == 1
            daemon.named("none")  # which sees to it that it is no NXDOMAIN
            return all(daemon.states(name) == states for name in pools)

        self.eventually(reached, daemon, 8)


class TcpTests(CheckCase):
    """A port, and what it says."""

    def test_banner(self) -> None:
        """Only who says what is expected is up."""
        behaviours = {
            M1: peers.greeting(b"SSH-2.0-good\r\n"),
            M2: peers.greeting(b"220 mail\r\n"),
            M3: peers.hang,
            "127.0.0.14": peers.shut,
        }
        found = self.peers(behaviours)
        hosts = {**behaviours, "127.0.0.15": None}  # where nobody listens
        check = f'type = "tcp"\nport = {found.port}\nexpect = "^SSH-2"'
        daemon = self.started(pool(hosts, check))
        self.assertEqual(daemon.states(), "up down down down down")
        self.assertEqual(set(daemon.share(30)), {M1})
        self.assert_reasons(daemon, ["", "expect", "0.9 s", "closed", "refused"])


class HttpsTests(CheckCase):
    """Certificates of an authority of our own."""

    def test_certificates(self) -> None:
        """Good only by name, time and authority; each else has its reason."""
        hosts = addresses(5)
        own, stranger = Authority(), Authority()
        name = "mirror.example.org"
        contexts = {
            hosts[0]: server_context(own, [name]),
            hosts[1]: server_context(own, [name], ends=-timedelta(hours=1)),
            hosts[2]: server_context(own, ["other.example.org"]),
            hosts[3]: server_context(stranger, [name]),
        }
        found = self.peers(dict.fromkeys(hosts, peers.ok), contexts)
        daemon = self.daemon("")
        (daemon.folder / "ca.pem").write_bytes(own.pem)
        check = f'type = "https"\nurl = "https://{name}:{found.port}/"\nca = "ca.pem"\n'
        daemon.configure(pool(found.behaviours, check))
        daemon.start()
        self.addCleanup(daemon.assert_quiet)
        self.assertEqual(daemon.states(), "up down down down down")
        self.assertEqual(set(daemon.share(30)), {hosts[0]})
        self.assert_reasons(
            daemon,
            [
                "",
                "certificate refused: it has expired",
                f"certificate refused: it is not for {name}",
                "certificate refused: its signature is not its issuer's",
                "TLS: ",
            ],
        )
        check = check.replace('ca = "ca.pem"', "verify = false")
        daemon.configure(pool(found.behaviours, check))
        daemon.run_command("reload")
        self.eventually(lambda: daemon.states() == "up up up up down", daemon, 6)


class DnsTests(CheckCase):
    """Name servers as members."""

    def test_answers(self) -> None:
        """An answer with a wrong id, or to another question, is none."""
        hosts = addresses(6)
        ways = (
            peers.right,
            peers.wrong_id,
            peers.other_name,
            peers.refused,
            peers.garbage,
            peers.silence,
        )
        found = NamePeers(dict(zip(hosts, ways, strict=True)))
        self.addCleanup(found.stop)
        check = (
            f'type = "dns"\nport = {found.port}\nname = "www.example.net"\n'
            'answers = ["192.0.2.1"]'
        )
        daemon = self.started(pool(found.answers, check))
        self.assertEqual(daemon.states(), "up" + " down" * 5)
        self.assert_reasons(
            daemon, ["", *["another id or question"] * 2, "REFUSED", "another", "0.9 s"]
        )
        self.assertEqual(set(daemon.share(30)), {hosts[0]})


class ExecTests(CheckCase):
    """Commands, and what they leave behind."""

    def test_commands(self) -> None:
        """Exit status and time limit count; a child left behind holds up nobody."""
        daemon = self.daemon("")
        pids = daemon.folder / "pids"
        script = daemon.folder / "check"
        script.write_text(
            '#!/bin/sh\ncase "$1" in\n  m1) exit 0;;\n'
            "  m2) echo disk full >&2; exit 3;;\n"
            f"  m3) echo $$ >> {pids}; exec sleep 60;;\n"
            f"  m4) sleep 60 & echo $! >> {pids}; exit 0;;\n"
            "  m5) kill -9 $$;;\nesac\n",
            "ascii",
        )
        script.chmod(0o755)
        command = json.dumps([str(script), "{name}"])
        hosts = dict.fromkeys(addresses(5))
        daemon.configure(pool(hosts, f'type = "exec"\ncommand = {command}'))
        daemon.start()
        self.addCleanup(daemon.assert_quiet)
        states = daemon.states().split()
        self.assertEqual(states[:3] + states[4:], ["up", "down", "down", "down"])
        reasons = self.reasons(daemon)
        self.assertIn("3", reasons[1])
        self.assertIn("0.9 s", reasons[2])
        self.assertTrue(reasons[4])
        self.assertTrue(states[3] == "up" or reasons[3], reasons)
        self.eventually(lambda: len(running(pids)) <= 2, daemon, 6)
        self.assertLess(len(list(Path(f"/proc/{daemon.pid}/fd").iterdir())), 40)

    def test_missing(self) -> None:
        """A command that is there no more is a reason, not an error."""
        daemon = self.daemon("")
        script = daemon.folder / "check"
        script.symlink_to("/bin/true")
        check = f'type = "exec"\ncommand = ["{script}"]'
        daemon.configure(pool(dict.fromkeys(HOSTS), check))
        daemon.start()
        self.addCleanup(daemon.assert_quiet)
        self.assertEqual(daemon.states(), "up up up")
        script.unlink()
        self.eventually(lambda: daemon.states() == "down down down", daemon, 6)
        self.assertEqual(set(daemon.share(60)), set(HOSTS))
        self.assert_reasons(daemon, ["No such file"] * 3)


class FileTests(CheckCase):
    """A file that somebody else writes."""

    def test_words(self) -> None:
        """Up, down with a reason, or not there."""
        daemon = self.daemon("")
        path = f"{daemon.folder}/{{name}}.health"
        daemon.configure(pool(dict.fromkeys(HOSTS), f'type = "file"\npath = "{path}"'))
        (daemon.folder / "m1.health").write_text("up\n")
        (daemon.folder / "m2.health").write_text("down kernel update\n")
        daemon.start()
        self.addCleanup(daemon.assert_quiet)
        self.assertEqual(daemon.states(), "up down down")
        self.assert_reasons(daemon, ["", "kernel update", "can't read: No such file"])


def memory(pid: int) -> float:
    """Resident memory of a process in MB."""
    text = Path(f"/proc/{pid}/status").read_text("ascii")
    return int(text.partition("VmRSS:")[2].split()[0]) / 1024


def running(pids: Path) -> list[int]:
    """Those of the processes in a file that still run."""
    text = pids.read_text("ascii") if pids.exists() else ""
    return [pid for pid in map(int, text.split()) if _runs(pid)]


def _runs(pid: int) -> bool:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text("ascii")
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rsplit(")", 1)[1].split()[0] != "Z"
