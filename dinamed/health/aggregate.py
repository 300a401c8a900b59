"""From the states of a member's targets to one verdict on the member.

A member has one or more checks, and each check looks at each of its addresses, or at
something that all addresses share (the state of a pool).  An address is up while the
rule of the pool holds for it: by default while it passes all checks.  The member is up
while any of its addresses is: one that fails is not handed out, the others are.
Nothing is said before enough is known to say it.  An address that this host has no
means to look at (no route for its family, say) does not count where another one is
known.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from dinamed.config.combined import CheckRule, Judgement, judge
from dinamed.health.hysteresis import Hysteresis

MAX_SHOWN = 3  # failures that a reason tells in full
EVERYWHERE = ""
"""In place of an address: what all addresses of a member share."""


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


def aggregate(
    checks: Sequence[Sequence[Finding]], rule: CheckRule | None = None
) -> HealthVerdict:
    """The verdict on a member from its findings, those of one check together.

    Without a rule all must pass.  Failing addresses are named in `reason` even where
    the member is up.
    """
    whole = rule or CheckRule(checks=tuple(range(len(checks))))
    addresses = dict.fromkeys(
        finding.address for one in checks for finding in one if finding.address
    )
    judged = {
        address: found
        for address in addresses or (EVERYWHERE,)
        if (found := _judge(checks, address, whole)) is not None
    }
    healthy = _any(judged, checks)
    failing = tuple(
        (address, _told(found.reasons))
        for address, found in judged.items()
        if address and found.up is False
    )
    reason = _told(_failing(checks) if rule is None else _reasons(judged.values()))
    return HealthVerdict(healthy, reason, () if healthy is False else failing)


def _judge(
    checks: Sequence[Sequence[Finding]], address: str, rule: CheckRule
) -> Judgement | None:
    """Whether an address is up."""
    found = [_of(one, address) for one in checks]
    return judge(
        rule,
        [None if one is None else _finding(one) for one in found],
        ["" if one is None else one.label for one in found],
    )


def _of(check: Sequence[Finding], address: str) -> Finding | None:
    """What a check found at an address."""
    for finding in check:
        if finding.address in (address, EVERYWHERE):
            return finding
    return None


def _finding(finding: Finding) -> Judgement:
    up = finding.checker.up
    return Judgement(up, (_words(finding),) if up is False else ())


def _words(finding: Finding) -> str:
    return f"{finding.label}: {finding.checker.reason}"


def _any(
    judged: dict[str, Judgement], checks: Sequence[Sequence[Finding]]
) -> bool | None:
    """Whether the member is up: one of its addresses is."""
    lacking = {
        finding.address for one in checks for finding in one if finding.checker.lacking
    }
    known = [
        found.up
        for address, found in judged.items()
        if found.up is not None or address not in lacking
    ]
    if not known:
        return None
    if True in known:
        return True
    return None if None in known else False


def _failing(checks: Sequence[Sequence[Finding]]) -> list[str]:
    """What fails, check by check."""
    return [
        _words(finding)
        for one in checks
        for finding in one
        if finding.checker.up is False
    ]


def _reasons(judged: Iterable[Judgement]) -> list[str]:
    """The reasons of all addresses, each once."""
    return list(dict.fromkeys(reason for one in judged for reason in one.reasons))


def _told(reasons: Sequence[str]) -> str:
    shown = list(reasons[:MAX_SHOWN])
    if len(reasons) > MAX_SHOWN:
        shown.append(f"and {len(reasons) - MAX_SHOWN} more")
    return "; ".join(shown)
