"""The files of the journal: appended to whole lines at a time, and kept to a size."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import suppress

from dinamed.journal.lines import JournalLine, decoded_line
from dinamed.server.kept_files import kept_aside

FILE_NAME = "events.journal"
MOST_OCTETS = 8 << 20
"""Octets of a file that is still appended to."""
MOST_FILES = 4
"""Files that are kept: `events.journal`, and `events.journal.1`, which is older."""


class JournalFiles:
    """The journal's files in one folder.

    Two processes may append at the same time, as while one replaces the other: a lock
    on the file keeps their lines and its change of name apart.  Methods may be called
    by any thread, and raise `OSError`.
    """

    def __init__(
        self, folder: str, most: int = MOST_OCTETS, files: int = MOST_FILES
    ) -> None:
        self.path = os.path.join(folder, FILE_NAME)
        self._most = most
        self._files = files

    def paths(self) -> list[str]:
        """The files that there are, the newest first."""
        names = [self.path] + [f"{self.path}.{n}" for n in range(1, self._files)]
        return [name for name in names if os.path.exists(name)]

    def append(self, lines: bytes) -> bool:
        """Append whole lines, all or none; whether the file is full now."""
        descriptor = self._locked()
        try:
            before = os.fstat(descriptor).st_size
            try:
                if os.write(descriptor, lines) < len(lines):
                    raise OSError("the disk is full")
                os.fdatasync(descriptor)
            except OSError:
                with suppress(OSError):
                    os.ftruncate(descriptor, before)
                raise
            return before + len(lines) >= self._most
        finally:
            os.close(descriptor)

    def turn(self, first: bytes) -> None:
        """Begin another file with this line, unless that was done meanwhile."""
        descriptor = self._locked()
        try:
            if os.fstat(descriptor).st_size < self._most:
                return
            for number in range(self._files - 1, 0, -1):
                older = f"{self.path}.{number}"
                newer = f"{self.path}.{number - 1}" if number > 1 else self.path
                with suppress(FileNotFoundError):
                    os.replace(newer, older)
        finally:
            os.close(descriptor)
        self.append(first)

    def mend(self) -> str:
        """Take a damaged end off the newest file; returns where that is kept, or "".

        What is damaged gets a file of its own, which nothing overwrites.
        """
        if not os.path.exists(self.path):
            return ""
        descriptor = self._locked()
        try:
            good, end = _sound(self.path)
            if good == end:
                return ""
            tail = f"{self.path}.tail"
            with open(self.path, "rb") as file, open(tail, "wb") as out:
                file.seek(good)
                out.write(file.read())
                out.flush()
                os.fsync(out.fileno())
            aside = kept_aside(tail)
            if aside:
                os.ftruncate(descriptor, good)
            return aside
        finally:
            os.close(descriptor)

    def lines(self, path: str) -> Iterator[JournalLine]:
        """The lines of one file, but for those that can't be read."""
        with suppress(FileNotFoundError), open(path, "rb") as file:
            for data in file:
                line = decoded_line(data)
                if line is not None:
                    yield line

    def _locked(self) -> int:
        """The newest file, open for appending and locked."""
        flags = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC
        while True:
            descriptor = os.open(self.path, flags, 0o600)
            try:
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                if os.path.samestat(os.fstat(descriptor), os.stat(self.path)):
                    return descriptor
            except FileNotFoundError:
                pass  # it has just got another name
            except OSError:
                os.close(descriptor)
                raise
            os.close(descriptor)


def _sound(path: str) -> tuple[int, int]:
    """Up to where a file's end can be read, and how long it is; in octets."""
    good = end = 0
    with open(path, "rb") as file:
        for data in file:
            end += len(data)
            if data.endswith(b"\n") and decoded_line(data) is not None:
                good = end
    return good, end
