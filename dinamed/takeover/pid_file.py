"""The pid file of a process that was not started by twistd alone."""

import os


def write_pid(path: str, pid: int) -> None:
    """Write `pid` to the file, atomically.

    Where its folder takes no new files (the privileges are dropped), the file itself is
    written over, without being empty in between.

    Raises `OSError`.
    """
    text = b"%d" % pid
    aside = f"{path}.new"
    try:
        descriptor = os.open(aside, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    except OSError:
        descriptor = os.open(path, os.O_WRONLY)
        try:
            # With its old length, filled up with ends of lines, which no reader minds.
            os.pwrite(descriptor, text.ljust(os.fstat(descriptor).st_size, b"\n"), 0)
            os.ftruncate(descriptor, len(text))
        finally:
            os.close(descriptor)
        return
    try:
        os.write(descriptor, text)
    finally:
        os.close(descriptor)
    os.replace(aside, path)


def names(path: str, pid: int) -> bool:
    """Whether the file names `pid`."""
    try:
        with open(path, "rb") as file:
            return int(file.read(32)) == pid
    except (OSError, ValueError):
        return False


def remove_pid(path: str, pid: int) -> None:
    """Remove the file if it names `pid`.  Raises `OSError`."""
    if names(path, pid):
        os.unlink(path)
