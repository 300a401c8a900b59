"""Whole numbers as other programs' files write them."""

from dinamed.formats.json_text import JsonValue
from dinamed.zones.words import MAX_TTL

MAX_WEIGHT = 10**12
__all__ = ["MAX_TTL", "MAX_WEIGHT", "from_json", "from_text"]


def from_text(text: str, high: int) -> int:
    """A number from 0 to `high` in decimal digits.  Raises ValueError."""
    if not (text.isascii() and text.isdigit()):
        raise ValueError("expected a whole number")
    if len(text) > 20 or int(text) > high:
        raise ValueError(f"expected a whole number of at most {high}")
    return int(text)


def from_json(value: JsonValue, high: int) -> int:
    """A number, or one in quotes, from 0 to `high`.

    Digits after the point are cut off, as geodns does.  Raises ValueError.
    """
    data = value.data
    if isinstance(data, str):
        return from_text(data.strip(), high)
    if isinstance(data, bool) or not isinstance(data, int | float):
        raise ValueError(f"expected a whole number, got {kind_of(value)}")
    if data < 0:
        raise ValueError("expected a whole number, not a negative one")
    if data > high:
        raise ValueError(f"expected a whole number of at most {high}")
    return int(data)


def kind_of(value: JsonValue) -> str:
    """The type of a JSON value, in words."""
    match value.data:
        case None:
            return "null"
        case bool():
            return "true" if value.data else "false"
        case str():
            return f'"{value.data[:40]}"'
        case int() | float():
            return f"{value.data}"
        case list():
            return "a list"
        case _:
            return "an object"
