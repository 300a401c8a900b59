"""Answering: plans made once, executed for each query, in pure Python.

Three ways lead to a reply, the quickest first: the octets after the message id were
seen before (`_ready`); the question was seen before (`_plans`); everything anew.
All of them run the same plans.
"""

import random
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import NamedTuple

from dinamed.generations import Generations
from dinamed.geo.locator import Locator
from dinamed.geo.place import NOWHERE
from dinamed.limits.responses import Verdict
from dinamed.plans.context import QueryContext, packed
from dinamed.plans.counts import OTHER, Cell, Counts
from dinamed.plans.defence import (
    ERRORS,
    Defence,
    Kinds,
    Limited,
    cookie_alone,
    cookie_tail,
    without_cookie,
)
from dinamed.plans.draw import Draw, choose, send_choice
from dinamed.plans.hints import send_hinted
from dinamed.plans.own_names import Vitals, tell, ttl_of
from dinamed.plans.plan import (
    PROHIBITED,
    Drawn,
    Fixed,
    Hinted,
    Plan,
    Targeted,
    Told,
    Topic,
)
from dinamed.plans.planner import Planner
from dinamed.plans.reply import (
    QUESTION_NAME,
    assemble,
    opt_of,
    text_record,
    with_answers,
    without_records,
)
from dinamed.plans.settling import Asking, settle
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.context import Client
from dinamed.pools.pool import PoolView
from dinamed.wire.constants import (
    FLAG_TC,
    EdnsOption,
    ExtendedError,
    Opcode,
    Rcode,
    Type,
)
from dinamed.wire.cookies import WHOLE_SIZE, Seen
from dinamed.wire.edns import keepalive_option, opt_record, option
from dinamed.wire.names import WireName
from dinamed.wire.query import Query, Rejected, is_plain, read_query
from dinamed.wire.render import EMPTY, Rendered

READY_LIMIT = 16384
PLAN_LIMIT = 16384
"""Entries in a cache's young generation; see `Generations`."""
PLAN_BODY_MAX = 2048
"""Octets of records in a plan that is kept; a flood of names below a wildcard with
more is answered all the same, and fills no memory."""
READY_MESSAGE_MAX = 192
"""Longer queries are not worth remembering octet by octet."""

_NOT_OURS = Fixed(Rcode.NOTAUTH, False, EMPTY, ExtendedError.NOT_AUTHORITATIVE)

Ready = tuple[Cell, bytes | Draw | Limited]
"""What a message gets, and where that is counted."""
Planned = tuple[Plan, str]
"""A plan, and the label of the zone that it is counted under."""

Aside = Callable[[Query, bytes, str, bool], bytes]
"""From a query, its octets, its sender and whether over a stream, to the reply."""


class Key(NamedTuple):
    """What a plan depends on, beside the snapshot."""

    name: WireName
    type: int
    class_: int


