"""Carrying out plans: which one a question has, and what it gives this client."""

import random
from collections.abc import Callable, Hashable, Mapping
from functools import partial
from typing import NamedTuple

from dinamed.generations import Generations
from dinamed.geo.place import NOWHERE, Place
from dinamed.plans.builtin_names import Vitals, synthesize, ttl_of, within
from dinamed.plans.context import QueryContext
from dinamed.plans.counts import AnswerCounts, Cell
from dinamed.plans.draw import choose, send_choice
from dinamed.plans.hints import send_hinted
from dinamed.plans.plan import (
    PROHIBITED,
    Fixed,
    Plan,
    PoolAnswer,
    ServiceAnswer,
    Synthesized,
    Targeted,
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
from dinamed.plans.snapshot import Snapshot
from dinamed.plans.target_search import TargetAnswer, TargetQuery, search_targets
from dinamed.pools.context import Client
from dinamed.pools.pool import PoolView
from dinamed.pools.recorder import Recorder
from dinamed.wire.constants import HEADER_SIZE, ExtendedError, Opcode, Rcode, Type
from dinamed.wire.names import WireName
from dinamed.wire.query import Query
from dinamed.wire.question import Question
from dinamed.wire.render import EMPTY, Rendered

PLAN_LIMIT = 16384
"""Entries in a cache's young generation; see `Generations`."""
PLAN_BODY_MAX = 2048
"""Octets of records in a plan that is kept; a flood of names below a wildcard with
more is answered all the same, and fills no memory."""

TOLD_LIMIT = 1024
"""Signed texts of one second in a cache's young generation."""

DATA_AT = len(QUESTION_NAME) + 10
"""Where the data begin in a record at the question's name."""

_NOT_OURS = Fixed(Rcode.NOTAUTH, False, EMPTY, ExtendedError.NOT_AUTHORITATIVE)

Planned = tuple[Plan, str]
"""A plan, and the label of the zone that it is counted under."""


class FoundTarget(NamedTuple):
    """What stands for a name, for a client.

    `place_scope` is the length of the client's prefix that its place depends on;
    `placed` tells that nothing else of the client matters.
    """

    answer: TargetAnswer
    place_scope: int
    placed: bool

    @property
    def scope(self) -> int:
        """What the label depends on beside the place."""
        return self.answer.scope


class PlanKey(NamedTuple):
    """What a plan depends on, beside the snapshot."""

    name: WireName
    type: int
    class_: int
    dnssec_ok: bool


class Executor:
    """Answers well-formed queries from the current snapshot, each by itself.

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
        self._plans: Generations[PlanKey, Planned] = Generations(PLAN_LIMIT)
        self._told: Generations[Hashable, tuple[int, tuple[str, ...]]] = Generations(
            TOLD_LIMIT
        )
        self.counts = AnswerCounts()
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

    def take_pools(self, pools: Mapping[str, PoolView]) -> None:
        """Answer from other states of the same pools; all plans stay good."""
        self._snapshot = self._snapshot.with_pools(pools)

    @staticmethod
    def _new_planner(snapshot: Snapshot) -> Planner:
        return Planner(snapshot.zones, snapshot.facts())

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
        return self._planner.plan(query.question, query.dnssec_ok)

    def _plan_of(self, query: Query) -> Planned:
        question = query.question
        zones = self._snapshot.zones
        if query.opcode != Opcode.QUERY:
            return self.plan(query), self.counts.zone(zones, question.key)
        key = PlanKey(question.key, question.type, question.class_, query.dnssec_ok)
        planned = self._plans.get(key)
        if planned is None:
            plan = self._planner.plan(question, query.dnssec_ok)
            planned = plan, self.counts.zone(zones, question.key)
            if not isinstance(plan, Fixed) or len(plan.records.body) <= PLAN_BODY_MAX:
                self._plans.put(key, planned)
        return planned

    def execute(self, plan: Plan, context: QueryContext) -> bytes:
        """Carry out a plan for one client."""
        if isinstance(plan, PoolAnswer):
            client = self.client_of(plan, context)
            choice = choose(self, plan, client, context.recorder)
            # Without a client subnet it was the resolver's prefix.
            scope = choice.scope if client.subnet else 0
            choice = choice._replace(scope=max(scope, context.scope))
            return send_choice(self, plan, choice, context)
        if isinstance(plan, ServiceAnswer):
            client = self.client_of(plan, context)
            return send_hinted(self, plan, client, context)
        if isinstance(plan, Synthesized):
            return self._synthesize(plan, context)
        if isinstance(plan, Targeted):
            return self.execute(self._search_targets(plan, context), context)
        return self._send(plan, context, plan.records, context.scope)

    def _search_targets(self, plan: Targeted, context: QueryContext) -> Plan:
        """The plan for this client, once it is known which label is meant."""
        client = self.client_of(plan, context)
        question = context.query.question
        found = self.find_target(plan, client, question, context.recorder)
        if client.subnet and plan.tailored:
            context.scope = max(context.scope, found.place_scope, found.scope)
        return found.answer.plan

    def find_target(
        self,
        plan: Targeted,
        client: Client,
        question: Question,
        recorder: Recorder | None = None,
    ) -> FoundTarget:
        """What stands for the name, for this client."""
        place, scope = NOWHERE, 0
        if plan.tailored:
            place, scope = self._snapshot.locator.locate(client.address, client.prefix)
        asked = TargetQuery(question, client, place, self.rng, recorder)
        answer = search_targets(self._planner, self._snapshot, plan, asked)
        placed = not self._snapshot.tables[plan.zone].by_address
        return FoundTarget(answer, scope, placed)

    def told(
        self, plan: Synthesized, question: Question, place: Place = NOWHERE
    ) -> Fixed:
        """What a name tells at this moment, to a client at a place, however long."""
        texts = synthesize(plan, self._snapshot, self.vitals(), place)
        ttl = ttl_of(plan.topic)
        records = [
            text_record(QUESTION_NAME, question.class_, ttl, text) for text in texts
        ]
        return Fixed(Rcode.NOERROR, True, with_answers(EMPTY, records))

    def client_of(
        self,
        plan: PoolAnswer | ServiceAnswer | Synthesized | Targeted,
        context: QueryContext,
    ) -> Client:
        """Whom to choose for: the client subnet where it counts, else the source."""
        if (
            (not isinstance(plan, Synthesized) and not plan.subnet)
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

    def _synthesize(self, told: Synthesized, context: QueryContext) -> bytes:
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
        texts = synthesize(told, self._snapshot, self.vitals(), place)
        signing = told.signing
        if signing is not None and not members:
            texts = self._steady((signing.owner, place), tuple(texts))
        record = partial(text_record, QUESTION_NAME, question.class_, ttl)
        opt = opt_of(context.query, None, self._snapshot.identity, scope, context.extra)
        # Over UDP nothing is cut: the client comes again over TCP.
        room = context.limit - HEADER_SIZE - len(question.wire) - len(opt)
        room -= 0 if signing is None else signing.size
        records = within(room, texts, record, cut=context.stream)
        if signing is not None and sum(map(len, records)) <= room:
            rdatas = [one[DATA_AT:] for one in records]
            records += signing.records(QUESTION_NAME, int(Type.TXT), ttl, ttl, rdatas)
        return self._send(None, context, with_answers(EMPTY, records), scope)

    def _steady(self, key: Hashable, texts: tuple[str, ...]) -> tuple[str, ...]:
        """What was told within this second: questions must not cause signatures."""
        second = int(self.seconds())
        found = self._told.get(key)
        if found is not None and found[0] == second:
            return found[1]
        self._told.put(key, (second, texts))
        return texts

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
