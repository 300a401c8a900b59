"""Record data that dnspython has no reader for, or is stricter about than it should be.

These are the types of RFC 1035 that are out of use, times beyond 2106 (RFC 4034 section
3.1.5), and values that are reserved or of algorithms that nobody knows yet: data like
others, for they may get a meaning.
"""

import calendar
import re
import struct
from base64 import b64decode
from collections.abc import Callable

import dns.dnssectypes
import dns.exception
import dns.name
import dns.rdatatype
import dns.tokenizer

from dinamed.wire.svcb import BadService, with_parameter
from dinamed.zones.lines import EntryError

_MB, _MG, _MR, _MINFO, _MD, _MF = 7, 8, 9, 14, 3, 4
NAMES = {_MD: 1, _MF: 1, _MB: 1, _MG: 1, _MR: 1, _MINFO: 2}
"""Types whose data are so many names, and nothing else (RFC 1035 section 3.3)."""
_RRSIG, _DS, _CDS, _DLV, _ZONEMD = 46, 43, 59, 32769, 63
_TLSA, _SMIMEA, _URI, _SVCB, _HTTPS = 52, 53, 256, 64, 65
_NULL, _APL = 10, 42
_EMPTY = frozenset((_NULL, _APL))
"""Known types whose data may be empty."""
_LATE_KEYS = re.compile(
    r' (ohttp|tls-supported-groups="?([0-9]+(?:,[0-9]+)*)"?)(?= |$)'
)
"""RFC 9540, and the supported groups of draft-ietf-tls-key-share-prediction."""
_ECH = 5
_ECH_STANDIN = "AAT+DQAA"
"""A well-formed list, to have everything else read."""
_DIGEST_SIZES = {1: 20, 2: 32, 4: 48}
_ZONE_DIGEST_SIZES = {1: 48, 2: 64}


class OddReader:
    """Converts such data; relative names end in `origin`."""

    def __init__(self, origin: dns.name.Name) -> None:
        self._origin = origin
        self._readers: dict[int, Callable[[dns.tokenizer.Tokenizer], bytes]] = {
            _RRSIG: self._rrsig,
            _DS: _digest,
            _CDS: _digest,
            _DLV: _digest,
            _ZONEMD: _zone_digest,
            _TLSA: _association,
            _SMIMEA: _association,
            _URI: _uri,
        }

    def convert(
        self, rrtype: int, text: str, typed: Callable[[str], bytes]
    ) -> bytes | None:
        """The data of a text that dnspython has refused; None: that was right.

        `typed` reads text of this type by dnspython.  Raises `EntryError` where there
        is more to say than dnspython does.
        """
        reader = self._readers.get(rrtype)
        tokenizer = dns.tokenizer.Tokenizer(text)
        try:
            if rrtype in (_SVCB, _HTTPS):
                return _service(text, typed)
            if text.startswith("\\#"):
                return None
            if rrtype in NAMES:
                return self._names(tokenizer, NAMES[rrtype])
            return None if reader is None else reader(tokenizer)
        except EntryError:
            raise
        except (dns.exception.DNSException, ValueError, OverflowError, struct.error):
            return None

    def _names(self, tokenizer: dns.tokenizer.Tokenizer, count: int) -> bytes:
        """So many names and nothing else."""
        try:
            names = [
                tokenizer.get_name(self._origin).to_wire() or b"" for _ in range(count)
            ]
            tokenizer.get_eol()
        except dns.exception.DNSException:
            words = "one name is" if count == 1 else "two names are"
            raise EntryError(f"{words} expected") from None
        return b"".join(names)

    def _rrsig(self, tokenizer: dns.tokenizer.Tokenizer) -> bytes:
        covered = dns.rdatatype.from_text(tokenizer.get_string())
        head = struct.pack(
            "!HBBIII",
            covered,
            tokenizer.get_uint8(),
            tokenizer.get_uint8(),
            tokenizer.get_ttl(),
            _time(tokenizer.get_string()),
            _time(tokenizer.get_string()),
        )
        tag = tokenizer.get_uint16().to_bytes(2)
        signer = tokenizer.get_name(self._origin).to_wire() or b""
        signature = b64decode(
            tokenizer.concatenate_remaining_identifiers(), validate=True
        )
        return head + tag + signer + signature


def check_generic(rrtype: int, text: str, wire: bytes) -> None:
    r"""Check data that were given as `\#`, of a type that has a form.

    RFC 3597 section 5: it is as if they had been read in that form.  Raises
    `EntryError`.
    """
    if not text.startswith("\\#"):
        return
    kind = dns.rdatatype.RdataType.make(rrtype)
    known = not dns.rdatatype.to_text(kind).startswith("TYPE")
    if known and not wire and rrtype not in _EMPTY:
        raise EntryError("this type has data")
    if rrtype in NAMES and not _are_names(wire, NAMES[rrtype]):
        raise EntryError("the data of this type are names")


