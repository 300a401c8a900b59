"""The messages between the old process and the new one, as octets.

A frame is its length (4 octets), how many file descriptors come with it (2), and a
message in MessagePack.  The two may be of different versions: keys that are not known
are passed over, and those that are missing have defaults.
"""

import struct
from collections.abc import Iterator

import msgspec

from dinamed.takeover.state import TakeoverState

VERSION = 1
HEAD = struct.Struct("!IH")
MAX_FRAME = 1 << 30
"""Octets; what says it is longer is not from us."""


class Offered(msgspec.Struct, frozen=True):
    """One socket: `udp` and `tcp` are for DNS, the others are `http` and `tls`."""

    kind: str
    host: str
    port: int
    family: int


class Offer(msgspec.Struct, frozen=True, tag="offer"):
    """Old to new, at once: the bound sockets, whose descriptors come with it."""

    version: int
    sockets: tuple[Offered, ...]
    pid_file: str = ""
    guarded: bool = False
    """Whether one more descriptor comes: that of the guard, who wants to be told."""


class Built(msgspec.Struct, frozen=True, tag="built"):
    """New to old: all was read, bound and made; what is known may come."""


class Failed(msgspec.Struct, frozen=True, tag="failed"):
    """New to old: it cannot be."""

    why: str


class Go(msgspec.Struct, frozen=True, tag="go"):
    """Old to new: what is known."""

    known: TakeoverState


class Ready(msgspec.Struct, frozen=True, tag="ready"):
    """New to old: it answers."""

    pid: int
    summary: str = ""


class Moved(msgspec.Struct, frozen=True, tag="moved"):
    """Old to new: an open connection, and what was read of a query but not answered."""

    family: int
    rest: bytes = b""


class Last(msgspec.Struct, frozen=True, tag="last"):
    """Old to new, as the last: what has come to be known since."""

    known: TakeoverState


Message = Offer | Built | Failed | Go | Ready | Moved | Last
_decoder: msgspec.msgpack.Decoder[Message] = msgspec.msgpack.Decoder(Message)


class ProtocolError(Exception):
    """The other side does not speak this protocol."""


def encode(message: Message, descriptors: int = 0) -> bytes:
    """The frame of a message that comes with so many descriptors."""
    body = msgspec.msgpack.encode(message)
    return HEAD.pack(len(body), descriptors) + body


def decode(body: bytes) -> Message:
    """The message of a frame.  Raises `ProtocolError`."""
    try:
        return _decoder.decode(body)
    except msgspec.MsgspecError as error:
        raise ProtocolError(str(error)) from None


class Frames:
    """Puts frames together from octets and descriptors as they come."""

    def __init__(self) -> None:
        self._data = bytearray()
        self._descriptors: list[int] = []

    def take_descriptor(self, descriptor: int) -> None:
        """Keep one for the frame that it comes with."""
        self._descriptors.append(descriptor)

    def take(self, data: bytes) -> Iterator[tuple[Message, list[int]]]:
        """The messages that are whole now, with their descriptors.

        Raises `ProtocolError`.
        """
        self._data += data
        while len(self._data) >= HEAD.size:
            size, count = HEAD.unpack_from(self._data)
            if size > MAX_FRAME:
                raise ProtocolError("a frame is too long")
            end = HEAD.size + size
            if len(self._data) < end:
                return
            if len(self._descriptors) < count:
                raise ProtocolError("a file descriptor is missing")
            body = bytes(self._data[HEAD.size : end])
            del self._data[:end]
            found = self._descriptors[:count]
            del self._descriptors[:count]
            yield decode(body), found
