"""From the bytes of a master file to entries of tokens (RFC 1035 section 5.1)."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

MAX_ENTRY = 1 << 19  # octets; the longest rdata, written as \DDD, takes half of it
_BLOCK = 1 << 18

_TOKEN = re.compile(
    r"""[ \t]+ | ; .* | (?P<paren> [()] )
    | (?P<word> (?: [^ \t\n;()"\\] | \\. )+ | " (?: [^"\\\n] | \\. )* " )
    | (?P<bad> ["\\] )""",
    re.VERBOSE,
)


class EntryError(ValueError):
    """An entry that cannot be read; the message says why."""


class UnclosedError(EntryError):
    """An entry whose parentheses are still open at the end of the file."""


def chunks(stream: BinaryIO) -> Iterator[bytes]:
    """Yield runs of whole lines with LF between them; CR, LF and CRLF end a line.

    A line longer than `MAX_ENTRY` is cut, but not below one octet more than that.
    """
    rest = b""
    first = True
    while block := stream.read(_BLOCK):
        if first:
            block = block.removeprefix(b"\xef\xbb\xbf")
            first = False
        if b"\r" in block:
            if block.endswith(b"\r"):
                block += stream.read(1)
            block = block.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
        end = block.rfind(b"\n")
        if end < 0:
            # A line over the limit grows no more, however much of it is to come.
            if len(rest) <= MAX_ENTRY:
                rest = (rest + block)[: MAX_ENTRY + 1]
            continue
        begin = block.find(b"\n") if len(rest) > MAX_ENTRY else 0
        yield rest + block[begin:end]
        rest = block[end + 1 :][: MAX_ENTRY + 1]
    if rest:
        yield rest


def physical_lines(stream: BinaryIO) -> Iterator[bytes]:
    """Yield the lines one by one, without their ends."""
    return chain.from_iterable(chunk.split(b"\n") for chunk in chunks(stream))


class Lines:
    """The lines of a file, without their ends, one by one or from a chunk of them.

    The next one begins at `position` in `chunk`, unless that is beyond its end.
    """

    def __init__(self, stream: BinaryIO) -> None:
        self._chunks = chunks(stream)
        self.chunk = b""
        self.position = 1

    def fill(self) -> bool:
        """Have a chunk with a line to come; False at the end of the file."""
        if self.position > len(self.chunk):
            chunk = next(self._chunks, None)
            if chunk is None:
                return False
            self.chunk, self.position = chunk, 0
        return True

    def __iter__(self) -> "Lines":
        return self

    def __next__(self) -> bytes:
        if not self.fill():
            raise StopIteration
        end = self.chunk.find(b"\n", self.position)
        if end < 0:
            end = len(self.chunk)
        line = self.chunk[self.position : end]
        self.position = end + 1
        return line


def tokens(first: bytes, more: Iterator[bytes], held: list[bytes]) -> list[str]:
    """Read one entry: the words of `first`, and of `more` while parentheses are open.

    Quoted strings keep their quotes, escapes stay as they are.  The lines taken from
    `more` are added to `held`.  Raises `EntryError`, and `UnclosedError` at the end of
    the file or beyond `MAX_ENTRY`.
    """
    words: list[str] = []
    depth = size = 0
    line = first
    while True:
        size += len(line)
        if len(line) > MAX_ENTRY:
            raise EntryError(f"line is longer than {MAX_ENTRY} octets")
        if size > MAX_ENTRY:
            raise UnclosedError("unbalanced parentheses")
        for token in _TOKEN.finditer(_text(line)):
            kind = token.lastgroup
            if kind == "word":
                words.append(token[0])
            elif kind == "paren":
                depth += 1 if token[0] == "(" else -1
                if depth < 0:
                    raise EntryError("unbalanced parentheses")
            elif kind == "bad":
                raise EntryError(
                    "unterminated quoted string"
                    if token[0] == '"'
                    else "backslash at the end of the line"
                )
        if not depth:
            return words
        following = next(more, None)
        if following is None:
            raise UnclosedError("unbalanced parentheses")
        line = following
        held.append(line)


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise EntryError("not UTF-8") from None
