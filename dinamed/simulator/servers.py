"""A name server of the model: a real pool manager with one pool."""

from collections.abc import Sequence
from random import Random

from dinamed.config import settings
from dinamed.config.feeds import PushFeed
from dinamed.geo.locator import Located
from dinamed.geo.place import NOWHERE, Place
from dinamed.pools.accounting import PoolAccounting
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.manager import PoolManager
from dinamed.pools.report import make_report
from dinamed.simulator.policies import Policy
from dinamed.simulator.scenario import Scenario
from dinamed.simulator.world import mirror_places
from dinamed.steering.round_trips import RETURN, network_of

POOL = "mirrors"
EPOCH = 1_000_000_000.0
"""The Unix time at which a run starts, for pool managers think in Unix time."""


class NameServer:
    """Answers from what it knows itself, and what others tell it (`fleet`)."""

    def __init__(self, scenario: Scenario, policy: Policy, rng: Random) -> None:
        self._manager = PoolManager([pool(scenario, policy)], EPOCH)
        self._rng = rng
        self._places: dict[Client, Place] = {}

    @property
    def accounting(self) -> PoolAccounting:
        """The book of its pool."""
        return self._manager.views[POOL].accounting

    def answer(self, client: Client, at: float) -> tuple[Sequence[int], int]:
        """The mirrors that this client gets, and for how many seconds."""
        context = DrawContext(client, 4, EPOCH + at, self._rng, locator=self)
        choice = self._manager.views[POOL].choose(context)
        return [member.index for member in choice.members], choice.ttl

    def locate(self, address: bytes, prefix: int) -> Located:
        """Where a client is, as the world of the scenario says."""
        return Located(self._places.get(Client.at(address), NOWHERE), 32)

    def meet(self, client: Client, place: Place) -> None:
        """A database of places knows where this client is."""
        self._places[client] = place

    def measured(self, client: Client, round_trips: Sequence[float]) -> None:
        """The round trips between this client and all mirrors have been measured."""
        network = network_of(client.address, client.prefix)
        assert network is not None
        place = self._places.get(client, NOWHERE)
        table = self._manager.round_trips
        # A second time later, so that the network is no newcomer any more.
        for at in (EPOCH - 2 * RETURN, EPOCH):
            for mirror, ms in enumerate(round_trips):
                table.add((POOL, name(mirror)), network, ms, 1, at, place)

    def report(
        self, mirror: int, load: float, at: float, measured: float | None = None
    ) -> None:
        """A mirror tells its load, and perhaps when it was measured."""
        now = EPOCH + at
        when = None if measured is None else EPOCH + measured
        report = make_report(load, now=now, source="simulator", at=when)
        self._manager.report(POOL, name(mirror), report, now=now)

    def health(self, mirror: int, healthy: bool, at: float) -> None:
        """Checks tell that a mirror has died, or is back."""
        reason = "" if healthy else "no answer"
        self._manager.health(POOL, name(mirror), healthy, reason, now=EPOCH + at)


def name(mirror: int) -> str:
    """The name of a mirror: the first is `mirror1`."""
    return f"mirror{mirror + 1}"


def client(resolver: int) -> Client:
    """A resolver as the name servers see it: each in a network of its own."""
    return Client.at((resolver + 2**16).to_bytes(3, "big") + b"\x35")


def pool(scenario: Scenario, policy: Policy) -> settings.PoolSettings:
    """The pool as a config would say it."""
    places = mirror_places(scenario.world)
    members = tuple(
        settings.MemberSettings(
            name=name(index),
            addresses=(f"198.18.{index >> 8}.{index & 255}",),
            weight=capacity,
            capacity=capacity,
            country=places[index].country if index in places else None,
        )
        for index, capacity in enumerate(scenario.capacities)
    )
    # No poller runs; the interval says from what age on a report is stale.
    feed = PushFeed(interval=max(1.0, scenario.report_interval))
    return settings.PoolSettings(
        name=POOL,
        ttl=policy.ttl(scenario),
        answers=scenario.answers,
        select=policy.select(scenario),
        members=members,
        load=feed,
    )
