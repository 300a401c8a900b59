"""Tests of `dinamed.pools.stages.registry`."""

from importlib.metadata import EntryPoint, EntryPoints

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.stages import STAGES
from dinamed.pools.stages.protocol import Narrowing, Picking
from dinamed.pools.stages.registry import GROUP, builtin_stages, load_stages
from dinamed.pools.stages.weighted import Weighted


def installed(*points: tuple[str, str]) -> EntryPoints:
    """The entry points of some package."""
    return EntryPoints(EntryPoint(name, value, GROUP) for name, value in points)


class RegistryTests(SynchronousTestCase):
    """Stages by name."""

    def test_builtin_stages_are_what_the_config_expects(self) -> None:
        """Each stage narrows or picks, as the config's checks have it."""
        for name, factory in builtin_stages().items():
            stage = factory((0.5, 0.9) if STAGES[name].required else None)
            self.assertEqual(isinstance(stage, Picking), STAGES[name].picks, name)
            self.assertEqual(isinstance(stage, Narrowing), not STAGES[name].picks)

    def test_a_stage_of_another_package(self) -> None:
        """An entry point adds a stage."""
        points = installed(("mine", f"{Weighted.__module__}:Weighted"))
        self.assertIsInstance(load_stages(points)["mine"](None), Weighted)

    def test_builtin_names_win(self) -> None:
        """Nobody can replace a built-in stage by accident."""
        points = installed(("priority", f"{Weighted.__module__}:Weighted"))
        self.assertNotIsInstance(load_stages(points)["priority"](None), Weighted)

    def test_a_stage_that_cannot_be_loaded(self) -> None:
        """What can't be imported is told when it is used, not before."""
        registry = load_stages(installed(("mine", "no.such.module:Stage")))
        with self.assertRaisesRegex(ValueError, "'mine' of no.such.module:Stage"):
            registry["mine"](None)
        with self.assertRaisesRegex(ValueError, "can't be loaded"):
            load_stages(installed(("mine", "dinamed.pools:Nothing")))["mine"](None)

    def test_what_is_installed(self) -> None:
        """Without entry points given, those of installed packages are used."""
        self.assertLessEqual(builtin_stages().keys(), load_stages().keys())
