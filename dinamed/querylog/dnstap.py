"""Exchanges as dnstap payloads: Protocol Buffers by hand, for there are few fields.

https://dnstap.info and its `dnstap.proto`; the encoding is that of Protocol Buffers
(varints, and length-delimited fields).
"""

from dinamed.querylog.exchange_reader import ReadExchange

CONTENT_TYPE = b"protobuf:dnstap.Dnstap"
_AUTH_RESPONSE = 2
_MESSAGE = 1
_UDP, _TCP = 1, 2
_INET, _INET6 = 1, 2
_VARINT, _DELIMITED, _FIXED32 = 0, 2, 5
_NANO = 10**9


def payload(seen: ReadExchange, identity: str, version: str) -> bytes:
    """One `Dnstap` message of type AUTH_RESPONSE.

    It has the reply, the time, the client's address and port, and the zone; `extra` has
    the names of pool and members, as `POOL MEMBER ...`.
    """
    exchange = seen.exchange
    seconds = int(exchange.time)
    nanoseconds = int((exchange.time - seconds) * _NANO)
    message = _number(1, _AUTH_RESPONSE)
    message += _number(2, _INET if len(exchange.source) == 4 else _INET6)
    message += _number(3, _TCP if exchange.stream else _UDP)
    message += _octets(4, exchange.source)
    if exchange.port:
        message += _number(6, exchange.port)
    message += _number(8, seconds) + _fixed(9, nanoseconds)
    message += _octets(10, exchange.query)
    if seen.zone is not None:
        message += _octets(11, seen.zone)
    message += _number(12, seconds) + _fixed(13, nanoseconds)
    message += _octets(14, exchange.reply)
    whole = head(identity, version)
    if seen.pool is not None:
        whole += _octets(3, " ".join((seen.pool.name, *seen.members)).encode())
    return whole + _octets(14, message) + _number(15, _MESSAGE)


def head(identity: str, version: str) -> bytes:
    """What every message of a server begins with."""
    return _octets(1, identity.encode()) + _octets(2, version.encode())


def _varint(value: int) -> bytes:
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def _number(field: int, value: int) -> bytes:
    return _varint(field << 3 | _VARINT) + _varint(value)


def _fixed(field: int, value: int) -> bytes:
    return _varint(field << 3 | _FIXED32) + value.to_bytes(4, "little")


def _octets(field: int, data: bytes) -> bytes:
    return _varint(field << 3 | _DELIMITED) + _varint(len(data)) + data
