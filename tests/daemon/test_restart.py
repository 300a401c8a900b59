"""What outlasts a restart of the real daemon: orders, reports, states of checks."""

import json
import os
import signal
import time
from pathlib import Path
from typing import Any

from tests.daemon import peers
from tests.daemon.harness import need, wait_until
from tests.daemon.peers import Peers
from tests.daemon.watched import ZONE, WatchedCase, WatchedDaemon, members

M1, M2, M3 = HOSTS = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
SAVED = 5.0  # seconds within which a change of state is in the file; it takes one
PUSHED = (
    '[pools.mirrors]\nselect = ["least"]\n'
    '[pools.mirrors.load]\ntype = "push"\ninterval = 60\n' + members(HOSTS)
)
STATE = 'state = "state"'


class RestartCase(WatchedCase):
    """Tests with a daemon that has a folder for its state."""

    def stateful(self, pools: str) -> WatchedDaemon:
        """A daemon with an empty folder, not started."""
        daemon = self.daemon(pools, server=STATE)
        self.file(daemon).parent.mkdir()
        return daemon

    def file(self, daemon: WatchedDaemon) -> Path:
        """Where it keeps its state."""
        return daemon.folder / "state" / "state.json"

    def content(self, daemon: WatchedDaemon) -> str:
        """What is in that file; nothing while there is none."""
        file = self.file(daemon)
        return file.read_text("utf-8") if file.exists() else ""

    def order(self, daemon: WatchedDaemon, member: str, body: dict[str, Any]) -> None:
        """Give an order for a member."""
        path = f"/api/v1/pools/mirrors/members/{member}"
        status, told = daemon.request("PUT", path, json.dumps(body).encode())
        self.assertEqual(status, 200, told)

    def restart(self, daemon: WatchedDaemon) -> None:
        """Stop it as an operator does, and start it again."""
        daemon.assert_quiet()
        daemon.stop()
        daemon.start()

    def crash(self, daemon: WatchedDaemon) -> None:
        """Kill it, and start it again."""
        daemon.assert_quiet()
        daemon.send_signal(signal.SIGKILL)
        assert daemon.process is not None
        daemon.process.wait()
        daemon.start()

    def errors(self, daemon: WatchedDaemon) -> list[str]:
        """The lines of the log that speak of the state."""
        return [line for line in daemon.log.splitlines() if "the state could" in line]


class OrderTests(RestartCase):
    """Orders of the operator."""

    def test_orders(self) -> None:
        """They hold over a restart, until they end; that of the day before does not."""
        daemon = self.stateful(PUSHED)
        daemon.start()
        self.order(daemon, "m1", {"state": "drain", "for": 3600})
        self.order(daemon, "m2", {"state": "down"})
        until = daemon.member("m1")["until"]
        self.assertEqual(set(daemon.share(30)), {M3})
        self.restart(daemon)
        self.assertEqual(set(daemon.share(30)), {M3})
        self.assertEqual(daemon.states(), "drain down up")
        self.assertEqual(daemon.member("m1")["until"], until)
        self.assertIn("for 59m", daemon.run_command("status", "mirrors"))
        self.order(daemon, "m2", {"state": "auto"})
        self.restart(daemon)
        self.assertEqual(daemon.states(), "drain up up")
        daemon.assert_quiet()

    def test_expiry(self) -> None:
        """An order ends in time after a restart, and also while nobody is running."""
        daemon = self.stateful(PUSHED)
        daemon.start()
        self.order(daemon, "m1", {"state": "drain", "for": 4})
        self.order(daemon, "m2", {"state": "drain", "for": 1})
        ends = daemon.member("m2")["until"]
        daemon.stop()
        self.assertTrue(wait_until(lambda: time.time() > ends))
        daemon.start()
        self.assertEqual(daemon.member("m2")["state"], "up")
        self.eventually(lambda: daemon.states() == "up up up", daemon, 8)
        self.assertEqual(set(daemon.share(60)), set(HOSTS))
        daemon.assert_quiet()

    def test_killed(self) -> None:
        """An order outlasts a crash a second later; no half of a file ever counts."""
        daemon = self.stateful(PUSHED)
        daemon.start()
        self.order(daemon, "m1", {"state": "drain"})
        self.eventually(lambda: "drain" in self.content(daemon), daemon, SAVED)
        self.crash(daemon)
        self.assertEqual(daemon.states(), "drain up up")
        self.assertEqual(set(daemon.share(60)), {M2, M3})
        self.assertEqual(self.errors(daemon), [])
        # What is left of a write that a crash has cut off is of no interest.
        aside = self.file(daemon).with_name("state.json.new")
        aside.write_text('{"version": 1, "po')
        self.crash(daemon)
        self.assertEqual(daemon.states(), "drain up up")
        self.order(daemon, "m2", {"state": "drain"})
        self.restart(daemon)
        self.assertEqual(daemon.states(), "drain drain up")
        self.assertFalse(aside.exists())
        self.assertEqual(self.errors(daemon), [])

    def test_members_that_go(self) -> None:
        """Orders for members that are not in the config any more are left aside."""
        daemon = self.stateful(PUSHED)
        daemon.start()
        self.order(daemon, "m1", {"state": "drain"})
        self.order(daemon, "m3", {"state": "drain"})
        daemon.stop()
        daemon.configure(PUSHED.replace('"m3"', '"new"'))
        daemon.start()
        self.assertEqual(daemon.states(), "drain up up")
        self.assertEqual(set(daemon.share(60)), {M2, M3})
        daemon.assert_quiet()