class Engine:
    """Answers queries from the current snapshot.

    `seconds` gives Unix time; `rng` is the source of all chance.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        seconds: Callable[[], float],
        rng: random.Random,
    ) -> None:
        self.seconds = seconds
        self.rng = rng
        self.started = seconds()
        self.questions = 0
        """Well-formed queries since the start."""
        self.on_vitals: Callable[[], None] | None = None
        """Called before what the server knows of itself is told, to bring it up to
        date."""
        self.on_change: Callable[[], None] | None = None
        """Called after all changes but those of pools' states, for those who answer
        beside this."""
        self._ready: Generations[bytes, Ready] = Generations(READY_LIMIT)
        self._cookied: Generations[bytes, Ready] = Generations(READY_LIMIT)
        """The same for messages that end with a cookie, without that.  Apart from the
        others: what a message cut short of its cookie gets is no one else's cookie."""
        self._plans: Generations[Key, Planned] = Generations(PLAN_LIMIT)
        self._kinds = Kinds()
        self.defence = Defence()
        self.counts = Counts()
        self.aside: Aside | None = None
        """Answers what is signed, or is about whole zones; None: it is refused."""
        self._snapshot = snapshot
        self._planner = self._new_planner(snapshot)

    @property
    def snapshot(self) -> Snapshot:
        """What is served."""
        return self._snapshot

    def serve(self, snapshot: Snapshot) -> None:
        """Answer from another snapshot, from the next query on."""
        self._snapshot = snapshot
        self._planner = self._new_planner(snapshot)
        self.counts.keep(snapshot.zones)
        self._plans.clear()
        self._kinds.clear()
        self._changed()

    def defend(self, defence: Defence) -> None:
        """Use other cookies and limits, from the next query on."""
        self.defence = defence
        self._changed()

    def _changed(self) -> None:
        self._ready.clear()
        self._cookied.clear()
        if self.on_change is not None:
            self.on_change()

    def take_pools(self, pools: Mapping[str, PoolView]) -> None:
        """Answer from other states of the same pools; all plans stay good."""
        self._snapshot = self._snapshot.with_pools(pools)

    def take_locator(self, locator: Locator) -> None:
        """Know clients' places anew; all plans stay good."""
        self._snapshot = replace(self._snapshot, locator=locator)
        if self.on_change is not None:
            self.on_change()

    @staticmethod
    def _new_planner(snapshot: Snapshot) -> Planner:
        return Planner(snapshot.zones, snapshot.facts())

    def respond(self, data: bytes, host: str, stream: bool = False) -> bytes | None:
        """The reply to one message from `host`, or None for silence."""
        if not stream:
            found = self._ready.young.get(data[2:])
            if found is not None:
                self.questions += 1
                cell, ready = found
                cell.count += 1
                if isinstance(ready, bytes):
                    return data[:2] + ready
                return ready.reply(data[:2], packed(host))
            cookies = self.defence.cookies
            if cookies is not None and (size := cookie_tail(data)):
                found = self._cookied.young.get(data[2:-size])
                if found is not None:
                    source = packed(host)
                    known = cookies.look(data[-size:], source, self.seconds())
                    if known.valid or not self.defence.required:
                        return self._again(found, data[:2], source, known)
        query = read_query(data)
        if isinstance(query, Rejected):
            return self._reject(query, host, stream)
        if self.aside is not None and not is_plain(query, data):
            return self._aside(self.aside, query, data, host, stream)
        context = QueryContext(query, packed(host), stream)
        seen = self._take_options(context)
        if stream:
            return self.answer(context)
        if seen is not None and self.defence.required and not seen.valid:
            return self._bad_cookie(context)
        return self._remember(data, context, seen)

    def _aside(
        self, aside: Aside, query: Query, data: bytes, host: str, stream: bool
    ) -> bytes | None:
        self.questions += 1
        reply = aside(query, data, host, stream)
        zone = self.counts.zone(self._snapshot.zones, query.question.key)
        self._count(query, zone, reply, stream)
        if stream or not reply[3] & 0xF:
            return reply
        return self._error(reply, packed(host))

    def _take_options(self, context: QueryContext) -> Seen | None:
        """Have the reply answer the options that are about the client; its cookie."""
        edns = context.query.edns
        if edns is None:
            return None
        seen = None
        if context.stream and edns.keepalive:
            context.extra = keepalive_option(self.defence.keepalive)
        if edns.cookie and self.defence.cookies is not None:
            seen = self.defence.cookies.look(
                edns.cookie, context.source, self.seconds()
            )
            context.extra += option(EdnsOption.COOKIE, seen.reply)
        return seen

    def _bad_cookie(self, context: QueryContext) -> bytes:
        """RFC 7873 section 5.2.3: to be asked again with the cookie that is in it."""
        self.questions += 1
        query = context.query
        zone = self.counts.zone(self._snapshot.zones, query.question.key)
        self.counts.cell(zone, query.question.type, Rcode.BADCOOKIE, False).count += 1
        do = query.edns is not None and query.edns.do
        opt = opt_record(Rcode.BADCOOKIE, do, context.extra)
        return without_records(query, 0, Rcode.BADCOOKIE, opt)

    def _reject(self, query: Rejected, host: str, stream: bool) -> bytes | None:
        """The reply to what is no well-formed query."""
        reply = query.reply
        if reply is None:
            self.counts.rejected(None, stream)
            return None
        source = packed(host)
        if query.cookie and self.defence.cookies is not None:
            seen = self.defence.cookies.look(query.cookie, source, self.seconds())
            reply, rcode = cookie_alone(query, reply, seen)
            self.counts.cell(OTHER, 0, rcode, stream).count += 1
        else:
            self.counts.rejected(reply, stream)
        return reply if stream else self._error(reply, source)

    def _error(self, reply: bytes, source: bytes) -> bytes | None:
        """An error over UDP, unless `source` had too many; truncated it would be no
        smaller, so none slips."""
        limiter = self.defence.limiter
        if limiter is None:
            return reply
        dropped = limiter.judge(source, ERRORS, self.seconds()) is Verdict.DROP
        return None if dropped else reply

    def _remember(
        self, data: bytes, context: QueryContext, seen: Seen | None
    ) -> bytes | None:
        """Answer, and keep what makes the same answer quicker next time."""
        store, key = self._ready, data[2:]
        if seen is not None:
            store, key = self._cookied, without_cookie(data, context.query)
        if len(data) > READY_MESSAGE_MAX or not key:
            return self._once(context, seen)
        found = store.get(key)
        if found is None:
            found = self._prepare(context)
            if found is None:
                return self._once(context, seen)
            store.put(key, found)
        return self._again(found, context.query.id, context.source, seen)

    def _prepare(self, context: QueryContext) -> Ready | None:
        """What is kept of an answer; None if each is one of its own."""
        query = context.query
        plan, zone = self._plan_of(query)
        ready: bytes | Draw | Limited
        if isinstance(plan, Fixed):
            ready = self.execute(plan, context)[2:]
        elif isinstance(plan, Drawn) and not query.has_subnet:
            ready = Draw(self, plan, context)
        else:
            return None
        rcode = ready[1] & 0xF if isinstance(ready, bytes) else Rcode.NOERROR
        cell = self.counts.cell(zone, query.question.type, rcode, False)
        limiter = self.defence.limiter
        if limiter is not None:
            kind = self._kinds.kind(query, plan, self._snapshot.zones)
            short = self._truncated(context)[2:]
            ready = Limited(ready, short, kind, limiter, self.seconds)
        return cell, ready

    def _once(self, context: QueryContext, seen: Seen | None) -> bytes | None:
        """Answer a datagram whose reply is not kept, unless that is too much."""
        limiter = self.defence.limiter
        if limiter is not None and not (seen is not None and seen.valid):
            plan, _ = self._plan_of(context.query)
            kind = self._kinds.kind(context.query, plan, self._snapshot.zones)
            verdict = limiter.judge(context.source, kind, self.seconds())
            if verdict is not Verdict.PASS:
                self.questions += 1
                slips = verdict is Verdict.SLIP
                return self._truncated(context) if slips else None
        return self.answer(context)

    def _again(
        self, found: Ready, ident: bytes, source: bytes, seen: Seen | None
    ) -> bytes | None:
        """Answer from what was kept."""
        self.questions += 1
        cell, ready = found
        cell.count += 1
        reply: bytes | None
        if isinstance(ready, bytes):
            reply = ident + ready
        elif seen is not None and seen.valid and isinstance(ready, Limited):
            reply = ready.unlimited(ident, source)
        else:
            reply = ready.reply(ident, source)
        if seen is None or reply is None:
            return reply
        return reply[:-WHOLE_SIZE] + seen.reply

    def _truncated(self, context: QueryContext) -> bytes:
        """An empty reply that has the client ask again over TCP."""
        identity = self._snapshot.identity
        opt = opt_of(context.query, None, identity, 0, context.extra)
        return without_records(context.query, FLAG_TC, Rcode.NOERROR, opt)

    def answer(self, context: QueryContext) -> bytes:
        """The reply to a well-formed query."""
        self.questions += 1
        plan, zone = self._plan_of(context.query)
        reply = self.execute(plan, context)
        self._count(context.query, zone, reply, context.stream)
        return reply

    def _count(self, query: Query, zone: str, reply: bytes, stream: bool) -> Cell:
        rcode = reply[3] & 0xF
        cell = self.counts.cell(zone, query.question.type, rcode, stream)
        cell.count += 1
        return cell

    def plan(self, query: Query) -> Plan:
        """The plan of a query, made anew."""
        if query.opcode != Opcode.QUERY:
            ours = self._snapshot.zones.zone_for(query.question.key)
            return _NOT_OURS if ours is None else PROHIBITED
        return self._planner.plan(query.question)

    def kind(self, query: Query, plan: Plan) -> bytes:
        """What kind of reply a plan leads to, where replies are limited; else b""."""
        if self.defence.limiter is None:
            return b""
        return self._kinds.kind(query, plan, self._snapshot.zones)

    def _plan_of(self, query: Query) -> Planned:
        question = query.question
        zones = self._snapshot.zones
        if query.opcode != Opcode.QUERY:
            return self.plan(query), self.counts.zone(zones, question.key)
        key = Key(question.key, question.type, question.class_)
        planned = self._plans.get(key)
        if planned is None:
            plan = self._planner.plan(question)
            planned = plan, self.counts.zone(zones, question.key)
            if not isinstance(plan, Fixed) or len(plan.records.body) <= PLAN_BODY_MAX:
                self._plans.put(key, planned)
        return planned

    def execute(self, plan: Plan, context: QueryContext) -> bytes:
        """Carry out a plan for one client."""
        if isinstance(plan, Drawn):
            client = self.client_of(plan, context)
            choice = choose(self, plan, client, context.recorder)
            # Without a client subnet it was the resolver's prefix.
            scope = choice.scope if client.subnet else 0
            choice = choice._replace(scope=max(scope, context.scope))
            return send_choice(self, plan, choice, context)
        if isinstance(plan, Hinted):
            client = self.client_of(plan, context)
            return send_hinted(self, plan, client, context)
        if isinstance(plan, Told):
            return self._tell(plan, context)
        if isinstance(plan, Targeted):
            return self.execute(self._settle(plan, context), context)
        return self._send(plan, context, plan.records, context.scope)

    def _settle(self, plan: Targeted, context: QueryContext) -> Plan:
        """The plan for this client, once it is known which label is meant."""
        client = self.client_of(plan, context)
        place, scope = NOWHERE, 0
        if plan.tailored:
            place, scope = self._snapshot.locator.locate(client.address, client.prefix)
        settled = settle(
            self._planner,
            self._snapshot,
            plan,
            Asking(context.query.question, client, place, self.rng, context.recorder),
        )
        if client.subnet and plan.tailored:
            context.scope = max(context.scope, scope, settled.scope)
        return settled.plan

    def client_of(
        self, plan: Drawn | Hinted | Told | Targeted, context: QueryContext
    ) -> Client:
        """Whom to choose for: the client subnet where it counts, else the source."""
        if (
            (not isinstance(plan, Told) and not plan.subnet)
            or not context.query.has_subnet
            or not self._snapshot.honours_subnet_from(context.source)
        ):
            return context.resolver
        return context.client

    def vitals(self) -> Vitals:
        """What the server knows of itself now."""
        if self.on_vitals is not None:
            self.on_vitals()
        return Vitals(self.started, self.seconds(), self.questions)

    def _tell(self, told: Told, context: QueryContext) -> bytes:
        members = told.topic is Topic.MEMBERS
        if members and not self._snapshot.may_manage(context.source):
            return self._send(PROHIBITED, context, EMPTY)
        question = context.query.question
        if question.type != Type.TXT:
            return self._send(told.empty, context, told.empty.records)
        ttl = ttl_of(told.topic)
        place, scope = NOWHERE, 0
        if told.topic is Topic.COUNTRY:
            client = self.client_of(told, context)
            place, scope = self._snapshot.locator.locate(client.address, client.prefix)
            scope = scope if client.subnet else 0
        records = [
            text_record(QUESTION_NAME, question.class_, ttl, text)
            for text in tell(told, self._snapshot, self.vitals(), place)
        ]
        return self._send(None, context, with_answers(EMPTY, records), scope)

    def _send(
        self,
        fixed: Fixed | None,
        context: QueryContext,
        records: Rendered,
        scope: int = 0,
    ) -> bytes:
        identity = self._snapshot.identity
        opt = opt_of(context.query, fixed, identity, scope, context.extra)
        rcode = fixed.rcode if fixed is not None else Rcode.NOERROR
        authoritative = fixed is None or fixed.authoritative
        return assemble(
            context.query, rcode, authoritative, records, opt, context.limit
        )
