"""Answering: plans made once, executed for each query, in pure Python.

Here is the door: what comes in, what was seen before, cookies, limits, counts.  Behind
it `Executor` makes plans and carries them out.

Three ways lead to a reply, the quickest first: the octets after the message id were
seen before (`_ready`); the question was seen before; everything anew.  All of them run
the same plans.
"""

import random
from collections.abc import Callable, Iterable
from typing import Protocol

from dinamed.generations import Generations
from dinamed.limits.responses import RateAction
from dinamed.plans.builtin_names import Vitals
from dinamed.plans.context import QueryContext
from dinamed.plans.counts import OTHER, AnswerCounts, Cell, Row
from dinamed.plans.defence import cookie_alone, cookie_tail, without_cookie
from dinamed.plans.draw import Draw
from dinamed.plans.executor import Executor
from dinamed.plans.plan import Fixed, Plan, PoolAnswer
from dinamed.plans.rate_limited import ERRORS, RateClasses, RateLimitedReply
from dinamed.plans.reply import opt_of, without_records
from dinamed.plans.snapshot import Snapshot
from dinamed.plans.subnet_draw import SubnetDraw, subnet_tail
from dinamed.signals import Signal, print_failure
from dinamed.wire.constants import FLAG_TC, EdnsOption, Rcode
from dinamed.wire.cookies import WHOLE_SIZE, CookieVerdict
from dinamed.wire.edns import Edns, keepalive_option, opt_record, option
from dinamed.wire.later import Later, changed
from dinamed.wire.query import Kind, Query, Rejected, read_query

READY_LIMIT = 16384
"""Entries in a cache's young generation; see `Generations`."""
READY_MESSAGE_MAX = 192
"""Longer queries are not worth remembering octet by octet."""

CachedReply = tuple[Cell, bytes | Draw | RateLimitedReply]
"""What a message gets, and where that is counted."""
Learner = Callable[[Query, Plan], object]
"""Is told the plan of a query that has none where it came from."""
_STATE = frozenset({"pools", "locator"})
"""What of a snapshot no plan depends on."""
_USUAL = frozenset({Kind.DATA, Kind.CHAOS})


class Special(Protocol):
    """Answers what is signed, or is about whole zones."""

    def respond(
        self, executor: Executor, query: Query, data: bytes, source: bytes, stream: bool
    ) -> bytes:
        """The reply to a query, whose octets are `data`, from a packed address."""


class Usual:
    """Answers as though nothing were signed, and refuses what is about whole zones."""

    def respond(
        self, executor: Executor, query: Query, data: bytes, source: bytes, stream: bool
    ) -> bytes:
        """The reply that the plan of the query gives."""
        context = QueryContext(query, source, stream)
        return executor.execute(executor.plan(query), context)


