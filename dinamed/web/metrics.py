"""The metrics for Prometheus, rendered in slices so that answers need not wait."""

import platform
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from prometheus_client import CollectorRegistry, Metric, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
)
from prometheus_client.registry import Collector
from prometheus_client.samples import Sample
from prometheus_client.utils import floatToGoString
from twisted.internet.task import Cooperator
from twisted.web.server import Request

from dinamed import __version__
from dinamed.health.service import HealthService
from dinamed.histogram import Histogram
from dinamed.plans.engine import Engine
from dinamed.pools.pool import FAMILIES, PoolView
from dinamed.pools.stages.guarded import StageFailures
from dinamed.querylog.writer import LogCounts
from dinamed.server.services import ReloadService
from dinamed.server.stream import StreamFactory
from dinamed.web.fleet_metrics import fleet_metrics
from dinamed.web.lazy_metric import LazyMetric, in_pieces
from dinamed.web.member_metrics import member_metrics
from dinamed.web.parts import WebParts
from dinamed.web.resources import Endpoint
from dinamed.web.signing_metrics import signing_metrics
from dinamed.web.slowly import Streamed
from dinamed.wire.names import to_text

OUTCOMES = ("answered", "silent", "limited", "handed", "dropped")
"""`handed`: to Python; `dropped`: Python was too far behind."""
PLANE_TICK = 2.0**-22
"""Seconds; the plane's bins are powers of two of it."""
CONTENT_TYPE = b"text/plain; version=0.0.4; charset=utf-8"


class ServerCollector(Collector):
    """Collects the counters of one server's parts."""

    def __init__(self, parts: WebParts) -> None:
        self._parts = parts

    def collect(self) -> Iterator[Metric]:
        """All metrics of now."""
        engine = self._parts.engine
        yield from _build(engine, self._parts.listening.engine)
        yield from _questions(engine)
        yield _counter(
            "failures",
            "Queries that we failed at.",
            self._parts.stack.resolver.failures,
        )
        yield from _stages(self._parts.stage_failures)
        samples = self._parts.stack.samples
        yield _histogram(
            "answer_duration_seconds",
            "Time from a message to its reply, of a sample of them.",
            samples.seconds,
        )
        countries = CounterMetricFamily(
            "dinamed_sampled_questions",
            "A sample of questions by the country of the one who sent them.",
            labels=("country",),
        )
        for country, count in samples.countries.items():
            countries.add_metric((country,), count)
        yield countries
        yield _gauge(
            "open_connections",
            "Streams that are open.",
            self._parts.listening.streams.open_connections,
        )
        yield _closed(self._parts.listening.streams)
        yield _limited(engine)
        yield _plane(self._parts.listening.plane_counters())
        yield _plane_times(*self._parts.listening.plane_times())
        yield _logged(self._parts.query_log.counts)
        yield from signing_metrics(self._parts.signing)
        yield from _reloads(self._parts.reloading)
        yield from _checks(self._parts.health)
        yield _shortages(self._parts)
        turns = self._parts.turns
        yield _gauge(
            "reactor_longest_turn_seconds",
            "The longest time in the last minutes for which nothing else was done.",
            turns.longest,
        )
        yield _counter(
            "reactor_stalls", "Turns that took over a tenth of a second.", turns.stalls
        )
        fleet = self._parts.fleet
        if fleet.has_fleet:
            yield from fleet_metrics(fleet.status(), fleet.alone_seconds)
        views = [view for _, view in sorted(self._parts.pools.views.items())]
        yield from _pools(views)
        yield from _detours(views)
        yield from member_metrics(views, self._parts.clock(), self._check_took)

    def _check_took(self, pool: str, member: str) -> float | None:
        """Seconds that the member's checks took the last time, the longest of them."""
        checks = self._parts.health.status(pool, member)
        took = [one.history[-1].seconds for one in checks if one.history]
        return max(took, default=None)


def registry_of(collector: Collector) -> CollectorRegistry:
    """The registry of one server: its own metrics, and those of its process."""
    registry = CollectorRegistry()
    registry.register(collector)
    ProcessCollector(registry=registry)
    return registry


def _plane(counters: Mapping[str, int]) -> Metric:
    metric = CounterMetricFamily(
        "dinamed_plane_queries",
        "Queries that the compiled plane received, by what it did with them.",
        labels=("outcome",),
    )
    for outcome in OUTCOMES:
        metric.add_metric((outcome,), counters.get(outcome, 0))
    return metric


