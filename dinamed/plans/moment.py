"""What an answer is made from, as it stands when it is made."""

from collections.abc import Callable
from random import Random
from typing import NamedTuple

from dinamed.plans.snapshot import Snapshot


class Moment(NamedTuple):
    """The state of everything for one answer; a value."""

    snapshot: Snapshot
    now: float
    """Unix time."""
    rng: Random
    """The source of all chance."""


Present = Callable[[], Moment]
"""Gives the moment that it is."""
