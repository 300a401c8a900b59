"""The chains of signed zones for the plane, kept from one snapshot to the next."""

from collections.abc import Mapping

from dinamed.dnssec.denial import Denial
from dinamed.dnssec.online import OnlineZone
from dinamed.plane.extension import native
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone


class Chains:
    """The names of each chain in their order; those of before where it is the same."""

    def __init__(self) -> None:
        self._known: dict[WireName, tuple[Denial, native.ChainKeys]] = {}

    def keep(self, zones: Mapping[WireName, OnlineZone]) -> None:
        """Forget the chains of all other zones."""
        gone = self._known.keys() - zones.keys()
        for apex in gone:
            del self._known[apex]

    def of(self, zone: OnlineZone | None) -> "native.ChainKeys | None":
        """The chain of a zone; None for one that is not signed here."""
        if zone is None:
            return None
        known = self._known.get(zone.origin)
        if known is None or known[0] is not zone.denial:
            order = zone.denial.order
            known = (zone.denial, native.ChainKeys(order.keys, order.starts))
            self._known[zone.origin] = known
        return known[1]


def soa_of(zone: PackedZone, online: OnlineZone | None) -> RRset:
    """The SOA of a zone as it is given out."""
    return zone.soa if online is None else online.apex.get(Type.SOA, zone.soa)
