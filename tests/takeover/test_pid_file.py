"""Tests for the pid file."""

import errno
import os
from typing import Any

from twisted.trial.unittest import SynchronousTestCase

from dinamed.takeover.pid_file import names, remove_pid, write_pid


class PidFileTests(SynchronousTestCase):
    """Written, read, removed."""

    def setUp(self) -> None:
        self.path = os.path.join(self.mktemp(), "pid")
        os.makedirs(os.path.dirname(self.path))

    def content(self) -> bytes:
        """What is in it."""
        with open(self.path, "rb") as file:
            return file.read()

    def test_written(self) -> None:
        """It names the new process at once, and nothing is left beside it."""
        for pid in (123456, 7):
            write_pid(self.path, pid)
            self.assertEqual(self.content(), b"%d" % pid)
            self.assertTrue(names(self.path, pid))
        self.assertEqual(os.listdir(os.path.dirname(self.path)), ["pid"])

    def test_no_new_files(self) -> None:
        """Where the folder takes none, the file is written over."""
        write_pid(self.path, 123456)
        real = os.open

        def no_new(path: str, flags: int, *mode: Any) -> int:
            if flags & os.O_CREAT:
                raise PermissionError(errno.EACCES, "no")
            return real(path, flags, *mode)

        self.patch(os, "open", no_new)
        write_pid(self.path, 789)
        self.assertEqual(int(self.content()), 789)
        os.unlink(self.path)
        with self.assertRaises(FileNotFoundError):
            write_pid(self.path, 789)

    def test_removed(self) -> None:
        """Only by the process that it names."""
        write_pid(self.path, 5)
        remove_pid(self.path, 6)
        self.assertTrue(names(self.path, 5))
        remove_pid(self.path, 5)
        self.assertFalse(os.path.exists(self.path))
        self.assertFalse(names(self.path, 5))
        with open(self.path, "w") as file:
            file.write("nonsense")
        self.assertFalse(names(self.path, 5))
