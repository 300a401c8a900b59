"""The protocol of lbcd, versions 2 and 3, as bytes; big-endian, one datagram each way.

A request is a header of 8 octets and, in version 3, names of services of 32 octets
each; without a name the reply is about the default service alone.
"""

import struct
from dataclasses import dataclass
from typing import Final

V2: Final = 2
V3: Final = 3
OP_LBINFO: Final = 1
MAX_SERVICE = 31  # octets of a service's name
MAX_REPLY = 84  # octets: five services and the default

STATUS_REQUEST: Final = 0
STATUS_OK: Final = 1
STATUS_VERSION: Final = 3
ERRORS: Final = (2, 3, 4, 5)

OUT = 0xFFFFFFFF
"""The weight of a member that is not to be handed out."""

OUT_V2 = 0xFFFF
"""Its load in version 2; a weight that does not fit looks the same."""

_HEADER = struct.Struct("!HHHH")
_OLD = struct.Struct("!IIIHHHHHBB")  # all of version 2 that can be trusted
_PAIR = struct.Struct("!II")
_SERVICES = 35
_WEIGHTS = 36
_V2_LENGTHS = (32, 44)


class BadReply(ValueError):  # noqa: N818
    """The datagram contains no load; the message says why.

    `status` is what the member says if it is an answer to our request that refuses
    it, and None if it is no answer to it at all.
    """

    def __init__(self, message: str, status: int | None = None) -> None:
        super().__init__(message)
        self.status = status


@dataclass(frozen=True, slots=True)
class Request:
    """A question to lbcd.  `service` is None for the default one, and in version 2."""

    version: int
    id: int
    service: bytes | None = None

    def encode(self) -> bytes:
        """The datagram."""
        names = [] if self.service is None else [self.service]
        count = len(names) if self.version == V3 else STATUS_REQUEST
        header = _HEADER.pack(self.version, self.id, OP_LBINFO, count)
        return header + b"".join(name.ljust(MAX_SERVICE + 1, b"\0") for name in names)


@dataclass(frozen=True, slots=True)
class Reply:
    """The load of a member: its weight, and what one hand-out adds if it says so."""

    weight: int
    increment: int | None = None
    out: bool = False


def parse_reply(data: bytes, request: Request) -> Reply:
    """The meaning of a datagram that came after `request` was sent.

    @raise BadReply: it has none; nothing else is raised, whatever the octets.
    """
    if len(data) < _HEADER.size:
        raise BadReply("a reply without a whole header")
    version, identity, op, status = _HEADER.unpack_from(data)
    if identity != request.id:
        raise BadReply("a reply to another request")
    if op != OP_LBINFO:
        raise BadReply(f"a reply with operation {op}")
    if status != STATUS_OK:
        if len(data) == _HEADER.size and version == V3 and status in ERRORS:
            raise BadReply(_refusal(status, request), status)
        raise BadReply(f"a reply with status {status}")
    if version != request.version:
        raise BadReply(f"a reply of version {version}")
    if version == V3:
        return _parse_v3(data, request)
    return _parse_v2(data)


def _parse_v3(data: bytes, request: Request) -> Reply:
    wanted = 0 if request.service is None else 1
    if len(data) != _WEIGHTS + _PAIR.size * (wanted + 1):
        raise BadReply(f"a reply of {len(data)} octets")
    if data[_SERVICES] != wanted:
        raise BadReply(f"a reply about {data[_SERVICES]} services")
    # The first pair is about the default service, others as they were asked for.
    weight, increment = _PAIR.unpack_from(data, _WEIGHTS + _PAIR.size * wanted)
    if weight == OUT:
        return Reply(weight, out=True)
    return Reply(weight, increment)


def _parse_v2(data: bytes) -> Reply:
    if len(data) not in _V2_LENGTHS:
        raise BadReply(f"a reply of {len(data)} octets")
    _, _, _, l1, l5, l15, logins, users, _, _ = _OLD.unpack_from(data, _HEADER.size)
    if l1 == OUT_V2:
        return Reply(OUT, out=True)
    if not logins and not users and l1 == l5 == l15:
        # A newer lbcd: in old clothes all three are its weight.
        return Reply(l1)
    # What lbcd's own weight would be, by the formula of lbnamed.
    return Reply(100 * users + 3 * l1 + 20 * max(0, logins - users))


def _refusal(status: int, request: Request) -> str:
    if status == STATUS_VERSION:
        return f"does not speak version {request.version}"
    if status == 2 and request.service is not None:
        name = request.service.decode("ascii", "replace")
        return f"does not tell of the service {name} (status 2)"
    return f"refuses with status {status}"
