"""Small readers of files and words."""

import os
import stat
from typing import BinaryIO

import dns.exception
import dns.ttl

from dinamed.zones.lines import EntryError

MAX_TTL = 0x7FFFFFFF  # RFC 2181 section 8


def open_regular(path: str) -> BinaryIO:
    """Open a regular file; a pipe or a device could block or never end."""
    # Without O_NONBLOCK, opening a pipe waits for its other end.
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    if not stat.S_ISREG(os.fstat(descriptor).st_mode):
        os.close(descriptor)
        raise ValueError("not a regular file")
    return open(descriptor, "rb", buffering=0)


def printable(word: str) -> str:
    """The start of a word, fit for a message."""
    return word[:80] if word.isprintable() else ascii(word[:80])


def word_at(words: list[str], position: int, quoted: bool = False) -> str:
    """One word of an entry.  Raises `EntryError` if it is missing or quoted."""
    if position >= len(words):
        raise EntryError("entry ends too early")
    word = words[position]
    if word.startswith('"') and not quoted:
        raise EntryError(f"unexpected quoted string {word[:80]}")
    return word


def any_ttl(text: str) -> int | None:
    """A TTL, with units or without; None if this is something else."""
    try:
        return dns.ttl.from_text(text)
    except dns.exception.DNSException:
        return None


def plain_ttl(text: bytes) -> int | None:
    """A TTL as `any_ttl` reads it, quickly; None also if it is too high."""
    if len(text) < 10 and text.isdigit():
        return int(text)
    ttl = any_ttl(text.decode())
    return None if ttl is None or ttl > MAX_TTL else ttl
