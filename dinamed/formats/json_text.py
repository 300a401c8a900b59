"""JSON, strict or relaxed, with the line of everything in it.

Relaxed JSON has `#` and `//` comments and may have a comma after the last element, as
the JSON of pgeodns.  No depth and no size of the text leads to anything but an error
with its line.
"""

import json
import math
import re
from collections.abc import Callable
from dataclasses import dataclass

MAX_DEPTH = 32
_MAX_DIGITS = 40

_SPACE = re.compile(r"[ \t\r\n]*")
_RELAXED_SPACE = re.compile(r"(?:[ \t\r\n]|#[^\n]*|//[^\n]*)*")
_STRING = re.compile(r'"(?:[^"\\\x00-\x1f]|\\.)*"')
_NUMBER = re.compile(r"-?(?:0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?", re.ASCII)
_WORD = re.compile(r"[A-Za-z]+")
_WORDS = {"true": True, "false": False, "null": None}


class JsonError(ValueError):
    """The text is not JSON; `line` says where."""

    def __init__(self, line: int, message: str) -> None:
        super().__init__(message)
        self.line = line


@dataclass(frozen=True, slots=True)
class JsonValue:
    """One value; `data` holds `JsonValue`s where it is a list or an object.

    `line` counts from 1; a value in an object stands on the line of its key.
    """

    line: int
    data: "Data"


Data = None | bool | int | float | str | list[JsonValue] | dict[str, JsonValue]
OnRepeated = Callable[[int, str], None]


def parse(text: str, on_repeated: OnRepeated, relaxed: bool = False) -> JsonValue:
    """Read a text; `on_repeated` is told line and key where an object has a key again
    (the last one counts).

    @raise JsonError: it is no JSON.
    """
    return _Parser(text, on_repeated, _RELAXED_SPACE if relaxed else _SPACE).run()


@dataclass(slots=True)
class _Open:
    """A list or an object that is being read."""

    line: int
    data: list[JsonValue] | dict[str, JsonValue]
    key: str = ""
    key_line: int = 0


class _Parser:
    """Goes over the text once, with a stack of its own."""

    def __init__(
        self, text: str, on_repeated: OnRepeated, space: re.Pattern[str]
    ) -> None:
        self.text = text
        self.space = space
        self.on_repeated = on_repeated
        self.position = 0
        self.counted = 0
        self.line = 1
        self.stack: list[_Open] = []

    def run(self) -> JsonValue:
        self.skip()
        while True:
            value = self.begin()
            while value is not None:
                if not self.stack:
                    self.skip()
                    if self.position < len(self.text):
                        raise self.error("something follows after the end")
                    return value
                value = self.put(value)

    def begin(self) -> JsonValue | None:
        """A value, or None when a list or an object has been opened instead."""
        line = self.here()
        mark = self.text[self.position : self.position + 1]
        if mark == "[":
            return self.open(_Open(line, []), "]")
        if mark == "{":
            return self.open(_Open(line, {}), "}")
        return JsonValue(line, self.scalar(mark))

    def open(self, one: _Open, end: str) -> JsonValue | None:
        if len(self.stack) >= MAX_DEPTH:
            raise self.error("nested too deeply")
        self.position += 1
        self.skip()
        if self.take(end):
            return JsonValue(one.line, one.data)
        self.stack.append(one)
        self.key(one)
        return None

    def put(self, value: JsonValue) -> JsonValue | None:
        """Add to what is open; the list or object itself if that is its end."""
        one = self.stack[-1]
        if isinstance(one.data, list):
            one.data.append(value)
            end = "]"
        else:
            if one.key in one.data:
                self.on_repeated(one.key_line, one.key)
            one.data[one.key] = JsonValue(one.key_line, value.data)
            end = "}"
        self.skip()
        if self.take(","):
            self.skip()
            if self.space is not _RELAXED_SPACE or not self.take(end):
                self.key(one)
                return None
        elif not self.take(end):
            raise self.error(f"expected a comma or {end}")
        self.stack.pop()
        return JsonValue(one.line, one.data)

    def key(self, one: _Open) -> None:
        """Read the key of an object's next element."""
        if isinstance(one.data, list):
            return
        one.key_line = self.here()
        if self.text[self.position : self.position + 1] != '"':
            raise self.error("expected a key in double quotes")
        one.key = self.string()
        self.skip()
        if not self.take(":"):
            raise self.error(f'expected a colon after the key "{one.key[:60]}"')
        self.skip()

    def scalar(self, mark: str) -> bool | int | float | str | None:
        if mark == '"':
            return self.string()
        if match := _NUMBER.match(self.text, self.position):
            self.position = match.end()
            return self.number(match)
        if match := _WORD.match(self.text, self.position):
            if match[0] in _WORDS:
                self.position = match.end()
                return _WORDS[match[0]]
            raise self.error(f'expected a value, not "{match[0][:60]}"')
        raise self.error("the text ends too early" if not mark else "expected a value")

    def number(self, match: re.Match[str]) -> int | float:
        whole = match[1] is None and match[2] is None
        if len(match[0]) > _MAX_DIGITS:
            raise self.error("a number is far too long")
        if whole:
            return int(match[0])
        number = float(match[0])
        if not math.isfinite(number):
            raise self.error("a number is far too large")
        return number

    def string(self) -> str:
        match = _STRING.match(self.text, self.position)
        if match is None:
            raise self.error("a string does not end, or holds a control character")
        text = match[0][1:-1]
        if "\\" in text:
            try:
                text = str(json.loads(match[0]))
                text.encode()
            except ValueError:
                raise self.error("a string has a bad escape") from None
        self.position = match.end()
        return text

    def here(self) -> int:
        self.line += self.text.count("\n", self.counted, self.position)
        self.counted = self.position
        return self.line

    def skip(self) -> None:
        match = self.space.match(self.text, self.position)
        assert match is not None
        self.position = match.end()

    def take(self, mark: str) -> bool:
        found = self.text.startswith(mark, self.position)
        self.position += found
        return found

    def error(self, message: str) -> JsonError:
        return JsonError(self.here(), message)
