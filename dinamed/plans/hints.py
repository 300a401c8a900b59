"""HTTPS and SVCB at a pool's name: hints and additional addresses of one choice."""

from __future__ import annotations

from typing import TYPE_CHECKING

from dinamed.plans.draw import addresses_of, choose
from dinamed.plans.plan import ServiceAnswer
from dinamed.plans.reply import (
    address_record,
    assemble,
    opt_of,
    rdata_record,
    with_answers,
)
from dinamed.wire.constants import Rcode
from dinamed.wire.render import CutPoint, Rendered
from dinamed.wire.svcb import IPV4_HINT, IPV6_HINT, serves_itself, with_hints

if TYPE_CHECKING:
    from dinamed.plans.context import QueryContext
    from dinamed.plans.executor import Executor
    from dinamed.pools.context import Client
    from dinamed.pools.members import Family

_KEYS: dict[Family, int] = {4: IPV4_HINT, 6: IPV6_HINT}


def send_hinted(
    engine: Executor, plan: ServiceAnswer, client: Client, context: QueryContext
) -> bytes:
    """The whole reply: the records with hints, and the same addresses beside them."""
    choice = choose(engine, plan, client, context.recorder)
    ttl = min(plan.rrset.ttl, choice.ttl)
    given = {
        family: addresses_of(choice, family, engine.snapshot, engine.rng)
        for family in _KEYS
    }
    hints = {key: given[family] for family, key in _KEYS.items()}
    answers = [
        rdata_record(
            plan.owner,
            plan.rrset.type,
            ttl,
            with_hints(rdata, hints) if serves_itself(rdata, plan.name) else rdata,
        )
        for rdata in plan.rrset.rdatas
    ]
    sets = [answers] + [
        [address_record(plan.owner, family, choice.ttl, one) for one in addresses]
        for family, addresses in given.items()
        if addresses
    ]
    # Without a client subnet the choice went by the resolver's prefix.
    scope = max(choice.scope if client.subnet else 0, context.scope)
    identity = engine.snapshot.identity
    opt = opt_of(context.query, None, identity, scope, context.extra)
    records = _rendered(plan.before, sets, plan.after)
    return assemble(context.query, Rcode.NOERROR, True, records, opt, context.limit)


def _rendered(before: Rendered, sets: list[list[bytes]], after: Rendered) -> Rendered:
    """One RRset more in the answer, and the others in the additional section."""
    answered = with_answers(before, sets[0], after)
    body, steps = answered.body, list(answered.steps)
    answer, authority, additional = answered.counts
    for records in sets[1:]:
        body += b"".join(records)
        additional += len(records)
        steps.append(CutPoint(len(body), (answer, authority, additional), False))
    return Rendered(body, (answer, authority, additional), tuple(steps))
