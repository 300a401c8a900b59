"""A folder with config and zone files, for tests."""

import os
import tempfile
from collections.abc import Sequence
from textwrap import dedent

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.load import LoadedConfig, load
from dinamed.config.settings import Settings
from dinamed.config.sources import SourceFile, Sources, parse_text

ZONE = dedent(
    """\
    @ 3600 IN SOA ns1 hostmaster 1 7200 3600 1209600 300
    @ 3600 IN NS ns1
    ns1 3600 IN A 192.0.2.53
    """
)


def source_of(path: str, text: str) -> Sources:
    """A config that is only a text, as though it stood at `path`."""
    source = parse_text(path, text)
    assert isinstance(source, SourceFile), source
    return Sources(source)


class FolderTestCase(SynchronousTestCase):
    """Tests that write files.  There is a readable zone file, `a.zone`."""

    def setUp(self) -> None:
        """Make the folder."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = folder.name
        self.path = self.write("dinamed.toml", "")
        self.write("a.zone", ZONE)

    def write(self, name: str, text: str | bytes) -> str:
        """Write a file; its path."""
        path = os.path.join(self.folder, name)
        with open(path, "wb") as file:
            file.write(text.encode() if isinstance(text, str) else text)
        return path

    def load(self, text: str | bytes) -> LoadedConfig:
        """What a config of this text is read as."""
        self.write("dinamed.toml", text)
        return load(self.path)

    def settings(self, text: str) -> Settings:
        """The settings of a config that must be without problems."""
        loaded = self.load(text)
        self.assertEqual(loaded.problems, [])
        assert loaded.settings is not None
        return loaded.settings

    def told(self, text: str | bytes) -> list[str]:
        """The problems of a config, each as `LINE: key: message`."""
        loaded = self.load(text)
        self.assertEqual(loaded.settings is None, bool(loaded.problems))
        for problem in loaded.problems:
            self.assertEqual(problem.file, self.path)
        return [
            f"{problem.line}: {problem.key}: {problem.message}".replace(
                self.folder, "FOLDER"
            )
            for problem in loaded.problems
        ]

    def check_table(self, table: Sequence[tuple[str | bytes, list[str]]]) -> None:
        """Each text must be told exactly its problems."""
        for text, expected in table:
            self.assertEqual(self.told(text), expected, text)
