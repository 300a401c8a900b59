"""The pictures of `dinamed top`."""

import os
import pty
import subprocess
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dinamed.cli import main
from dinamed.commands.top_picture import Seen, cut, lines, room_of, screen_of
from dinamed.commands.top_view import SORTS, TopView, keys
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
        short = cut(row, 10)
        self.assertTrue(short.startswith("  fra1    \x1b["), short)


class NarrowTests(SynchronousTestCase):
    """Fifty columns."""

    def test_fits(self) -> None:
        """Nothing is cut off: capacity, hand-outs, rate, and why a member is out."""
        drained = member(
            name="a-very-long-name", state="drain", reason="drained by order of alice",
            until=60.0, hand_outs=12_345_678, capacity=1e6, load=2e5,
        )  # fmt: skip
        before = seen(0, 100, member(hand_outs=100), drained)
        now = seen(2, 300, member(hand_outs=4100), drained)
        head, *rows = lines(now, before, 0, False, None, 50)
        self.assertTrue(all(len(row) <= 50 for row in rows), rows)
        self.assertIn("100/s", head[:50])
        up = next(row for row in rows if "fra1" in row)
        self.assertRegex(up, r"fra1 +up +#+\+*\.* +50% +10 +4100 +2000$")
        first = next(row for row in rows if "a-very-lon" in row)
        self.assertRegex(first, r"drain #*\.+ +20% 1e\+06 +12.3M +0.0$")
        why = rows[rows.index(first) + 1]
        self.assertEqual(why.strip(), "drained by order of alice, 1m00s more")

    def test_up_by_order(self) -> None:
        """An order to be up is told as such."""
        ordered = member(order="up", until=60.0)
        for columns in (50, 120):
            picture = "\n".join(
                lines(seen(0, 1, ordered), None, 0, False, None, columns)
            )
            self.assertIn("up by order, 1m00s more", picture)

    def test_no_report(self) -> None:
        """Columns stay in line where nothing is reported."""
        silent = member(name="silent", load=None, predicted=None)
        *_, first, second = lines(
            seen(0, 1, member(), silent), None, 0, False, None, 50
        )
        self.assertEqual(len(first), len(second))
        self.assertEqual(first[-20:], second[-20:])


class ViewTests(SynchronousTestCase):
    """Keys, and what is shown then."""

    def press(self, view: TopView, *pressed: str) -> TopView:
        """Press keys where 40 lines are to be seen through 18."""
        for key in pressed:
            view = view.pressed(key, 40, room_of(20))
        return view

    def test_scrolls(self) -> None:
        """By lines and screens, and not beyond the ends."""
        for pressed, first in (
            (["down", "down", "up"], 1),
            (["j", "k", "k"], 0),
            (["page down"], 18),
            ([" ", " ", " "], 22),
            (["end", "b"], 4),
            (["G", "home"], 0),
        ):
            self.assertEqual(self.press(TopView(), *pressed).first, first, pressed)

    def test_filter(self) -> None:
        """Words are typed, mended and taken back."""
        view = self.press(TopView(first=5), "/", "q", "x", "backspace", "1")
        self.assertEqual((view.find, view.typing, view.first), ("q1", True, 0))
        view = self.press(view, "enter", "down")
        self.assertEqual((view.find, view.typing, view.first), ("q1", False, 1))
        self.assertEqual(self.press(view, "escape").find, "")
        pool = {"name": "m", "members": [member(), member(name="ams1")]}
        found = TopView(find="M/ ams").members(pool)
        self.assertEqual([one["name"] for one in found], ["ams1"])

    def test_sorts(self) -> None:
        """Each order is reached by its key, and the worst can come first."""
        down = member(name="down", state="down", load=None, predicted=None)
        over = member(name="over", load=13.7, hand_outs=5)
        drained = member(name="drained", state="drain", reason="drained", load=1.0)
        pool = {"name": "m", "members": [member(), drained, over, down]}
        orders = {}
        view = TopView()
        for _ in SORTS:
            orders[view.sort] = [one["name"] for one in view.members(pool)]
            view = self.press(view, "s")
        self.assertEqual(view.sort, "config")
        self.assertEqual(orders["config"], ["fra1", "drained", "over", "down"])
        self.assertEqual(orders["trouble"], ["down", "over", "drained", "fra1"])
        self.assertEqual(orders["load"][0], "over")
        self.assertEqual(orders["hand-outs"][-1], "over")
        self.assertEqual(orders["name"], ["down", "drained", "fra1", "over"])

    def test_keys(self) -> None:
        """What terminals send, several at once too."""
        data = b"\x1b[A\x1bOBj\x1b\r\x7f\x03\xff"
        self.assertEqual(
            list(keys(data)),
            ["up", "down", "j", "escape", "enter", "backspace", "q", "other"],
        )
        self.assertEqual(list(keys(b"")), [""])
        self.assertTrue(self.press(TopView(), "q").ended)

    def test_screen(self) -> None:
        """The part that is seen, with where that is, and help."""
        many = [member(name=f"m{number:02}") for number in range(40)]
        picture = lines(seen(0, 1, *many), None, 0, False, None, 50)
        shown = screen_of(picture, TopView(first=10), 50, 12)
        self.assertEqual(len(shown), 12)
        self.assertIn("m07", shown[1])
        self.assertIn("11-20/43 config", shown[-1])
        helped = lines(seen(0, 1, *many), None, 0, False, TopView(help=True), 50)
        self.assertIn("?", "".join(helped))
        self.assertTrue(all(len(line) <= 80 for line in helped))


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
        os.write(ours, b"/ams\r")
        while b"/ams  ?" not in shown:
            shown += os.read(ours, 65536)
        self.assertNotIn(b"fra1", shown[shown.rindex(b"\x1b[H") :])
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
