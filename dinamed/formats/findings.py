"""What a reader found besides the data: problems, warnings, and the files it read."""

import os
from dataclasses import replace

from dinamed.config.reader import one_line
from dinamed.problems import Problem
from dinamed.zones.words import open_regular

MOST = 100
"""Findings of a kind that are kept; of those beyond only the number is told."""

MAX_SIZE = 1 << 26
"""Octets of a file."""


class Findings:
    """Collects problems and warnings; both name the file and the line.

    A problem means that the data can't be served as they are.  A warning tells of
    something in a file that was left out or is understood in another way.
    """

    def __init__(self) -> None:
        self._problems: list[Problem] = []
        self._warnings: list[Problem] = []
        self._more = [0, 0]
        self.files: dict[str, None] = {}

    def problem(self, file: str, line: int | None, key: str, message: str) -> None:
        """Add a problem."""
        self._add(0, self._problems, Problem(file, line, one_line(key), message))

    def warning(self, file: str, line: int | None, key: str, message: str) -> None:
        """Add a warning."""
        warning = Problem(file, line, one_line(key), message, "warning")
        self._add(1, self._warnings, warning)

    def _add(self, kind: int, found: list[Problem], one: Problem) -> None:
        if len(found) < MOST:
            found.append(replace(one, message=one_line(one.message)))
        else:
            self._more[kind] += 1

    @property
    def count(self) -> int:
        """How many problems there are."""
        return len(self._problems) + self._more[0]

    @property
    def problems(self) -> list[Problem]:
        """All problems, by file and line."""
        return self._listed(0, self._problems, "problems")

    @property
    def warnings(self) -> list[Problem]:
        """All warnings, by file and line."""
        return self._listed(1, self._warnings, "warnings")

    def _listed(self, kind: int, found: list[Problem], word: str) -> list[Problem]:
        order = {file: number for number, file in enumerate(self.files)}
        listed = sorted(found, key=lambda p: (order.get(p.file, 0), p.line or 0))
        if self._more[kind]:
            more = f"and {self._more[kind]} more {word}"
            listed.append(replace(found[-1], line=None, message=more))
        return listed

    def read(self, file: str, what: str) -> str | None:
        """The text of a file; None, with a problem, if there is none to be had.

        Octets that are no UTF-8 are taken as Latin-1, as the old programs' files are.
        """
        self.files.setdefault(file)
        try:
            with open_regular(file) as stream:
                data = _all_of(stream.fileno())
        except OSError as error:
            self.problem(file, None, what, f"can't read: {error.strerror}")
            return None
        except ValueError as error:
            self.problem(file, None, what, f"can't read: {error}")
            return None
        if len(data) > MAX_SIZE:
            self.problem(file, None, what, f"larger than {MAX_SIZE >> 20} MiB")
            return None
        try:
            return data.decode("utf-8-sig")
        except UnicodeDecodeError:
            return data.decode("latin-1")


def _all_of(descriptor: int) -> bytes:
    """All octets of an open file, or one more than `MAX_SIZE` of them."""
    parts = []
    left = MAX_SIZE + 1
    while left and (part := os.read(descriptor, min(left, 1 << 20))):
        parts.append(part)
        left -= len(part)
    return b"".join(parts)
