"""Spans of time as an operator writes them: a number of seconds, `"90s"`, `"2h"`.

A type that is marked with `DURATION` is read by `duration`, whatever its bounds.
"""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Final

from msgspec import Meta

UNITS: Final[Mapping[str, int]] = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800}
"""Seconds in each unit."""

DURATION: Final[dict[str, Any]] = {"unit": "seconds"}
"""The mark of a type that stands for seconds."""

EXPECTED = 'a number of seconds or text such as "90s", "5m", "2h" or "14d"'

_PART = r"[0-9]{1,12}(?:\.[0-9]{1,9})?[smhdw]"
_DURATION = re.compile(rf"(?:{_PART})+|[0-9]{{1,12}}", re.ASCII)
_PARTS = re.compile(r"([0-9.]+)([smhdw])")

Seconds = Annotated[float, Meta(gt=0, le=86400, extra=DURATION)]
"""A limit of time: over 0, at most a day."""

Interval = Annotated[float, Meta(ge=1, le=86400, extra=DURATION)]
"""From one run to the next: from a second to a day."""


def seconds(text: str) -> float:
    """The seconds of `"90"`, `"90s"`, `"5m"`, `"2h"`, `"14d"`, `"2w"` or `"1h30m"`.

    A whole number of them is an `int`.  Raises `ValueError`.
    """
    if not _DURATION.fullmatch(text):
        raise ValueError(f"expected {EXPECTED}, got {text[:60]!r}")
    if text.isdigit():
        return int(text)
    parts = _PARTS.findall(text)
    units = [unit for _, unit in parts]
    if sorted(set(units), key="wdhms".index) != units:
        raise ValueError(f"the units of {text!r} do not go from the largest down")
    total = sum(float(number) * UNITS[unit] for number, unit in parts)
    return int(total) if total == int(total) else total


def seconds_range(text: str) -> tuple[float, float]:
    """The ends of `"30-300"` or `"30s-5m"`; both the same for a single duration.

    Raises `ValueError`.
    """
    low, dash, high = text.partition("-")
    first = seconds(low.strip())
    return (first, seconds(high.strip())) if dash else (first, first)


def duration(raw: object) -> object:
    """A TOML value, with a duration in text as a number.  Raises `ValueError`."""
    return seconds(raw) if isinstance(raw, str) else raw
