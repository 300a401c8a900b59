"""What a config may say about the stages that other packages add."""

from collections.abc import Callable, Iterable, Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from dinamed.config.stages import STAGES, StageKind
from dinamed.pools.stages.protocol import Factory
from dinamed.pools.stages.registry import GROUP, load_stages


def known_kinds(points: Iterable[EntryPoint] | None = None) -> Mapping[str, StageKind]:
    """The stages that `select` may name: the built-in ones and those of `points`.

    By default these are the entry points of what is installed.  A stage picks if what
    its entry point names has `prepare`; its argument is checked by making one.
    """
    points = tuple(entry_points(group=GROUP) if points is None else points)
    if not points:
        return STAGES
    registry = load_stages(points)
    kinds = {
        point.name: StageKind(
            _picks(point), argument=_checked(registry[point.name]), bare=True
        )
        for point in points
    }
    return MappingProxyType({**kinds, **STAGES})


def _picks(point: EntryPoint) -> bool:
    try:
        return hasattr(point.load(), "prepare")
    except Exception:  # another package's
        return True  # making one will tell why it can't be had


def _checked(factory: Factory) -> Callable[[object], object]:
    """Accepts the arguments that a factory takes, and raises its `ValueError`."""

    def check(argument: object) -> object:
        factory(argument)
        return argument

    return check
