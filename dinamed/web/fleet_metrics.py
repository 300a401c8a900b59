"""What Prometheus is told of the fleet."""

from collections.abc import Iterator

from prometheus_client import Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily

from dinamed.fleet.status import FleetStatus


def fleet_metrics(status: FleetStatus, alone_seconds: float) -> Iterator[Metric]:
    """The metrics of a server that has a fleet."""
    yield GaugeMetricFamily(
        "dinamed_fleet_connected",
        "1 while one's own values come back from the store.",
        float(status.mode == "together"),
    )
    yield CounterMetricFamily(
        "dinamed_fleet_alone_seconds",
        "Seconds without the fleet since the start.",
        alone_seconds,
    )
    yield GaugeMetricFamily(
        "dinamed_fleet_servers",
        "Servers that are live, this one included.",
        sum(one.live for one in status.servers),
    )
    yield GaugeMetricFamily(
        "dinamed_fleet_waiting_orders",
        "Orders that the store does not know of yet.",
        status.waiting,
    )
    own = status.servers[0]
    if own.lag is not None:
        yield GaugeMetricFamily(
            "dinamed_fleet_echo_seconds",
            "Seconds until one's own value came back the last time.",
            own.lag,
        )
    room = GaugeMetricFamily(
        "dinamed_fleet_store_bytes",
        "The store's database: its size, what of it is used, and the quota.",
        labels=("what",),
    )
    for name, octets in sorted(status.sizes.items()):
        room.add_metric((name,), octets)
    yield room
    yield GaugeMetricFamily(
        "dinamed_fleet_store_alarm",
        "1 while the store tells of an alarm.",
        float("alarm" in status.store),
    )
    yield from _others(status)
    work = CounterMetricFamily(
        "dinamed_fleet_store",
        "What the client of the store did and met with.",
        labels=("what",),
    )
    for name, count in sorted(status.counters.items()):
        work.add_metric((name,), count)
    yield work


def _others(status: FleetStatus) -> Iterator[Metric]:
    age = GaugeMetricFamily(
        "dinamed_fleet_peer_age_seconds",
        "Seconds since a server was heard of.",
        labels=("server",),
    )
    clock = GaugeMetricFamily(
        "dinamed_fleet_clock_offset_seconds",
        "How far the clock of a server is ahead of ours.",
        labels=("server",),
    )
    differs = GaugeMetricFamily(
        "dinamed_fleet_config_differs",
        "Pools that the config of a server says otherwise than ours.",
        labels=("server",),
    )
    keys = GaugeMetricFamily(
        "dinamed_fleet_keys_differ",
        "Zones that a server signs with other keys than we do.",
        labels=("server",),
    )
    for one in status.servers[1:]:
        keys.add_metric((one.server,), len(one.keys_differ))
        if one.heard is not None:
            age.add_metric((one.server,), one.heard)
        clock.add_metric((one.server,), one.clock_offset)
        differs.add_metric((one.server,), len(one.pools_differ))
    yield from (age, clock, differs, keys)
