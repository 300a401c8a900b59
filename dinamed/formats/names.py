"""Names and record data of other programs' files, in wire form."""

import re
import socket

from dinamed.wire.names import ROOT, BadName, WireName, from_text

MAX_KEY = 250


def label_key(text: str) -> bytes:
    """The relative key of a label that may hold dots; `""` and `@` are the apex.

    @raise ValueError: it is no name.
    """
    if text in ("", "@"):
        return b""
    if text.endswith("."):
        raise BadName("a label is relative to its zone, without a final dot")
    key = from_text(text, ROOT)[:-1].lower()
    if len(key) > MAX_KEY:
        raise BadName("name longer than 255 octets")
    return key


def absolute(text: str) -> WireName:
    """A name, absolute with or without its final dot.  Raises ValueError."""
    if text in ("", "@"):
        raise BadName("empty name")
    return from_text(text, ROOT)


def in_zone(text: str, origin: WireName) -> WireName:
    """A name, relative to the zone without a final dot.  Raises ValueError."""
    if text == "":
        raise BadName("empty name")
    return from_text(text, origin)


def address(text: str, family: int) -> bytes:
    """The packed form of an address of family 4 or 6.  Raises ValueError."""
    kind = socket.AF_INET if family == 4 else socket.AF_INET6
    try:
        return socket.inet_pton(kind, text)
    except (OSError, ValueError):
        other = socket.AF_INET6 if family == 4 else socket.AF_INET
    try:
        socket.inet_pton(other, text)
    except (OSError, ValueError):
        raise ValueError("not an address") from None
    raise ValueError(f"not an IPv{family} address, but of the other family")


def character_strings(text: str) -> bytes:
    """TXT data: the text in as many strings as it needs."""
    raw = text.encode()
    parts = [raw[at : at + 255] for at in range(0, len(raw), 255)] or [b""]
    return b"".join(bytes((len(part),)) + part for part in parts)


_IPV4 = re.compile(r"\d{1,3}(?:\.\d{1,3}){3}", re.ASCII)


def is_quad(text: str) -> bool:
    """Whether this is written like an IPv4 address, right or wrong."""
    return _IPV4.fullmatch(text) is not None
