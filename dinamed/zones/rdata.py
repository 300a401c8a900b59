"""From the text of record data to its wire form.

The common types in their plain spelling are converted here; everything else goes
through dnspython, which takes some sixty microseconds a record.
"""

import re
import socket
from collections.abc import Callable
from functools import cached_property, partial

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
from dns.rdtypes.txtbase import TXTBase

from dinamed.wire.constants import Type
from dinamed.wire.names import MAX_NAME, ROOT, BadName, WireName, from_text
from dinamed.zones.lines import EntryError
from dinamed.zones.odd_rdata import OddReader, check_generic

# What a converter of plain text may raise: the text is not plain, or not right.
NOT_PLAIN = (ValueError, OSError, LookupError, OverflowError)

LENGTHS = {size: bytes((size,)) for size in range(1, 64)}

_PLAIN_NAME = re.compile(rb"[-\w.]+").fullmatch
_PLAIN_MX = re.compile(rb"([0-9]{1,5})[ \t]+([^ \t]+)").fullmatch
_PLAIN_SOA = re.compile(
    rb"([^ \t]+)[ \t]+([^ \t]+)" + rb"[ \t]+([0-9]{1,10})" * 5
).fullmatch
_MAX_SERIAL = 2**32 - 1
_MAX_TIME = 2**31 - 1
_BAD_ESCAPE = re.compile(r"\\(?:\\|\D|\d{3}|(\d))")
_CACHED = 1 << 14
_MAX_RDATA = 0xFFFF
_MAX_STRING = 255  # octets of a character-string, RFC 1035 section 3.3

Converter = Callable[[bytes], bytes]


def name_from_text(text: str, origin: WireName) -> WireName:
    r"""A name as `wire.names` reads it; `\` and less than three digits is refused."""
    if "\\" in text:
        for escape in _BAD_ESCAPE.finditer(text):
            if escape[1]:
                raise BadName("an escape has three digits")
    return from_text(text, origin)


