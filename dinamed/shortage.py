"""What this host itself lacks, which says nothing about those that it talks to.

A check that finds no free file has not found its target to be down, and a feed that
can't fork has not lost its member.  Whoever tries to reach somebody asks here what an
error means, and leaves what was known before as it is where the lack is ours.
"""

import errno
import os
from collections.abc import Iterable

_LACKS = frozenset(
    {
        errno.EMFILE,
        errno.ENFILE,
        errno.ENOMEM,
        errno.ENOBUFS,
        errno.EAGAIN,  # no process or thread more, or no port to connect from
        errno.EADDRNOTAVAIL,
        errno.EAFNOSUPPORT,
    }
)

_IPV4_ROUTES = "/proc/net/route"
_IPV6_ROUTES = "/proc/net/ipv6_route"
_REJECT = 0x0200


def shortage(error: BaseException | int | None, address: str = "") -> str:
    """What this host lacks, in words; empty if the error is not of that kind.

    `error` may be a number of the system.  `address` is whom it was about: a network
    that can't be reached is our lack if there is no route at all for that family.
    """
    if isinstance(error, MemoryError):
        return os.strerror(errno.ENOMEM)
    number = error if isinstance(error, int) else number_of(error)
    if number in _LACKS:
        return os.strerror(number)
    if number == errno.ENETUNREACH and address and not has_route(":" in address):
        return f"no route for IPv{6 if ':' in address else 4}"
    return ""


def number_of(error: BaseException | None) -> int:
    """The number of the system in an error, Twisted's kinds included; 0: none."""
    for source in (error, getattr(error, "socketError", None)):
        number = getattr(source, "osError", None) or getattr(source, "errno", None)
        if isinstance(number, int):
            return number
    return 0


def has_route(ipv6: bool) -> bool:
    """Whether this host has any route of the family that leads beyond itself."""
    try:
        with open(_IPV6_ROUTES if ipv6 else _IPV4_ROUTES, encoding="ascii") as lines:
            return any(map(leads_out, lines)) if ipv6 else any_ipv4(lines)
    except OSError:  # as good as not known, and so no excuse
        return True


def leads_out(line: str) -> bool:
    """Whether a line of `ipv6_route` is a route to other hosts than neighbours."""
    fields = line.split()
    destination, flags, device = fields[0], int(fields[8], 16), fields[9]
    link_local = destination.startswith("ff") or 0xFE80 <= int(destination[:4], 16) < (
        0xFEC0
    )
    # Our own addresses stand there too, as routes of all 128 bits to this host.
    local = flags & 0x80000000
    return not (device == "lo" or link_local or local or flags & _REJECT)


def any_ipv4(lines: Iterable[str]) -> bool:
    """Whether the lines of `route` hold one to others than this host."""
    rows = (line.split() for line in lines)
    return any(
        row[0] not in ("Iface", "lo") and not int(row[3], 16) & _REJECT
        for row in rows
        if row
    )


class Shortages:
    """Counts what failed for a lack of ours, and says when that should be logged.

    One kind of lack is told once in `QUIET` seconds.
    """

    QUIET = 60.0

    def __init__(self) -> None:
        self.count = 0
        self._told: dict[str, float] = {}

    def note(self, reason: str, now: float) -> bool:
        """Count one; whether it is news.  `now` is any steady clock."""
        self.count += 1
        told = self._told.get(reason)
        if told is not None and now - told < self.QUIET:
            return False
        if len(self._told) >= 16:  # the system's words are few; callers' may not be
            self._told.clear()
        self._told[reason] = now
        return True
