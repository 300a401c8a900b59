"""Replacing the real daemon by a new process: nothing is lost, bad ones fail."""

import json
import os
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

from twisted.trial.unittest import SkipTest

from tests.daemon.harness import (
    STOP_SECONDS,
    is_free,
    need,
    program,
    run_twistd,
    wait_for_exit,
    wait_until,
)
from tests.daemon.replacing import FRAME, Asking, ReplaceCase, ReplacedDaemon
from tests.daemon.watched import ZONE, members

HOSTS = M1, M2, M3 = ("127.0.0.11", "127.0.0.12", "127.0.0.13")
POOL = (
    '[pools.mirrors]\nselect = ["least"]\n'
    '[pools.mirrors.load]\ntype = "push"\ninterval = 60\n' + members(HOSTS)
)
PYTHON = 'threads = "python"'


def usable_by(uid: int) -> bool:
    """Whether a user can run this interpreter, and has dinamed."""
    command = [sys.executable, "-P", "-c", "import dinamed.tap"]
    try:
        done = subprocess.run(command, user=uid, capture_output=True, timeout=20)
    except PermissionError:
        return False
    return not done.returncode


class TakeOverTests(ReplaceCase):
    """What the new process has of the old one."""

    def check_queries(self, server: str) -> None:
        """Queries and a connection go on over three replacements."""
        daemon = self.started(POOL, server=server)
        with Asking(daemon) as asking:
            pids = {daemon.pid}
            pids |= {daemon.replace() for _ in range(2)}
            pids.add(daemon.replace_by_signal())
        self.assertEqual(asking.lost, [])
        self.assertGreater(asking.answered, 100)
        self.assertEqual(len(pids), 4)
        counted = daemon.get("/api/v1/status")["questions"]
        self.assertGreaterEqual(counted, asking.answered)
        daemon.assert_quiet()
        daemon.end()
        self.assertTrue(is_free(daemon.addresses, daemon.port))
        self.assertFalse(daemon.pid_file.exists())

    def test_native(self) -> None:
        """With the engine that is the default."""
        self.check_queries("")

    def test_python(self) -> None:
        """With the one in Python."""
        self.check_queries(PYTHON)

    def test_other_engine(self) -> None:
        """From one engine to the other and back, with other numbers of threads."""
        daemon = self.started(POOL, server="threads = 3")
        config = daemon.folder / "dinamed.toml"
        text = config.read_text()
        with Asking(daemon) as asking:
            for now in (PYTHON, "threads = 1", "threads = 4"):
                config.write_text(text.replace("threads = 3", now))
                daemon.replace()
        self.assertEqual(asking.lost, [])
        for _ in range(40):  # from as many ports, so to all sockets
            self.assertTrue(daemon.answers(2))
        daemon.assert_quiet()

    def test_knowledge(self) -> None:
        """Orders, reports, counts and the time of the start, without a state folder."""
        daemon = self.started(POOL)
        body = json.dumps({"state": "drain", "for": 3600}).encode()
        path = "/api/v1/pools/mirrors/members/m1"
        self.assertEqual(daemon.request("PUT", path, body)[0], 200)
        daemon.push({"member": "m2", "load": 3}, {"member": "m3", "load": 1})
        daemon.share(20)
        self.assertTrue(
            wait_until(lambda: daemon.get("/api/v1/status")["questions"] >= 20)
        )
        before, status = daemon.members(), daemon.get("/api/v1/status")
        daemon.replace()
        after, now = daemon.members(), daemon.get("/api/v1/status")
        self.assertEqual(now["started"], status["started"])
        self.assertGreaterEqual(now["questions"], status["questions"])
        for key in ("state", "until", "load", "reported", "hand_outs"):
            self.assertEqual(
                {name: one[key] for name, one in after.items()},
                {name: one[key] for name, one in before.items()},
                key,
            )
        daemon.assert_quiet()

    def test_half_a_query(self) -> None:
        """What was read of a query when its connection moved is not lost."""
        daemon = self.started(POOL)
        where = daemon.addresses[0], daemon.port
        with socket.create_connection(where, 5) as one:
            one.sendall(FRAME[:9])
            # Answered on another connection: so this one was read before.
            daemon.ask(ZONE, "SOA", tcp=True)
            daemon.replace()
            one.sendall(FRAME[9:])
            self.assertGreater(len(one.recv(4096)), len(FRAME))
        daemon.assert_quiet()

    def test_other_addresses(self) -> None:
        """A new address is bound, and one that is not named any more is left."""
        daemon = self.daemon(POOL, server='listen = ["127.0.0.1:PORT"]')
        config = daemon.folder / "dinamed.toml"
        text = config.read_text()
        config.write_text(text.replace("PORT", str(daemon.port)))
        command = [
            *[program("twistd"), "-n", *daemon.twistd_options],
            *["dinamed", "--config", str(config)],
        ]
        daemon.command = lambda: command  # type: ignore[method-assign]
        daemon.start()
        second = f'listen = ["127.0.0.2:{daemon.port}"]'
        config.write_text(text.replace('listen = ["127.0.0.1:PORT"]', second))
        status, told = daemon.request("POST", "/api/v1/replace")
        self.assertEqual(status, 200, told)
        daemon.addresses = ("127.0.0.2",)
        self.assertTrue(wait_until(daemon.answers), daemon.log)
        self.assertTrue(
            wait_until(lambda: is_free(("127.0.0.1",), daemon.port)), daemon.log
        )
        daemon.assert_quiet()


