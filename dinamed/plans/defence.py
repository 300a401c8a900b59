"""Defence against forged addresses: cookies, and limits on replies."""

from collections.abc import Sequence
from dataclasses import dataclass
from ipaddress import ip_network

from dinamed.config.limits import Limits
from dinamed.config.settings import Settings
from dinamed.limits.responses import ResponseLimiter
from dinamed.wire.constants import EdnsOption, Rcode
from dinamed.wire.cookies import CLIENT_SIZE, Cookies, CookieVerdict
from dinamed.wire.edns import opt_record, option
from dinamed.wire.query import Query, Rejected

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
        cls,
        settings: Settings,
        secrets: Sequence[bytes],
        before: "Defence | None" = None,
    ) -> "Defence":
        """The defence that the settings ask for.

        `secrets` are those of cookies where the config names none.  What has not
        changed since `before` is taken from there, with what it remembers.
        """
        rules, limits = settings.server, settings.limits
        cookies = limiter = None
        if rules.cookies != "off":
            configured = tuple(map(bytes.fromhex, settings.cookie_secrets))
            held = configured or tuple(secrets)
            cookies = before.cookies if before is not None else None
            if cookies is None or cookies.secrets != held:
                cookies = Cookies(held)
        if limits.responses_per_second:
            limiter = ResponseLimiter(
                limits.responses_per_second,
                limits.slip,
                tuple(map(ip_network, limits.exempt)),
            )
            if before is not None and limiter.like(before.limiter):
                limiter = before.limiter
        made = cls(cookies, rules.cookies == "require", limiter, limits.tcp_idle)
        return before if before is not None and made == before else made


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
