"""Metrics of zones that are signed here."""

from collections.abc import Iterator
from typing import get_args

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.metrics_core import Metric

from dinamed.dnssec.rolling import Stage
from dinamed.server.signing import SigningService
from dinamed.server.signing_status import status_of

STAGES = (*get_args(Stage), "leaving")


def signing_metrics(signing: SigningService) -> Iterator[Metric]:
    """All of them; without signed zones there are no samples."""
    signed = GaugeMetricFamily(
        "dinamed_dnssec_signed",
        "1 if the zone is signed, 0 if it is to be and is not.",
        labels=("zone",),
    )
    problem = GaugeMetricFamily(
        "dinamed_dnssec_problem",
        "1 if something is wrong with the signing of the zone: see its status.",
        labels=("zone",),
    )
    expiry = GaugeMetricFamily(
        "dinamed_dnssec_expiry_seconds",
        "Time for which all signatures that are given out now are good.",
        labels=("zone",),
    )
    made = CounterMetricFamily(
        "dinamed_dnssec_signatures",
        "Signatures that were made since the start.",
        labels=("zone",),
    )
    ahead = GaugeMetricFamily(
        "dinamed_dnssec_signatures_ahead",
        "Signatures that were made ahead, and are kept in a file.",
        labels=("zone",),
    )
    stage = GaugeMetricFamily(
        "dinamed_dnssec_roll",
        "1 for the stage that a change of keys is in; leaving: on the way to unsigned.",
        labels=("zone", "stage"),
    )
    waiting = GaugeMetricFamily(
        "dinamed_dnssec_waiting_seconds",
        "Time that the zone has been waiting for something; 0 if for nothing.",
        labels=("zone",),
    )
    parent = GaugeMetricFamily(
        "dinamed_dnssec_parent_age_seconds",
        "Time since the servers of the parent were asked for the DS.",
        labels=("zone",),
    )
    now = signing.seconds()
    for _, keys in sorted(signing.zones.items()):
        told = status_of(keys, now)
        zone = told.zone.removesuffix(".") or "."
        signed.add_metric((zone,), told.signed)
        problem.add_metric((zone,), bool(told.problem))
        made.add_metric((zone,), told.signatures)
        ahead.add_metric((zone,), told.ahead)
        if told.expires is not None:
            expiry.add_metric((zone,), told.expires - now)
        for one in STAGES:
            stage.add_metric((zone, one), told.stage == one)
        since = min((one.since for one in told.waiting), default=now)
        waiting.add_metric((zone,), max(0.0, now - since))
        if told.parent is not None:
            parent.add_metric((zone,), now - told.parent.at)
    yield from (signed, problem, expiry, made, ahead, stage, waiting, parent)
