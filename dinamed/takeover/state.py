"""The state that passes from one process to the next, as a value."""

import msgspec

from dinamed.health.watches import SavedCheck
from dinamed.journal.events import Happening
from dinamed.pools.saved import Saved, SavedMember

Counters = dict[str, int]
"""Counts by a key; those of two times can be subtracted."""

NO_POOLS = Saved({})


class TakeoverState(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of the state, or what has changed since an earlier time.

    `started` is Unix time.  `older_cookies` are the other secrets whose cookies hold.
    `questions`, `failures`, `counts` and the like are numbers
    since then.  `handed_out` counts by pool and member, `pending` those of them that
    no report shows.  `fleet` is what tells this server from another of its name: a
    number and the time of its start.  `flows` are the sums from which the load of one
    transfer follows.  `events` are the last things that have happened.
    """

    started: float = 0.0
    cookie_secret: bytes = b""
    older_cookies: tuple[bytes, ...] = ()
    questions: int = 0
    failures: int = 0
    silent: int = 0
    reloads: tuple[int, int] = (0, 0)
    counts: list[tuple[str, int, int, bool, int]] = []
    plane: Counters = {}
    handed_out: dict[str, Counters] = {}
    pending: dict[str, Counters] = {}
    flows: dict[str, tuple[float, float, float]] = {}
    pools: Saved = NO_POOLS
    checks: list[SavedCheck] = []
    fleet: tuple[int, float] = (0, 0.0)
    events: list[Happening] = []


def since(now: TakeoverState, before: TakeoverState) -> TakeoverState:
    """The difference to `before`; of pools and checks, those that have changed."""
    counts = {tuple(row[:4]): row[4] for row in before.counts}
    return TakeoverState(
        questions=now.questions - before.questions,
        failures=now.failures - before.failures,
        silent=now.silent - before.silent,
        reloads=(
            now.reloads[0] - before.reloads[0],
            now.reloads[1] - before.reloads[1],
        ),
        counts=[
            (*row[:4], more)
            for row in now.counts
            if (more := row[4] - counts.get(tuple(row[:4]), 0)) > 0
        ],
        plane=_grown(now.plane, before.plane),
        handed_out={
            pool: grown
            for pool, cells in now.handed_out.items()
            if (grown := _grown(cells, before.handed_out.get(pool, {})))
        },
        pools=_changed(now.pools, before.pools),
        events=[event for event in now.events if event not in before.events],
    )


def _grown(now: Counters, before: Counters) -> Counters:
    return {
        key: more
        for key, count in now.items()
        if (more := count - before.get(key, 0)) > 0
    }


def _changed(now: Saved, before: Saved) -> Saved:
    """The members of whom something else is known now, be it nothing any more."""
    pools: dict[str, dict[str, SavedMember]] = {}
    for pool in now.pools.keys() | before.pools.keys():
        new, old = now.pools.get(pool, {}), before.pools.get(pool, {})
        changed = {
            name: new.get(name, SavedMember())
            for name in new.keys() | old.keys()
            if new.get(name) != old.get(name)
        }
        if changed:
            pools[pool] = changed
    return Saved(pools)
