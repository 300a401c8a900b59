"""Checks and the pool manager together, over real sockets."""

import random
from dataclasses import dataclass

from twisted.trial.unittest import TestCase

from dinamed.config import settings
from dinamed.config.checks import Check, TcpCheck
from dinamed.health.gateway import ManagerGateway
from dinamed.health.service import HealthService
from dinamed.pools.manager import PoolManager
from tests.health.support import Script, real


@dataclass
class Checked:
    """A pool with checks."""

    pool: settings.Pool
    check: tuple[Check, ...]

    @property
    def name(self) -> str:
        """The pool's name."""
        return self.pool.name

    @property
    def members(self) -> tuple[settings.Member, ...]:
        """The pool's members."""
        return self.pool.members


class TogetherTests(TestCase):
    """From a listening socket to the usable members of a pool."""

    timeout = 20

    async def test_first_round(self) -> None:
        """After the first round only those who answer are usable."""
        script = Script()
        listening = real.listenTCP(0, script, interface="127.0.0.2")
        self.addCleanup(listening.stopListening)
        port = listening.getHost().port
        members = tuple(
            settings.Member(name=f"m{number}", addresses=(f"127.0.0.{number}",))
            for number in (2, 3)
        )
        pool = settings.Pool(name="p", members=members)
        manager = PoolManager([pool], real.seconds())
        service = HealthService(
            real,
            ManagerGateway(manager, real),
            [Checked(pool, (TcpCheck(port=port),))],
            random.Random(1),
        )
        self.addCleanup(service.stopService)
        service.startService()
        await service.first_round()
        await script.lost
        view = manager.view("p")
        self.assertEqual([member.name for member in view.usable], ["m2"])
        self.assertIn("connection refused", view.standings["m3"].reason)
