"""What an engine does against forged addresses: cookies, and limits on replies."""

from collections.abc import Callable
from dataclasses import dataclass
from ipaddress import ip_network

from dinamed.config.limits import Limits
from dinamed.config.settings import Settings
from dinamed.generations import Generations
from dinamed.limits.responses import RateAction, ResponseLimiter
from dinamed.plans.draw import Draw
from dinamed.plans.plan import Fixed, Plan
from dinamed.wire.constants import EdnsOption, Rcode
from dinamed.wire.cookies import CLIENT_SIZE, Cookies, CookieVerdict
from dinamed.wire.edns import opt_record, option
from dinamed.wire.query import Query, Rejected
from dinamed.zones.packed import MatchKind
from dinamed.zones.zoneset import ZoneSet

KIND_LIMIT = 8192
ERRORS = b"e"
"""The kind of FORMERR, NOTIMP, REFUSED and their like."""
_GOOD = frozenset({Rcode.NOERROR, Rcode.NXDOMAIN, Rcode.YXDOMAIN})
_COOKIE_8 = b"\0\x0a\0\x08"
_COOKIE_24 = b"\0\x0a\0\x18"


@dataclass(frozen=True, slots=True)
class Defence:
    """Cookies (None: off) and the limit on replies (None: none)."""

    cookies: Cookies | None = None
    required: bool = False
    """Whether a client that knows cookies needs a good one over UDP."""
    limiter: ResponseLimiter | None = None
    keepalive: float = Limits().tcp_idle
    """Seconds that a stream may be idle, as it is told to clients."""

    @classmethod
    def of(
        cls, settings: Settings, secret: bytes, before: "Defence | None" = None
    ) -> "Defence":
        """What the settings ask for.

        `secret` makes the cookies where the config names none.  What has not changed
        since `before` is taken from there, with what it remembers.
        """
        rules, limits = settings.server, settings.limits
        cookies = limiter = None
        if rules.cookies != "off":
            secrets = tuple(map(bytes.fromhex, settings.cookie_secrets)) or (secret,)
            cookies = before.cookies if before is not None else None
            if cookies is None or cookies.secrets != secrets:
                cookies = Cookies(secrets)
        if limits.responses_per_second:
            limiter = ResponseLimiter(
                limits.responses_per_second,
                limits.slip,
                tuple(map(ip_network, limits.exempt)),
            )
            if before is not None and limiter.like(before.limiter):
                limiter = before.limiter
        return cls(cookies, rules.cookies == "require", limiter, limits.tcp_idle)


def cookie_tail(data: bytes) -> int:
    """The size of the cookie that a message seems to end with, 8 or 24; else 0.

    Two messages that differ in nothing but such an end are read alike, up to what the
    cookie is worth.
    """
    if data[-12:-8] == _COOKIE_8:
        return 8
    return 24 if data[-28:-24] == _COOKIE_24 else 0


def without_cookie(data: bytes, query: Query) -> bytes:
    """The octets after the message id but for the cookie; empty if that is not last."""
    assert query.edns is not None
    cookie = query.edns.cookie
    if cookie_tail(data) == len(cookie) and data.endswith(cookie):
        return data[2 : -len(cookie)]
    return b""


def cookie_alone(
    query: Rejected, reply: bytes, seen: CookieVerdict
) -> tuple[bytes, Rcode]:
    """The reply to a message that asks for a cookie alone (RFC 7873 section 5.4).

    `reply` is what it would get from a server without cookies.
    """
    good = seen.valid or len(query.cookie) == CLIENT_SIZE
    rcode = Rcode.NOERROR if good else Rcode.BADCOOKIE
    flags = int.from_bytes(reply[2:4]) & 0xFFF0 | rcode & 0xF
    head = reply[:2] + flags.to_bytes(2) + bytes(7) + b"\1"
    opt = opt_record(rcode, query.do, option(EdnsOption.COOKIE, seen.reply))
    return head + opt, rcode


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
