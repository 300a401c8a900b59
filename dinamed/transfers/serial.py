"""Serial numbers of zones (RFC 1982)."""

_HALF = 1 << 31
_MASK = (1 << 32) - 1


def newer(one: int, other: int) -> bool:
    """Whether serial `one` comes after `other`.

    Of two that are half the circle apart neither does (section 3.2).
    """
    return 0 < (one - other & _MASK) < _HALF


def following(serial: int, by: int = 1) -> int:
    """The next serial, or one so far ahead; 0 is left out, some take it for none."""
    return (serial + by & _MASK) or 1
