"""Which part of a label is a target."""

import ipaddress
import re
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from dinamed.geo.countries import CONTINENT_OF, CONTINENTS, REGION_GROUPS
from dinamed.wire.names import labels
from dinamed.zones.targeting import KINDS, SELF, Sample, Targeting

_ASN = re.compile(r"as\d{1,10}", re.ASCII)
_REGION = re.compile(r"[a-z]{2}-[a-z0-9]{1,3}")
_GROUPS = frozenset(REGION_GROUPS.values())


def targeting_of(
    origin: bytes,
    kinds: tuple[str, ...],
    keys: Iterable[bytes],
    aliases: Mapping[bytes, bytes],
    samples: Mapping[bytes, dict[int, Sample]] = MappingProxyType({}),
) -> Targeting:
    """Which labels are for which clients; `keys` are all labels of the zone."""
    heads: set[bytes] = set()
    networks: dict[str, bytes] = {}
    for key in keys if kinds else ():
        parts = split_target(key, kinds)
        if parts is None:
            continue
        head, target = parts
        heads.add(head)
        network = network_of(target)
        if network is not None:
            networks[network] = target
    return Targeting(
        origin,
        kinds or (SELF,),
        frozenset(heads),
        networks,
        dict(aliases),
        dict(samples),
    )


def split_target(key: bytes, kinds: Iterable[str]) -> tuple[bytes, bytes] | None:
    """The part of a label before its target, and the target; None without one."""
    starts = list(_starts(key))
    if not starts:
        return None
    parts = [part.decode("latin-1") for part in labels(key + b"\0")]
    if "ip" in kinds and parts[-1].endswith("]"):
        for number in range(len(parts) - 1, -1, -1):
            if parts[number].startswith("["):
                start = starts[number]
                if network_of(key[start:]) is not None:
                    return key[:start], key[start:]
                break
    if any(_is(kind, parts[-1]) for kind in kinds):
        return key[: starts[-1]], key[starts[-1] :]
    return None


def network_of(target: bytes) -> str | None:
    """The prefix that a target such as `[192.0.2.0]` stands for.

    An address that can be the first of a /24 (IPv6: of a /48) stands for all of that.
    """
    text = b".".join(labels(target + b"\0")).decode("latin-1")
    if not (text.startswith("[") and text.endswith("]")):
        return None
    try:
        address = ipaddress.ip_address(text[1:-1])
    except ValueError:
        return None
    length: int = address.max_prefixlen
    wide = 24 if address.version == 4 else 48
    if not int(address) & ((1 << length - wide) - 1):
        length = wide
    return f"{address}/{length}"


def _starts(key: bytes) -> Iterator[int]:
    position = 0
    while position < len(key):
        yield position
        position += 1 + key[position]


def _is(kind: str, word: str) -> bool:
    match kind:
        case "asn":
            return _ASN.fullmatch(word) is not None
        case "region":
            return _REGION.fullmatch(word) is not None
        case "regiongroup":
            return word in _GROUPS
        case "country":
            return word.upper() in CONTINENT_OF and len(word) == 2
        case "continent":
            return word in CONTINENTS
        case _:
            return kind not in KINDS and word == kind
