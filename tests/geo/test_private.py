"""Copies of files that nobody else can change."""

import os

from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.private import MAX_SIZE, open_plain, private_copy


class PrivateCopyTests(SynchronousTestCase):
    """The copy."""

    def copied(self) -> tuple[bytes, str]:
        """What a copy holds after its original was changed, and its path."""
        path = self.mktemp()
        with open(path, "wb") as file:
            file.write(b"before")
        with private_copy(path) as (copy, stamp):
            with open(path, "wb") as file:
                file.write(b"after that")
            with open(copy, "rb") as file:
                found = file.read()
        self.assertEqual(stamp.size, len(b"before"))
        return found, copy

    def test_in_memory(self) -> None:
        """The copy keeps what was in the file."""
        self.assertEqual(self.copied()[0], b"before")

    def test_in_a_file(self) -> None:
        """So it does where there is no file in memory; and no file is left behind."""
        if hasattr(os, "memfd_create"):
            self.addCleanup(setattr, os, "memfd_create", os.memfd_create)
            del os.memfd_create
        found, copy = self.copied()
        self.assertEqual(found, b"before")
        self.assertFalse(os.path.lexists(copy))

    def test_too_large(self) -> None:
        """A file that is larger than memory should hold is refused."""
        path = self.mktemp()
        with open(path, "wb"):
            os.truncate(path, MAX_SIZE + 1)
        with self.assertRaisesRegex(OSError, "larger than 4 GiB"):
            open_plain(path)
