"""One answered query, as it is handed to the log."""

from typing import NamedTuple


class Exchange(NamedTuple):
    """A query and its reply.

    `time` is Unix time in seconds, `source` the packed address of the sender, `port`
    its port (0: not known); `stream` tells that it came over TCP or TLS.
    """

    time: float
    source: bytes
    port: int
    stream: bool
    query: bytes
    reply: bytes
