"""What plans depend on beside the data of zones."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from dinamed.dnssec.online import OnlineZone
from dinamed.dnssec.secured import SecuredZone
from dinamed.plans.targets import TargetTable
from dinamed.wire.names import WireName


@dataclass(frozen=True, slots=True)
class Facts:
    """What plans depend on beside the data of zones."""

    pools: Mapping[str, str] = field(default_factory=dict)
    """From the name of each pool in lower case to its name."""
    regional: frozenset[str] = frozenset()
    """The pools whose names also answer with the label of a region."""
    untailored: frozenset[WireName] = frozenset()
    """The zones that do not want clients to be known by their subnet."""
    tables: Mapping[WireName, TargetTable] = field(default_factory=dict)
    """What labels are for whom, in the zones that have targets."""
    unready: frozenset[WireName] = frozenset()
    """Secondary zones that have not been transferred, or have expired."""
    secured: Mapping[WireName, SecuredZone] = field(default_factory=dict)
    """The zones that are signed, and what that adds to answers."""
    online: Mapping[WireName, OnlineZone] = field(default_factory=dict)
    """Those of them that are signed here."""
