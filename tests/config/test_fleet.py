"""Tests of `[fleet]` and of the keys of checks that say how votes count."""

import os

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.load import LoadedConfig, load
from dinamed.config.settings import VotingSettings

WHOLE = """
[fleet]
engine    = "etcd"
endpoints = ["http://127.0.0.1:2379", "https://etcd2.example.net:2379/"]
name      = "prod"
server    = "ns1"
region    = "eu"
interval  = "5s"
lease     = 15
share     = ["orders", "votes"]
load_askers = 3
"""

POOL = """
[pools.p]
[[pools.p.members]]
name = "a"
addresses = ["192.0.2.1"]
"""


class FleetTests(SynchronousTestCase):
    """Reading configs."""

    def read(self, text: str) -> LoadedConfig:
        """What a config says."""
        folder = self.mktemp()
        os.makedirs(folder)
        path = os.path.join(folder, "dinamed.toml")
        with open(path, "w") as file:
            file.write(text)
        return load(path)

    def problems(self, text: str) -> list[str]:
        """What is wrong with it, without the place."""
        return [f"{one.key}: {one.message}" for one in self.read(text).problems]

    def test_whole(self) -> None:
        """Every key."""
        settings = self.read(WHOLE).settings
        assert settings is not None
        fleet = settings.fleet
        self.assertEqual((fleet.engine, fleet.interval, fleet.lease), ("etcd", 5, 15))
        self.assertEqual(fleet.endpoints[1], "https://etcd2.example.net:2379")
        self.assertEqual(fleet.share, ("orders", "votes"))
        self.assertEqual((fleet.server, fleet.region), ("ns1", "eu"))

    def test_none(self) -> None:
        """Without the table there is no fleet."""
        settings = self.read("").settings
        assert settings is not None
        self.assertIsNone(settings.fleet.engine)

    def test_what_goes_together(self) -> None:
        """All of it is told at once."""
        text = '[fleet]\nlease = 5\nuser = "x"\ncertificate = "/nowhere"\n'
        self.assertEqual(
            self.problems(text),
            [
                "fleet.endpoints: a fleet needs an endpoint at least",
                'fleet.engine: a fleet needs engine = "etcd"',
                "fleet.key: certificate and key go together",
                "fleet.password_file: user and password_file go together",
                "fleet.lease: must be 3 intervals at least",
                "fleet.certificate: can't read /nowhere",
            ],
        )

    def test_bad_values(self) -> None:
        """Each with its key."""
        for line in (
            'endpoints = ["127.0.0.1:2379"]',
            'endpoints = ["http://127.0.0.1:2379/v3"]',
            'name = "a/b"',
            "interval = 61",
            'share = ["everything"]',
            "load_askers = 0",
            'password = "secret"',
        ):
            text = f'[fleet]\nengine = "etcd"\n{line}\n'
            key = "fleet." + line.partition(" ")[0]
            self.assertTrue(
                any(one.startswith(key) for one in self.problems(text)), line
            )

    def test_votes(self) -> None:
        """They are said with a check, and are no part of it."""
        check = 'check = {type = "tcp", port = 80, quorum = 0.3, vantage_points = 2}'
        settings = self.read(POOL.replace("[pools.p]\n", f"[pools.p]\n{check}\n"))
        assert settings.settings is not None
        (pool,) = settings.settings.pools
        self.assertEqual(pool.voting, VotingSettings(vantage_points=2, quorum=0.3))
        self.assertEqual(len(pool.check), 1)

    def test_bad_votes(self) -> None:
        """Each with its key."""
        check = 'check = {type = "tcp", port = 80, quorum = 2, verdict = "mine"}'
        told = self.problems(POOL.replace("[pools.p]\n", f"[pools.p]\n{check}\n"))
        self.assertEqual(
            [one.partition(":")[0] for one in told],
            ["pools.p.check.quorum", "pools.p.check.verdict"],
        )
