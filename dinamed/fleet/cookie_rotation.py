"""How the secret of cookies changes at all servers of a fleet (RFC 9018 section 5).

A new secret is first accepted by all, then cookies are made with it, and at last the
old one is forgotten, when no cookie of it is good any more.  So whichever server a
client asks next takes its cookie, also one that has not heard of the last step yet.
"""

from msgspec.structs import replace

from dinamed.fleet.records import CookieSecrets
from dinamed.wire.cookies import MAX_AGE, MAX_AHEAD

KEPT = 30 * 86400.0
"""Seconds for which one secret makes cookies."""

SPREAD = 3600.0
"""Seconds for which a secret is accepted before cookies are made with it, so that it
is known to servers that are cut off for a while."""

GOOD = float(MAX_AGE + MAX_AHEAD + 300)
"""Seconds after which no cookie of the old secret is good any more."""


def rotated(held: CookieSecrets, fresh: str, now: float) -> CookieSecrets | None:
    """What the secrets are to be from that Unix time on; None: as they are.

    `fresh` is a new one.  A time that lies far ahead was told by a clock that was
    wrong, so it counts as one long past.
    """
    lapse = abs(now - held.since)
    present, *others = held.secrets
    if not held.since:
        return replace(held, now=now, since=now)
    turned = False
    secrets: tuple[str, ...] = present, fresh
    due = KEPT
    if held.turned:
        secrets, due = (present,), GOOD
    elif others:
        secrets, turned, due = (others[0], present), True, SPREAD
    if lapse < due:
        return None
    return CookieSecrets(now=now, secrets=secrets, since=now, turned=turned)
