"""Installing in the plane what Python has been asked for once."""

from collections.abc import Callable

from dinamed.plane.extension import native
from dinamed.plane.plan_install import forwarding_plan
from dinamed.plane.signature_install import install_signed
from dinamed.plane.table_compiler import TableCompiler
from dinamed.plans.context import QueryContext
from dinamed.plans.engine import Engine
from dinamed.plans.plan import (
    Fixed,
    Plan,
    PoolAnswer,
    ServiceAnswer,
    Synthesized,
    Targeted,
    Topic,
)
from dinamed.pools.context import Client
from dinamed.wire.constants import Rcode, Type
from dinamed.wire.query import Query

INSTALL_PLAN = 1
"""What the plane wants: the plan of a question;"""
INSTALL_CLIENT = 2
"""what follows for a client from a plan that it has;"""
INSTALL_LEVELS = 3
"""how full the members are;"""
INSTALL_SIGNATURE = 5
"""the signature of drawn records;"""
INSTALL_PROOF = 6
"""what denies a name or a type."""
TOLD_AT_MOST = 1.0
"""Seconds for which what the server tells of itself is told unchanged."""
_DRAWN = PoolAnswer | ServiceAnswer
_FOR_A_WHILE = frozenset({Topic.MANAGEMENT, Topic.STATUS, Topic.MEMBERS})


