"""From the bytes of a master file to entries of tokens (RFC 1035 section 5.1)."""

import re
from collections.abc import Iterator
from itertools import chain
from typing import BinaryIO

MAX_ENTRY = 1 << 19  # octets; the longest rdata, written as \DDD, takes half of it
_BLOCK = 1 << 18

_TOKEN = re.compile(
    r"""[ \t]+ | ; .* | (?P<paren> [()] )
    | (?P<word> (?: [^ \t\n;()"\\] | \\. )+ | " (?: [^"\\] | \\. )* " )
    | (?P<bad> ["\\] )""",
    re.VERBOSE,
)
_STRING_END = re.compile(r"(?:[^\"\\]|\\.)*\"")
_LINE_END = r"\010"


class EntryError(ValueError):
    """An entry that cannot be read; the message says why."""


class UnclosedError(EntryError):
    """An entry whose parentheses or quotes are still open at the end of the file."""


class Adjacent(str):
    """A word that follows the one before it with nothing between them."""

    __slots__ = ()


def joined(words: list[str]) -> str:
    """The text of words: what was adjacent stays so."""
    return "".join(
        word if isinstance(word, Adjacent) or not place else f" {word}"
        for place, word in enumerate(words)
    )


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
        """Make sure that the chunk has another line; False at the end of the file."""
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

    Quoted strings keep their quotes, escapes stay as they are; a line end within quotes
    becomes one.  The lines taken from `more` are added to `held`.  Raises `EntryError`,
    and `UnclosedError` at the end of the file or beyond `MAX_ENTRY`.
    """
    entry = _Entry(more, held)
    entry.measure(first, "unbalanced parentheses")
    entry.line(first)
    while entry.depth:
        entry.line(entry.following("unbalanced parentheses"))
    return entry.words


class _Entry:
    """One entry as it is read, line by line."""

    def __init__(self, more: Iterator[bytes], held: list[bytes]) -> None:
        self.words: list[str] = []
        self.depth = 0
        """Of parentheses that are open."""
        self._more = more
        self._held = held
        self._size = 0

    def following(self, fault: str) -> bytes:
        """The next line of the file."""
        line = next(self._more, None)
        if line is None:
            raise UnclosedError(fault)
        self._held.append(line)
        self.measure(line, fault)
        return line

    def line(self, line: bytes) -> None:
        """Take the words of a line, and of those that a quoted string goes on in."""
        text: str | None = _text(line)
        while text is not None:
            text = self._scan(text)

    def measure(self, line: bytes, fault: str) -> None:
        """Count the octets of a line.  Raises `EntryError` where they are too many."""
        self._size += len(line)
        if len(line) > MAX_ENTRY:
            raise EntryError(f"line is longer than {MAX_ENTRY} octets")
        if self._size > MAX_ENTRY:
            raise UnclosedError(fault)

    def _scan(self, text: str) -> str | None:
        """Take words; what is left where a quoted string does not end in the line."""
        end = -1
        for token in _TOKEN.finditer(text):
            kind = token.lastgroup
            if kind == "word":
                word = token[0].replace("\n", _LINE_END)
                adjacent = token.start() == end
                self.words.append(Adjacent(word) if adjacent else word)
                end = token.end()
            elif kind == "paren":
                self.depth += 1 if token[0] == "(" else -1
                if self.depth < 0:
                    raise EntryError("unbalanced parentheses")
            elif kind == "bad":
                if token[0] != '"':
                    raise EntryError("backslash at the end of the line")
                if token.start() == end:
                    # The word before it stays its neighbour.
                    word = self.words.pop()
                    return self._closed(word + text[token.start() :])
                return self._closed(text[token.start() :])
        return None

    def _closed(self, text: str) -> str:
        """The text of a quoted string that ends in a later line, and of that line."""
        parts = [text]
        while True:
            line = _text(self.following("unterminated quoted string"))
            parts.append(line)
            if _STRING_END.match(line):
                return "\n".join(parts)


def _text(line: bytes) -> str:
    try:
        return line.decode()
    except UnicodeDecodeError:
        raise EntryError("not UTF-8") from None
