"""Whether a member is down, by what the checks of several servers say of it.

Each server has one vote, and one's own weighs as any other.  A member is down when
the share of the fresh votes that say so is the quorum at least.  With fewer votes than
`min_votes` it is one's own that counts.
"""

from collections.abc import Collection
from typing import NamedTuple

FRESH = 3.0
"""Intervals of its check for which a vote counts."""

ISOLATED = 0.5
"""Share of all members beyond which a server that sees them down doubts itself."""

MOST_TOLD = 3
"""Votes whose reasons are told."""


class VotingRule(NamedTuple):
    """How votes are counted; see `[pools.NAME.check]`."""

    quorum: float = 0.5
    min_votes: int = 2
    by_region: bool = False


class Cast(NamedTuple):
    """A vote of a server, of that region, whose check was `age` seconds ago."""

    server: str
    region: str
    up: bool
    age: float
    reason: str = ""


class JointVerdict(NamedTuple):
    """What comes of the votes, and why, in words."""

    healthy: bool | None
    reason: str


def joint(
    own: Cast | None, others: list[Cast], rule: VotingRule, fresh: float
) -> JointVerdict:
    """The verdict of these votes, as far as they are not older than `fresh` seconds.

    Without any vote it is None: not known.
    """
    votes = [vote for vote in others if vote.age <= fresh]
    if own is not None:
        votes.insert(0, own)
        if rule.by_region:
            near = [vote for vote in votes if vote.region == own.region]
            votes = near if len(near) >= 2 else votes
        if len(votes) < rule.min_votes:
            votes = [own]
    if not votes:
        return JointVerdict(None, "")
    down = [vote for vote in votes if not vote.up]
    healthy = len(down) < rule.quorum * len(votes) or not down
    if len(votes) == 1 and own is not None:
        return JointVerdict(healthy, own.reason)
    return JointVerdict(healthy, "" if healthy else _words(votes, down))


def _words(votes: list[Cast], down: list[Cast]) -> str:
    said = [_who(vote) + (f": {vote.reason}" if vote.reason else "") for vote in down]
    more = len(said) - MOST_TOLD
    told = "; ".join(said[:MOST_TOLD]) + (f"; and {more} more" if more > 0 else "")
    up = ", ".join(_who(vote) for vote in votes if vote.up)
    text = f"{len(down)} of {len(votes)} vantage points: {told}"
    return f"{text}; up: {up}" if up else text


def _who(vote: Cast) -> str:
    return f"{vote.server} {vote.region}" if vote.region else vote.server


def isolated(own: Collection[bool], others_up: int) -> bool:
    """Whether it is this server that can't reach anybody, and not the members.

    `own` are its own verdicts, True for up; `others_up` is how many of those that it
    sees down the others see up.
    """
    down = sum(1 for up in own if not up)
    return len(own) > 1 and down > ISOLATED * len(own) and others_up > down / 2
