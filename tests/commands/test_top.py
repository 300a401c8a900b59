"""The pictures of `dinamed top`."""

import os
import pty
import subprocess
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dinamed.cli import main
from dinamed.commands.top import Seen, _cut, lines
from tests.daemon.harness import free_port, program, wait_until
from tests.daemon.scenario import CONFIG, OwnDaemonCase


def member(**more: Any) -> dict[str, Any]:
    """A member as the API tells it."""
    usual = {
        "name": "fra1", "state": "up", "order": "auto", "until": None, "reason": "",
        "capacity": 10.0, "load": 5.0, "predicted": 7.5, "hand_outs": 100,
    }  # fmt: skip
    return {**usual, **more}


def seen(at: float, questions: int, *members: dict[str, Any]) -> Seen:
    """What a server says."""
    status = {
        "identity": "ns1", "version": "1", "engine": "python", "up": 90.0,
        "questions": questions, "connections": 2, "failures": 0,
    }  # fmt: skip
    pool = {"name": "m", "select": ["hash"], "down": False, "when_down": "all"}
    return Seen(at, {"status": status, "pools": [{**pool, "members": list(members)}]})


class PictureTests(SynchronousTestCase):
    """Lines without a server."""

    def test_first(self) -> None:
        """Loads as bars, with what is foreseen; no rates yet."""
        head, _, _, _, row = lines(seen(0, 7, member()), None, 0, False)
        self.assertEqual(
            head, "ns1  dinamed 1 (python)  up 1m30s  7 questions  2 streams"
        )
        self.assertIn("#" * 12 + "+" * 6 + "." * 6 + "   50%     10", row)
        self.assertTrue(row.endswith("-"))

    def test_rates(self) -> None:
        """Two sights give rates."""
        before = seen(0, 100, member(hand_outs=100))
        head, *_, row = lines(seen(2, 300, member(hand_outs=150)), before, 0, False)
        self.assertIn("  100/s", head)
        self.assertTrue(row.endswith("25.0"))

    def test_restarted(self) -> None:
        """A server that begins anew has no rates below nothing."""
        head, *_, row = lines(
            seen(2, 1, member(hand_outs=0)), seen(0, 9, member()), 0, False
        )
        self.assertIn("  0/s", head)
        self.assertTrue(row.endswith(" 0.0"))

    def test_trouble(self) -> None:
        """Why a member is out, for how long, and what nobody reports."""
        out = member(
            state="drain", reason="drained by order", until=60.0, load=None, capacity=1
        )
        row = lines(seen(0, 1, out), None, 0, False)[-1]
        self.assertIn("no report", row)
        self.assertTrue(row.endswith("drained by order, 1m00s more"))

    def test_colours(self) -> None:
        """Colours take no room when a line is cut."""
        row = lines(seen(0, 1, member()), None, 0, True)[-1]
        self.assertIn("\x1b[32m", row)
        cut = _cut(row, 10)
        self.assertTrue(cut.startswith("  fra1    \x1b["), cut)


class TerminalTests(OwnDaemonCase):
    """On a terminal, against a server."""

    def setUp(self) -> None:
        """Start a server."""
        self.daemon = self.make_daemon()
        port = free_port(["127.0.0.1"])
        config = CONFIG.replace("[server]", f'[server]\nhttp = "127.0.0.1:{port}"', 1)
        (self.daemon.folder / "dinamed.toml").write_text(config)
        self.daemon.start()
        self.config = str(self.daemon.folder / "dinamed.toml")

    def test_once(self) -> None:
        """A picture for a pipe."""
        done = subprocess.run(
            [program("dinamed"), "top", "--once", "-c", self.config],
            capture_output=True,
            text=True,
            timeout=20,
        )
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("mirrors (weighted)", done.stdout)
        self.assertNotIn("\x1b", done.stdout)

    def test_until_q(self) -> None:
        """On a terminal it goes on until `q`, and leaves the terminal as it was."""
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = subprocess.Popen(
            [program("dinamed"), "top", "--interval", "0.2", "-c", self.config],
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "LINES": "30"},
        )
        os.close(theirs)
        shown = b""
        while b"/s" not in shown:
            shown += os.read(ours, 65536)
        os.write(ours, b"q")
        self.assertTrue(wait_until(lambda: process.poll() is not None))
        self.assertEqual(process.returncode, 0)
        shown += os.read(ours, 65536)
        self.assertIn(b"\x1b[?1049h", shown)
        self.assertIn(b"\x1b[?25h\x1b[?1049l", shown)

    def test_bad_interval(self) -> None:
        """An interval that is none is wrong usage."""
        with self.assertRaises(SystemExit) as caught:
            main(["top", "--interval", "0"])
        self.assertEqual(caught.exception.code, 2)
