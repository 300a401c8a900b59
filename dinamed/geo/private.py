"""A copy of a file that nobody else can change while it is mapped into memory.

A file that is cut short while it is mapped kills the process that reads it (SIGBUS),
and one that is overwritten in place turns into nonsense under its reader.  Both
happen when an updater downloads onto the old file.
"""

import os
import shutil
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, NamedTuple

MAX_SIZE = 4 * 2**30  # octets; the largest databases have well under half of it


class Stamp(NamedTuple):
    """One state of a file; it differs once the file is replaced or written to."""

    device: int
    inode: int
    size: int
    modified: int
    """Nanoseconds since 1970."""

    @classmethod
    def of(cls, found: os.stat_result) -> "Stamp":
        """The stamp of a file, from what `os.stat` says of it."""
        return cls(found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns)


class UnsteadyError(OSError):
    """The file changed while it was copied."""


@contextmanager
def private_copy(path: str) -> Iterator[tuple[str, Stamp]]:
    """A path to a copy, good until the end of the block, and the file's stamp.

    What is mapped or open by then lives on.  The copy is in memory where the system
    can do that, else a file that has no name any more after the block.

    @raise OSError: the file can't be read, is no plain file, is larger than
        `MAX_SIZE`, or changes meanwhile (`UnsteadyError`); or no copy can be made.
    """
    with open_plain(path) as file, _room() as (copy, name):
        before = Stamp.of(os.fstat(file.fileno()))
        shutil.copyfileobj(file, copy, 2**20)
        copy.flush()
        check_steady(file, before, copy.tell())
        yield name, before


def open_plain(path: str) -> IO[bytes]:
    """Open a plain file of a size that can be kept in memory.

    @raise OSError: it can't be, or it isn't one.
    """
    # A FIFO would make open() wait for its other end.
    number = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    found = os.fstat(number)
    why = ""
    if not stat.S_ISREG(found.st_mode):
        why = "not a plain file"
    elif found.st_size > MAX_SIZE:
        why = f"larger than {MAX_SIZE // 2**30} GiB"
    if why:
        os.close(number)
        raise OSError(why)
    return os.fdopen(number, "rb")


def check_steady(file: IO[bytes], before: Stamp, size: int) -> None:
    """Make sure that what was read, `size` octets, is one state of the file.

    @raise UnsteadyError: it changed since `before`.
    """
    if Stamp.of(os.fstat(file.fileno())) != before or size != before.size:
        raise UnsteadyError("changed while it was read")


@contextmanager
def _room() -> Iterator[tuple[IO[bytes], str]]:
    """A new empty file and a path to it."""
    if hasattr(os, "memfd_create") and os.path.isdir("/proc/self/fd"):
        with open(os.memfd_create("dinamed-geo"), "wb") as copy:
            yield copy, f"/proc/self/fd/{copy.fileno()}"
    else:
        with tempfile.NamedTemporaryFile(prefix="dinamed-geo-") as named:
            yield named, named.name
