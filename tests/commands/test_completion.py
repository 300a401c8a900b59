"""The scripts for shells, and whether they know every command and option."""

import io
import os
import subprocess
from contextlib import redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

from dinamed.cli import COMMANDS, main
from tests.daemon.harness import need_tool, program

TOOLS = os.path.dirname(program("dinamed"))
CONFIG = """
[[pools.mirrors.members]]
name = "fra1"
addresses = ["192.0.2.1"]
[[pools.mirrors.members]]
name = "ams1"
addresses = ["192.0.2.2"]
[[pools.moon.members]]
name = "m1"
addresses = ["192.0.2.3"]
"""
ASK = """
COMP_WORDS=({words}); COMP_CWORD={at}; _dinamed; echo "${{COMPREPLY[@]}}"
"""


def script(shell: str) -> str:
    """What the command prints."""
    with redirect_stdout(io.StringIO()) as out:
        assert main(["completion", shell]) == 0
    return out.getvalue()


class CompletionTests(SynchronousTestCase):
    """One script for each shell."""

    def setUp(self) -> None:
        """A config with a pool, and `dinamed` on the path."""
        self.config = os.path.abspath(self.mktemp())
        with open(self.config, "w") as file:
            file.write(CONFIG)
        self.environment = {**os.environ, "PATH": f"{TOOLS}:{os.environ['PATH']}"}

    def complete(self, *words: str) -> list[str]:
        """What bash offers after these words."""
        quoted = " ".join(f"'{word}'" for word in words)
        text = script("bash") + ASK.format(words=quoted, at=len(words) - 1)
        done = subprocess.run(
            [need_tool("bash"), "-c", text],
            capture_output=True,
            text=True,
            timeout=60,
            env=self.environment,
        )
        self.assertEqual(done.stderr, "")
        return done.stdout.split()

    def test_commands(self) -> None:
        """The first word is a command."""
        self.assertEqual(self.complete("dinamed", "dr"), ["drain"])
        self.assertEqual(
            set(self.complete("dinamed", "")) - {"--help", "--version"}, set(COMMANDS)
        )

    def test_options(self) -> None:
        """Then come its options and, where there are few, its arguments."""
        self.assertEqual(self.complete("dinamed", "drain", "--f"), ["--for"])
        self.assertIn("zsh", self.complete("dinamed", "completion", ""))
        self.assertEqual(self.complete("dinamed", "check", "--config", ""), [])

    def test_names(self) -> None:
        """Pools and members are those of the server, or else of the config."""
        drain = ("dinamed", "drain", "-c", self.config)
        self.assertEqual(self.complete(*drain, ""), ["mirrors/", "moon/"])
        self.assertEqual(self.complete(*drain, "mirrors/f"), ["mirrors/fra1"])
        self.assertEqual(self.complete(*drain, "none/"), [])
        status = ("dinamed", "status", "-c", self.config)
        self.assertEqual(self.complete(*status, "mo"), ["moon"])
        self.assertIn("--json", self.complete(*status, "--j"))

    def test_all_shells(self) -> None:
        """Every script names every command."""
        for shell in ("bash", "zsh", "fish"):
            text = script(shell)
            for name in COMMANDS:
                self.assertIn(name, text)
            self.assertIn("token-file", text)
