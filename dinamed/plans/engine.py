"""Answering: plans made once, executed for each query, in pure Python.

Here is the door: what comes in, what was seen before, cookies, limits.  `Executor` has
what is behind it.

Three ways lead to a reply, the quickest first: the octets after the message id were
seen before (`_ready`); the question was seen before (`_plans`); everything anew.
All of them run the same plans.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from dinamed.generations import Generations
from dinamed.geo.locator import Locator
from dinamed.limits.responses import RateAction
from dinamed.plans.context import QueryContext, packed
from dinamed.plans.counts import OTHER, Cell
from dinamed.plans.defence import (
    ERRORS,
    Defence,
    RateClasses,
    RateLimitedReply,
    cookie_alone,
    cookie_tail,
    without_cookie,
)
from dinamed.plans.draw import Draw
from dinamed.plans.executor import Executor
from dinamed.plans.plan import Fixed, Plan, PoolAnswer
from dinamed.plans.reply import opt_of, without_records
from dinamed.plans.snapshot import Snapshot
from dinamed.wire.constants import FLAG_TC, EdnsOption, Rcode
from dinamed.wire.cookies import WHOLE_SIZE, CookieVerdict
from dinamed.wire.edns import keepalive_option, opt_record, option
from dinamed.wire.later import Later, changed
from dinamed.wire.query import Query, Rejected, is_plain, read_query

READY_LIMIT = 16384
"""Entries in a cache's young generation; see `Generations`."""
READY_MESSAGE_MAX = 192
"""Longer queries are not worth remembering octet by octet."""

CachedReply = tuple[Cell, bytes | Draw | RateLimitedReply]
"""What a message gets, and where that is counted."""
Aside = Callable[[Query, bytes, str, bool], bytes]
"""From a query, its octets, its sender and whether over a stream, to the reply."""


class Engine(Executor):
    """Answers messages of any kind, over UDP and streams, from the current snapshot."""

    def __init__(
        self,
        snapshot: Snapshot,
        seconds: Callable[[], float],
        rng: random.Random,
    ) -> None:
        super().__init__(snapshot, seconds, rng)
        self.on_change: Callable[[], None] | None = None
        """Called after all changes but those of pools' states, for those who answer
        beside this."""
        self._ready: Generations[bytes, CachedReply] = Generations(READY_LIMIT)
        self._cookied: Generations[bytes, CachedReply] = Generations(READY_LIMIT)
        """The same for messages that end with a cookie, without that.  Apart from the
        others: what a message cut short of its cookie gets is no one else's cookie."""
        self._kinds = RateClasses()
        self.defence = Defence()
        self.aside: Aside | None = None
        """Answers what is signed, or is about whole zones; None: it is refused."""

    def serve(self, snapshot: Snapshot) -> None:
        """Answer from another snapshot, from the next query on."""
        super().serve(snapshot)
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

    def take_locator(self, locator: Locator) -> None:
        """Know clients' places anew; all plans stay good."""
        self._snapshot = replace(self._snapshot, locator=locator)
        if self.on_change is not None:
            self.on_change()

    def respond(self, data: bytes, host: str, stream: bool = False) -> bytes | None:
        """The reply to one message from `host`, or None for silence.

        It may be one that is still to be made (`Later`); nothing then means silence.
        """
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
        zone = self.counts.zone(self._snapshot.zones, query.question.key)

        def limited(reply: bytes) -> bytes:
            self._count(query, zone, reply, stream)
            if stream or not reply[3] & 0xF:
                return reply
            return self._error(reply, packed(host)) or b""

        reply = changed(aside(query, data, host, stream), limited)
        return reply if reply or isinstance(reply, Later) else None

    def _take_options(self, context: QueryContext) -> CookieVerdict | None:
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
        dropped = limiter.judge(source, ERRORS, self.seconds()) is RateAction.DROP
        return None if dropped else reply

    def _remember(
        self, data: bytes, context: QueryContext, seen: CookieVerdict | None
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

    def _prepare(self, context: QueryContext) -> CachedReply | None:
        """What is kept of an answer; None if each is one of its own."""
        query = context.query
        plan, zone = self._plan_of(query)
        ready: bytes | Draw | RateLimitedReply
        if isinstance(plan, Fixed):
            ready = self.execute(plan, context)[2:]
        elif isinstance(plan, PoolAnswer) and not query.has_subnet:
            ready = Draw(self, plan, context)
        else:
            return None
        rcode = ready[1] & 0xF if isinstance(ready, bytes) else Rcode.NOERROR
        cell = self.counts.cell(zone, query.question.type, rcode, False)
        limiter = self.defence.limiter
        if limiter is not None:
            kind = self._kinds.kind(query, plan, self._snapshot.zones)
            short = self._truncated(context)[2:]
            ready = RateLimitedReply(ready, short, kind, limiter, self.seconds)
        return cell, ready

    def _once(self, context: QueryContext, seen: CookieVerdict | None) -> bytes | None:
        """Answer a datagram whose reply is not kept, unless that is too much."""
        limiter = self.defence.limiter
        if limiter is not None and not (seen is not None and seen.valid):
            plan, _ = self._plan_of(context.query)
            kind = self._kinds.kind(context.query, plan, self._snapshot.zones)
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
        identity = self._snapshot.identity
        opt = opt_of(context.query, None, identity, 0, context.extra)
        return without_records(context.query, FLAG_TC, Rcode.NOERROR, opt)

    def kind(self, query: Query, plan: Plan) -> bytes:
        """What kind of reply a plan leads to, where replies are limited; else b""."""
        if self.defence.limiter is None:
            return b""
        return self._kinds.kind(query, plan, self._snapshot.zones)
