"""Stages of other packages, kept from breaking answers: one that raises is passed over.

The chain then goes on with what the stage was given; in place of a stage that picks,
members are drawn by weight.
"""

from collections import Counter
from collections.abc import Callable, Sequence

from dinamed.pools.context import DrawContext
from dinamed.pools.members import Candidates, Member
from dinamed.pools.recorder import Remark
from dinamed.pools.stages.protocol import (
    Narrowing,
    Picking,
    PoolFacts,
    Prepared,
    Scored,
    Stage,
)
from dinamed.pools.stages.weighted import Weighted

Told = Callable[[str, Exception], None]


class StageFailures:
    """Counts what stages raise, by the stage's name.

    `told` is called with a stage's name and the error the first time that it fails.
    """

    def __init__(self, told: Told = lambda name, error: None) -> None:
        self.counts: Counter[str] = Counter()
        self._told = told

    def note(self, name: str, error: Exception) -> None:
        """Count one failure."""
        self.counts[name] += 1
        if self.counts[name] == 1:
            self._told(name, error)


def guarded(name: str, stage: object, failures: StageFailures) -> Stage:
    """The stage, guarded.  Raises `ValueError` for what is no stage."""
    if hasattr(stage, "depends"):
        if isinstance(stage, Picking):
            return GuardedPicking(name, stage, failures)
        if isinstance(stage, Narrowing):
            return GuardedNarrowing(name, stage, failures)
    raise ValueError(
        f"stage {name!r} makes a {type(stage).__name__}, which is no stage: it has no "
        "depends with narrow or prepare"
    )


class _Guard:
    """What both kinds share."""

    def __init__(self, name: str, failures: StageFailures) -> None:
        self._name = name
        self._failures = failures

    def _failed(self, error: Exception, context: DrawContext, pool: str) -> None:
        self._failures.note(self._name, error)
        if context.recorder is not None:
            text = f"{self._name} raised {type(error).__name__}: {error}; passed over"
            context.recorder.record(Remark(pool, text))


class GuardedNarrowing(_Guard):
    """A stage that narrows, or has no opinion when it fails."""

    def __init__(self, name: str, stage: Narrowing, failures: StageFailures) -> None:
        super().__init__(name, failures)
        self._stage = stage
        self.depends = stage.depends

    def narrow(
        self, candidates: Candidates, context: DrawContext, facts: PoolFacts
    ) -> Candidates:
        """See `Narrowing`."""
        try:
            return _chosen(self._stage.narrow(candidates, context, facts), candidates)
        except Exception as error:  # another package's
            self._failed(error, context, facts.name)
            return ()


class GuardedPicking(_Guard):
    """A stage that picks, or draws by weight when it fails."""

    def __init__(self, name: str, stage: Picking, failures: StageFailures) -> None:
        super().__init__(name, failures)
        self._stage = stage
        self.depends = stage.depends

    def prepare(self, candidates: Candidates, facts: PoolFacts) -> Prepared:
        """See `Picking`."""
        instead = Weighted().prepare(candidates, facts)
        try:
            prepared = self._stage.prepare(candidates, facts)
        except Exception as error:  # another package's
            self._failures.note(self._name, error)
            return instead
        return _GuardedPrepared(
            self._name, prepared, instead, candidates, facts.name, self._failures
        )


class _GuardedPrepared(_Guard):
    """What such a stage has made ready."""

    def __init__(
        self,
        name: str,
        prepared: Prepared,
        instead: Prepared,
        candidates: Candidates,
        pool: str,
        failures: StageFailures,
    ) -> None:
        super().__init__(name, failures)
        self._prepared = prepared
        self._instead = instead
        self._candidates = candidates
        self._pool = pool

    def draw(self, context: DrawContext, count: int) -> Candidates:
        """See `Prepared`."""
        try:
            drawn = _chosen(self._prepared.draw(context, count), self._candidates)
        except Exception as error:  # another package's
            self._failed(error, context, self._pool)
            drawn = ()
        return drawn or self._instead.draw(context, count)

    def rank(self, now: float) -> Sequence[Member]:
        """See `Prepared`."""
        try:
            return tuple(self._prepared.rank(now))
        except Exception as error:  # another package's
            self._failures.note(self._name, error)
            return self._instead.rank(now)

    def odds(self, context: DrawContext) -> Sequence[float]:
        """See `Prepared`."""
        try:
            return tuple(self._prepared.odds(context))
        except Exception as error:  # another package's
            self._failures.note(self._name, error)
            return ()

    def scores(self, context: DrawContext) -> Sequence[str]:
        """See `Scored`."""
        if not isinstance(self._prepared, Scored):
            return ()
        try:
            return tuple(self._prepared.scores(context))
        except Exception as error:  # another package's
            self._failures.note(self._name, error)
            return ()


def _chosen(members: object, candidates: Candidates) -> Candidates:
    """What a stage gave, once it is sure that it gave members it was given."""
    if not isinstance(members, tuple | list):
        raise TypeError(
            f"gave a {type(members).__name__} in place of a tuple of members"
        )
    if not set(members) <= set(candidates):
        raise ValueError("gave members that it was not given")
    return tuple(members)
