"""Networks of the config as the plane keeps them."""

from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network

from dinamed.geo.unwrap import WAYS
from dinamed.plane.extension import native


def prefixes_of(networks: Iterable[IPv4Network | IPv6Network]) -> "native.Prefixes":
    """The networks for the plane."""
    return native.Prefixes(
        [(network.network_address.packed, network.prefixlen, 1) for network in networks]
    )


def wraps() -> Iterable[tuple[IPv6Network, int]]:
    """How prefixes hold IPv4 addresses, as the plane spells it."""
    for network, offset, inverted in WAYS:
        if inverted:
            yield network, native.WRAP_INVERTED
        else:
            yield network, native.WRAP_AT_16 if offset == 16 else native.WRAP_AT_96
