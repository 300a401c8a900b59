"""`[limits]`: how much of the server any one client may use."""

from typing import Annotated

import msgspec
from msgspec import Meta

from dinamed.config import values
from dinamed.config.durations import Interval

ConnectionCount = Annotated[int, Meta(ge=1, le=1_000_000)]
Prefix = Annotated[str, Meta(extra={"form": values.prefix})]
Rate = Annotated[float, Meta(ge=0, le=1e6)]
Slip = Annotated[int, Meta(ge=0, le=1000)]


class Limits(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """`[limits]`.

    `responses_per_second` holds for each client network and kind of reply over UDP;
    0: no limit.  Times are in seconds.
    """

    responses_per_second: Rate = 0.0
    slip: Slip = 2
    exempt: tuple[Prefix, ...] = ()
    tcp_idle: Interval = 30.0
    tcp_total: Interval = 600.0
    tcp_connections: ConnectionCount = 400
    tcp_per_prefix: ConnectionCount = 200
    tcp_per_client: ConnectionCount = 100
    http_connections: ConnectionCount = 256
    http_per_prefix: ConnectionCount = 192
