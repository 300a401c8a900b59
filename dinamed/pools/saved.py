"""The state of pools that no config file contains, in a form that can be saved."""

import msgspec

from dinamed.pools.report import Report
from dinamed.pools.states import Order


class SavedMember(msgspec.Struct, frozen=True, omit_defaults=True):
    """The order, verdict and last report of a member; times are Unix times."""

    order: Order = Order.AUTO
    until: float | None = None
    healthy: bool | None = None
    reason: str = ""
    report: Report | None = None
    failing: tuple[tuple[bytes, str], ...] = ()
    by: str = ""
    order_reason: str = ""
    weight: float | None = None
    weight_until: float | None = None
    weight_by: str = ""
    weight_reason: str = ""


class Saved(msgspec.Struct, frozen=True):
    """What outlasts a restart: members by name, by name of the pool.

    A verdict is taken on only where the pool has checks, that can change it.

    Members of whom nothing is known are left out.
    """

    pools: dict[str, dict[str, SavedMember]]
