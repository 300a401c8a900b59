"""The types of static data that are passed between packages."""

from typing import NamedTuple


class RRset(NamedTuple):
    """The records of one type at one name (RFC 9499 section 5).

    `ttl` is in seconds, 0 to 2147483647; `rdatas` are in uncompressed wire form, in
    the order of the file, without duplicates.
    """

    type: int
    ttl: int
    rdatas: tuple[bytes, ...]
