"""The canonical order of names (RFC 4034 section 6.1), as a key to sort by."""

from dinamed.wire.names import WireName

_MARK = b"\1"
_MARK_ESCAPED = b"\1\2"
_ZERO_ESCAPED = b"\1\1"
_END = b"\0"


def canonical_key(name: WireName | bytes) -> bytes:
    """Octets whose order is that of names; `name` is in lower case.

    The labels from right to left, each with an end that no label contains, so that a
    name comes before those below it.  For names relative to one zone, which have no
    root at their end, the order is the same.
    """
    parts = []
    position = 0
    while position < len(name) and (length := name[position]):
        label = name[position + 1 : position + 1 + length]
        if _MARK in label or _END in label:
            label = label.replace(_MARK, _MARK_ESCAPED).replace(_END, _ZERO_ESCAPED)
        parts.append(label)
        position += 1 + length
    parts.append(b"")
    parts.reverse()
    return _END.join(parts[1:]) + _END if len(parts) > 1 else b""