def _plane_times(bins: Sequence[int], seconds: float) -> Metric:
    histogram = Histogram([2.0**n * PLANE_TICK for n in range(len(bins) - 1)])
    histogram.counts = list(bins) or histogram.counts
    histogram.total = seconds
    return _histogram(
        "plane_batch_duration_seconds",
        "Time from queries to replies of the plane, of one batch (1 to 64) in 64.",
        histogram,
    )


def _logged(counts: LogCounts) -> Metric:
    metric = CounterMetricFamily(
        "dinamed_logged_queries",
        "Sampled queries by what became of them in the query log.",
        labels=("outcome",),
    )
    metric.add_metric(("written",), counts.written)
    metric.add_metric(("dropped",), counts.dropped)
    return metric


def _gauge(name: str, about: str, value: float) -> Metric:
    return GaugeMetricFamily(f"dinamed_{name}", about, value)


def _counter(name: str, about: str, value: float) -> Metric:
    return CounterMetricFamily(f"dinamed_{name}", about, value)


def _histogram(name: str, about: str, histogram: Histogram) -> Metric:
    buckets = [
        (floatToGoString(bound), float(count))
        for bound, count in histogram.cumulative()
    ]
    return HistogramMetricFamily(f"dinamed_{name}", about, buckets, histogram.total)


def _build(engine: Engine, udp: str) -> Iterator[Metric]:
    yield InfoMetricFamily(
        "dinamed_build",
        "What runs here.",
        {
            "version": __version__,
            "python": platform.python_version(),
            "identity": engine.snapshot.identity,
            "udp": udp.partition(" ")[0],
        },
    )
    zones = engine.snapshot.zones

    def serials() -> Iterator[Sample]:
        for origin, serial, _ in zones.figures():
            yield Sample("dinamed_zone_serial", {"zone": to_text(origin)}, serial)

    yield LazyMetric(
        "dinamed_zone_serial",
        "The serial of the zone's SOA.",
        "gauge",
        in_pieces(serials),
    )


def _questions(engine: Engine) -> Iterator[Metric]:
    def questions() -> Iterator[Sample]:
        for labels, count in engine.counts.totals():
            yield Sample("dinamed_questions_total", labels._asdict(), count)

    yield LazyMetric(
        "dinamed_questions",
        "Messages that were answered.",
        "counter",
        in_pieces(questions),
    )
    yield _counter(
        "dropped_messages",
        "Messages that got no reply, for they were none or replies themselves.",
        engine.counts.silent,
    )


def _stages(failures: StageFailures) -> Iterator[Metric]:
    raised = CounterMetricFamily(
        "dinamed_stage_failures",
        "Times that a stage of another package raised and was passed over.",
        labels=("stage",),
    )
    for stage, count in sorted(failures.counts.items()):
        raised.add_metric((stage,), count)
    yield raised


def _closed(streams: StreamFactory) -> Metric:
    closed = CounterMetricFamily(
        "dinamed_closed_connections",
        "Streams that were closed for there were too many.",
        labels=("reason",),
    )
    closed.add_metric(("refused",), streams.refused)
    closed.add_metric(("displaced",), streams.displaced)
    return closed


def _limited(engine: Engine) -> Metric:
    limited = CounterMetricFamily(
        "dinamed_limited_replies",
        "Replies over the limit of their kind, by what became of them.",
        labels=("outcome",),
    )
    limiter = engine.snapshot.defence.limiter
    limited.add_metric(("dropped",), 0 if limiter is None else limiter.dropped)
    limited.add_metric(("truncated",), 0 if limiter is None else limiter.slipped)
    return limited


def _reloads(reloading: ReloadService) -> Iterator[Metric]:
    reloads = CounterMetricFamily(
        "dinamed_reloads", "Reloads by how they ended.", labels=("result",)
    )
    reloads.add_metric(("applied",), reloading.applied)
    reloads.add_metric(("refused",), reloading.refused)
    yield reloads
    yield _gauge(
        "last_reload_successful",
        "0 if the last reload changed nothing for what was read was bad, else 1.",
        reloading.last_good,
    )


def _checks(health: HealthService) -> Iterator[Metric]:
    checks = CounterMetricFamily(
        "dinamed_checks", "Checks that ended, by their result.", labels=("result",)
    )
    checks.add_metric(("passed",), health.passed)
    checks.add_metric(("failed",), health.failed)
    yield checks
    yield _gauge("checks_running", "Checks that run now.", health.in_flight)
    yield _gauge("checks_waiting", "Checks that wait for others.", health.waiting)
    yield _histogram(
        "check_duration_seconds", "Time that checks took.", health.durations
    )
    yield _histogram(
        "check_lateness_seconds",
        "Time by which checks began too late.",
        health.lag,
    )