def _are_names(wire: bytes, count: int) -> bool:
    position = 0
    try:
        for _ in range(count):
            position += dns.name.from_wire(wire[position:], 0)[1]
    except (dns.exception.DNSException, IndexError):
        return False
    return position == len(wire)


def _time(text: str) -> int:
    """Seconds since 1970 modulo 2**32, as such or as YYYYMMDDHHmmSS."""
    if not text.isdecimal() or not text.isascii() or len(text) > 14:
        raise ValueError("not a time")
    if len(text) != 14:
        if int(text) > 0xFFFFFFFF:
            raise ValueError("more than 32 bits")
        return int(text)
    parts = [int(text[:4])] + [int(text[at : at + 2]) for at in range(4, 14, 2)]
    if not (1 <= parts[1] <= 12 and 1 <= parts[2] <= 31):
        raise ValueError("not a date")
    if parts[3] > 23 or parts[4] > 59 or parts[5] > 59:
        raise ValueError("not a time of day")
    return calendar.timegm((*parts, 0, 0, 0)) & 0xFFFFFFFF


def _rest(tokenizer: dns.tokenizer.Tokenizer) -> bytes:
    return bytes.fromhex(tokenizer.concatenate_remaining_identifiers())


def _digest(tokenizer: dns.tokenizer.Tokenizer) -> bytes:
    """DS: a digest of a known kind has its length, all others any."""
    tag, algorithm = tokenizer.get_uint16(), _algorithm(tokenizer.get_string())
    kind, digest = tokenizer.get_uint8(), _rest(tokenizer)
    if len(digest) != _DIGEST_SIZES.get(kind, len(digest)):
        raise ValueError("another length")
    return struct.pack("!HBB", tag, algorithm, kind) + digest


def _algorithm(text: str) -> int:
    return (
        int(text)
        if text.isdecimal()
        else int(dns.dnssectypes.Algorithm.from_text(text))
    )


def _zone_digest(tokenizer: dns.tokenizer.Tokenizer) -> bytes:
    """ZONEMD (RFC 8976 section 2.2), likewise."""
    serial, scheme = tokenizer.get_uint32(), tokenizer.get_uint8()
    kind, digest = tokenizer.get_uint8(), _rest(tokenizer)
    if len(digest) != _ZONE_DIGEST_SIZES.get(kind, len(digest)):
        raise ValueError("another length")
    return struct.pack("!IBB", serial, scheme, kind) + digest


def _association(tokenizer: dns.tokenizer.Tokenizer) -> bytes:
    """TLSA and SMIMEA (RFC 6698 section 2.1)."""
    numbers = bytes(tokenizer.get_uint8() for _ in range(3))
    return numbers + bytes.fromhex(tokenizer.concatenate_remaining_identifiers())


def _uri(tokenizer: dns.tokenizer.Tokenizer) -> bytes:
    """URI (RFC 7553 section 4.4), whose target may be empty."""
    numbers = struct.pack("!HH", tokenizer.get_uint16(), tokenizer.get_uint16())
    target = tokenizer.get().unescape_to_bytes()
    if not target.is_quoted_string():
        raise ValueError("not a string")
    tokenizer.get_eol()
    return numbers + bytes(target.value)


def _service(text: str, typed: Callable[[str], bytes]) -> bytes | None:
    """SVCB and HTTPS, whose `ech` is none of our business (RFC 9460 section 6).

    Keys that were registered lately are spelled by their numbers.
    """
    numbered = _LATE_KEYS.sub(_numbered, text)
    before, value = _around_ech(numbered)
    if value is None:
        return typed(numbered) if numbered != text else None
    try:
        return with_parameter(typed(before), _ECH, b64decode(value, validate=True))
    except BadService:
        return None


def _numbered(match: re.Match[str]) -> str:
    if match[1] == "ohttp":
        return " key8"
    groups = [int(group) for group in match[2].split(",")]
    octets = b"".join(group.to_bytes(2) for group in groups)
    return " key9=" + "".join(f"\\{octet:03d}" for octet in octets)


def _around_ech(text: str) -> tuple[str, str | None]:
    """The text with a stand-in for `ech`, and what its value was."""
    at = text.find(" ech=")
    if at < 0:
        return text, None
    start = at + len(" ech=")
    if text[start : start + 1] == '"':
        end = text.find('"', start + 1) + 1
        value = text[start + 1 : end - 1]
    else:
        end = text.find(" ", start)
        end = len(text) if end < 0 else end
        value = text[start:end]
    if not value or end <= start:
        return text, None
    return text[:start] + _ECH_STANDIN + text[end:], value
