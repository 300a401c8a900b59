"""Carrying out plans: which one a question has, and what it gives this client."""

from collections.abc import Callable, Hashable
from functools import partial
from random import Random
from typing import NamedTuple

from dinamed.generations import Generations
from dinamed.geo.place import NOWHERE, Place
from dinamed.plans.builtin_names import Vitals, chaos_plan, synthesize, ttl_of, within
from dinamed.plans.context import QueryContext
from dinamed.plans.draw import choose, reply_of_choice
from dinamed.plans.hints import reply_with_hints
from dinamed.plans.moment import Moment
from dinamed.plans.plan import (
    PROHIBITED,
    Fixed,
    Plan,
    PoolAnswer,
    ServiceAnswer,
    Signing,
    Synthesized,
    Targeted,
    Topic,
)
from dinamed.plans.planner import Planner
from dinamed.plans.reply import (
    QUESTION_NAME,
    opt_of,
    reply_of,
    text_record,
    with_answers,
)
from dinamed.plans.snapshot import Snapshot
from dinamed.plans.target_search import TargetAnswer, TargetQuery, search_targets
from dinamed.pools.context import Client
from dinamed.pools.recorder import Recorder
from dinamed.wire.constants import HEADER_SIZE, ExtendedError, Rcode, Type
from dinamed.wire.names import WireName
from dinamed.wire.query import Kind, Query
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


PlanKey = tuple[WireName, int, int, bool]
"""Name, type and class of a question, and DO: what a plan depends on beside the
snapshot."""


