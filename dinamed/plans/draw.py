"""Executing a draw: from a choice of members to address records."""

from collections.abc import Iterator
from random import Random

from dinamed.plans.context import QueryContext
from dinamed.plans.moment import Moment, Present
from dinamed.plans.plan import PoolAnswer, ServiceAnswer, Wanted
from dinamed.plans.reply import (
    assemble,
    opt_of,
    reply_of,
    text_rdata,
    with_answers,
)
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.choice import Choice
from dinamed.pools.context import Client, DrawContext
from dinamed.pools.members import Family, Member
from dinamed.pools.recorder import Recorder
from dinamed.wire.constants import Rcode, Type
from dinamed.wire.names import WireName
from dinamed.wire.render import Rendered, rdata_record

_FAMILY: dict[Wanted, Family] = {Wanted.TEXT: 0, Wanted.A: 4, Wanted.AAAA: 6}
DRAWN_TYPES: dict[Wanted, int] = {
    Wanted.TEXT: Type.TXT,
    Wanted.A: Type.A,
    Wanted.AAAA: Type.AAAA,
}
STABLE = frozenset({"hash", "predictive"})
"""Pickers that promise a client the same answer again."""
TAKE_ALL = frozenset({"all", "each"})
"""Pickers for which it does not matter how many answers a pool wants."""


def choose(
    moment: Moment,
    plan: PoolAnswer | ServiceAnswer,
    client: Client,
    name: WireName,
    recorder: Recorder | None = None,
) -> Choice:
    """Let the pool choose for this client, which counts the hand-outs.

    `name` is that of the question, in lower case.

    A TXT reply names a member but sends nobody there, and a recorded choice is only
    being explained: neither counts.
    """
    wanted, place = Wanted.TEXT, None
    counts = recorder is None
    if isinstance(plan, PoolAnswer):
        wanted, place = plan.wanted, plan.place
        counts = counts and wanted is not Wanted.TEXT
    snapshot, now, rng = moment
    draw = DrawContext(
        client,
        _FAMILY[wanted],
        now,
        rng,
        counts,
        recorder,
        locator=snapshot.locator,
        told_place=place,
        name=name,
    )
    return snapshot.pools[plan.pool].choose(draw)


def addresses_of(
    choice: Choice, family: Family, snapshot: Snapshot, rng: Random
) -> list[bytes]:
    """The addresses to hand out: of each chosen member one, more if there is room.

    A pool's `answers` counts addresses; a member with several of them fills up what
    the others leave free.
    """
    members = choice.members
    if all(len(member.addresses(family)) == 1 for member in members):
        return [member.addresses(family)[0] for member in members]
    chosen: list[bytes] = []
    for name in dict.fromkeys(member.pool for member in members):
        settings = snapshot.pools[name].settings
        picker = settings.select[-1].name
        group = [member for member in members if member.pool == name]
        turns = list(_in_turn(group, family, None if picker in STABLE else rng))
        room = max(settings.answers, len(group))
        room = len(turns) if picker in TAKE_ALL else room
        chosen += turns[:room]
    return list(dict.fromkeys(chosen))


def _in_turn(
    members: list[Member], family: Family, rng: Random | None
) -> Iterator[bytes]:
    """First one address of each member, then the second of each, and so on."""
    rows = []
    for member in members:
        row = member.addresses(family)
        start = rng.randrange(len(row)) if rng is not None and len(row) > 1 else 0
        rows.append(row[start:] + row[:start])
    for turn in range(max(map(len, rows), default=0)):
        for row in rows:
            if turn < len(row):
                yield row[turn]


def member_text(member: Member) -> bytes:
    """The data of the TXT record that names a member."""
    return text_rdata(f"serviced by {member.name}")


