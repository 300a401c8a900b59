"""Tests that a command imports what it needs, and no more."""

import subprocess
import sys
from pathlib import Path
from unittest import TestCase

import dinamed

EXAMPLE = Path(dinamed.__file__).parent / "example" / "dinamed.toml"
PROGRAM = """
import sys
from dinamed.cli import main
try:
    main(sys.argv[1:])
except SystemExit:
    pass
print(*sys.modules)
"""


def modules(*words: str) -> set[str]:
    """What is imported once a command has run in a process of its own."""
    command = [sys.executable, "-c", PROGRAM, *words]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return set(done.stdout.splitlines()[-1].split())


class ImportTests(TestCase):
    """Each command by itself."""

    def test_version(self) -> None:
        """The version is told without any command."""
        found = {name for name in modules("--version") if name.startswith("dinamed")}
        self.assertEqual(found, {"dinamed", "dinamed.cli"})

    def test_check(self) -> None:
        """A config without certificates and foreign files is read without Twisted."""
        found = modules("check", str(EXAMPLE))
        self.assertIn("dinamed.commands.check", found)
        for name in ("twisted", "cryptography.x509", "dinamed.formats.geodns"):
            self.assertNotIn(name, found)

    def test_help(self) -> None:
        """The list of commands needs none of them."""
        found = {name for name in modules("--help") if name.startswith("dinamed")}
        self.assertEqual(found, {"dinamed", "dinamed.cli"})
