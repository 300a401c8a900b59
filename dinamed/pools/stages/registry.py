"""The stages by name: the built-in ones, and those of other packages.

A package adds a stage by an entry point, here `coin` for `select = ["coin"]`::

    [project.entry-points."dinamed.stages"]
    coin = "mypackage.stages:Coin"

The entry point is a factory: it is called with the argument of the stage (None for a
bare name), raises ValueError in plain words if that does not fit, and returns an
object as described in `dinamed.pools.stages.protocol`.  Built-in names win.
"""

from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from dinamed.pools.stages.best import Best
from dinamed.pools.stages.country import CountryStage
from dinamed.pools.stages.each import Each
from dinamed.pools.stages.everyone import Everyone
from dinamed.pools.stages.guarded import StageFailures, guarded
from dinamed.pools.stages.hashed import hash_stage
from dinamed.pools.stages.least import Least
from dinamed.pools.stages.nearest import NearestStage
from dinamed.pools.stages.network import NetworkStage
from dinamed.pools.stages.predictive import Predictive
from dinamed.pools.stages.priority import PriorityStage
from dinamed.pools.stages.protocol import Factory, Registry, Stage
from dinamed.pools.stages.round_robin import RoundRobin
from dinamed.pools.stages.shed import Shed
from dinamed.pools.stages.spill import Spill
from dinamed.pools.stages.trickle import Trickle
from dinamed.pools.stages.weighted import Weighted

GROUP = "dinamed.stages"


def builtin_stages() -> Registry:
    """The stages that come with dinamed."""
    return MappingProxyType(
        {
            "country": CountryStage,
            "nearest": NearestStage,
            "network": NetworkStage,
            "priority": PriorityStage,
            "trickle": Trickle,
            "weighted": Weighted,
            "round-robin": RoundRobin,
            "hash": hash_stage,
            "shed": Shed,
            "least": Least,
            "best": Best,
            "predictive": Predictive,
            "spill": Spill,
            "all": Everyone,
            "each": Each,
        }
    )


def load_stages(
    points: Iterable[EntryPoint] | None = None, failures: StageFailures | None = None
) -> Registry:
    """The built-in stages and those of other packages.

    `points` are their entry points; by default those of what is installed, which are
    looked up on each call.  They are imported only when they are used, and what they
    raise later is noted in `failures`.
    """
    if points is None:
        points = entry_points(group=GROUP)
    noted = StageFailures() if failures is None else failures
    found: dict[str, Factory] = {point.name: _Lazy(point, noted) for point in points}
    return MappingProxyType({**found, **builtin_stages()})


class _Lazy:
    """A factory that is imported when it is called; what it makes is guarded."""

    def __init__(self, point: EntryPoint, failures: StageFailures) -> None:
        self._point = point
        self._failures = failures

    def __call__(self, argument: object) -> Stage:
        name = self._point.name
        whence = f"stage {name!r} of {self._point.value}"
        try:
            factory = self._point.load()
        except Exception as error:  # another package's
            raise ValueError(f"{whence} can't be loaded: {_shown(error)}") from error
        try:
            stage: object = factory(argument)
        except ValueError:
            raise
        except Exception as error:  # another package's
            raise ValueError(f"{whence} can't be made: {_shown(error)}") from error
        return guarded(name, stage, self._failures)


def _shown(error: Exception) -> str:
    text = " ".join(str(error).split())
    kind = type(error).__name__
    return text if text and isinstance(error, ImportError) else f"{kind}: {text}"
