"""The turns of round robin, which all threads share; they outlast a pool's views."""

from collections.abc import Sequence
from random import Random

from dinamed.plane.extension import native
from dinamed.pools.members import Candidates

MOST_SKIPPED = 32
"""Turns that round robin may begin with, lest servers march in step."""


class SharedTurns:
    """What each member of one pool has coming to it, as `round_robin` counts that."""

    def __init__(self, rng: Random) -> None:
        self._rng = rng
        self._slots: dict[str, int] = {}
        self.native: native.Turns

    def settle(self, members: Candidates) -> None:
        """Have these members take turns; those who did go on where they are."""
        names = [member.name for member in members]
        if self._slots.keys() == set(names):
            return
        known = self.native.credits() if self._slots else []
        before = {name: known[slot] for name, slot in self._slots.items()}
        mean = sum(before.values()) / len(before) if before else 0.0
        credits = [
            before.get(one.name, mean + (self._rng.random() - 0.5) * one.weight)
            for one in members
        ]
        if not before:
            self._skip(members, credits)
        self._slots = {name: slot for slot, name in enumerate(names)}
        self.native = native.Turns(credits)

    def _skip(self, members: Candidates, credits: list[float]) -> None:
        total = sum(member.weight for member in members)
        for _ in range(self._rng.randrange(MOST_SKIPPED + 1)):
            for slot, member in enumerate(members):
                credits[slot] += member.weight
            credits[credits.index(max(credits))] -= total

    def slots(self, names: Sequence[str]) -> list[int]:
        """The places of members."""
        return [self._slots[name] for name in names]
