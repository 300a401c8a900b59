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
from dinamed.plans.context import QueryContext, packed
from dinamed.plans.counts import Cell, Counts
from dinamed.plans.draw import Draw, choose, send_choice
from dinamed.plans.own_names import Vitals, tell, ttl_of
from dinamed.plans.plan import (
    PROHIBITED,
    Drawn,
    Fixed,
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
)
from dinamed.plans.settling import Asking, settle
from dinamed.plans.snapshot import Snapshot
from dinamed.pools.context import Client
from dinamed.pools.pool import PoolView
from dinamed.wire.constants import ExtendedError, Opcode, Rcode, Type
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

Ready = tuple[Cell, bytes | Draw]
"""What a message gets, and where that is counted."""
Planned = tuple[Plan, str]
"""A plan, and the label of the zone that it is counted under."""

Aside = Callable[[Query, bytes, str, bool], bytes | None]
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
        self._ready: Generations[bytes, Ready] = Generations(READY_LIMIT)
        self._plans: Generations[Key, Planned] = Generations(PLAN_LIMIT)
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
        self._ready.clear()

    def take_pools(self, pools: Mapping[str, PoolView]) -> None:
        """Answer from other states of the same pools; all plans stay good."""
        self._snapshot = self._snapshot.with_pools(pools)

    def take_locator(self, locator: Locator) -> None:
        """Know clients' places anew; all plans stay good."""
        self._snapshot = replace(self._snapshot, locator=locator)

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
        query = read_query(data)
        if isinstance(query, Rejected):
            self.counts.rejected(query.reply, stream)
            return query.reply
        if self.aside is not None and not is_plain(query, data):
            self.questions += 1
            reply = self.aside(query, data, host, stream)
            if reply is not None:
                zone = self.counts.zone(self._snapshot.zones, query.question.key)
                self._count(query, zone, reply, stream)
            return reply
        context = QueryContext(query, packed(host), stream)
        if stream or len(data) > READY_MESSAGE_MAX:
            return self.answer(context)
        return self._remember(data[2:], context)

    def _remember(self, key: bytes, context: QueryContext) -> bytes:
        """Answer, and keep what makes the same answer quicker next time."""
        found = self._ready.get(key)
        if found is None:
            query = context.query
            plan, zone = self._plan_of(query)
            if isinstance(plan, Fixed):
                reply = self.execute(plan, context)
                self.questions += 1
                cell = self._count(query, zone, reply, False)
                self._ready.put(key, (cell, reply[2:]))
                return reply
            if not isinstance(plan, Drawn) or query.has_subnet:
                return self.answer(context)
            cell = self.counts.cell(zone, query.question.type, Rcode.NOERROR, False)
            found = cell, Draw(self, plan, context)
            self._ready.put(key, found)
        self.questions += 1
        cell, ready = found
        cell.count += 1
        if isinstance(ready, bytes):
            return context.query.id + ready
        return ready.reply(context.query.id, context.source)

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

    def client_of(self, plan: Drawn | Told | Targeted, context: QueryContext) -> Client:
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
        opt = opt_of(context.query, fixed, self._snapshot.identity, scope)
        rcode = fixed.rcode if fixed is not None else Rcode.NOERROR
        authoritative = fixed is None or fixed.authoritative
        return assemble(
            context.query, rcode, authoritative, records, opt, context.limit
        )