class FailureTests(ReplaceCase):
    """New processes that come to grief."""

    def refused(self, daemon: ReplacedDaemon) -> str:
        """Why it is not replaced, as the API and the log tell."""
        old = daemon.pid
        with Asking(daemon) as asking:
            status, told = daemon.request("POST", "/api/v1/replace")
        self.assertEqual(asking.lost, [])
        self.assertEqual(status, 422, told)
        self.assertEqual(daemon.pid, old)
        why = "\n".join(told["problems"])
        self.assertIn(f"not replaced: {why}", daemon.log)
        return why

    def test_bad_config(self) -> None:
        """The old process goes on and says what is wrong; mended, it is replaced."""
        daemon = self.started(POOL)
        config = daemon.folder / "dinamed.toml"
        text = config.read_text()
        config.write_text(text.replace("least", "nonsense"))
        self.assertIn("nonsense", self.refused(daemon))
        self.assertIn("dinamed.toml", self.refused(daemon))
        config.write_text(text)
        daemon.replace()
        daemon.assert_quiet()

    def test_taken_address(self) -> None:
        """The same where another program has an address that is new."""
        daemon = self.started(POOL)
        config = daemon.folder / "dinamed.toml"
        with socket.create_server(("127.0.0.1", 0)) as other:
            port = other.getsockname()[1]
            text = config.read_text()
            config.write_text(text.replace(str(daemon.http_port), str(port)))
            self.assertIn(f"127.0.0.1:{port}", self.refused(daemon))
        daemon.assert_quiet()

    def test_killed(self) -> None:
        """The old process goes on if the new one is killed as it starts."""
        daemon = self.started(POOL)
        os.mkfifo(daemon.folder / "fifo")
        # Nobody writes to it, so whoever reads the zone waits.
        config = daemon.folder / "dinamed.toml"
        text = config.read_text()
        config.write_text(text.replace('file = "zone"', 'file = "fifo"'))
        os.kill(daemon.pid, signal.SIGUSR2)
        found: list[int] = []

        def child() -> bool:
            tasks = Path(f"/proc/{daemon.pid}/task/{daemon.pid}/children")
            found[:] = map(int, tasks.read_text().split())
            return bool(found)

        self.assertTrue(wait_until(child), daemon.log)
        os.kill(found[0], signal.SIGKILL)
        self.assertTrue(wait_until(lambda: "not replaced" in daemon.log), daemon.log)
        config.write_text(text)
        daemon.replace()
        daemon.assert_quiet()


