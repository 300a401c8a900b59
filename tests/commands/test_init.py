"""Tests of `dinamed init`."""

import argparse
import contextlib
import io
import os

from dinamed.cli import main, parser
from dinamed.commands.init import AnswerError, wanted
from tests.config.folder import FolderTestCase


class InitTests(FolderTestCase):
    """From flags or answers to files that start."""

    def run_main(self, *argv: str) -> tuple[int, str]:
        """Exit status and what was printed."""
        with (
            contextlib.redirect_stdout(io.StringIO()) as printed,
            contextlib.redirect_stderr(printed),
        ):
            return main(argv), printed.getvalue()

    def arguments(self, *flags: str) -> argparse.Namespace:
        """The flags, read."""
        return parser().parse_args(["init", *flags])

    def test_flags(self) -> None:
        """What is written passes the strictest check, and is not written over."""
        folder = os.path.join(self.folder, "new")
        flags = (
            "--zone",
            "Example.ORG.",
            "--member",
            "192.0.2.1",
            "--member",
            "2001:db8::2",
        )
        more = ("--server-address", "192.0.2.53", "--server-address", "2001:db8::53")
        for name in ("ftp", "@", "*.cdn"):
            where = f"{folder}{len(name)}"
            status, told = self.run_main("init", where, "--name", name, *flags, *more)
            self.assertEqual(status, 0, told)
            path = os.path.join(where, "dinamed.toml")
            self.assertIn(f"dinamed check {path}", told)
            status, told = self.run_main("check", "--strict", path)
            self.assertEqual(status, 0, told)
            status, told = self.run_main("init", where, *flags, *more)
            self.assertEqual(status, 2)
            self.assertIn("is there already", told)

    def test_questions(self) -> None:
        """What no flag says is asked for, with a default where there is one."""
        answers = iter(["example.net", "", "192.0.2.1, 192.0.2.2", "ns9", ""])
        asked = []

        def ask(question: str) -> str:
            asked.append(question)
            return next(answers)

        found = wanted(self.arguments("--listen", "[2001:db8::53]:5353"), ask)
        self.assertEqual(
            (found.zone, found.name, found.server), ("example.net", "ftp", "ns9")
        )
        self.assertEqual(found.addresses, ("192.0.2.1", "192.0.2.2"))
        self.assertEqual(found.server_addresses, ("2001:db8::53",))
        self.assertEqual(len(asked), 5)
        self.assertIn("[ftp]", asked[1])

    def test_refused(self) -> None:
        """What is missing without a terminal, and what is no name or address."""
        good = (
            "--zone",
            "a.example",
            "--member",
            "192.0.2.1",
            "--server-address",
            "::1",
        )
        self.assertEqual(wanted(self.arguments(*good), None).zone, "a.example")
        for flags in (
            (),
            ("--zone", "a..b"),
            (*good, "--member", "x"),
            (*good, "--name", "a..b"),
            good[:4],
        ):
            self.assertRaises(AnswerError, wanted, self.arguments(*flags), None)
