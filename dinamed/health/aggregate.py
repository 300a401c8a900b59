"""From the states of a member's targets to one verdict on the member.

A member has one or more checks, and each check looks at each of its addresses.  An
address is up while it passes all checks, and the member while any of its addresses is:
one that fails is not handed out, the others are.  Nothing is said before enough is
known to say it: one failing check is enough for down, up needs them all.  An address
that this host has no means to look at (no route for its family, say) does not count
where another one is known.
"""

from collections.abc import Sequence
from typing import NamedTuple

from dinamed.health.hysteresis import Hysteresis

MAX_SHOWN = 3  # failures that a reason tells in full


class HealthVerdict(NamedTuple):
    """What the checks say (None: nothing yet), and in `reason` what fails.

    `failing` are the addresses that are down while the member is not, each with what
    fails there.
    """

    healthy: bool | None
    reason: str = ""
    failing: tuple[tuple[str, str], ...] = ()


class Finding(NamedTuple):
    """The state of one target; `label` says in words which one and which check."""

    label: str
    checker: Hysteresis
    address: str


def aggregate(checks: Sequence[Sequence[Finding]]) -> HealthVerdict:
    """The verdict on a member from its findings, those of one check together.

    Failing addresses are named in `reason` even where the member is up.
    """
    findings: dict[str, list[Finding]] = {}
    for one in checks:
        for finding in one:
            findings.setdefault(finding.address, []).append(finding)
    states = {address: _all(found) for address, found in findings.items()}
    failing = tuple(
        (address, _reason([findings[address]]))
        for address, up in states.items()
        if up is False
    )
    healthy = _any(states, findings)
    return HealthVerdict(healthy, _reason(checks), () if healthy is False else failing)


def _all(findings: Sequence[Finding]) -> bool | None:
    """Whether an address is up: it passes all of the checks."""
    states = [finding.checker.up for finding in findings]
    if False in states:
        return False
    return None if None in states else True


def _any(
    states: dict[str, bool | None], findings: dict[str, list[Finding]]
) -> bool | None:
    """Whether the member is up: one of its addresses is."""
    known = [
        up
        for address, up in states.items()
        if up is not None or not any(one.checker.lacking for one in findings[address])
    ]
    if not known:
        return None
    if True in known:
        return True
    return None if None in known else False


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
