"""The chains of signed zones for the plane, kept from one snapshot to the next.

What was installed of a chain stays as long as it proves the same, so the hour at which
some signatures are made anew costs no questions.
"""

from array import array
from collections.abc import Mapping
from itertools import accumulate

from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.presigned import ByName
from dinamed.dnssec.secured import SecuredZone
from dinamed.plane.extension import native
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.model import RRset
from dinamed.zones.order import NameOrder
from dinamed.zones.packed import PackedZone

MOST_LISTED = 10_000
"""Names in the chain of a zone that came signed, up to which Python lists them."""
MOST_PRESIGNED = 1_000_000
"""Up to which the plane has such a chain: to list it must not hold up answers.  What
denies names in a larger one comes from Python, as where the chain leaves names out."""
_Known = tuple[OnlineZone | PackedZone, "native.ChainLinks | None"]


class Chains:
    """The names of each chain in their order; those of before where it is the same."""

    def __init__(self) -> None:
        self._known: dict[WireName, _Known] = {}

    def keep(self, zones: Mapping[WireName, SecuredZone]) -> None:
        """Forget the chains of all other zones."""
        gone = self._known.keys() - zones.keys()
        for apex in gone:
            del self._known[apex]

    def of(self, zone: SecuredZone | None) -> "native.ChainLinks | None":
        """The chain of a zone; None for one that is not signed, or hashes its names."""
        if isinstance(zone, OnlineZone):
            kept = self._online(zone)
            self._known[zone.origin] = (zone, kept)
            return kept
        if isinstance(zone, ByName) and 0 < len(zone.zone.chain) <= MOST_PRESIGNED:
            packed = zone.zone
            known = self._known.get(packed.origin)
            if known is None or known[0] is not packed:
                keys = _presigned_keys(zone)
                links = None if keys is None else native.ChainLinks(keys)
                known = (packed, links)
                self._known[packed.origin] = known
            return known[1]
        return None

    def _online(self, zone: OnlineZone) -> "native.ChainLinks":
        """What was installed of a zone that is signed here, or nothing yet."""
        order = zone.denial.order
        before, links = self._known.get(zone.origin, (None, None))
        if isinstance(before, OnlineZone) and links is not None:
            if before.denies_like(zone):
                return links
            if before.denial.order is order:
                return native.ChainLinks(links.keys)
        return native.ChainLinks(native.ChainKeys(order.keys, order.starts))


def _presigned_keys(zone: ByName) -> "native.ChainKeys | None":
    """The plane's form of a chain that came with a zone."""
    chain = zone.zone.chain
    if len(chain) > MOST_LISTED:
        order = NameOrder(zone.zone, ())
        whole = len(order) == len(chain) and order.places == chain
        return native.ChainKeys(order.keys, order.starts) if whole else None
    forms = zone.order()
    starts = array("I", accumulate(map(len, forms), initial=0))
    return native.ChainKeys(b"".join(forms), starts.tobytes())


def soa_of(zone: PackedZone, online: OnlineZone | None) -> RRset:
    """The SOA of a zone as it is given out."""
    return zone.soa if online is None else online.apex.get(Type.SOA, zone.soa)
