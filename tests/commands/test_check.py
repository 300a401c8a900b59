"""Tests of `dinamed check`."""

import contextlib
import io
import json

from dinamed import __version__
from dinamed.cli import main
from tests.config.folder import FolderTestCase

BOUND = '[zones."example.org".names]\nftp = "p"\n'
TEXT = f"""\
[zones."example.org"]
file = "a.zone"
{BOUND}[zones."example.net"]
file = "a.zone"
[pools.p]
members = [{{name = "m", addresses = ["192.0.2.1"]}}]
"""


class CheckTests(FolderTestCase):
    """The command line."""

    def run_main(self, *argv: str) -> tuple[int | str | None, str]:
        """Exit status and what was printed."""
        with (
            contextlib.redirect_stdout(io.StringIO()) as printed,
            contextlib.redirect_stderr(printed),
        ):
            try:
                return main(argv), printed.getvalue()
            except SystemExit as leave:
                return leave.code, printed.getvalue()

    def test_ok(self) -> None:
        """A good config: its size, and status 0."""
        self.write("dinamed.toml", TEXT)
        self.assertEqual(
            self.run_main("check", "--strict", self.path),
            (0, f"{self.path}: ok: 2 zones, 1 pool, 1 member\n"),
        )

    def test_warnings(self) -> None:
        """They stand beside problems, and decide the exit status with --strict."""
        warning = f"{self.path}:5: warning: pools.p: nothing is bound to this pool"
        size = f"{self.path}: ok: 2 zones, 1 pool, 1 member"
        self.write("dinamed.toml", TEXT.replace(BOUND, ""))
        self.assertEqual(self.run_main("check", self.path), (0, f"{warning}\n{size}\n"))
        self.assertEqual(
            self.run_main("check", self.path, "--strict"), (1, f"{warning}\n")
        )

    def test_json(self) -> None:
        """All of it for programs."""
        self.write("dinamed.toml", TEXT.replace(BOUND, ""))
        status, printed = self.run_main("check", "--json", self.path)
        told = json.loads(printed)
        self.assertEqual((status, told["ok"], told["errors"]), (0, True, []))
        wanted = {
            "file": self.path,
            "line": 5,
            "key": "pools.p",
            "message": "nothing is bound to this pool",
            "severity": "warning",
        }
        self.assertEqual(told["warnings"], [wanted])
        status, printed = self.run_main("check", "--json", "--strict", self.path)
        self.assertEqual((status, json.loads(printed)["ok"]), (1, False))
        self.write("dinamed.toml", "a = 1\n")
        status, printed = self.run_main("check", "--json", self.path)
        (error,) = json.loads(printed)["errors"]
        self.assertEqual((status, error["line"], error["key"]), (1, 1, "a"))

    def test_problems(self) -> None:
        """Each problem on its line, and status 1."""
        self.write("dinamed.toml", TEXT + "ttl = -1\nwieght = 1\n")
        status, printed = self.run_main("check", self.path)
        self.assertEqual(status, 1)
        self.assertEqual(
            printed.splitlines(),
            [
                f"{self.path}:9: pools.p.ttl: "
                "expected seconds from 0 to 2147483647, got -1",
                f"{self.path}:10: pools.p.wieght: unknown key",
            ],
        )

    def test_usage(self) -> None:
        """The version; no command or a wrong one is status 2."""
        version = (0, f"dinamed {__version__}\n")
        self.assertEqual(self.run_main("--version"), version)
        self.assertEqual(self.run_main()[0], 2)
        self.assertEqual(self.run_main("chekc", "x")[0], 2)
        self.assertEqual(self.run_main("check")[0], 2)
