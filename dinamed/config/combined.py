"""How several checks come to one verdict: all of them, any, so many, or not."""

from collections.abc import Sequence

import msgspec

Verdict = bool | None
"""Up, down, or nothing known yet."""

ALL = 0


class CheckRule(msgspec.Struct, frozen=True):
    """Holds if so many of its parts do: `least` of them, or with `ALL` each.

    The parts are checks, by their places in the pool's list, and rules.  With `negated`
    it holds if they do not.
    """

    least: int = ALL
    checks: tuple[int, ...] = ()
    rules: tuple["CheckRule", ...] = ()
    negated: bool = False


class Judgement(msgspec.Struct, frozen=True):
    """What a rule comes to, and why it does not hold.

    `reasons` are those of all parts that keep it from holding.
    """

    up: Verdict
    reasons: tuple[str, ...] = ()


def judge(
    rule: CheckRule, findings: Sequence[Judgement | None], labels: Sequence[str]
) -> Judgement | None:
    """Judge by a rule; `findings` are those of the checks, None where one is not made.

    `labels` say in words which each is.  None: none of the rule's checks is made.  What
    is not known leaves the verdict open only where it could change it.
    """
    parts = [
        (findings[place], labels[place])
        for place in rule.checks
        if findings[place] is not None
    ]
    parts += [
        (judged, "a combination")
        for one in rule.rules
        if (judged := judge(one, findings, labels)) is not None
    ]
    told = [(found, label) for found, label in parts if found is not None]
    if not told:
        return None
    up = _count(rule, [found.up for found, _ in told])
    if not rule.negated:
        down = [found for found, _ in told if found.up is False]
        reasons = tuple(reason for found in down for reason in found.reasons)
        return Judgement(up, reasons if up is False else ())
    words = tuple(f"{label} passes" for found, label in told if found.up)
    return Judgement(None if up is None else not up, words if up else ())


def _count(rule: CheckRule, states: Sequence[Verdict]) -> Verdict:
    least = len(states) if rule.least == ALL else min(rule.least, len(states))
    good = states.count(True)
    if good >= least:
        return True
    return False if good + states.count(None) < least else None
