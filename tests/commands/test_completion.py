"""The scripts for shells, and whether they know every command and option."""

import io
import subprocess
from contextlib import redirect_stdout

from twisted.trial.unittest import SynchronousTestCase

from dinamed.cli import COMMANDS, main
from tests.daemon.harness import need_tool

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

    def complete(self, *words: str) -> list[str]:
        """What bash offers after these words."""
        quoted = " ".join(f"'{word}'" for word in words)
        text = script("bash") + ASK.format(words=quoted, at=len(words) - 1)
        done = subprocess.run(
            [need_tool("bash"), "-c", text], capture_output=True, text=True, timeout=20
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

    def test_all_shells(self) -> None:
        """Every script names every command."""
        for shell in ("bash", "zsh", "fish"):
            text = script(shell)
            for name in COMMANDS:
                self.assertIn(name, text)
            self.assertIn("token-file", text)
