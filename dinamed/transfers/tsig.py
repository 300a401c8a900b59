"""Signed messages (TSIG, RFC 8945): finding, verifying, making signatures.

The arithmetic is dnspython's.  Seconds of Unix time are arguments.
"""

import struct
from collections.abc import Iterable, Mapping
from enum import IntEnum
from typing import Any, NamedTuple

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.rdtypes.ANY.TSIG
import dns.tsig

from dinamed.config.transfers import KeySettings
from dinamed.wire.constants import CLASS_ANY, HEADER_SIZE, Type
from dinamed.wire.names import WireName, from_text, to_text
from dinamed.wire.question import FormatError, skip_name

FUDGE = 300
"""Seconds by which the clocks may differ (section 10)."""
MAX_OVERHEAD = 600
"""Octets that a signature adds at most: two names, and the longest MAC."""

_COUNTS = struct.Struct("!4H")
_FIXED = struct.Struct("!HHIH")
_MD5 = dns.tsig.HMAC_MD5

Tsig = dns.rdtypes.ANY.TSIG.TSIG
Keys = Mapping[WireName, dns.tsig.Key]
Context = Any  # dnspython's running digest over a sequence of messages


class TsigError(IntEnum):
    """Section 3; they stand in the TSIG record itself."""

    NONE = 0
    BADSIG = 16
    BADKEY = 17
    BADTIME = 18
    BADTRUNC = 22


class Signature(NamedTuple):
    """The TSIG record of a message, and where it begins."""

    start: int
    owner: dns.name.Name
    data: Tsig

    @property
    def name(self) -> WireName:
        """The name of the key, in lower case."""
        name = bytes(_wire(self.owner)).lower()
        return name


class BadSignature(Exception):  # noqa: N818
    """A message is not signed as it should be; `error` says what is wrong.

    The message is for the log.
    """

    def __init__(self, error: TsigError, why: str = "") -> None:
        super().__init__(f"{error.name}: {why}" if why else error.name)
        self.error = error


def keyring(keys: Iterable[KeySettings]) -> dict[WireName, dns.tsig.Key]:
    """The keys of a config by their names."""
    found = {}
    for key in keys:
        name = from_text(key.name + ".").lower()
        algorithm = _MD5 if key.algorithm == "hmac-md5" else key.algorithm
        owner = dns.name.from_wire(name, 0)[0]
        found[name] = dns.tsig.Key(owner, key.secret or "", algorithm)
    return found


def key_text(name: WireName) -> str:
    """The name of a key as the config has it."""
    return to_text(name).removesuffix(".")


def find_signature(data: bytes) -> Signature | None:
    """The TSIG record of a message, or None.

    Raises `FormatError` for one that is not the last record, or not well-formed
    (section 5.1).
    """
    if len(data) < HEADER_SIZE:
        raise FormatError("message is cut off")
    questions, answers, authorities, additionals = _COUNTS.unpack_from(data, 4)
    position = HEADER_SIZE
    for _ in range(questions):
        position = skip_name(data, position) + 4
    total = answers + authorities + additionals
    for number in range(1, total + 1):
        start = position
        position = skip_name(data, position)
        if position + _FIXED.size > len(data):
            raise FormatError("record is cut off")
        rrtype, rrclass, ttl, size = _FIXED.unpack_from(data, position)
        position += _FIXED.size
        if rrtype == Type.TSIG:
            if number != total or not additionals or rrclass != CLASS_ANY or ttl:
                raise FormatError("misplaced TSIG record")
            return _read(data, start, position, size)
        position += size
    if position != len(data):
        raise FormatError("octets after the last record")
    return None


def _read(data: bytes, start: int, position: int, size: int) -> Signature:
    try:
        owner, _ = dns.name.from_wire(data, start)
        rdata = dns.rdata.from_wire(
            dns.rdataclass.ANY, dns.rdatatype.TSIG, data, position, size
        )
    except Exception:  # dnspython raises many kinds
        raise FormatError("bad TSIG record") from None
    if not isinstance(rdata, Tsig) or position + size != len(data):
        raise FormatError("bad TSIG record")
    return Signature(start, owner, rdata)


def unsigned(data: bytes, signature: Signature) -> bytes:
    """The message as it was before it was signed."""
    count = int.from_bytes(data[10:12], "big") - 1
    ident = int(signature.data.original_id).to_bytes(2, "big")
    return ident + data[2:10] + count.to_bytes(2, "big") + data[12 : signature.start]


