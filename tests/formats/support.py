"""Files for the tests of the old formats, and what was found in them."""

import os
import tempfile

from twisted.trial.unittest import SynchronousTestCase

from dinamed.formats.findings import Findings
from dinamed.problems import Problem
from dinamed.wire.names import from_text

ORIGIN = from_text("example.org.")


class FormatsTestCase(SynchronousTestCase):
    """Tests with a folder of files and findings of their own."""

    def setUp(self) -> None:
        """Make the folder."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.findings = Findings()

    def write(self, name: str, text: str | bytes) -> str:
        """Write a file; its path."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        return path

    def problems(self) -> list[str]:
        """The problems as `LINE: key: message`."""
        return told(self.findings.problems)

    def warnings(self) -> list[str]:
        """The warnings as `LINE: key: message`."""
        return told(self.findings.warnings)

    def nothing_found(self) -> None:
        """Fail if there is a problem or a warning."""
        self.assertEqual((self.problems(), self.warnings()), ([], []))


def told(found: list[Problem]) -> list[str]:
    """Findings without the name of the file."""
    return [f"{one.line}: {one.key}: {one.message}" for one in found]


def words(text: str) -> list[str]:
    """The words of a text, each separated from the next by one blank."""
    return text.split(" ")
