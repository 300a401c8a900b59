"""Reads vscf, the syntax of gdnsd's config: hashes, arrays and words.

A hash is a `dict`, an array a `list`, a word a `str`.  `$include{FILE}` stands for the
hash in a file, relative to the one that names it.
"""

import glob
import os
import re

Value = str | list["Value"] | dict[str, "Value"]

MAX_DEPTH = 50
_SKIP = re.compile(r"(?:[ \t\r\n]|[#;][^\n]*)*")
_WORD = re.compile(
    r'(?:\\(?:[0-9]{3}|.)|[^\s\\\[\]{},;#="$])+|"(?:[^"\\]|\\[0-9]{3}|\\.)*"', re.S
)
_ESCAPE = re.compile(r"\\(?:([0-9]{3})|(.))", re.S)
_INCLUDE = re.compile(r"\$include\{([^}]*)\}")


class VscfError(ValueError):
    """What is wrong with a file, and where."""

    def __init__(self, file: str, line: int, message: str) -> None:
        super().__init__(f"{file}:{line}: {message}")


def read_vscf(path: str, depth: int = 0) -> dict[str, Value]:
    """Read a file, whose outermost braces are left out.

    Raises `VscfError`, `OSError`.
    """
    with open(path, encoding="utf-8", errors="replace") as file:
        reader = _Reader(path, file.read(), depth)
    return reader.document()


class _Reader:
    """One pass over a text."""

    def __init__(self, file: str, text: str, depth: int) -> None:
        self.file, self.text, self.depth = file, text, depth
        self.at = 0

    def document(self) -> dict[str, Value]:
        """All of it, with or without braces around it."""
        self.skip()
        if self.peek() == "{":
            value = self.value(0)
            self.skip()
            if self.at < len(self.text) or not isinstance(value, dict):
                raise self.error("something follows the closing brace")
            return value
        return self.pairs("", 0)

    def error(self, message: str) -> VscfError:
        line = self.text.count("\n", 0, self.at) + 1
        return VscfError(self.file, line, message)

    def skip(self) -> None:
        match = _SKIP.match(self.text, self.at)
        assert match is not None
        self.at = match.end()

    def peek(self) -> str:
        return self.text[self.at : self.at + 1]

    def take(self, marks: str) -> bool:
        """Move over one of the marks, if it stands here."""
        self.skip()
        if self.peek() and self.peek() in marks:
            self.at += 1
            return True
        return False

    def word(self) -> str:
        match = _WORD.match(self.text, self.at)
        if match is None:
            raise self.error(f"a word is expected, not {self.peek()!r}")
        self.at = match.end()
        text = match[0]
        if text.startswith('"'):
            text = text[1:-1]
        return _ESCAPE.sub(lambda one: chr(int(one[1])) if one[1] else one[2], text)

    def pairs(self, end: str, level: int) -> dict[str, Value]:
        """`KEY => VALUE` up to the mark that ends the hash, or the end of the text."""
        found: dict[str, Value] = {}
        while True:
            self.take(",")
            self.skip()
            if self.peek() == end or (not end and self.at >= len(self.text)):
                self.at += len(end)
                return found
            if self.at >= len(self.text):
                raise self.error(f"{end} is missing")
            if match := _INCLUDE.match(self.text, self.at):
                found.update(self.included(match[1]))
                self.at = match.end()
                continue
            key = self.word()
            if not self.take("="):
                raise self.error(f"= or => is expected behind {key!r}")
            if self.peek() == ">":
                self.at += 1
            if key in found:
                raise self.error(f"{key!r} stands here twice")
            found[key] = self.value(level)

    def value(self, level: int) -> Value:
        self.skip()
        if level > MAX_DEPTH:
            raise self.error("nested too deeply")
        if self.take("{"):
            return self.pairs("}", level + 1)
        if self.take("["):
            items: list[Value] = []
            while not self.take("]"):
                items.append(self.value(level + 1))
                self.take(",")
            return items
        if match := _INCLUDE.match(self.text, self.at):
            included = self.included(match[1])
            self.at = match.end()
            return included
        return self.word()

    def included(self, name: str) -> dict[str, Value]:
        """The hashes of the files that a name or pattern stands for, as one."""
        if self.depth > MAX_DEPTH:
            raise self.error("included too deeply")
        pattern = os.path.join(os.path.dirname(self.file), name.strip(' \t"'))
        paths = sorted(glob.glob(pattern)) if glob.has_magic(pattern) else [pattern]
        found: dict[str, Value] = {}
        for path in paths:
            try:
                found.update(read_vscf(path, self.depth + 1))
            except OSError as error:
                raise self.error(f"can't read {path}: {error.strerror}") from None
        return found