class Installer:
    """Has the next query with the same question answered natively, if that can be."""

    def __init__(
        self,
        engine: Engine,
        compiler: TableCompiler,
        plane: "native.Plane",
        steady: Callable[[], float],
    ) -> None:
        """`steady` shows the steady clock of the pools."""
        self._engine = engine
        self._executor = engine.executor
        self._compiler = compiler
        self._plane = plane
        self._steady = steady

    def install(self, wanted: int, source: bytes, query: Query, plan: Plan) -> None:
        """Install what the plane has `wanted` for a query that was answered so."""
        context = QueryContext(query, source)
        if wanted in (INSTALL_SIGNATURE, INSTALL_PROOF):
            if isinstance(plan, Targeted):
                client = self._executor.client_of(plan, context)
                found = self._executor.find_target(plan, client, query.question)
                plan = found.answer.plan
            install_signed(self._plane, self._executor, query, plan, source)
        elif isinstance(plan, Targeted):
            self._targeted(plan, context, wanted)
        elif isinstance(plan, Synthesized):
            self._synthesized(plan, context, wanted)
        elif wanted == INSTALL_PLAN:
            self._plain(query, plan)
        elif isinstance(plan, _DRAWN):
            self._pool(plan, self._executor.client_of(plan, context), wanted)

    def _plain(self, query: Query, plan: Plan | None) -> None:
        """Install a plan that is the same for everybody; None: Python has to answer."""
        if plan is None:
            question = query.question
            left = question.key, question.type, query.dnssec_ok, native.PLAN_PUNT
            self._plane.install_plan(native.Plan(*left))
            return
        kind = self._engine.kind(query, plan)
        made = forwarding_plan(query, plan, self._compiler.route_index, kind)
        self._plane.install_plan(made)

    def _pool(
        self, plan: PoolAnswer | ServiceAnswer, client: Client, wanted: int
    ) -> None:
        if wanted == INSTALL_CLIENT:
            snapshot, now = self._engine.snapshot, self._executor.seconds()
            self._compiler.install_client(self._plane, plan, client, snapshot, now)
        else:
            self._levels(plan, client)

    def _levels(self, plan: PoolAnswer | ServiceAnswer, client: Client) -> None:
        now = self._executor.seconds()
        self._compiler.publish(self._plane, plan, client, self._engine.snapshot, now)

    def _targeted(self, plan: Targeted, context: QueryContext, wanted: int) -> None:
        """A label stands for the name: for everybody, or for each class of clients."""
        query = context.query
        client = self._executor.client_of(plan, context)
        found = self._executor.find_target(plan, client, query.question)
        answer = found.answer.plan
        if wanted != INSTALL_PLAN:
            if isinstance(answer, _DRAWN) and wanted == INSTALL_LEVELS:
                self._levels(answer, client)
            else:
                self._target_of_client(plan, context, client)
            return
        if plan.tailored:
            self._by_client(query, plan, placed=found.placed, subnet=plan.subnet)
        elif found.answer.drawn or not isinstance(answer, Fixed | _DRAWN):
            self._plain(query, None)
        else:
            self._plain(query, answer)

    def _by_client(
        self, query: Query, plan: Targeted | Synthesized, *, placed: bool, subnet: bool
    ) -> None:
        question = query.question
        self._plane.install_plan(
            native.Plan(
                question.key,
                question.type,
                query.dnssec_ok,
                native.PLAN_BY_CLIENT,
                serial=self._compiler.new_serial(),
                placed=placed,
                subnet=subnet,
                limited=self._engine.kind(query, plan),
            )
        )

    def _target_of_client(
        self, plan: Targeted, context: QueryContext, client: Client
    ) -> None:
        """What the label has for this client; and what its pool has, if that is known
        already."""
        query = context.query
        found = self._executor.find_target(plan, client, query.question)
        answer = found.answer
        settled = answer.plan
        if answer.drawn or not isinstance(settled, Fixed | _DRAWN):
            settled = Fixed(Rcode.SERVFAIL, False)  # which the plane leaves to Python
        made = forwarding_plan(
            query,
            settled,
            self._compiler.route_index,
            self._engine.kind(query, plan),
            follows=True,
        )
        self._install_for(
            query, client, made, found.placed, found.place_scope, found.scope
        )
        if isinstance(settled, _DRAWN):
            self._pool(settled, client, INSTALL_CLIENT)

    def _install_for(
        self,
        query: Query,
        client: Client,
        made: "native.Plan",
        placed: bool,
        place_scope: int,
        scope: int = 0,
    ) -> None:
        """Install what follows for a client, or where it is `placed` for its class.

        It depends on so many bits for the place, and on `scope` for what else.
        """
        question = query.question
        asked = 0
        if placed and client.prefix and self._compiler.knows_places:
            sources = self._compiler.sources_asked(client, self._engine.snapshot)
            if sources is None:
                return
            asked = sources
        else:
            scope = max(scope, place_scope)
        self._plane.install_client_plan(
            question.key,
            question.type,
            query.dnssec_ok,
            client.address,
            client.prefix,
            made,
            scope=scope,
            sources_asked=asked,
        )

    def _synthesized(
        self, plan: Synthesized, context: QueryContext, wanted: int
    ) -> None:
        """What the server tells of itself, for a second; and where clients are."""
        query = context.query
        if query.question.type != Type.TXT and plan.topic is not Topic.MEMBERS:
            self._plain(query, plan.empty)
        elif plan.topic in _FOR_A_WHILE:
            self._for_a_while(plan, query)
        elif plan.topic is not Topic.COUNTRY:
            self._plain(query, self._executor.told(plan, query.question))
        elif wanted == INSTALL_PLAN:
            self._by_client(query, plan, placed=True, subnet=True)
        else:
            self._country(plan, context)

    def _for_a_while(self, plan: Synthesized, query: Query) -> None:
        told = plan.empty
        if query.question.type == Type.TXT:
            told = self._executor.told(plan, query.question)
        made = forwarding_plan(
            query,
            told,
            self._compiler.route_index,
            self._engine.kind(query, plan),
            guarded=plan.topic is Topic.MEMBERS,
            until=self._steady() + TOLD_AT_MOST,
        )
        self._plane.install_plan(made)

    def _country(self, plan: Synthesized, context: QueryContext) -> None:
        query, engine = context.query, self._engine
        client = self._executor.client_of(plan, context)
        snapshot = engine.snapshot
        place = snapshot.locator.locate(client.address, client.prefix)
        told = self._executor.told(plan, query.question, place.place)
        kind = engine.kind(query, plan)
        made = forwarding_plan(
            query, told, self._compiler.route_index, kind, follows=True
        )
        self._install_for(query, client, made, True, place.scope)