class ManagedTests(ReplaceCase):
    """Daemons in the background, without privileges, and under systemd."""

    def test_background(self) -> None:
        """A daemon with pid file and log file, replaced twice."""
        daemon = self.daemon(POOL)
        log = daemon.folder / "log"
        options = [f"--pidfile={daemon.pid_file}", "-l", str(log), *daemon.plugin()]
        done = run_twistd(options, daemon.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(wait_until(daemon.answers), daemon.log)
        first = daemon.pid
        daemon.replace()
        daemon.replace()
        self.assertNotEqual(daemon.pid, first)
        # The pid file is there all the time, so nobody starts a second one.
        again = run_twistd(options, daemon.folder)
        self.assertIn("Another twistd server is running", again.stderr)
        daemon.assert_quiet()
        daemon.end()
        self.assertFalse(daemon.pid_file.exists())

    def test_dropped_privileges(self) -> None:
        """Port 53 goes on without root, which could not bind it again."""
        need(os.getuid() == 0, "needs to be root")
        daemon = self.daemon(POOL, twistd=("--uid", "65534", "--gid", "65534"))
        need(is_free(("127.0.0.53",), 53), "port 53 is taken")
        if not usable_by(65534):
            raise SkipTest("the interpreter is not for other users")
        daemon.port, daemon.addresses = 53, ("127.0.0.53",)
        daemon.folder.chmod(0o755)
        log = daemon.folder / "log"
        options = [*daemon.twistd_options, "-l", str(log), *daemon.plugin()]
        done = run_twistd(options, daemon.folder)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(wait_until(daemon.answers), daemon.log)
        with Asking(daemon) as asking:
            daemon.replace()
            last = daemon.replace()
        self.assertEqual(asking.lost, [])
        status = Path(f"/proc/{last}/status").read_text()
        self.assertIn("Uid:\t65534\t65534\t65534\t65534", status)
        daemon.assert_quiet()
        os.kill(last, signal.SIGTERM)
        self.assertTrue(wait_for_exit(last, STOP_SECONDS))

    def test_systemd(self) -> None:
        """The old process names the new one as the main one, and then is silent."""
        daemon = self.daemon(POOL)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as told:
            told.bind(str(daemon.folder / "notify"))
            told.settimeout(5)
            os.environ["NOTIFY_SOCKET"] = str(daemon.folder / "notify")
            self.addCleanup(os.environ.pop, "NOTIFY_SOCKET", None)
            daemon.stays = False
            daemon.start()
            self.assertIn(f"MAINPID={daemon.pid}", told.recv(4096).decode())
            new = daemon.replace()
            lines = [told.recv(4096).decode() for _ in range(2)]
            self.assertTrue(all(f"MAINPID={new}" in line for line in lines), lines)
            daemon.end()
            self.assertEqual(told.recv(4096), b"STOPPING=1")
            told.setblocking(False)
            self.assertRaises(BlockingIOError, told.recv, 4096)

    def test_guard(self) -> None:
        """Who started it sees one process, which passes on signals, and ends last."""
        daemon = self.started(POOL)
        first = daemon.pid
        daemon.replace()
        second = daemon.replace()
        config = daemon.folder / "dinamed.toml"
        config.write_text(config.read_text() + "[mgmt]\nallow = []\n")
        os.kill(first, signal.SIGHUP)
        self.assertTrue(wait_until(lambda: "reloaded" in daemon.log), daemon.log)
        os.kill(first, signal.SIGUSR2)
        self.assertTrue(wait_until(lambda: daemon.has_left(second), 20), daemon.log)
        self.assertTrue(wait_for_exit(second, 20), daemon.log)
        daemon.assert_quiet()
        last = daemon.pid
        os.kill(first, signal.SIGTERM)
        assert daemon.process is not None
        self.assertEqual(daemon.process.wait(STOP_SECONDS), -signal.SIGTERM)
        self.assertTrue(wait_for_exit(last, 0.1))
        self.assertNotIn("Traceback", daemon.log)
        self.assertTrue(is_free(daemon.addresses, daemon.port))

    def test_guard_of_the_killed(self) -> None:
        """A process that is killed takes its guard with it, so it is started again."""
        daemon = self.started(POOL)
        os.kill(daemon.replace(), signal.SIGKILL)
        assert daemon.process is not None
        self.assertEqual(daemon.process.wait(STOP_SECONDS), -signal.SIGKILL)

    def test_command(self) -> None:
        """`dinamed replace` tells who answers now."""
        daemon = self.started(POOL)
        began = time.monotonic()
        said = daemon.run_command("replace")
        self.assertLess(time.monotonic() - began, 20)
        self.assertTrue(wait_until(lambda: f"process {daemon.pid} has" in said), said)
        daemon.assert_quiet()
