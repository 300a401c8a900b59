"""What dinamed serves of another program's file."""

from dataclasses import dataclass, field

from dinamed.config.settings import PoolSettings
from dinamed.problems import Problem
from dinamed.wire.names import WireName
from dinamed.zones.model import RRset
from dinamed.zones.targeting import PLACELESS, Targeting


@dataclass(frozen=True)
class Imported:
    """A zone made of an old file.

    `rrsets` and `names` (from relative key to pool) are what `zones.packed.pack`
    takes, and `bare` are names that exist even without data.  `pools` are made for
    this zone and are named `ZONE:LABEL`, as no pool of a config can be.  `files` are
    those that were read or tried.  With any problem there is nothing to serve.
    `closest` names the pools whose nearest members are wanted.
    """

    origin: WireName
    files: tuple[str, ...]
    problems: tuple[Problem, ...] = ()
    warnings: tuple[Problem, ...] = ()
    rrsets: tuple[tuple[bytes, RRset], ...] = ()
    pools: tuple[PoolSettings, ...] = ()
    names: dict[bytes, str] = field(default_factory=dict)
    bare: frozenset[bytes] = frozenset()
    targeting: Targeting | None = None
    closest: frozenset[str] = frozenset()


def goes_by_place(made: Imported) -> bool:
    """Whether what is answered goes by where clients are."""
    kinds = () if made.targeting is None else made.targeting.kinds
    return bool(made.closest) or any(kind not in PLACELESS for kind in kinds)
