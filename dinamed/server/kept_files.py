"""Files of ours that outlast the process: written whole, and never lost unread."""

import itertools
import os
from collections.abc import Iterable

ASIDE = ".bad"
"""What is put behind the name of a file that can't be read."""


def write_atomically(path: str, data: bytes) -> None:
    """Replace a file so that a crash leaves the old or the new one, whole.

    Raises `OSError`.
    """
    write_pieces(path, (data,))


def write_pieces(path: str, pieces: Iterable[bytes]) -> None:
    """As `write_atomically`, for what is too much for one piece.  Raises `OSError`."""
    aside = f"{path}.new"
    descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with open(descriptor, "wb") as file:
        file.writelines(pieces)
        file.flush()
        os.fsync(file.fileno())
    os.replace(aside, path)
    folder = os.open(os.path.dirname(path), os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


def kept_aside(path: str, stay: bool = False) -> str:
    """Give a file that can't be read another name, that nothing overwrites.

    With `stay` it keeps its own name as well.  Returns the other one, which it may have
    had before; empty if that was not possible.
    """
    try:
        for number in itertools.count(1):
            other = path + ASIDE + (f".{number}" if number > 1 else "")
            if not os.path.lexists(other):
                break
            if stay and os.path.samefile(path, other):
                return other
        if stay:
            os.link(path, other)
        else:
            os.rename(path, other)
    except OSError:
        return ""
    return other
