"""Tests of which config file is the default."""

import os

from dinamed.config.default import EXAMPLE, default_path, is_example
from dinamed.config.load import load
from tests.config.folder import FolderTestCase


class DefaultTests(FolderTestCase):
    """The system's file, or the example."""

    def test_system(self) -> None:
        """The system's file where there is one."""
        self.assertEqual(default_path(self.path), self.path)

    def test_example(self) -> None:
        """Else the built-in example, which is without problems."""
        self.assertEqual(default_path(self.folder + "/none"), EXAMPLE)
        self.assertEqual(load(EXAMPLE).problems, [])

    def test_example_is_known(self) -> None:
        """The example is known by its path, however that is written."""
        self.assertTrue(is_example(EXAMPLE))
        self.assertTrue(is_example(os.path.relpath(EXAMPLE)))
        self.assertFalse(is_example(self.path))