def drawn_data(moment: Moment, plan: PoolAnswer, choice: Choice) -> list[bytes]:
    """The data of the records that a choice gives."""
    if plan.wanted is Wanted.TEXT:
        return [member_text(one) for one in choice.members]
    family = _FAMILY[plan.wanted]
    return addresses_of(choice, family, moment.snapshot, moment.rng)


def render_choice(moment: Moment, plan: PoolAnswer, choice: Choice) -> Rendered | None:
    """The records of a reply; None when there is nothing to give: NODATA."""
    if not choice.members:
        return None
    rrtype = DRAWN_TYPES[plan.wanted]
    rdatas = drawn_data(moment, plan, choice)
    records = [rdata_record(plan.owner, rrtype, choice.ttl, one) for one in rdatas]
    if plan.signing is not None:
        highest = moment.snapshot.pools[plan.pool].settings.ttl.high
        records += plan.signing.records(plan.owner, rrtype, choice.ttl, highest, rdatas)
    return with_answers(plan.before, records, plan.after)


def reply_of_choice(
    moment: Moment, plan: PoolAnswer, choice: Choice, context: QueryContext
) -> bytes:
    """The whole reply of a draw."""
    identity, scope = moment.snapshot.identity, choice.scope
    records = render_choice(moment, plan, choice)
    if records is None:
        return reply_of(context, identity, plan.empty.records, plan.empty, scope)
    return reply_of(context, identity, records, None, scope)


class Draw:
    """A draw made ready: all octets of the reply but the id and the records.

    It serves UDP queries without a client subnet, which come again octet by octet.
    """

    __slots__ = (
        "_answers",
        "_context",
        "_family",
        "_front",
        "_name",
        "_opt",
        "_plan",
        "_present",
        "_room",
        "_type",
    )

    def __init__(
        self, present: Present, plan: PoolAnswer, context: QueryContext
    ) -> None:
        self._present = present
        self._plan = plan
        self._context = context
        self._name = context.query.question.key
        self._family = _FAMILY[plan.wanted]
        self._type = DRAWN_TYPES[plan.wanted]
        identity = present().snapshot.identity
        self._opt = opt_of(context.query, None, identity, 0, context.extra)
        self._answers = plan.before.counts[0]
        self._front = b""
        """From the flags up to the drawn records, as of a reply with one of them; empty
        where more than these is made for each client."""
        self._room = 0
        """Octets that these may have."""
        if not plan.after.body and plan.signing is None:
            records = with_answers(plan.before, [b""])
            whole = assemble(
                context.query, Rcode.NOERROR, True, records, self._opt, 0xFFFF
            )
            self._front = whole[2 : len(whole) - len(self._opt)]
            self._room = context.limit - len(whole)

    def reply(self, ident: bytes, source: bytes) -> bytes:
        """One reply, freshly drawn for the client at the packed address."""
        moment = self._present()
        client = Client(source, len(source) * 8)
        choice = choose(moment, self._plan, client, self._name)
        return self._quickly(ident, moment, choice, self._opt) or (
            ident + reply_of_choice(moment, self._plan, choice, self._context)[2:]
        )

    def _quickly(
        self, ident: bytes, moment: Moment, choice: Choice, opt: bytes
    ) -> bytes:
        """The reply with what was drawn; empty where it is not so simple."""
        front, members = self._front, choice.members
        if not front or not members:
            return b""
        owner, rrtype, ttl = self._plan.owner, self._type, choice.ttl
        if len(members) == 1 and self._family:
            addresses = members[0].addresses(self._family)
            if len(addresses) == 1:
                record = rdata_record(owner, rrtype, ttl, addresses[0])
                if len(record) > self._room:
                    return b""
                return ident + front + record + opt
        rdatas = drawn_data(moment, self._plan, choice)
        body = b"".join([rdata_record(owner, rrtype, ttl, one) for one in rdatas])
        if len(body) > self._room or not rdatas:
            return b""
        count = (self._answers + len(rdatas)).to_bytes(2)
        return b"".join((ident, front[:4], count, front[6:], body, opt))
