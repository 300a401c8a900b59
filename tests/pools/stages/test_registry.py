"""Tests of `dinamed.pools.stages.registry`."""

from importlib.metadata import EntryPoint, EntryPoints

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.stages import STAGES
from dinamed.pools.stages.foreign import known_kinds
from dinamed.pools.stages.protocol import Narrowing, Picking
from dinamed.pools.stages.registry import GROUP, builtin_stages, load_stages
from dinamed.pools.stages.weighted import Weighted


def installed(*points: tuple[str, str]) -> EntryPoints:
    """The entry points of some package."""
    return EntryPoints(EntryPoint(name, value, GROUP) for name, value in points)


ARGUMENTS = {"shed": (0.5, 0.9), "trickle": 0.1}
"""Of the stages that need one."""


class RegistryTests(SynchronousTestCase):
    """Stages by name."""

    def test_builtin_stages_are_what_the_config_expects(self) -> None:
        """Each stage narrows or picks, as the config's checks have it."""
        for name, factory in builtin_stages().items():
            stage = factory(ARGUMENTS.get(name))
            self.assertEqual(isinstance(stage, Picking), STAGES[name].picks, name)
            self.assertEqual(isinstance(stage, Narrowing), not STAGES[name].picks)

    def test_a_stage_of_another_package(self) -> None:
        """An entry point adds a stage."""
        points = installed(("mine", f"{Weighted.__module__}:Weighted"))
        self.assertIsInstance(load_stages(points)["mine"](None), Picking)

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

    def test_a_stage_that_cannot_be_made(self) -> None:
        """Whatever its package raises, and what is no stage, is a `ValueError`."""
        here = "tests.pools.stages.test_registry"
        for name, words in (
            ("Broken", "can't be made: RuntimeError: out of order"),
            ("Odd", "odd needs an argument"),
            ("Coin", "is no stage"),
        ):
            factory = load_stages(installed(("mine", f"{here}:{name}")))["mine"]
            with self.assertRaisesRegex(ValueError, words):
                factory(None)

    def test_what_is_installed(self) -> None:
        """Without entry points given, those of installed packages are used."""
        self.assertLessEqual(builtin_stages().keys(), load_stages().keys())


class KindTests(SynchronousTestCase):
    """What a config may say about the stages of other packages."""

    def test_own_stages_only(self) -> None:
        """Without other packages these are the built-in ones."""
        self.assertIs(known_kinds(()), STAGES)

    def test_other_packages(self) -> None:
        """A picking and a narrowing stage, and one that cannot be had."""
        here = "tests.pools.stages.test_registry"
        points = [
            EntryPoint("coin", f"{here}:Coin", GROUP),
            EntryPoint("odd", f"{here}:Odd", GROUP),
            EntryPoint("gone", f"{here}:Gone", GROUP),
            EntryPoint("hash", f"{here}:Coin", GROUP),
        ]
        kinds = known_kinds(points)
        self.assertTrue(kinds["coin"].picks)
        self.assertFalse(kinds["odd"].picks)
        self.assertIs(kinds["hash"], STAGES["hash"])
        for name, argument in (("coin", 7), ("gone", 1)):
            check = kinds[name].argument
            assert check is not None
            self.assertRaises(ValueError, check, argument)
        bare = kinds["gone"]
        self.assertTrue(bare.bare)

    def test_a_bare_name(self) -> None:
        """A factory that needs an argument refuses a name alone, in a config too."""
        kinds = known_kinds([EntryPoint("odd", f"{__name__}:Odd", GROUP)])
        check = kinds["odd"].argument
        assert check is not None
        self.assertTrue(kinds["odd"].bare)
        self.assertRaises(ValueError, check, None)


class Broken:
    """A stage that can't be made."""

    def __init__(self, argument: object) -> None:
        raise RuntimeError("out of order")


class Coin:
    """A stage that takes no argument, and picks."""

    def __init__(self, argument: object) -> None:
        if argument is not None:
            raise ValueError("coin takes no argument")

    def prepare(self) -> None:
        """Only its being there counts."""


class Odd:
    """A stage that narrows, and needs an argument."""

    def __init__(self, argument: object) -> None:
        if argument is None:
            raise ValueError("odd needs an argument")

    def narrow(self) -> None:
        """Only its being there counts."""
