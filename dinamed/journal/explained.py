"""The answer that a client would have got at a time of the past, and why."""

import random
from collections.abc import Iterable, Iterator
from itertools import islice

from dinamed.config.settings import PoolSettings
from dinamed.journal.past import Past, utc
from dinamed.plans.engine import Engine
from dinamed.plans.explain import ClientNetwork, Explanation, Step, explain
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.manager import PoolManager
from dinamed.wire.names import WireName

MOST_TOLD = 20
"""Members that were out which are told of."""


def explain_then(
    snapshot: Snapshot,
    pools: Iterable[PoolSettings],
    past: Past,
    name: WireName,
    rrtype: int,
    client: ClientNetwork,
) -> Explanation:
    """Explain with the states of members at that time.

    Config and zones are those of `snapshot`; loads and round trips are not known.  A
    member that has left since is told of, and not chosen.
    """
    manager = PoolManager(pools, past.at)
    manager.restore(past.saved(), past.at)
    engine = Engine(
        snapshot.with_pools(manager.views), lambda: past.at, random.Random()
    )
    explanation = explain(engine, name, rrtype, client)
    steps = (*_told(past), *explanation.steps)
    return Explanation(steps, explanation.reply)


def _told(past: Past) -> Iterator[Step]:
    yield Step(
        "then",
        f"members as at {utc(past.at)} by the journal; config as now, loads not known",
    )
    out = list(past.out())
    for pool, member, why in islice(out, MOST_TOLD):
        since = past.since.get((pool, member))
        when = "before the journal's file" if since is None else utc(since)
        yield Step("then", f"{pool}/{member}: {why} (since {when})")
    if len(out) > MOST_TOLD:
        yield Step("then", f"and {len(out) - MOST_TOLD} members more")
    if not out:
        yield Step("then", "nobody was out")
    for event in past.recent:
        words = f"{event.subject}: {event.text}" if event.subject else event.text
        words += f" by {event.by}" if event.by else ""
        words += f" ({event.reason})" if event.reason else ""
        yield Step("before", f"{utc(event.at)} {event.kind} {words}")