class RdataReader:
    """Converts record data whose relative names end in `origin`.

    `warn` is told of data that are taken in another form than they stand there.
    """

    def __init__(
        self, origin: WireName, warn: Callable[[str], None] = lambda text: None
    ) -> None:
        self.origin = origin
        self._warn = warn
        self._names: dict[bytes, WireName] = {}
        self._by_type: dict[int, Converter] = {
            Type.A: _ipv4,
            Type.AAAA: _ipv6,
            Type.CNAME: self._name,
            Type.NS: self._name,
            Type.PTR: self._name,
            Type.MX: self._mx,
            Type.SOA: self._soa,
            Type.TXT: _txt,
        }
        self.plain: dict[bytes, tuple[int, Converter]] = {}
        for rrtype, converter in self._by_type.items():
            mnemonic = Type(rrtype).name.encode()
            self.plain[mnemonic] = self.plain[mnemonic.lower()] = rrtype, converter

    def convert(self, rrtype: int, text: str) -> bytes:
        """Any record data, as words joined by spaces.  Raises `EntryError`."""
        converter = self._by_type.get(rrtype)
        if converter is not None and "\\" not in text and text.count('"') in (0, 2):
            try:
                return converter(text.encode())
            except NOT_PLAIN:
                pass
        try:
            wire = self._typed(rrtype, text)
        except Exception as error:  # dnspython raises many kinds
            wire = self._otherwise(rrtype, text, error)
        if len(wire) > _MAX_RDATA:
            raise EntryError("rdata is longer than 65535 octets")
        check_generic(rrtype, text, wire)
        return wire

    @cached_property
    def _dns_origin(self) -> dns.name.Name:
        # Most zones have nothing that is left to dnspython.
        return dns.name.from_wire(self.origin, 0)[0]

    @cached_property
    def _odd(self) -> OddReader:
        return OddReader(self._dns_origin)

    def _typed(self, rrtype: int, text: str) -> bytes:
        """dnspython's reading of a text; it raises many kinds of exceptions."""
        rdata = dns.rdata.from_text(
            dns.rdataclass.IN,
            dns.rdatatype.RdataType.make(rrtype),
            text,
            self._dns_origin,
            relativize=False,
        )
        return rdata.to_wire() or b""

    def _otherwise(self, rrtype: int, text: str, error: Exception) -> bytes:
        """The data of a text that dnspython has refused.  Raises `EntryError`."""
        odd = self._odd.convert(rrtype, text, partial(self._typed, rrtype))
        if odd is not None:
            return odd
        generic = text.startswith("\\#")
        split = None if generic else _split_strings(rrtype, text)
        if split is None:
            raise EntryError(_fault(text, error)) from None
        self._warn("a string of more than 255 octets, which was split")
        return split

    def _name(self, text: bytes) -> WireName:
        cached = self._names.get(text)
        if cached is not None:
            return cached
        if not _PLAIN_NAME(text):
            raise ValueError("not plain")
        parts = text.split(b".")
        origin = self.origin
        if not parts[-1]:
            parts.pop()
            origin = ROOT
        name = b"".join([LENGTHS[len(part)] + part for part in parts]) + origin
        if not parts or len(name) > MAX_NAME:
            raise ValueError("not a name")
        if len(self._names) >= _CACHED:
            self._names.clear()
        self._names[text] = name
        return name

    def _mx(self, text: bytes) -> bytes:
        match = _PLAIN_MX(text)
        if match is None:
            raise ValueError("not plain")
        return int(match[1]).to_bytes(2) + self._name(match[2])

    def _soa(self, text: bytes) -> bytes:
        match = _PLAIN_SOA(text)
        if match is None:
            raise ValueError("not plain")
        serial, *times = map(int, match.groups()[2:])
        if serial > _MAX_SERIAL or max(times) > _MAX_TIME:
            raise ValueError("not plain")
        numbers = b"".join(number.to_bytes(4) for number in (serial, *times))
        return self._name(match[1]) + self._name(match[2]) + numbers


def _ipv4(text: bytes) -> bytes:
    return socket.inet_pton(socket.AF_INET, text.decode("ascii"))


def _ipv6(text: bytes) -> bytes:
    return socket.inet_pton(socket.AF_INET6, text.decode("ascii"))


def _txt(text: bytes) -> bytes:
    if text.startswith(b'"') and text.endswith(b'"'):
        text = text[1:-1]
        if b'"' in text:
            raise ValueError("not one string")
    elif not text or b" " in text or b"\t" in text or b'"' in text:
        raise ValueError("not one string")
    if not text.isascii():
        raise ValueError("may be badly encoded")
    return bytes((len(text),)) + text


def _split_strings(rrtype: int, text: str) -> bytes | None:
    """The data of a type of strings (as TXT), the long ones in several pieces.

    None if the type is another, or something else is wrong with them.
    """
    kind = dns.rdata.get_rdata_class(
        dns.rdataclass.IN, dns.rdatatype.RdataType.make(rrtype)
    )
    if not (isinstance(kind, type) and issubclass(kind, TXTBase)):
        return None
    wire = bytearray()
    try:
        tokens = dns.tokenizer.Tokenizer(text)
        for token in tokens.get_remaining():
            value = token.unescape_to_bytes().value
            for start in range(0, max(len(value), 1), _MAX_STRING):
                piece = value[start : start + _MAX_STRING]
                wire += bytes((len(piece),)) + piece
    except (dns.exception.DNSException, ValueError, UnicodeError):
        return None
    return bytes(wire) or None


def _fault(text: str, error: Exception) -> str:
    start = f"bad record data {text[:60]!r}"
    if isinstance(error, dns.exception.UnexpectedEnd):
        return f"{start}: more is expected"
    reason = str(error).strip()
    # What dnspython says when it has nothing to say.
    if not reason or reason == dns.exception.SyntaxError.__doc__:
        return start
    return f"{start}: {reason}"
