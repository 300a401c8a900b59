"""Replies that are given no oftener than a limit allows, and of which kind they are."""

from collections.abc import Callable

from dinamed.generations import Generations
from dinamed.limits.responses import RateAction, ResponseLimiter
from dinamed.plans.draw import Draw
from dinamed.plans.plan import Fixed, Plan
from dinamed.wire.constants import Rcode
from dinamed.wire.query import Query
from dinamed.zones.packed import MatchKind
from dinamed.zones.zoneset import ZoneSet

KIND_LIMIT = 8192
ERRORS = b"e"
"""The kind of FORMERR, NOTIMP, REFUSED and their like."""
_GOOD = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN})


class RateLimitedReply:
    """A ready reply that is given no oftener than the limit on its kind allows."""

    __slots__ = ("_inner", "_kind", "_limiter", "_seconds", "_truncated")

    def __init__(
        self,
        inner: bytes | Draw,
        truncated: bytes,
        kind: bytes,
        limiter: ResponseLimiter,
        seconds: Callable[[], float],
    ) -> None:
        """`inner` and `truncated` are without the message id."""
        self._inner = inner
        self._truncated = truncated
        self._kind = kind
        self._limiter = limiter
        self._seconds = seconds

    def reply(self, ident: bytes, source: bytes) -> bytes | None:
        """The reply, the truncated one in its place, or None."""
        verdict = self._limiter.judge(source, self._kind, self._seconds())
        if verdict is RateAction.PASS:
            return self.unlimited(ident, source)
        return None if verdict is RateAction.DROP else ident + self._truncated

    def unlimited(self, ident: bytes, source: bytes) -> bytes:
        """The reply for a client that is known by its cookie."""
        inner = self._inner
        if isinstance(inner, bytes):
            return ident + inner
        return inner.reply(ident, source)


class RateClasses:
    """What kind of reply a question has; those asked last are remembered."""

    def __init__(self) -> None:
        self._known: Generations[tuple[bytes, int, int], bytes] = Generations(
            KIND_LIMIT
        )

    def clear(self) -> None:
        """The zones have changed."""
        self._known.clear()

    def kind(self, query: Query, plan: Plan, zones: ZoneSet) -> bytes:
        """The kind of the reply that a plan leads to."""
        if isinstance(plan, Fixed) and plan.rcode not in _GOOD:
            return ERRORS
        question = query.question
        key = question.key, question.type, question.class_
        kind = self._known.get(key)
        if kind is None:
            kind = _kind(query, plan, zones)
            self._known.put(key, kind)
        return kind


def _kind(query: Query, plan: Plan, zones: ZoneSet) -> bytes:
    question = query.question
    name = question.key
    zone = zones.zone_for(name)
    if zone is not None:
        match = zone.find(name)
        if match.kind is MatchKind.CUT:
            return b"r" + match.name
        if isinstance(plan, Fixed) and not plan.records.counts[0]:
            return b"n" + zone.origin
        if match.kind in (MatchKind.WILDCARD, MatchKind.DNAME):
            # What one record makes of any name would have a bucket for each of them.
            name = match.name
    return b"a" + question.type.to_bytes(2) + name