def verify(
    data: bytes,
    signature: Signature,
    keys: Keys,
    now: float,
    request_mac: bytes = b"",
    context: Context = None,
    several: bool = False,
) -> Context:
    """Verify one message, or the next of several; what to pass with the next.

    Raises `BadSignature`; `FormatError` for a MAC of an impossible length.
    """
    key = keys.get(signature.name)
    name = key_text(signature.name)
    if key is None:
        raise BadSignature(TsigError.BADKEY, f"there is no key {name}")
    if key.algorithm != signature.data.algorithm:
        used = _algorithm_text(signature.data.algorithm)
        ours = _algorithm_text(key.algorithm)
        why = f"key {name} was used with {used}, here it is of {ours}"
        raise BadSignature(TsigError.BADKEY, why)
    size = dns.tsig.mac_sizes[key.algorithm]
    given = len(signature.data.mac)
    if given > size or given < max(10, size // 2):
        raise FormatError("a MAC of an impossible length")
    if given < size:
        raise BadSignature(TsigError.BADTRUNC, f"key {name}")
    try:
        return dns.tsig.validate(
            data,
            key,
            signature.owner,
            signature.data,
            int(now),
            request_mac,
            signature.start,
            context,
            several,
        )
    except dns.tsig.BadTime:
        off = int(signature.data.time_signed - now)
        why = f"key {name}, the clocks differ by {off} s"
        raise BadSignature(TsigError.BADTIME, why) from None
    except (dns.exception.DNSException, NotImplementedError):
        why = f"key {name} with another secret"
        raise BadSignature(TsigError.BADSIG, why) from None


def _algorithm_text(algorithm: dns.name.Name) -> str:
    return algorithm.to_text().lower().removesuffix(".")


class Signer:
    """Signs a message, or several that belong together, with one key.

    `request_mac` is the MAC of the request that is replied to.  Each message is signed
    (section 5.3.1 asks for no more than each hundredth).
    """

    def __init__(
        self,
        key: dns.tsig.Key,
        request_mac: bytes = b"",
        time_signed: int | None = None,
        error: TsigError = TsigError.NONE,
        other: bytes = b"",
    ) -> None:
        self.key = key
        self.mac = request_mac
        """The last MAC made; of a request, the one that replies refer to."""
        self._context: Context = None
        self._time = time_signed
        self._error = error
        self._other = other

    def sign(self, message: bytes, now: float) -> bytes:
        """The message with its signature."""
        time_signed = int(now) if self._time is None else self._time
        ident = int.from_bytes(message[:2], "big")
        algorithm = self.key.algorithm
        tsig = _tsig(algorithm, time_signed, FUDGE, ident, self._error, self._other)
        signed, self._context = dns.tsig.sign(
            message, self.key, tsig, time_signed, self.mac, self._context, True
        )
        self.mac = signed.mac
        return attach(message, self.key.name, signed)

    @property
    def overhead(self) -> int:
        """The octets that a signature adds."""
        size = dns.tsig.mac_sizes[self.key.algorithm]
        names = len(_wire(self.key.name)) + len(_wire(self.key.algorithm))
        return names + _FIXED.size + 16 + size + len(self._other)


def attach(message: bytes, owner: dns.name.Name, tsig: Tsig) -> bytes:
    """The message with a TSIG record behind it."""
    rdata = tsig.to_wire() or b""
    count = int.from_bytes(message[10:12], "big") + 1
    return b"".join(
        (
            message[:10],
            count.to_bytes(2, "big"),
            message[12:],
            _wire(owner),
            _FIXED.pack(Type.TSIG, CLASS_ANY, 0, len(rdata)),
            rdata,
        )
    )


def refusal(
    message: bytes, signature: Signature, keys: Keys, error: TsigError, now: float
) -> bytes:
    """The reply to what is badly signed, with its TSIG record (section 5.3.2).

    Only a wrong time is told with a signature; the reply has our time then.
    """
    if error is TsigError.BADTIME:
        other = int(now).to_bytes(6, "big")
        signed = signature.data.time_signed
        key = keys[signature.name]
        return Signer(key, signature.data.mac, signed, error, other).sign(message, now)
    asked = signature.data
    ident = int.from_bytes(message[:2], "big")
    tsig = _tsig(asked.algorithm, asked.time_signed, asked.fudge, ident, error, b"")
    return attach(message, signature.owner, tsig)


def _tsig(
    algorithm: dns.name.Name,
    time_signed: int,
    fudge: int,
    ident: int,
    error: TsigError,
    other: bytes,
) -> Tsig:
    return Tsig(
        dns.rdataclass.ANY,
        dns.rdatatype.TSIG,
        algorithm,
        time_signed,
        fudge,
        b"",
        ident,
        error,
        other,
    )


def _wire(name: dns.name.Name) -> WireName:
    return name.to_wire() or b""