class Engine:
    """Answers messages of any kind, over UDP and streams, from the current snapshot.

    `failed` is told what listeners raise.
    """

    def __init__(
        self,
        snapshot: Snapshot,
        seconds: Callable[[], float],
        rng: random.Random,
        failed: Callable[[Exception], object] = print_failure,
        special: Special | None = None,
    ) -> None:
        self.seconds = seconds
        self._started = seconds()
        self.questions = 0
        """Well-formed queries since the start."""
        self.counts = AnswerCounts()
        self.executor = Executor(snapshot, seconds, rng, self.vitals)
        self.changed: Signal[[]] = Signal(failed)
        """There is a snapshot that differs in more than the state of pools, for those
        who answer beside this."""
        self.vitals_wanted: Signal[[]] = Signal(failed)
        """What the server knows of itself is wanted: bring it up to date."""
        self._special = Usual() if special is None else special
        self._ready: Generations[bytes, CachedReply] = Generations(READY_LIMIT)
        self._cookied: Generations[bytes, CachedReply] = Generations(READY_LIMIT)
        """The same for messages that end with a cookie, without that.  Apart from the
        others: what a message cut short of its cookie gets is no one else's cookie."""
        self._subnets: Generations[bytes, tuple[Cell, SubnetDraw]] = Generations(
            READY_LIMIT
        )
        """And for messages that end with a client subnet, without its address."""
        self._kinds = RateClasses()

    @property
    def snapshot(self) -> Snapshot:
        """The snapshot that is served."""
        return self.executor.snapshot

    def serve(self, snapshot: Snapshot) -> None:
        """Answer from another snapshot, from the next query on."""
        changes = snapshot.changes(self.snapshot)
        if changes <= _STATE:
            self.executor.take_state(snapshot)
        else:
            self.executor.serve(snapshot)
            self.counts.keep(snapshot.zones)
            self._kinds.clear()
            self._ready.clear()
            self._cookied.clear()
            self._subnets.clear()
        if changes - {"pools"}:
            self.changed.emit()

    def vitals(self) -> Vitals:
        """The figures of the server itself."""
        self.vitals_wanted.emit()
        return Vitals(self._started, self.seconds(), self.questions)

    def resume(
        self, started: float, questions: int, silent: int, rows: Iterable[Row]
    ) -> None:
        """Go on with the counts of a process before this one; `started`: or 0."""
        self._started = started or self._started
        self.count_questions(questions)
        self.counts.add(silent, rows)

    def count_questions(self, number: int) -> None:
        """Count well-formed queries that were answered elsewhere."""
        self.questions += number

    def clock_set(self, by: float) -> None:
        """Take note that the time of day was set by so many seconds."""
        self._started += by

    def respond(
        self,
        data: bytes,
        source: bytes,
        stream: bool = False,
        learner: Learner | None = None,
    ) -> bytes | None:
        """The reply to one message from a packed address, or None for silence.

        It may be one that is still to be made (`Later`); nothing then means silence.
        A `learner` is told the plan, if the message is a query for data.
        """
        defence = self.executor.snapshot.defence
        if not stream and learner is None:
            found = self._ready.young.get(data[2:])
            if found is not None:
                self.questions += 1
                cell, ready = found
                cell.count += 1
                if isinstance(ready, bytes):
                    return data[:2] + ready
                return ready.reply(data[:2], source)
            size = subnet_tail(data)
            if size and (drawn := self._subnets.young.get(data[2:-size])) is not None:
                self.questions += 1
                drawn[0].count += 1
                return drawn[1].reply_to(data[:2], source, data[-size:])
            cookies = defence.cookies
            if cookies is not None and (size := cookie_tail(data)):
                found = self._cookied.young.get(data[2:-size])
                if found is not None:
                    known = cookies.look(data[-size:], source, self.seconds())
                    if known.valid or not defence.required:
                        return self._again(found, data[:2], source, known)
        query = read_query(data)
        if isinstance(query, Rejected):
            return self._reject(query, source, stream)
        if query.kind not in _USUAL:
            return self._unusual(query, data, source, stream)
        extra, seen = self._options(query.edns, source, stream)
        context = QueryContext(query, source, stream, extra=extra)
        if learner is not None:
            learner(query, self.executor.plan_of(query))
        if stream:
            return self.answer(context)
        if seen is not None and defence.required and not seen.valid:
            return self._bad_cookie(context)
        return self._remember(data, context, seen)

    def answer(self, context: QueryContext) -> bytes:
        """The reply to a well-formed query for data."""
        self.questions += 1
        query = context.query
        reply = self.executor.execute(self.executor.plan_of(query), context)
        self._cell(query, reply[3] & 0xF, context.stream).count += 1
        return reply

    def _cell(self, query: Query, rcode: int, stream: bool) -> Cell:
        """Where a reply is counted."""
        question = query.question
        zone = self.counts.zone(self.snapshot.zones, question.key)
        return self.counts.cell(zone, question.type, rcode, stream)

    def _unusual(
        self, query: Query, data: bytes, source: bytes, stream: bool
    ) -> bytes | None:
        self.questions += 1

        def limited(reply: bytes) -> bytes:
            self._cell(query, reply[3] & 0xF, stream).count += 1
            if stream or not reply[3] & 0xF:
                return reply
            return self._error(reply, source) or b""

        made = self._special.respond(self.executor, query, data, source, stream)
        reply = changed(made, limited)
        return reply if reply or isinstance(reply, Later) else None

    def _options(
        self, edns: Edns | None, source: bytes, stream: bool
    ) -> tuple[bytes, CookieVerdict | None]:
        """The options of the reply that are about the client; what its cookie is."""
        if edns is None:
            return b"", None
        defence = self.snapshot.defence
        extra, seen = b"", None
        if stream and edns.keepalive:
            extra = keepalive_option(defence.keepalive)
        if edns.cookie and defence.cookies is not None:
            seen = defence.cookies.look(edns.cookie, source, self.seconds())
            extra += option(EdnsOption.COOKIE, seen.reply)
        return extra, seen

    def _bad_cookie(self, context: QueryContext) -> bytes:
        """RFC 7873 section 5.2.3: to be asked again with the cookie that is in it."""
        self.questions += 1
        query = context.query
        self._cell(query, Rcode.BADCOOKIE, False).count += 1
        do = query.edns is not None and query.edns.do
        opt = opt_record(Rcode.BADCOOKIE, do, context.extra)
        return without_records(query, 0, Rcode.BADCOOKIE, opt)

    def _reject(self, query: Rejected, source: bytes, stream: bool) -> bytes | None:
        """The reply to what is no well-formed query."""
        reply = query.reply
        if reply is None:
            self.counts.rejected(None, stream)
            return None
        cookies = self.snapshot.defence.cookies
        if query.cookie and cookies is not None:
            seen = cookies.look(query.cookie, source, self.seconds())
            reply, rcode = cookie_alone(query, reply, seen)
            self.counts.cell(OTHER, 0, rcode, stream).count += 1
        else:
            self.counts.rejected(reply, stream)
        return reply if stream else self._error(reply, source)

    def _error(self, reply: bytes, source: bytes) -> bytes | None:
        """An error over UDP, unless `source` had too many; truncated it would be no
        smaller, so none slips."""
        limiter = self.snapshot.defence.limiter
        if limiter is None:
            return reply
        dropped = limiter.judge(source, ERRORS, self.seconds()) is RateAction.DROP
        return None if dropped else reply

    def _remember(
        self, data: bytes, context: QueryContext, seen: CookieVerdict | None
    ) -> bytes | None:
        """Answer, and keep what makes the same answer quicker next time."""
        store, key = self._ready, data[2:]
        if seen is None and context.query.has_subnet:
            self._remember_subnet(data, context)
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

    def _remember_subnet(self, data: bytes, context: QueryContext) -> None:
        """Have drawn answers ready for others who ask the same."""
        size = subnet_tail(data)
        if not size or len(data) > READY_MESSAGE_MAX or self.snapshot.defence.limiter:
            return
        plan = self.executor.plan_of(context.query)
        if isinstance(plan, PoolAnswer):
            made = SubnetDraw(self.executor.present, plan, context, size)
            cell = self._cell(context.query, Rcode.NOERROR, False)
            self._subnets.put(data[2:-size], (cell, made))

    def _prepare(self, context: QueryContext) -> CachedReply | None:
        """The part of an answer to cache; None if each answer is different."""
        query = context.query
        plan = self.executor.plan_of(query)
        ready: bytes | Draw | RateLimitedReply
        if isinstance(plan, Fixed):
            ready = self.executor.execute(plan, context)[2:]
        elif isinstance(plan, PoolAnswer) and not query.has_subnet:
            ready = Draw(self.executor.present, plan, context)
        else:
            return None
        rcode = ready[1] & 0xF if isinstance(ready, bytes) else Rcode.NOERROR
        cell = self._cell(query, rcode, False)
        limiter = self.snapshot.defence.limiter
        if limiter is not None:
            kind = self._kinds.kind(query, plan, self.snapshot.zones)
            short = self._truncated(context)[2:]
            ready = RateLimitedReply(ready, short, kind, limiter, self.seconds)
        return cell, ready

    def _once(self, context: QueryContext, seen: CookieVerdict | None) -> bytes | None:
        """Answer a datagram whose reply is not kept, unless that is too much."""
        limiter = self.snapshot.defence.limiter
        if limiter is not None and not (seen is not None and seen.valid):
            plan = self.executor.plan_of(context.query)
            kind = self._kinds.kind(context.query, plan, self.snapshot.zones)
            verdict = limiter.judge(context.source, kind, self.seconds())
            if verdict is not RateAction.PASS:
                self.questions += 1
                slips = verdict is RateAction.SLIP
                return self._truncated(context) if slips else None
        return self.answer(context)

    def _again(
        self,
        found: CachedReply,
        ident: bytes,
        source: bytes,
        seen: CookieVerdict | None,
    ) -> bytes | None:
        """Answer from what was kept."""
        self.questions += 1
        cell, ready = found
        cell.count += 1
        reply: bytes | None
        if isinstance(ready, bytes):
            reply = ident + ready
        elif seen is not None and seen.valid and isinstance(ready, RateLimitedReply):
            reply = ready.unlimited(ident, source)
        else:
            reply = ready.reply(ident, source)
        if seen is None or reply is None:
            return reply
        return reply[:-WHOLE_SIZE] + seen.reply

    def _truncated(self, context: QueryContext) -> bytes:
        """An empty reply that has the client ask again over TCP."""
        identity = self.snapshot.identity
        opt = opt_of(context.query, None, identity, 0, context.extra)
        return without_records(context.query, FLAG_TC, Rcode.NOERROR, opt)

    def kind(self, query: Query, plan: Plan) -> bytes:
        """The kind of reply of a plan, where replies are limited; else b""."""
        if self.snapshot.defence.limiter is None:
            return b""
        return self._kinds.kind(query, plan, self.snapshot.zones)
