"""The model of a zone of labels: what geodns, pgeodns and the first dinamed serve.

A label is a name in the zone with a list of records for each type.  A label followed
by a target (`www.europe`) is what `www` is for the clients of that target.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class LabelRecord:
    """One record: its data in wire form, its share, and the key of its health.

    `host` is whose address it is; `load` what the file says the host carries, and
    `increment` what one hand-out adds to that.
    """

    rdata: bytes
    weight: float
    line: int
    health: str = ""
    host: str = ""
    load: float | None = None
    increment: float | None = None


@dataclass(frozen=True, slots=True)
class Label:
    """One label.  None: as the zone says.

    `file` and `line` are where it stands first; `text` is the label as it is written.
    `top_slice` is among how many hosts with the lowest load one is drawn by chance.
    `records` may be empty for a type that is there all the same.
    """

    text: str
    file: str
    line: int
    records: Mapping[int, tuple[LabelRecord, ...]] = field(default_factory=dict)
    alias: bytes | None = None
    ttl: int | None = None
    max_hosts: int | None = None
    closest: bool | None = None
    health: bool = False
    top_slice: int = 0


@dataclass(frozen=True, slots=True)
class Soa:
    """The numbers of the SOA but its serial, in seconds; TTL first."""

    ttl: int
    refresh: int
    retry: int
    expire: int
    minimum: int


@dataclass(frozen=True, slots=True)
class LabelZone:
    """A zone: labels by relative key (wire labels, in lower case).

    `contact` and `primary` are names as wire data.  `kinds` is a part of `KINDS`.
    `ns_ttl` holds for NS records whose label has no TTL, `mx_ttl` for MX records.
    With `by_load` the host with the least load is given, not each by its share; with
    `lbcd` the hosts are asked for their load.
    """

    ttl: int
    serial: int
    soa: Soa
    contact: bytes
    primary: bytes
    max_hosts: int
    closest: bool
    kinds: tuple[str, ...]
    labels: Mapping[bytes, Label]
    ns_ttl: int = 86400
    mx_ttl: int | None = None
    by_load: bool = False
    lbcd: bool = False