class MemberTests(RestartCase):
    """Members and weights that were set at run time."""

    def test_kept(self) -> None:
        """They hold over a crash and a restart; `auto` undoes a weight for good."""
        pools = '[pools.mirrors]\ndiscover = {type = "api"}\n' + members([M1])
        daemon = self.stateful(pools)
        daemon.start()
        body = json.dumps({"name": "new", "addresses": [M2]}).encode()
        path = "/api/v1/pools/mirrors/members"
        status, told = daemon.request("POST", path, body)
        self.assertEqual(status, 201, told)
        for member in ("m1", "new"):
            status, told = daemon.request("PATCH", f"{path}/{member}", b'{"weight": 7}')
            self.assertEqual(status, 200, told)
        saved = '"weight":7.0'
        self.eventually(lambda: self.content(daemon).count(saved) == 2, daemon, SAVED)
        self.crash(daemon)
        self.assertEqual(daemon.member("m1")["weight"], 7.0)
        self.assertEqual(daemon.member("new")["weight"], 7.0)
        daemon.run_command("auto", "mirrors/new")
        self.restart(daemon)
        self.assertEqual(daemon.member("m1")["weight"], 7.0)
        self.assertEqual(daemon.member("new")["weight"], 1.0)
        self.assertEqual(set(daemon.share(60)), {M1, M2})
        daemon.assert_quiet()


class JournalTests(RestartCase):
    """What has happened, and who was out at a time of the past."""

    def test_past(self) -> None:
        """Both are known after a crash and a restart, and while nobody runs."""
        daemon = self.stateful(PUSHED)
        daemon.start()
        journal = self.file(daemon).with_name("events.journal")
        body = {"state": "drain", "by": "alice", "reason": "kernel"}
        self.order(daemon, "m1", body)
        then = repr(time.time())
        self.order(daemon, "m1", {"state": "auto"})
        self.eventually(lambda: "lifted" in journal.read_text("utf-8"), daemon, SAVED)
        self.crash(daemon)
        self.assertIn("m1: drain by alice (kernel)", daemon.run_command("events"))
        self.restart(daemon)
        first, *others = daemon.get("/api/v1/events")
        self.assertEqual(first["id"], 1)
        numbers = [event["id"] for event in others]
        self.assertEqual(numbers, list(range(2, len(others) + 2)))
        explain = ("explain", f"ftp.{ZONE}", "--at", then)
        told = daemon.run_command(*explain)
        self.assertIn("mirrors/m1: drained by order of alice: kernel", told)
        self.assertNotIn(M1, told.splitlines()[-1])
        events = daemon.run_command("events", "--since", then)
        self.assertNotIn("drain by alice", events)
        self.assertIn("lifted", events)
        daemon.assert_quiet()
        daemon.stop()
        events = daemon.run_command("events", "--offline", "--since", then)
        self.assertIn("lifted", events)
        self.assertIn("ends", events.splitlines()[-1])


class ReportTests(RestartCase):
    """Last reports."""

    def test_reports(self) -> None:
        """The first answer after a restart goes by the reports before it."""
        daemon = self.stateful(PUSHED)
        daemon.start()
        reports = [{"member": f"m{n}", "load": 1000 * (n - 1)} for n in (1, 2, 3)]
        daemon.push(*reports)
        reported = daemon.member("m2")["reported"]
        self.assertEqual(set(daemon.share(30)), {M1})
        self.restart(daemon)
        self.assertEqual(set(daemon.share(30)), {M1})
        self.assertEqual(daemon.loads(), [0, 1000, 2000])
        self.assertEqual(daemon.member("m2")["reported"], reported)
        daemon.assert_quiet()

    def test_old_reports(self) -> None:
        """They count by the age they have: what is old is forgotten."""
        daemon = self.stateful(PUSHED.replace("interval = 60", "interval = 1"))
        daemon.start()
        old = time.time() - 5
        daemon.push({"member": "m1", "load": 9, "at": old})
        self.assertEqual(daemon.loads()[0], 9)
        daemon.stop()
        self.assertTrue(wait_until(lambda: time.time() > old + 6.5))
        daemon.start()
        self.assertEqual(daemon.loads(), [None, None, None])
        self.assertEqual(set(daemon.share(90)), set(HOSTS))
        daemon.assert_quiet()


