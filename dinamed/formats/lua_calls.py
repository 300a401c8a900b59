"""Reads the calls that LUA records of PowerDNS consist of: `pickrandom({'192.0.2.1'})`.

Text, numbers, truth values and tables are understood; anything else is a program.
"""

import re
from dataclasses import dataclass

Argument = str | float | bool | list["Argument"] | dict[str, "Argument"]

MAX_DEPTH = 20
_SKIP = re.compile(r"[\s;]*")
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_NUMBER = re.compile(r"-?[0-9]+(?:\.[0-9]+)?")
_TEXT = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
_KEY = re.compile(
    r"(?:([A-Za-z_][A-Za-z0-9_]*)|\[\s*'([^']*)'\s*\]|\[\s*\"([^\"]*)\"\s*\])\s*=(?!=)"
)


class NotACallError(ValueError):
    """The text is a program of its own."""


@dataclass(frozen=True)
class Call:
    """One call."""

    function: str
    arguments: tuple[Argument, ...]


def read_call(text: str) -> Call:
    """Read a text that is one call.  Raises `NotACallError`."""
    reader = _Reader(text)
    call = reader.call()
    reader.skip()
    if reader.at < len(text):
        raise NotACallError("more than one call")
    return call


class _Reader:
    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def skip(self) -> None:
        match = _SKIP.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def take(self, mark: str) -> bool:
        self.skip()
        found = self.text.startswith(mark, self.at)
        self.at += len(mark) * found
        return found

    def match(self, pattern: re.Pattern[str]) -> re.Match[str] | None:
        self.skip()
        match = pattern.match(self.text, self.at)
        if match is not None:
            self.at = match.end()
        return match

    def call(self) -> Call:
        name = self.match(_NAME)
        if name is None or not self.take("("):
            raise NotACallError("a program, not a call of a function")
        arguments: list[Argument] = []
        while not self.take(")"):
            arguments.append(self.argument(0))
            if not self.take(",") and not self.text.startswith(")", self.at):
                self.skip()
                if not self.text.startswith(")", self.at):
                    raise NotACallError("the arguments are a program")
        return Call(name[0], tuple(arguments))

    def argument(self, level: int) -> Argument:
        if level > MAX_DEPTH:
            raise NotACallError("nested too deeply")
        if match := self.match(_TEXT):
            text = match[1] if match[1] is not None else match[2]
            return re.sub(r"\\(.)", r"\1", text)
        if match := self.match(_NUMBER):
            return float(match[0])
        if self.take("{"):
            return self.table(level + 1)
        if match := self.match(_NAME):
            if match[0] in ("true", "false"):
                return match[0] == "true"
            raise NotACallError(f"{match[0]} has no fixed value")
        raise NotACallError("an argument is a program")

    def table(self, level: int) -> Argument:
        items: list[Argument] = []
        pairs: dict[str, Argument] = {}
        while not self.take("}"):
            if match := self.match(_KEY):
                pairs[match[1] or match[2] or match[3]] = self.argument(level)
            else:
                items.append(self.argument(level))
            if not self.take(","):
                self.skip()
                if not self.text.startswith("}", self.at):
                    raise NotACallError("a table is a program")
        return pairs or items
