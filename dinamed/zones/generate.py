"""The $GENERATE directive, an extension of BIND 9: many records from one line."""

import re

from dinamed.zones.lines import EntryError

MAX_COUNT = 1 << 20
_MAX_WIDTH = 127

_RANGE = re.compile(r"(\d{1,10})-(\d{1,10})(?:/(\d{1,10}))?", re.ASCII)
_PLACE = re.compile(
    r"""\\. | \$\$ | \$ (?: (?P<open> \{ ) (?:
      (?P<offset> [+-]?\d{1,10} ) (?: , (?P<width> \d{1,4} ) (?: , (?P<base> [doxXnN] )
      )? )? (?P<close> \} ) )? )?""",
    re.VERBOSE | re.ASCII | re.DOTALL,
)


def generate_range(text: str) -> range:
    """Read START-STOP or START-STOP/STEP; STOP is included.  Raises `EntryError`."""
    match = _RANGE.fullmatch(text)
    if match is None:
        raise EntryError(f"{text!r} is not a range START-STOP/STEP")
    start, stop, step = int(match[1]), int(match[2]), int(match[3] or 1)
    if start > stop or not step:
        raise EntryError(f"{text!r} is an empty range")
    numbers = range(start, stop + 1, step)
    if len(numbers) > MAX_COUNT:
        raise EntryError(f"{text!r} is more than {MAX_COUNT} numbers")
    return numbers


def generate_text(template: str, number: int) -> str:
    """Put `number` into `template` where it says `$` or `${OFFSET,WIDTH,BASE}`.

    `$$` is a dollar sign, an escape is copied.  Bases: d, o, x, X, and n, N for
    nibbles, the lowest first, with dots.  Raises `EntryError`.
    """
    return _PLACE.sub(lambda match: _place(match, number), template)


def _place(match: re.Match[str], number: int) -> str:
    text = match[0]
    if text == "$$":
        return "$"
    if text[0] == "\\":
        return text
    if match["open"] and not match["close"]:
        raise EntryError("bad modifier in $GENERATE")
    value = number + int(match["offset"] or 0)
    width = int(match["width"] or 0)
    base = match["base"] or "d"
    if width > _MAX_WIDTH:
        raise EntryError(f"a width in $GENERATE is more than {_MAX_WIDTH}")
    if base in "nN":
        if value < 0:
            raise EntryError("a negative number has no nibbles")
        # A width counts the dots, and a dot may stand at the end.
        digits = f"{value:x}" if base == "n" else f"{value:X}"
        nibbles = ".".join(reversed(digits.zfill((width + 1) // 2)))
        return nibbles.ljust(width, ".")
    return format(value, base).zfill(width)
