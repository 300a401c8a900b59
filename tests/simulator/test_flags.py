"""Tests of flags that take the place of keys."""

import argparse

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.values import Ttl
from dinamed.simulator.flags import FLAGS, BadFlagError, add_flags, with_flags
from dinamed.simulator.scenario import Crowd, Outage, Scenario, Silence, Stretching


def read(*argv: str, base: Scenario | None = None) -> Scenario:
    """The scenario after these flags."""
    parser = argparse.ArgumentParser()
    add_flags(parser)
    return with_flags(base or Scenario(), parser.parse_args(argv))


class FlagTests(SynchronousTestCase):
    """`with_flags`."""

    def test_every_key(self) -> None:
        """Each key of a scenario is a flag, but for words and chains."""
        keys = set(Scenario.__struct_fields__) - {"about", "chains"}
        self.assertEqual(keys, {*FLAGS, "world"})

    def test_none(self) -> None:
        """Without flags nothing changes."""
        self.assertEqual(read(base=Scenario(seed=7)), Scenario(seed=7))

    def test_forms(self) -> None:
        """Numbers, lists and tables; what is not given stays."""
        found = read(
            *("--seed", "3", "--capacities", "4,2.5", "--ttl", "30-300"),
            *("--policies", "weighted,predictive", "--report-interval", "60"),
            *("--outage", "1:10:20", "--outage", "2:30:40", "--silence", "5:6"),
            *("--stretching", "0.1:10", "--crowd", "1:2:3", "--flow-factor", "2"),
            base=Scenario(offered=0.5),
        )
        expected = Scenario(
            seed=3,
            capacities=(4.0, 2.5),
            ttl=Ttl(30, 300),
            policies=("weighted", "predictive"),
            report_interval=60.0,
            outages=(
                Outage(member=1, start=10.0, end=20.0),
                Outage(member=2, start=30.0, end=40.0),
            ),
            silences=(Silence(start=5.0, end=6.0),),
            stretching=Stretching(share=0.1, factor=10.0),
            crowd=Crowd(start=1.0, end=2.0, factor=3.0),
            flow_factor=2.0,
            offered=0.5,
        )
        self.assertEqual(found, expected)

    def test_refused(self) -> None:
        """Every wrong value is told, with its flag."""
        arguments = ("--seed", "x", "--offered", "-1", "--outage", "1:a:2")
        error = self.assertRaises(BadFlagError, read, *arguments)
        self.assertEqual(
            error.messages,
            [
                '--seed: expected a whole number, got "x"',
                "--offered: expected a number from 0.001 to 1000, got -1",
                '--outage: start: expected a number, got "a"',
            ],
        )

    def test_rules(self) -> None:
        """So is what does not fit the scenario, or the scenario that."""
        error = self.assertRaises(BadFlagError, read, "--outage", "9:1:2")
        self.assertEqual(error.messages, ["--outage: member: there are only 8 mirrors"])
        base = Scenario(outages=(Outage(member=2, start=1.0, end=2.0),))
        error = self.assertRaises(BadFlagError, read, "--capacities", "1", base=base)
        self.assertEqual(
            error.messages, ["outages[0].member: there are only 1 mirrors"]
        )

    def test_crowd_of_none(self) -> None:
        """A table with a part missing is refused by the command line."""
        stderr = self.patch_stderr()
        self.assertRaises(SystemExit, read, "--crowd", "1:2")
        self.assertIn("expected START:END:FACTOR", "".join(stderr))

    def patch_stderr(self) -> list[str]:
        """Collect what the parser says."""
        said: list[str] = []

        def take(parser: object, message: str, file: object = None) -> None:
            said.append(message)

        self.patch(argparse.ArgumentParser, "_print_message", take)
        return said
