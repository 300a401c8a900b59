"""Answers follow the load that members report: the real daemon with real feeds."""

import json
import os
import signal
import subprocess
import time
from pathlib import Path

import dns.message

from tests.daemon.harness import free_port
from tests.daemon.watched import (
    WatchedCase,
    WatchedDaemon,
    addresses_in,
    members,
    networks,
)

HOSTS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
M1, M2, M3 = HOSTS
INTERVAL = 1.0  # the least that a feed may have
LATE = 1.0  # what a busy machine may add to it
HIGH = 1e6


def pool(select: str, load: str, ttl: str = "60", extra: str = "") -> str:
    """The pool `mirrors` of all hosts, watched every second."""
    return (
        f"[pools.mirrors]\nttl = {ttl}\nselect = {select}\n"
        f"[pools.mirrors.load]\ninterval = {INTERVAL}\nstale_after = 2\n{load}\n"
        + members(HOSTS, extra)
    )


def ttls(replies: list[dns.message.Message]) -> set[int]:
    """The TTLs of some answers."""
    return {reply.answer[0].ttl for reply in replies}


class LbcdTests(WatchedCase):
    """Three real lbcd, each with a command that prints the weight in a file."""

    def lbcd(self, number: int) -> None:
        """Start the lbcd of the host of that number."""
        folder = self.watched.folder
        command = folder / f"command{number}"
        command.write_text(f"#!/bin/sh\nexec cat {self.weight(number)}\n", "ascii")
        command.chmod(0o755)
        options = ["-f", "-b", HOSTS[number - 1], "-p", str(self.port)]
        process = self.run_tool("lbcd", *options, "-c", str(command))
        self.running[number] = process

    def weight(self, number: int) -> Path:
        """Where the host of that number has its weight and increment."""
        return self.watched.folder / f"weight{number}"

    def balanced(self, select: str, ttl: str = "60", extra: str = "") -> WatchedDaemon:
        """A daemon that knows the loads of all three, which are 0."""
        self.port = free_port(HOSTS)
        feed = f'type = "lbcd"\nport = {self.port}'
        self.watched = self.daemon(pool(select, feed, ttl, extra))
        self.running: dict[int, subprocess.Popen[bytes]] = {}
        for number in (1, 2, 3):
            self.write(self.weight(number), "0 1\n")
            self.lbcd(number)
        self.watched.start()
        self.addCleanup(self.watched.assert_quiet)
        self.eventually(lambda: self.watched.loads() == [0, 0, 0], self.watched)
        return self.watched

    def load(self, number: int, weight: float) -> None:
        """Change the weight of one host; returns when the daemon knows it."""
        changed = time.time()
        self.write(self.weight(number), f"{weight:.0f} 1\n")
        name = f"m{number}"
        self.eventually(
            lambda: self.watched.member(name)["load"] == weight, self.watched
        )
        took = self.watched.member(name)["reported"] - changed
        self.assertLess(took, INTERVAL + LATE)

    def assert_even(self, daemon: WatchedDaemon) -> None:
        """Raise if not every host gets its third."""
        share = daemon.share(90)
        self.assertEqual(set(share), set(HOSTS))
        # Between two reports they differ by one; a report sets the counts back.
        self.assertLess(max(share.values()) - min(share.values()), 45)

    def test_least(self) -> None:
        """The share follows within an interval: away from the loaded one, and back."""
        daemon = self.balanced('["least"]')
        self.assert_even(daemon)
        self.load(1, HIGH)
        self.assertEqual(set(daemon.share(60)), {M2, M3})
        self.assertIn("m1", daemon.explained())
        self.load(2, 2 * HIGH)
        self.assertEqual(set(daemon.share(60)), {M3})
        self.load(1, 0)
        self.load(2, 0)
        self.assert_even(daemon)
        self.assertEqual(daemon.changes(), [])

    def test_hand_outs_count(self) -> None:
        """A little more load is a little smaller share: hand-outs are added to it."""
        daemon = self.balanced('["least"]')
        self.load(1, 30)
        share = daemon.share(90)
        self.assertEqual(sum(share.values()), 90)
        self.assertLess(share[M1], min(share[M2], share[M3]))

    def test_stopped(self) -> None:
        """Without lbcd the reports fade: static weights, and never no answer."""
        daemon = self.balanced('["least"]')
        self.load(1, HIGH)
        for process in self.running.values():
            process.kill()
        # All the while there are answers, which `named` sees to.
        self.eventually(
            lambda: len(daemon.named()) == 1 and daemon.loads() == [None, None, None],
            daemon,
            seconds=10,
        )
        self.assertEqual(set(daemon.share(120)), set(HOSTS))
        self.assertEqual(daemon.states(), "up up up")
        told = daemon.member("m1")
        self.assertIn("port unreachable", told["feed_failure"])
        self.assertIn("no report", daemon.explained())
        self.assertIn("port unreachable", daemon.run_command("status", "mirrors"))
        self.lbcd(1)
        self.eventually(lambda: daemon.loads() == [HIGH, None, None], daemon)
        self.assertEqual(daemon.member("m1")["feed_failure"], "")
        failures = [line for line in daemon.changes() if "port unreachable" in line]
        self.assertEqual(len(failures), 3, daemon.log)
        self.assertEqual(len(daemon.changes()), 4, daemon.log)

    def test_says_out(self) -> None:
        """A weight of 0xffffffff, as where the command fails, takes a member out."""
        daemon = self.balanced('["least"]')
        self.weight(1).unlink()
        self.eventually(lambda: daemon.states() == "down up up", daemon)
        self.assertEqual(set(daemon.share(60)), {M2, M3})
        self.assertEqual(daemon.member("m1")["reason"], "member says: out")
        self.write(self.weight(1), "0 1\n")
        self.eventually(lambda: daemon.states() == "up up up", daemon)
        self.assert_even(daemon)

    def test_all_say_out(self) -> None:
        """Where all are out `when_down` decides; nothing becomes an error."""
        daemon = self.balanced('["least"]')
        for number in (1, 2, 3):
            self.weight(number).unlink()
        self.eventually(
            lambda: len(daemon.named()) == 1 and daemon.states() == "down down down",
            daemon,
        )
        self.assertEqual(set(daemon.share(120)), set(HOSTS))
        self.assertIn('when_down = "all"', daemon.explained())

    def test_predictive(self) -> None:
        """The same by prediction."""
        daemon = self.balanced(
            "[{predictive = {flow = 1}}]", '"30-300"', "capacity = 100"
        )
        share = [addresses_in(reply).pop() for reply in daemon.many(networks(90))]
        self.assertEqual(
            {host: share.count(host) // 20 for host in HOSTS}, dict.fromkeys(HOSTS, 1)
        )
        self.load(1, HIGH)
        replies = daemon.many(networks(60, start=1000))
        self.assertEqual(set().union(*map(addresses_in, replies)), {M2, M3})
        self.assertLessEqual(ttls(replies), set(range(30, 301)))
        self.assertIsNotNone(daemon.member("m1")["predicted"])
        self.weight(1).unlink()
        self.eventually(lambda: daemon.states() == "down up up", daemon)
        for process in self.running.values():
            process.kill()
        self.eventually(
            lambda: len(daemon.named()) == 1 and daemon.loads() == [None, None, None],
            daemon,
            seconds=10,
        )
        self.eventually(lambda: daemon.states() == "up up up", daemon)
        replies = daemon.many(networks(120, start=9000))
        self.assertEqual(set().union(*map(addresses_in, replies)), set(HOSTS))


class ExporterTests(WatchedCase):
    """Three real node_exporters, each with a gauge of its own."""

    def gauge(self, number: int, value: float) -> None:
        """Set the gauge of one host."""
        folder = self.folder / str(number)
        folder.mkdir(exist_ok=True)
        self.write(folder / "own.prom", f"# TYPE busy gauge\nbusy {value}\n")

    def test_gauge(self) -> None:
        """The answers leave a member whose gauge is high, and come back."""
        port = free_port(HOSTS)
        feed = (
            'type = "prometheus"\nmetric = "busy"\nscale = 10\n'
            f'url = "http://{{address}}:{port}/metrics"'
        )
        daemon = self.daemon(pool('["least"]', feed))
        self.folder = daemon.folder
        for number, host in enumerate(HOSTS, 1):
            self.gauge(number, 0)
            self.run_tool(
                "prometheus-node-exporter",
                f"--web.listen-address={host}:{port}",
                f"--collector.textfile.directory={self.folder / str(number)}",
                "--collector.disable-defaults",
                "--collector.textfile",
            )
        daemon.start()
        self.addCleanup(daemon.assert_quiet)
        self.eventually(lambda: daemon.loads() == [0, 0, 0], daemon, seconds=10)
        self.gauge(3, 1e5)
        self.eventually(lambda: daemon.loads() == [0, 0, HIGH], daemon)
        self.assertEqual(set(daemon.share(60)), {M1, M2})
        self.gauge(3, 0)
        self.eventually(lambda: daemon.loads() == [0, 0, 0], daemon)
        self.assertEqual(set(daemon.share(90)), set(HOSTS))


class ExecTests(WatchedCase):
    """The load that a command prints."""

    def set(self, name: str, text: str) -> None:
        """Set what the command prints for a member."""
        self.write(self.folder / f"{name}.load", text)

    def test_command(self) -> None:
        """A number counts at once; what is none is refused and disturbs nobody."""
        daemon = self.daemon("")
        self.folder = daemon.folder
        command = json.dumps(["/bin/cat", f"{self.folder}/{{name}}.load"])
        daemon.configure(pool('["least"]', f'type = "exec"\ncommand = {command}'))
        for name in ("m1", "m2", "m3"):
            self.set(name, "0\n")
        daemon.start()
        self.addCleanup(daemon.assert_quiet)
        self.eventually(lambda: daemon.loads() == [0, 0, 0], daemon)
        self.set("m2", f"{HIGH:.0f} 5\n")
        self.eventually(lambda: daemon.loads() == [0, HIGH, 0], daemon)
        self.assertEqual(set(daemon.share(60)), {M1, M3})
        for text in ("nan\n", "-1\n", "inf\n", "1e300\n", "lots\n", "1 2 3\n", ""):
            self.set("m2", text)
            why = self.next_failure(daemon)
            self.assertIn(why, daemon.run_command("status", "mirrors"))
        self.assertEqual([daemon.member(name)["load"] for name in ("m1", "m3")], [0, 0])
        # Bad after bad is one failure to the log.
        failures = [line for line in daemon.changes() if "load of m2" in line]
        self.assertEqual(len(failures), 1, daemon.log)

    def next_failure(self, daemon: WatchedDaemon) -> str:
        """Wait until the load of m2 is not known for another reason than now."""
        seen = ("", daemon.member("m2")["feed_failure"])
        self.eventually(lambda: daemon.member("m2")["feed_failure"] not in seen, daemon)
        return str(daemon.member("m2")["feed_failure"])

    def test_fork_and_hang(self) -> None:
        """A command that leaves a child with our pipe, or hangs, holds up nobody."""
        daemon = self.daemon("")
        script = daemon.folder / "load"
        pids = daemon.folder / "pids"
        script.write_text(
            "#!/bin/sh\n"
            f'case "$1" in\n  m1) sleep 60 & echo $! >> {pids}; echo 5;;\n'
            f"  m2) echo $$ >> {pids}; exec sleep 60;;\n  m3) echo 7;;\nesac\n",
            "ascii",
        )
        script.chmod(0o755)
        self.addCleanup(self.kill_all, pids)
        command = json.dumps([str(script), "{name}"])
        feed = f'type = "exec"\ncommand = {command}\ntimeout = 0.5'
        daemon.configure(pool('["least"]', feed))
        daemon.start()
        self.addCleanup(daemon.assert_quiet)
        self.eventually(lambda: daemon.member("m3")["load"] == 7, daemon)
        self.eventually(
            lambda: "0.5 s" in daemon.member("m2")["feed_failure"], daemon, seconds=6
        )
        self.assertIsNone(daemon.member("m2")["load"])
        self.eventually(lambda: daemon.member("m1")["load"] == 5, daemon)
        # What was started is gone: neither processes nor pipes gather.
        self.eventually(lambda: len(self.alive(pids)) <= 2, daemon, seconds=6)
        self.assertLessEqual(len(list(Path(f"/proc/{daemon.pid}/fd").iterdir())), 40)

    def alive(self, pids: Path) -> list[int]:
        """Those of the processes that still run."""
        text = pids.read_text("ascii") if pids.exists() else ""
        found = []
        for pid in map(int, text.split()):
            try:
                stat = Path(f"/proc/{pid}/stat").read_text("ascii")
            except (FileNotFoundError, ProcessLookupError):
                continue
            if stat.rsplit(")", 1)[1].split()[0] != "Z":
                found.append(pid)
        return found

    def kill_all(self, pids: Path) -> None:
        """Leave no process behind."""
        for pid in self.alive(pids):
            os.kill(pid, signal.SIGKILL)
