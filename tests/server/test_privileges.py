"""Rights that are given up for good."""

import subprocess
import sys

from twisted.trial.unittest import SynchronousTestCase

PROGRAM = """
from dinamed.server.privileges import give_up_new_privileges
give_up_new_privileges()
print(*(line for line in open("/proc/self/status") if line.startswith("NoNewPrivs")))
"""


class PrivilegesTests(SynchronousTestCase):
    """In a process of its own, for there is no way back."""

    def test_given_up(self) -> None:
        """The system says so."""
        command = [sys.executable, "-c", PROGRAM]
        said = subprocess.run(command, capture_output=True, text=True, check=True)
        self.assertEqual(said.stdout.split(), ["NoNewPrivs:", "1"])
