"""From the states of a member's targets to one verdict on the member.

A member has one or more checks, and each check looks at each of its addresses.  A
check passes while any address passes it, for a member that answers at one address
still serves; the member is up while all of its checks pass.  Nothing is said before
enough is known to say it: one failing check is enough for down, up needs them all.
An address that this host has no means to look at (no route for its family, say) does
not count where another one is known.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dinamed.health.hysteresis import Hysteresis

MAX_SHOWN = 3  # failures that a reason tells in full


class HealthVerdict(NamedTuple):
    """What the checks say: None, nothing yet.  `reason` tells what fails, if any."""

    healthy: bool | None
    reason: str = ""


class Finding(NamedTuple):
    """The state of one target; `label` says in words which one and which check."""

    label: str
    checker: Hysteresis


def aggregate(checks: Sequence[Sequence[Finding]]) -> HealthVerdict:
    """The verdict on a member from its findings, those of one check together.

    Failing addresses are named in `reason` even where the member is up.
    """
    states = [_any([finding.checker for finding in one]) for one in checks]
    healthy: bool | None = None
    if False in states:
        healthy = False
    elif states and None not in states:
        healthy = True
    return HealthVerdict(healthy, _reason(checks))


def _any(checkers: Sequence[Hysteresis]) -> bool | None:
    known = [one for one in checkers if one.up is not None or not one.lacking]
    if not known:
        return None
    states = [one.up for one in known]
    if True in states:
        return True
    return None if None in states else False


def _reason(checks: Sequence[Sequence[Finding]]) -> str:
    failing = [
        f"{finding.label}: {finding.checker.reason}"
        for one in checks
        for finding in one
        if finding.checker.up is False
    ]
    if len(failing) > MAX_SHOWN:
        more = len(failing) - MAX_SHOWN
        failing[MAX_SHOWN:] = [f"and {more} more"]
    return "; ".join(failing)