def _shortages(parts: WebParts) -> Metric:
    lacking = CounterMetricFamily(
        "dinamed_own_shortages",
        "What could not be tried, for this host lacked what it takes (files, routes).",
        labels=("of",),
    )
    lacking.add_metric(("checks",), parts.health.shortages.count)
    lacking.add_metric(("feeds",), parts.loads.shortages.count)
    return lacking


def _pools(views: Iterable[PoolView]) -> Iterator[Metric]:
    usable = GaugeMetricFamily(
        "dinamed_pool_usable_members", "Members that may be given.", labels=("pool",)
    )
    members = GaugeMetricFamily(
        "dinamed_pool_members", "Members that are configured.", labels=("pool",)
    )
    down = GaugeMetricFamily(
        "dinamed_pool_down", "1 if no member is usable, else 0.", labels=("pool",)
    )
    family_down = GaugeMetricFamily(
        "dinamed_pool_family_down",
        "1 if no member has a usable address of the family, though some have one.",
        labels=("pool", "family"),
    )
    for view in views:
        for family in FAMILIES:
            if view.knows(family):
                labels = (view.name, f"IPv{family}")
                family_down.add_metric(labels, view.is_down(family))
        usable.add_metric((view.name,), len(view.usable))
        members.add_metric((view.name,), len(view.members))
        down.add_metric((view.name,), view.down)
    yield from (usable, members, down, family_down)


def _detours(views: Iterable[PoolView]) -> Iterator[Metric]:
    """Of pools whose clients were sent by cost, where they went."""
    clients = CounterMetricFamily(
        "dinamed_pool_steered_clients",
        "Clients foreseen behind answers that were picked by cost.",
        labels=("pool",),
    )
    spilled = CounterMetricFamily(
        "dinamed_pool_spilled_clients",
        "Those of them that were sent past their nearest member.",
        labels=("pool",),
    )
    farther = CounterMetricFamily(
        "dinamed_pool_detour_seconds",
        "Round trips of all of them beyond that to the nearest member, added up.",
        labels=("pool",),
    )
    for view in views:
        detours = view.accounting.detours
        if detours.clients:
            clients.add_metric((view.name,), detours.clients)
            spilled.add_metric((view.name,), detours.spilled)
            farther.add_metric((view.name,), detours.ms / 1000.0)
    yield from (clients, spilled, farther)


class MetricsPage:
    """Sends the metrics, little by little."""

    def __init__(self, registry: CollectorRegistry, cooperator: Cooperator) -> None:
        self._registry = registry
        self._cooperator = cooperator

    def resource(self) -> Endpoint:
        """The address where Prometheus asks."""
        return Endpoint({b"GET": lambda request: self})

    def send(self, request: Request) -> None:
        """Send all metrics of now."""
        request.setHeader(b"content-type", CONTENT_TYPE)
        if request.method == b"HEAD":
            request.finish()
            return
        Streamed(self._cooperator, request, text_of(self._registry.collect))


def text_of(registry: Callable[[], Iterable[Metric]]) -> Iterator[bytes]:
    """The text format of Prometheus, piece by piece; each piece is quickly made."""
    for metric in registry():
        name, kind = metric.name, metric.type
        if kind == "counter":
            name += "_total"
        elif kind == "info":
            name, kind = f"{name}_info", "gauge"
        head = f"# HELP {name} {metric.documentation}\n# TYPE {name} {kind}\n"
        yield head.encode()
        pieces = metric.pieces() if isinstance(metric, LazyMetric) else [metric.samples]
        for piece in pieces:
            yield "".join(map(_line, piece)).encode()


def _line(sample: Sample) -> str:
    value = floatToGoString(sample.value)
    if not sample.labels:
        return f"{sample.name} {value}\n"
    labels = ",".join(
        f'{name}="{_escaped(text)}"' for name, text in sample.labels.items()
    )
    return f"{sample.name}{{{labels}}} {value}\n"


def _escaped(text: str) -> str:
    if '"' in text or "\\" in text or "\n" in text:
        return text.replace("\\", r"\\").replace("\n", r"\n").replace('"', r"\"")
    return text