class CheckTests(RestartCase):
    """States of checks."""

    def test_states(self) -> None:
        """Where a member was down it is so from the start, without a first round."""
        found = Peers(dict.fromkeys(HOSTS, peers.ok))
        self.addCleanup(found.stop)
        found.behaviours[M2] = peers.error
        daemon = self.stateful(
            "[pools.mirrors]\n[pools.mirrors.check]\n"
            f'type = "http"\nurl = "http://{{address}}:{found.port}/"\n'
            "interval = 300\ntimeout = 290\n" + members(HOSTS)
        )
        daemon.start()
        self.assertEqual(daemon.states(), "up down up")
        daemon.stop()
        # Nobody says anything now, so what is known is what was known before.
        found.behaviours.update(dict.fromkeys(HOSTS, peers.hang))
        daemon.start()
        self.assertEqual(set(daemon.share(60)), {M1, M3})
        told = daemon.member("m2")
        self.assertIn("status 500", told["reason"])
        self.assertEqual(told["checks"][0]["up"], False)
        daemon.assert_quiet()


class DamageTests(RestartCase):
    """Files and folders that are not as they should be."""

    def damaged(self, data: bytes) -> str:
        """What the log says of a state file with that in it."""
        daemon = self.stateful(PUSHED)
        self.file(daemon).write_bytes(data)
        daemon.start()
        self.assertEqual(set(daemon.share(60)), set(HOSTS))
        self.assertEqual(daemon.states(), "up up up")
        (line,) = self.errors(daemon)
        self.assertIn(str(self.file(daemon)), line)
        # From then on all is well again.
        self.order(daemon, "m1", {"state": "drain"})
        self.restart(daemon)
        self.assertEqual(daemon.states(), "drain up up")
        self.assertEqual(len(self.errors(daemon)), 1, daemon.log)
        daemon.assert_quiet()
        daemon.clean_up()
        return line

    def test_damaged(self) -> None:
        """One line in the log, and all starts anew."""
        self.damaged(b"")
        self.damaged(b'{"version":1,"pools":{"poo')
        self.damaged(b'{"version":1,"pools":{"pools":{"mirrors":7}},"checks":[]}')
        self.damaged(os.urandom(10000))
        self.assertIn(
            "version 99",
            self.damaged(b'{"version":99,"pools":{"pools":{}},"checks":[]}'),
        )

    def test_unwritable(self) -> None:
        """A folder that cannot be made is told once, and everything else works."""
        daemon = self.daemon(PUSHED, server='state = "zone/below-a-file"\n')
        daemon.start()
        self.order(daemon, "m1", {"state": "drain"})
        self.assertTrue(wait_until(lambda: bool(self.errors(daemon)), SAVED))
        self.assertEqual(set(daemon.share(60)), {M2, M3})
        daemon.assert_quiet()
        daemon.stop()
        self.assertEqual(len(self.errors(daemon)), 1, daemon.log)
        self.assertNotIn("Traceback", daemon.log)

    def test_no_right_to_write(self) -> None:
        """The same where the folder belongs to somebody else."""
        need(os.getuid() == 0, "needs to be root")
        daemon = self.stateful(PUSHED)
        daemon.folder.chmod(0o777)
        daemon.twistd_options += ["--uid", "65534", "--gid", "65534"]
        self.file(daemon).parent.chmod(0o755)
        daemon.start()
        self.order(daemon, "m1", {"state": "drain"})
        self.assertTrue(wait_until(lambda: bool(self.errors(daemon)), SAVED))
        (line,) = self.errors(daemon)
        self.assertIn("ermission denied", line)
        self.assertEqual(set(daemon.share(60)), {M2, M3})
        daemon.assert_quiet()
        # Once it may, it does.
        self.file(daemon).parent.chmod(0o777)
        self.order(daemon, "m2", {"state": "drain"})
        self.eventually(self.file(daemon).exists, daemon, SAVED)
        self.restart(daemon)
        self.assertEqual(daemon.states(), "drain drain up")
