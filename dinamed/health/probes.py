"""Makes the probe of a check from its settings."""

import random
from collections.abc import Callable
from functools import partial
from typing import Protocol

from twisted.internet.defer import Deferred, succeed

from dinamed.clock import Clock
from dinamed.config import checks
from dinamed.health.command import CommandProbe, CommandReactor
from dinamed.health.dns_probe import DnsProbe, DnsReactor
from dinamed.health.file import FileProbe, FileReactor
from dinamed.health.http import HttpProbe
from dinamed.health.pool_state import PoolLacks, PoolProbe, no_pools
from dinamed.health.results import Probe, ProbeTarget, Result, failed, lacked
from dinamed.health.status import StatusProbe
from dinamed.health.tcp import TcpProbe
from dinamed.shortage import shortage


class HealthReactor(CommandReactor, DnsReactor, FileReactor):
    """What checks need of the reactor."""


class MakeProbe(Protocol):
    """Makes the probe of a check; never raises."""

    def __call__(
        self, reactor: HealthReactor, check: checks.Check, rng: random.Random
    ) -> Probe:
        """Make it."""
        ...


def make_probe(
    reactor: HealthReactor,
    check: checks.Check,
    rng: random.Random,
    wall: Clock | None = None,
    lacks: PoolLacks = no_pools,
) -> Probe:
    """The probe of that check.

    If it can't be made (its authorities can't be read) all that it probes fails,
    with the reason; for a lack of ours it is made later.  Files are as old as `wall`
    says, if not the reactor's clock; `lacks` tells of pools what they lack.
    """
    try:
        match check:
            case checks.TcpCheck():
                return TcpProbe(reactor, check)
            case checks.HttpCheck():
                return HttpProbe(reactor, check)
            case checks.DnsCheck():
                return DnsProbe(reactor, check, rng)
            case checks.ExecCheck():
                return CommandProbe(reactor, check)
            case checks.FileCheck():
                return FileProbe(reactor, check, wall=wall)
            case checks.StatusCheck():
                return StatusProbe(reactor, check)
            case checks.PoolCheck():
                return PoolProbe(check, lacks)
    except (OSError, ValueError) as error:
        if shortage(error):
            make = partial(make_probe, reactor, check, rng, wall, lacks)
            return LateProbe(make, shortage(error))
        return BrokenProbe(f"the check can't be made: {error}")
    return BrokenProbe("no such type of check")


class LateProbe:
    """A probe that this host could not make yet; it is made when it first can be."""

    def __init__(self, make: Callable[[], Probe], lack: str) -> None:
        self._make = make
        self._lack = lack
        self._made: Probe | None = None

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Probe, if it can be made now; see L{Probe.probe}."""
        if self._made is None:
            made = self._make()
            if isinstance(made, LateProbe):
                return succeed(lacked(self._lack))
            self._made = made
        return self._made.probe(target)


class BrokenProbe:
    """A probe that always fails, because its check can't work."""

    def __init__(self, reason: str) -> None:
        self._result = failed(reason)

    def probe(self, target: ProbeTarget) -> "Deferred[Result]":
        """Fail; see L{Probe.probe}."""
        return succeed(self._result)
