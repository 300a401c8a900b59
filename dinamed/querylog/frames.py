"""Frame Streams: payloads one after another, in a file or to a reader on a socket.

https://farsightsec.github.io/fstrm/: a data frame is its length and the payload; a
control frame is a length of 0, then its own length, its type, and its fields.
"""

from enum import IntEnum

MOST_CONTROL = 512
"""Octets of the longest control frame."""
_CONTENT_TYPE = 1


class Control(IntEnum):
    """Types of control frames."""

    ACCEPT = 1
    START = 2
    STOP = 3
    READY = 4
    FINISH = 5


def control(kind: Control, content_type: bytes = b"") -> bytes:
    """A control frame, with the type of what the data frames hold if that is given."""
    body = kind.to_bytes(4)
    if content_type:
        body += _CONTENT_TYPE.to_bytes(4) + len(content_type).to_bytes(4) + content_type
    return bytes(4) + len(body).to_bytes(4) + body


def data(payload: bytes) -> bytes:
    """A data frame."""
    return len(payload).to_bytes(4) + payload


def accepts(body: bytes, content_type: bytes) -> bool:
    """Whether the body of a control frame accepts a type of content.

    A frame without fields accepts any.
    """
    if body[:4] != Control.ACCEPT.to_bytes(4):
        return False
    position, offered = 4, []
    while position + 8 <= len(body):
        size = int.from_bytes(body[position + 4 : position + 8])
        offered.append(body[position + 8 : position + 8 + size])
        position += 8 + size
    return not offered or content_type in offered
