"""Domain names in wire form (RFC 1035 section 3.1).

A `WireName` is the uncompressed wire form: length octets and labels, ending with the
root's zero octet.  Length octets are at most 63 and so never letters: `bytes.lower()`
on a whole wire name folds case correctly (RFC 4343) and costs nothing.
"""

import re
from collections.abc import Iterator

WireName = bytes

ROOT: WireName = b"\0"
MAX_NAME = 255
MAX_LABEL = 63

_ESCAPED = frozenset(b'."\\();@$')


class BadName(ValueError):  # noqa: N818
    """The text or the bytes are not a domain name; the message says why."""


def labels(name: WireName) -> Iterator[bytes]:
    """Yield the labels from left to right, without the root's empty one."""
    position = 0
    while length := name[position]:
        yield name[position + 1 : position + 1 + length]
        position += 1 + length


_is_plain = re.compile(r"[\w-]{1,63}(?:\.[\w-]{1,63})*", re.ASCII).fullmatch
_LENGTHS = tuple(bytes((length,)) for length in range(MAX_LABEL + 1))


def from_labels(parts: list[bytes]) -> WireName:
    """Join labels into a name.  Raises `BadName` beyond 63 or 255 octets."""
    for label in parts:
        if not label:
            raise BadName("empty label")
        if len(label) > MAX_LABEL:
            raise BadName("label longer than 63 octets")
    name = b"".join([_LENGTHS[len(label)] + label for label in parts]) + ROOT
    if len(name) > MAX_NAME:
        raise BadName("name longer than 255 octets")
    return name


def parent(name: WireName) -> WireName:
    """The name without its leftmost label.  The root is its own parent."""
    return name[1 + name[0] :] or ROOT


def ancestors(name: WireName) -> Iterator[WireName]:
    """Yield the name itself, then each shorter one, the root last."""
    yield name
    while name != ROOT:
        name = name[1 + name[0] :]
        yield name


def is_within(name: WireName, zone: WireName) -> bool:
    """Whether `name` is `zone` or below it.  Both must have the same case."""
    if not name.endswith(zone):
        return False
    cut = len(name) - len(zone)
    position = 0
    while position < cut:
        position += 1 + name[position]
    return position == cut


def relative(name: WireName, zone: WireName) -> bytes:
    """The labels of `name` left of `zone`, still in wire form; empty at the apex."""
    return name[: len(name) - len(zone)]


def from_text(text: str, origin: WireName = ROOT) -> WireName:
    r"""Read a name in master file form, with `\.` and `\DDD` escapes (RFC 1035 5.1).

    A name without a final dot is completed with `origin`; `@` is the origin itself.
    Letters outside ASCII are not accepted: write the A-label (`xn--...`).
    Raises `BadName`.
    """
    if text == "@":
        return origin
    if text == ".":
        return ROOT
    if origin == ROOT and len(text) < MAX_NAME - 1 and _is_plain(text):
        parts = text.encode().split(b".")
        return b"".join([_LENGTHS[len(label)] + label for label in parts]) + ROOT
    try:
        raw = text.encode("ascii")
    except UnicodeEncodeError:
        raise BadName(f"{text!r} is not ASCII; write its A-label (xn--...)") from None
    if not raw:
        raise BadName("empty name")
    if b"\\" not in raw:
        absolute = raw.endswith(b".")
        parts = (raw[:-1] if absolute else raw).split(b".")
    else:
        parts, absolute = _split_escaped(raw)
    name = from_labels(parts)
    if absolute:
        return name
    name = name[:-1] + origin
    if len(name) > MAX_NAME:
        raise BadName("name longer than 255 octets")
    return name


def _split_escaped(raw: bytes) -> tuple[list[bytes], bool]:
    parts: list[bytes] = []
    label = bytearray()
    position = 0
    absolute = False
    while position < len(raw):
        octet = raw[position]
        position += 1
        if octet == 0x2E:
            parts.append(bytes(label))
            label.clear()
            absolute = position == len(raw)
        elif octet != 0x5C:
            label.append(octet)
        elif raw[position : position + 1].isdigit():
            digits = raw[position : position + 3]
            if len(digits) < 3 or not digits.isdigit() or int(digits) > 255:
                raise BadName("backslash and no three digits up to 255")
            label.append(int(digits))
            position += 3
        elif position < len(raw):
            label.append(raw[position])
            position += 1
        else:
            raise BadName("backslash at the end of the name")
    if not absolute:
        parts.append(bytes(label))
    return parts, absolute


def to_text(name: WireName) -> str:
    """The name in master file form, with a final dot."""
    if name == ROOT:
        return "."
    return "".join(_label_text(label) + "." for label in labels(name))


def _label_text(label: bytes) -> str:
    if label.isalnum():
        return label.decode("ascii")
    return "".join(
        f"\\{chr(octet)}"
        if octet in _ESCAPED
        else chr(octet)
        if 0x20 < octet < 0x7F
        else f"\\{octet:03d}"
        for octet in label
    )