class Executor:
    """Answers well-formed queries from the current snapshot, each by itself.

    `seconds` gives Unix time; `rng` is the source of all chance; `vitals` says what the
    server knows of itself.  Nothing is counted here.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        seconds: Callable[[], float],
        rng: Random,
        vitals: Callable[[], Vitals],
    ) -> None:
        self.seconds = seconds
        self.snapshot = snapshot
        """The snapshot that is served."""
        self._rng = rng
        self._vitals = vitals
        self._plans: Generations[PlanKey, Plan] = Generations(PLAN_LIMIT)
        self._told: Generations[Hashable, tuple[int, tuple[str, ...]]] = Generations(
            TOLD_LIMIT
        )
        self._planner = Planner(snapshot.zones, snapshot.facts())

    def serve(self, snapshot: Snapshot) -> None:
        """Answer from another snapshot, from the next query on."""
        self.take_state(snapshot)
        self._planner = Planner(snapshot.zones, snapshot.facts())
        self._plans.clear()

    def take_state(self, snapshot: Snapshot) -> None:
        """The same, where all plans stay good: other states of the same pools, places
        known anew."""
        self.snapshot = snapshot

    def present(self) -> Moment:
        """Everything as it is now."""
        return Moment(self.snapshot, self.seconds(), self._rng)

    def plan(self, query: Query) -> Plan:
        """The plan of a query, made anew."""
        question = query.question
        match query.kind:
            case Kind.DATA | Kind.SIGNED:
                return self._planner.plan(question, query.dnssec_ok)
            case Kind.CHAOS:
                return chaos_plan(question)
            case Kind.TRANSFER:
                return self._planner.whole(question)
            case Kind.NOTIFY | Kind.UPDATE:
                ours = self.snapshot.zones.zone_for(question.key)
                return _NOT_OURS if ours is None else PROHIBITED

    def plan_of(self, query: Query) -> Plan:
        """The plan of a query for data, as it was made before if it was."""
        question = query.question
        key = question.key, question.type, question.class_, query.dnssec_ok
        plan = self._plans.get(key)
        if plan is None:
            plan = self.plan(query)
            if not isinstance(plan, Fixed) or len(plan.records.body) <= PLAN_BODY_MAX:
                self._plans.put(key, plan)
        return plan

    def execute(self, plan: Plan, context: QueryContext, scope: int = 0) -> bytes:
        """Carry out a plan for one client.

        `scope` is the number of bits of the client subnet on which the plan depends.
        """
        if isinstance(plan, PoolAnswer):
            client = self.client_of(plan, context)
            moment = self.present()
            name = context.query.question.key
            choice = choose(moment, plan, client, name, context.recorder)
            # Without a client subnet it was the resolver's prefix.
            used = choice.scope if client.subnet else 0
            choice = choice._replace(scope=max(used, scope))
            return reply_of_choice(moment, plan, choice, context)
        if isinstance(plan, ServiceAnswer):
            client = self.client_of(plan, context)
            return reply_with_hints(self.present(), plan, client, context, scope)
        if isinstance(plan, Synthesized):
            return self._synthesize(plan, context)
        if isinstance(plan, Targeted):
            return self._search_targets(plan, context, scope)
        return self._reply(plan, context, plan.records, scope)

    def _search_targets(
        self, plan: Targeted, context: QueryContext, scope: int
    ) -> bytes:
        """Find out which label is meant for this client, and answer with that."""
        client = self.client_of(plan, context)
        found = self.find_target(plan, client, context.query.question, context.recorder)
        if client.subnet and plan.tailored:
            scope = max(scope, found.place_scope, found.scope)
        return self.execute(found.answer.plan, context, scope)

    def find_target(
        self,
        plan: Targeted,
        client: Client,
        question: Question,
        recorder: Recorder | None = None,
    ) -> FoundTarget:
        """What stands for the name, for this client."""
        place, used = NOWHERE, 0
        if plan.tailored:
            place, used = self.snapshot.locator.locate(client.address, client.prefix)
        asked = TargetQuery(question, client, place, self._rng, recorder)
        answer = search_targets(self._planner, self.snapshot, plan, asked)
        placed = not self.snapshot.tables[plan.zone].by_address
        return FoundTarget(answer, used, placed)

    def told(
        self, plan: Synthesized, question: Question, place: Place = NOWHERE
    ) -> Fixed:
        """What a name tells at this moment, to a client at a place, however long."""
        texts = tuple(synthesize(plan, self.snapshot, self._vitals(), place))
        ttl, signing = ttl_of(plan.topic), plan.signing
        if signing is not None and plan.topic is not Topic.MEMBERS:
            texts = self._steady((signing.owner, place), texts)
        records = [
            text_record(QUESTION_NAME, question.class_, ttl, text) for text in texts
        ]
        if signing is not None:
            records += _signatures(signing, ttl, records)
        return Fixed(Rcode.NOERROR, True, with_answers(EMPTY, records))

    def client_of(
        self,
        plan: PoolAnswer | ServiceAnswer | Synthesized | Targeted,
        context: QueryContext,
    ) -> Client:
        """The client to choose for: the subnet if it is honoured, else the source."""
        if (
            (not isinstance(plan, Synthesized) and not plan.subnet)
            or not context.query.has_subnet
            or not self.snapshot.honours_subnet_from(context.source)
        ):
            return context.resolver
        return context.client

    def _synthesize(self, told: Synthesized, context: QueryContext) -> bytes:
        members = told.topic is Topic.MEMBERS
        if members and not self.snapshot.may_manage(context.source):
            return self._reply(PROHIBITED, context, EMPTY)
        question = context.query.question
        if question.type != Type.TXT:
            return self._reply(told.empty, context, told.empty.records)
        ttl = ttl_of(told.topic)
        place, scope = NOWHERE, 0
        if told.topic is Topic.COUNTRY:
            client = self.client_of(told, context)
            place, scope = self.snapshot.locator.locate(client.address, client.prefix)
            scope = scope if client.subnet else 0
        texts = synthesize(told, self.snapshot, self._vitals(), place)
        signing = told.signing
        if signing is not None and not members:
            texts = self._steady((signing.owner, place), tuple(texts))
        record = partial(text_record, QUESTION_NAME, question.class_, ttl)
        opt = opt_of(context.query, None, self.snapshot.identity, scope, context.extra)
        # Over UDP nothing is cut: the client comes again over TCP.
        room = context.limit - HEADER_SIZE - len(question.wire) - len(opt)
        room -= 0 if signing is None else signing.size
        records = within(room, texts, record, cut=context.stream)
        if signing is not None and sum(map(len, records)) <= room:
            records += _signatures(signing, ttl, records)
        return self._reply(None, context, with_answers(EMPTY, records), scope)

    def _steady(self, key: Hashable, texts: tuple[str, ...]) -> tuple[str, ...]:
        """The texts of this second: queries must not cause signatures."""
        second = int(self.seconds())
        found = self._told.get(key)
        if found is not None and found[0] == second:
            return found[1]
        self._told.put(key, (second, texts))
        return texts

    def _reply(
        self,
        fixed: Fixed | None,
        context: QueryContext,
        records: Rendered,
        scope: int = 0,
    ) -> bytes:
        return reply_of(context, self.snapshot.identity, records, fixed, scope)


def _signatures(signing: Signing, ttl: int, records: list[bytes]) -> list[bytes]:
    """The RRSIG records of TXT records at the question's name."""
    rdatas = [one[DATA_AT:] for one in records]
    return signing.records(QUESTION_NAME, int(Type.TXT), ttl, ttl, rdatas)
