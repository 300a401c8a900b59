"""The chain of a pool: stages that narrow, and the one that picks."""

from collections.abc import Iterable, Sequence
from random import Random
from typing import TypeGuard

from dinamed.config import settings
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.members import Candidates, Family, Member
from dinamed.pools.recorder import Narrowed, Picked, Recorder
from dinamed.pools.stages.protocol import (
    Narrowing,
    Noted,
    Picking,
    PoolFacts,
    Prepared,
    Registry,
    Remarks,
    Scored,
    Stage,
)

MOST_PREPARED = 256
"""How many sets of candidates a route keeps its picking stage ready for."""


class Chain:
    """The stages of a pool, made from `select`.

    `narrowing` and `picking` pair each stage with its name.
    """

    __slots__ = ("narrowing", "picking")

    def __init__(
        self,
        narrowing: Iterable[tuple[str, Narrowing]],
        picking: tuple[str, Picking],
    ) -> None:
        self.narrowing = tuple(narrowing)
        self.picking = picking

    def route(
        self, candidates: Candidates, family: Family, facts: PoolFacts
    ) -> "Route":
        """Apply the chain to these candidates (at least one) as far as they alone
        decide it."""
        nobody = DrawContext(Client(b"", 0), family, 0.0, Random(0), count=False)
        kept = candidates
        dynamic = 0
        for _, stage in self.narrowing:
            if stage.depends:
                break
            kept = stage.narrow(kept, nobody, facts) or kept
            dynamic += 1
        return Route(self, candidates, kept, dynamic, facts)


class Route:
    """A chain as it stands for certain candidates.

    `candidates` are those before the first stage, `folded` those that are left by
    the leading stages which depend on nothing else; `remaining` are the stages that
    must still be asked on each draw.  `prepared` is the picking stage ready for
    `folded` if none remain, else None.
    """

    __slots__ = (
        "_cache",
        "_chain",
        "candidates",
        "facts",
        "folded",
        "prepared",
        "remaining",
    )

    def __init__(
        self,
        chain: Chain,
        candidates: Candidates,
        folded: Candidates,
        dynamic: int,
        facts: PoolFacts,
    ) -> None:
        self._chain = chain
        self._cache: dict[Candidates, Prepared] = {}
        self.candidates = candidates
        self.folded = folded
        self.facts = facts
        self.remaining = chain.narrowing[dynamic:]
        self.prepared = None if self.remaining else self.ready(folded)

    @property
    def picking(self) -> tuple[str, Picking]:
        """The picking stage and its name."""
        return self._chain.picking

    def draw(self, context: DrawContext, count: int) -> Candidates:
        """Run the chain for this context and draw up to `count` members."""
        if context.recorder is not None:
            return self._recorded(context, count, context.recorder)
        if self.prepared is not None:
            return self.prepared.draw(context, count)
        kept = self.folded
        for _, stage in self.remaining:
            kept = stage.narrow(kept, context, self.facts) or kept
        return self.ready(kept).draw(context, count)

    def rank(self, now: float) -> Sequence[Member]:
        """The folded candidates, best first."""
        return self.ready(self.folded).rank(now)

    def ready(self, candidates: Candidates) -> Prepared:
        """The picking stage made ready for these, remembered for next time."""
        prepared = self._cache.get(candidates)
        if prepared is None:
            if len(self._cache) >= MOST_PREPARED:
                del self._cache[next(iter(self._cache))]
            prepared = self.picking[1].prepare(candidates, self.facts)
            self._cache[candidates] = prepared
        return prepared

    def _recorded(
        self, context: DrawContext, count: int, recorder: Recorder
    ) -> Candidates:
        """Like `draw`, from the very first stage, and tell each step."""
        pool = self.facts.name
        kept = self.candidates
        for name, stage in self._chain.narrowing:
            after = stage.narrow(kept, context, self.facts)
            note = "" if after else "nothing left, passed on"
            if after and isinstance(stage, Noted):
                note = stage.note(kept, after)
            after = after or kept
            recorder.record(Narrowed(pool, name, names(kept), names(after), note))
            kept = after
        prepared = self.ready(kept)
        odds = tuple(prepared.odds(context))
        scores: tuple[str, ...] = ()
        if isinstance(prepared, Scored):
            scores = tuple(prepared.scores(context))
        picked = prepared.draw(context, count)
        weights = tuple(member.weight for member in kept)
        recorder.record(
            Picked(
                pool,
                self.picking[0],
                names(kept),
                weights,
                odds,
                names(picked),
                scores,
                isinstance(prepared, Remarks),
                prepared.remark(context, picked)
                if isinstance(prepared, Remarks)
                else "",
            )
        )
        return picked


def names(members: Iterable[Member]) -> tuple[str, ...]:
    """The members' names."""
    return tuple(member.name for member in members)


def compile_chain(
    select: Sequence[settings.StageSettings], registry: Registry
) -> Chain:
    """Make the chain that `select` describes.

    @raise ValueError: a stage is unknown, refuses its argument, or stands in the
        wrong place; the message says which and why.
    """
    if not select:
        raise ValueError("select is empty: it needs at least a stage that picks")
    *leading, last = [(entry.name, _make(entry, registry)) for entry in select]
    narrowing: list[tuple[str, Narrowing]] = []
    for name, stage in leading:
        if not _narrows(stage):
            raise ValueError(f"{name} picks, so it must be the last stage of select")
        narrowing.append((name, stage))
    name, stage = last
    if not _picks(stage):
        raise ValueError(
            f"{name} only narrows: the last stage of select must pick, e.g. weighted"
        )
    return Chain(narrowing, (name, stage))


# isinstance() of a protocol takes thirty microseconds, and there may be many pools.


def _narrows(stage: Stage) -> TypeGuard[Narrowing]:
    return hasattr(stage, "narrow") and hasattr(stage, "depends")


def _picks(stage: Stage) -> TypeGuard[Picking]:
    return hasattr(stage, "prepare") and hasattr(stage, "depends")


def _make(entry: settings.StageSettings, registry: Registry) -> Stage:
    factory = registry.get(entry.name)
    if factory is None:
        known = ", ".join(sorted(registry))
        raise ValueError(f"unknown stage {entry.name!r}; there are: {known}")
    return factory(entry.argument)
