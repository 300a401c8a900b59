"""Serial numbers of zones (RFC 1982)."""

_HALF = 1 << 31
_MASK = (1 << 32) - 1


def newer(one: int, other: int) -> bool:
    """Whether serial `one` comes after `other`.

    Of two that are half the circle apart neither does (section 3.2).
    """
    return 0 < (one - other & _MASK) < _HALF


def following(serial: int) -> int:
    """The next serial; 0 is left out, for some take it for none."""
    return (serial + 1 & _MASK) or 1
