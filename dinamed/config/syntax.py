"""What is wrong with the syntax of a TOML file, in plain words."""

import ast
import re
from collections.abc import Mapping
from types import MappingProxyType

from dinamed.config.reader import key_text

_TWICE = re.compile(r"Cannot declare \((.*)\) twice")
_CLOSED = re.compile(r"Cannot mutate immutable namespace \((.*)\)")

_KNOWN: Mapping[str, str] = MappingProxyType(
    {
        "Cannot overwrite a value": "this key has a value already",
        "Invalid value": "expected a value: text stands in quotes, a list in brackets, "
        "and there are numbers, true and false",
        "Invalid statement": "expected KEY = VALUE or [TABLE]",
        "Expected newline or end of document after a statement": "the line goes on "
        "after the value; text stands in quotes",
        "Expected '=' after a key in a key/value pair": "expected KEY = VALUE; a key "
        "with blanks stands in quotes",
        "Illegal character '\\n'": "the line ends inside quotes",
        "Unescaped '\\' in a string": "a backslash in double quotes is written \\\\; "
        "in single quotes it stands as it is",
        "Invalid initial character for a key part": "expected a key; a table in braces "
        "stands on one line, without a comma at its end",
    }
)


def syntax_text(message: str) -> str:
    """The TOML reader's message in plain words, without its position."""
    if match := _TWICE.fullmatch(message):
        name = _dotted(match[1])
        return (
            f"the table {name} is there already; tables of a list are written "
            f"[[{name}]], each of them"
        )
    if match := _CLOSED.fullmatch(message):
        return f"{_dotted(match[1])} has been written in full above"
    return _KNOWN.get(message, message)


def _dotted(parts: str) -> str:
    """A key as it is written, from the tuple of its parts as Python writes it."""
    return key_text(ast.literal_eval(f"({parts})"))
