"""On which line each key of a TOML text stands; `tomllib` doesn't tell.

The text must be one that `tomllib` has accepted: what is wrong in it isn't looked
for here.  A path is made of `str` (keys) and `int` (places in an array):
`("pools", "mirrors", "members", 1, "weight")`.
"""

import re
import tomllib
from collections.abc import Mapping

Path = tuple[str | int, ...]

_BLANK = re.compile(r"[ \t]*")
_GAP = re.compile(r"(?:[ \t\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_STRING = re.compile(
    r'"""(?:[^"\\]|\\[\s\S]|"(?!""))*""""{0,2}'
    r"|'''(?:[^']|'(?!''))*''''{0,2}"
    r'|"(?:[^"\\\n]|\\.)*"'
    r"|'[^'\n]*'"
)
_ATOM = re.compile(r"[^,\]}#\n]+")


def key_lines(text: str) -> Mapping[Path, int]:
    """The line, counted from 1, of every key, table and array element in `text`.

    A table or array that a header names is on that header's line; one that exists
    only as the parent of another is on the line that first mentions it.
    """
    return _Scanner(text.replace("\r\n", "\n")).scan()


def line_of(lines: Mapping[Path, int], path: Path) -> int | None:
    """The line of `path`, or of its nearest parent that has one."""
    for length in range(len(path), 0, -1):
        if (line := lines.get(path[:length])) is not None:
            return line
    return None


class _Scanner:
    """One pass over a text.  Lines are counted as the position moves forward."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.position = 0
        self.counted = 0
        self.line = 1
        self.named: dict[Path, int] = {}
        self.mentioned: dict[Path, int] = {}
        self.lengths: dict[Path, int] = {}

    def scan(self) -> Mapping[Path, int]:
        table: Path = ()
        while self.skip(_GAP) < len(self.text):
            if self.text[self.position] == "[":
                table = self.header()
            else:
                self.pair(table)
        return self.mentioned | self.named

    def here(self) -> int:
        """The line of the position."""
        self.line += self.text.count("\n", self.counted, self.position)
        self.counted = self.position
        return self.line

    def skip(self, pattern: re.Pattern[str]) -> int:
        """Move over what matches; the new position."""
        if match := pattern.match(self.text, self.position):
            self.position = match.end()
        return self.position

    def take(self, mark: str) -> bool:
        """Move over `mark` if it stands here."""
        if found := self.text.startswith(mark, self.position):
            self.position += len(mark)
        return found

    def header(self) -> Path:
        line = self.here()
        repeated = self.take("[[")
        if not repeated:
            self.take("[")
        keys = self.keys()
        self.skip(_BLANK)
        self.take("]]" if repeated else "]")
        path: Path = ()
        for key in keys[:-1]:
            path = self.last((*path, key))
            self.mentioned.setdefault(path, line)
        path = (*path, keys[-1])
        if not repeated:
            path = self.last(path)
            self.named[path] = line
            return path
        self.named.setdefault(path, line)
        place = self.lengths.get(path, 0)
        self.lengths[path] = place + 1
        self.named[(*path, place)] = line
        return (*path, place)

    def last(self, path: Path) -> Path:
        """Within an array of tables a header speaks of the last one."""
        length = self.lengths.get(path)
        return path if length is None else (*path, length - 1)

    def keys(self) -> list[str]:
        keys = []
        while True:
            self.skip(_BLANK)
            keys.append(self.key())
            self.skip(_BLANK)
            if not self.take("."):
                return keys

    def key(self) -> str:
        start = self.position
        if self.text[start] not in "\"'":
            return self.text[start : self.skip(_BARE_KEY)]
        raw = self.text[start : self.skip(_STRING)]
        if "\\" in raw and raw[0] == '"':
            return str(tomllib.loads("key=" + raw)["key"])
        return raw[1:-1]

    def pair(self, table: Path) -> None:
        line = self.here()
        path = table
        for key in self.keys():
            path = (*path, key)
            self.mentioned.setdefault(path, line)
        self.take("=")
        self.skip(_BLANK)
        self.value(path)

    def value(self, path: Path) -> None:
        if self.take("["):
            self.array(path)
        elif self.take("{"):
            while not (self.skip(_GAP), self.take("}"))[1]:
                self.pair(path)
                self.skip(_GAP)
                self.take(",")
        elif self.text[self.position] in "\"'":
            self.skip(_STRING)
        else:
            self.skip(_ATOM)

    def array(self, path: Path) -> None:
        place = 0
        while not (self.skip(_GAP), self.take("]"))[1]:
            element = (*path, place)
            self.named[element] = self.here()
            self.value(element)
            self.skip(_GAP)
            self.take(",")
            place += 1
