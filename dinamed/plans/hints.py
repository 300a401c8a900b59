"""HTTPS and SVCB at a pool's name: hints and additional addresses of one choice."""

from typing import NamedTuple

from dinamed.plans.context import QueryContext
from dinamed.plans.draw import addresses_of, choose
from dinamed.plans.moment import Moment
from dinamed.plans.plan import ServiceAnswer
from dinamed.plans.reply import reply_of, with_answers
from dinamed.pools.choice import Choice
from dinamed.pools.context import Client
from dinamed.pools.members import Family
from dinamed.wire.constants import Type
from dinamed.wire.render import CutPoint, Rendered, rdata_record
from dinamed.wire.svcb import IPV4_HINT, IPV6_HINT, serves_itself, with_hints

_KEYS: dict[Family, int] = {4: IPV4_HINT, 6: IPV6_HINT}


def reply_with_hints(
    moment: Moment,
    plan: ServiceAnswer,
    client: Client,
    context: QueryContext,
    scope: int,
) -> bytes:
    """The whole reply: the records with hints, and the same addresses beside them.

    `scope` is what it depended on already how the plan was found.
    """
    choice = choose(moment, plan, client, context.query.question.key, context.recorder)
    sets = [_records(plan, one) for one in drawn_sets(moment, plan, choice)]
    # Without a client subnet the choice went by the resolver's prefix.
    scope = max(choice.scope if client.subnet else 0, scope)
    records = _rendered(plan.before, sets, plan.after)
    return reply_of(context, moment.snapshot.identity, records, None, scope)


class DrawnSet(NamedTuple):
    """An RRset of a pool's name that a choice gives; its TTL is at most `highest`."""

    type: int
    ttl: int
    highest: int
    rdatas: list[bytes]


def drawn_sets(moment: Moment, plan: ServiceAnswer, choice: Choice) -> list[DrawnSet]:
    """The records with hints, and then the addresses, as far as there are any."""
    ttl = min(plan.rrset.ttl, choice.ttl)
    given = {
        family: addresses_of(choice, family, moment.snapshot, moment.rng)
        for family in _KEYS
    }
    hints = {key: given[family] for family, key in _KEYS.items()}
    rdatas = [
        with_hints(rdata, hints) if serves_itself(rdata, plan.name) else rdata
        for rdata in plan.rrset.rdatas
    ]
    sets = [DrawnSet(plan.rrset.type, ttl, plan.rrset.ttl, rdatas)]
    highest = moment.snapshot.pools[plan.pool].settings.ttl.high
    for family, addresses in given.items():
        if addresses:
            rrtype = int(Type.A if family == 4 else Type.AAAA)
            sets.append(DrawnSet(rrtype, choice.ttl, highest, addresses))
    return sets


def _records(plan: ServiceAnswer, drawn: DrawnSet) -> list[bytes]:
    """An RRset of the pool's name, and its signature where that is wanted."""
    rrtype, ttl, highest, rdatas = drawn
    records = [rdata_record(plan.owner, rrtype, ttl, rdata) for rdata in rdatas]
    if plan.signing is not None:
        records += plan.signing.records(plan.owner, rrtype, ttl, highest, rdatas)
    return records


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
