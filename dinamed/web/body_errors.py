"""What is wrong with the body of a request, in plain words."""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Literal, get_args, get_origin, get_type_hints

from dinamed.config.reader import meant
from dinamed.config.values import shown

_PLACE = re.compile(r" - at `\$\.?([^`]*)`$")
_WORDS: Mapping[str, str] = MappingProxyType(
    {
        "str": "text",
        "int": "a whole number",
        "float": "a number",
        "bool": "true or false",
        "object": "an object",
        "array": "a list",
        "null": "null",
    }
)
_ENUM = re.compile(r"Invalid enum value '?(.*?)'?")
_EXPECTED = re.compile(
    r"Expected `([^`]*)`(?: of .*| (?:>|<|>=|<=) .*)?, got `([^`]*)`"
)
_RANGE = re.compile(r"Expected `([^`]*)` (>|<|>=|<=) (.*)")
_MISSING = re.compile(r"Object missing required field `([^`]*)`")
_UNKNOWN = re.compile(r"Object contains unknown field `([^`]*)`")
_COMPARED = {">": "over", "<": "under", ">=": "of at least", "<=": "of at most"}


def body_error(message: str, wanted: Any) -> str:
    """What the JSON reader says of a body of the type `wanted`, as a person would."""
    place = _PLACE.search(message)
    key = place[1] if place else ""
    bare = message[: place.start()] if place else message
    before = f"{key}: " if key else ""
    for pattern, say in _SAID:
        if match := pattern.fullmatch(bare):
            return before + say(match, key, wanted)
    if bare.startswith("JSON is malformed") or "truncated" in bare:
        return f"this is no JSON: {bare.removeprefix('JSON is malformed: ')}"
    return f"{before}{bare}"


def _enum(match: re.Match[str], key: str, wanted: Any) -> str:
    choices = _choices(wanted, key)
    if not choices:
        return f"{shown(match[1])} is none of what may stand here"
    listed = ", ".join(choices)
    return f"{shown(match[1])} is none of {listed}{meant(match[1], choices)}"


def _choices(wanted: Any, key: str) -> list[str]:
    """The words that a key of a table may have."""
    try:
        kind = get_type_hints(wanted).get(key)
    except TypeError:
        return []
    return list(get_args(kind)) if get_origin(kind) is Literal else []


def _expected(match: re.Match[str], key: str, wanted: Any) -> str:
    kinds = [_WORDS.get(one, one) for one in match[1].split(" | ") if one != "null"]
    return f"expected {' or '.join(kinds)}, got {_WORDS.get(match[2], match[2])}"


def _range(match: re.Match[str], key: str, wanted: Any) -> str:
    return f"expected {_WORDS.get(match[1], match[1])} {_COMPARED[match[2]]} {match[3]}"


def _missing(match: re.Match[str], key: str, wanted: Any) -> str:
    return f"{match[1]} is required"


def _unknown(match: re.Match[str], key: str, wanted: Any) -> str:
    known = getattr(wanted, "__struct_encode_fields__", ())
    return f"unknown key {match[1]}{meant(match[1], known)}"


_SAID: tuple[tuple[re.Pattern[str], Callable[[re.Match[str], str, Any], str]], ...] = (
    (_ENUM, _enum),
    (_EXPECTED, _expected),
    (_RANGE, _range),
    (_MISSING, _missing),
    (_UNKNOWN, _unknown),
)
