"""The files that a config is made of: the one that is named, and those it includes.

The tables of all files are merged key by key.  Which file a key came from decides on
which line a problem with it is told, and where a relative path begins.
"""

import glob
import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import replace

from dinamed.config.lines import Path, key_lines
from dinamed.config.lone_tables import loads
from dinamed.config.reader import key_text, one_line
from dinamed.config.syntax import syntax_text
from dinamed.config.values import shown
from dinamed.problems import Problem

MAX_SIZE = 32 * 2**20  # octets: a hundred thousand members, and read in seconds
MAX_FILES = 10_000
INCLUDE = "include"

# tomllib takes time and memory by the square of the parts of a dotted key.
_DEEP_KEY = re.compile(
    r"(?:^|[\s{,\[])"
    r"(?:(?:[A-Za-z0-9_-]++|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){128}"
)
_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


class SourceFile:
    """One TOML file; its lines are counted when they are first wanted."""

    def __init__(self, path: str, text: str, tables: dict[str, object]) -> None:
        self.path = path
        self.folder = os.path.dirname(os.path.abspath(path))
        self.tables = tables
        self._text = text
        self._lines: Mapping[Path, int] | None = None

    @property
    def lines(self) -> Mapping[Path, int]:
        """The line of every key, table and array element."""
        if self._lines is None:
            self._lines = key_lines(self._text)
        return self._lines


class Sources:
    """All files of a config.

    `tables` is what they say together, `problems` what keeps them from being read or
    merged, `warnings` what is odd in how they are named.
    """

    def __init__(self, main: SourceFile) -> None:
        self.files = [main]
        self.tables = dict(main.tables)
        self.problems: list[Problem] = []
        self.warnings: list[Problem] = []
        self.patterns: tuple[str, ...] = ()
        """The globs of `include`, absolute."""
        self._from: dict[Path, SourceFile] = {}

    @property
    def main(self) -> SourceFile:
        """The file that was named."""
        return self.files[0]

    def folder(self, path: Path) -> str:
        """Where a relative path begins that stands as the value of a key."""
        return self._file_of(path).folder

    def position(self, path: Path) -> tuple[str, int | None]:
        """The file and line of a key, or else of its nearest parent."""
        home = self._file_of(path)
        for length in range(len(path), 0, -1):
            for file in (home, *self.files) if self._from else (home,):
                if (line := file.lines.get(path[:length])) is not None:
                    return file.path, line
        return home.path, None

    def problem(self, path: Path, message: str) -> Problem:
        """A problem with the value of a key."""
        return Problem(*self.position(path), key_text(path), one_line(message))

    def warning(self, path: Path, message: str) -> Problem:
        """The same as a warning."""
        return replace(self.problem(path, message), severity="warning")

    def _file_of(self, path: Path) -> SourceFile:
        if self._from:
            for length in range(len(path), 0, -1):
                if (found := self._from.get(path[:length])) is not None:
                    return found
        return self.main

    def include(self, patterns: object) -> None:
        """Merge the files that the value of `include` names."""
        if not isinstance(patterns, list) or not all(
            isinstance(pattern, str) for pattern in patterns
        ):
            message = (
                f'expected a list of paths, ["conf.d/*.toml"], got {_kind(patterns)}'
            )
            self._report((INCLUDE,), message)
            return
        self.patterns = tuple(
            os.path.join(self.main.folder, pattern) for pattern in patterns
        )
        for name in self._named(patterns):
            read = read_file(name)
            if isinstance(read, Problem):
                self.problems.append(read)
            elif INCLUDE in read.tables:
                line = read.lines.get((INCLUDE,))
                message = "an included file can't include others"
                self.problems.append(Problem(name, line, INCLUDE, message))
            else:
                self.files.append(read)
                self._merge(self.tables, read.tables, (), read)

    def _named(self, patterns: list[str]) -> list[str]:
        """The files that the patterns match, each once."""
        found: dict[str, str] = {os.path.realpath(self.main.path): ""}
        for place, pattern in enumerate(patterns):
            here: Path = (INCLUDE, place)
            if not pattern or "\0" in pattern:
                self._report(here, f"{shown(pattern)} is not a path")
                continue
            names = sorted(glob.glob(os.path.join(self.main.folder, pattern)))
            if not names and not glob.has_magic(pattern):
                self.warnings.append(self.warning(here, f"there is no {pattern}"))
            for name in names:
                found.setdefault(os.path.realpath(name), name)
        included = [name for name in found.values() if name]
        if len(included) > MAX_FILES:
            self._report((INCLUDE,), f"more than {MAX_FILES} files")
            return []
        return included

    def _merge(
        self,
        into: dict[str, object],
        tables: Mapping[str, object],
        path: Path,
        file: SourceFile,
    ) -> None:
        for key, value in tables.items():
            here: Path = (*path, key)
            if key not in into:
                into[key] = value
                self._from[here] = file
                continue
            there = into[key]
            if isinstance(there, dict) and isinstance(value, dict):
                # What is merged into must not be the table of a file itself.
                merged = into[key] = dict(there)
                self._merge(merged, value, here, file)
                continue
            first, line = self.position(here)
            message = f"stands in {first}:{line} already"
            self.problems.append(
                Problem(file.path, file.lines.get(here), key_text(here), message)
            )

    def _report(self, path: Path, message: str) -> None:
        self.problems.append(self.problem(path, message))


def _kind(value: object) -> str:
    return "a list of something else" if isinstance(value, list) else shown(value)


def read_sources(path: str) -> Sources | Problem:
    """Read the file at `path` and those that it includes; never raises."""
    main = read_file(path)
    if isinstance(main, Problem):
        return main
    sources = Sources(main)
    patterns = sources.tables.pop(INCLUDE, None)
    if patterns is not None:
        sources.include(patterns)
    return sources


def read_file(path: str) -> SourceFile | Problem:
    """Read one TOML file; what keeps it from being read is a problem."""
    try:
        return parse_text(path, _text(path))
    except _UnreadableError as error:
        return error.problem


def parse_text(path: str, text: str) -> SourceFile | Problem:
    """Read a TOML text; `path` is what to call it."""
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.end()) + 1
        return Problem(path, line, "file", "nested too deeply")
    try:
        return SourceFile(path, text, loads(text))
    except RecursionError:
        return Problem(path, None, "TOML", "nested too deeply")
    except ValueError as error:
        return _syntax(path, text, error)


class _UnreadableError(Exception):
    """There is no text to read; `problem` says why."""

    def __init__(self, path: str, line: int | None, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(path, line, "file", message)


def _text(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise _UnreadableError(path, None, f"can't read: {error.strerror}") from None
    except ValueError as error:
        raise _UnreadableError(path, None, f"can't read: {error}") from None
    if len(data) > MAX_SIZE:
        raise _UnreadableError(path, None, f"larger than {MAX_SIZE // 2**20} MiB")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _UnreadableError(path, line, f"not UTF-8: {error.reason}") from None


def _syntax(path: str, text: str, error: ValueError) -> Problem:
    """The message of tomllib, with its position as a line number."""
    if not isinstance(error, tomllib.TOMLDecodeError):
        return Problem(path, None, "TOML", "a number is far too large")
    message = str(error)
    line = None
    if place := _SYNTAX_PLACE.search(message):
        message = message[: place.start()]
        lines = text.rstrip("\n").count("\n") + 1
        line = int(place[1]) if place[1] else lines
    return Problem(path, line, "TOML", syntax_text(message))
