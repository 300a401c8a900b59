"""What the name servers hear of the mirrors' loads, how late, and how smoothed."""

from collections import deque
from collections.abc import Callable, Sequence
from random import Random

from dinamed.simulator.mirrors import Mirror
from dinamed.simulator.scenario import Scenario
from dinamed.simulator.servers import NameServer

STEP = 1.0
"""Seconds between two looks at a load of which means are reported."""

Put = Callable[[float, Callable[[float], object]], None]


class Reporting:
    """Has every mirror tell every server its load now and then.

    `put` has something done at a time of the model.
    """

    def __init__(
        self,
        scenario: Scenario,
        mirrors: Sequence[Mirror],
        servers: Sequence[NameServer],
        chance: Random,
        put: Put,
    ) -> None:
        self._scenario = scenario
        self._mirrors = mirrors
        self._servers = servers
        self._chance = chance
        self._put = put
        window = max(1, round(scenario.report_average / STEP))
        self._loads = [deque[float](maxlen=window) for _ in mirrors]
        if scenario.report_average:
            put(0.0, self._look)
        put(0.0, self._report)

    def _look(self, now: float) -> None:
        """Take down loads for their means."""
        for loads, mirror in zip(self._loads, self._mirrors, strict=True):
            loads.append(mirror.load(now))
        if now + STEP < self._scenario.end:
            self._put(now + STEP, self._look)

    def _load(self, index: int, now: float) -> float:
        """The load of a mirror as it tells it: its mean, if that is asked for."""
        loads = self._loads[index]
        return sum(loads) / len(loads) if loads else self._mirrors[index].load(now)

    def _report(self, now: float) -> None:
        """Every mirror tells every server its load, unless that gets lost."""
        scenario, chance = self._scenario, self._chance
        loss, noise = scenario.report_loss, scenario.report_noise
        silent = any(one.start <= now < one.end for one in scenario.silences)
        for index, mirror in enumerate(self._mirrors):
            for server in self._servers:
                lost = chance.random() < loss
                factor = chance.lognormvariate(0.0, noise) if noise else 1.0
                if mirror.up and not silent and not lost:
                    self._send(server, index, self._load(index, now) * factor, now)
        later = now + scenario.report_interval
        if later < scenario.end:
            self._put(later, self._report)

    def _send(self, server: NameServer, index: int, load: float, now: float) -> None:
        """A report gets to a server, at once or after a while."""
        delay = self._scenario.report_delay
        if not delay:
            server.report(index, load, now)
            return

        def arrive(later: float) -> None:
            measured = now if self._scenario.report_stamped else later
            server.report(index, load, later, measured)

        self._put(now + delay, arrive)
