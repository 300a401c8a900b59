"""Votes: what the checks of all servers say of a member, counted into one verdict."""

from collections.abc import Callable, Iterable, Sequence
from typing import NamedTuple, Protocol

from dinamed.fleet.records import Codec, Vote, Votes
from dinamed.fleet.roles import Sender, Steps, Values, chunk_of, chunks_for
from dinamed.fleet.voting import (
    FRESH,
    Cast,
    VotingRule,
    isolated,
    joint,
)
from dinamed.pools.manager import PoolManager, VerdictChange

AT_ONCE = 64
"""Votes that are taken at a stretch."""

MemberKey = tuple[str, str]


class OwnVerdict(Protocol):
    """What this server's own checks say of a member; None: nothing any more."""

    @property
    def pool(self) -> str:
        """The pool."""

    @property
    def member(self) -> str:
        """The member's name."""

    @property
    def healthy(self) -> bool | None:
        """Whether it works."""

    @property
    def reason(self) -> str:
        """Why not."""

    @property
    def failing(self) -> Sequence[tuple[str, str]]:
        """The addresses that fail, each with the reason."""


class Elector(NamedTuple):
    """A server that votes: its region, and how long nothing was heard of it (s)."""

    region: str
    silent: float


class Poll(NamedTuple):
    """How a pool's votes are counted, and the longest interval of its checks."""

    rule: VotingRule
    interval: float


class VoteRole:
    """The sink of this server's own verdicts, that are votes among others.

    `electors` says who votes, by name, without this server; `poll` how for a pool.
    """

    name = "votes"

    def __init__(
        self,
        manager: PoolManager,
        server: str,
        region: str,
        electors: Callable[[str], Elector | None],
        poll: Callable[[str], Poll],
        seconds: Callable[[], float],
    ) -> None:
        self._manager = manager
        self._server = server
        self._region = region
        self._electors = electors
        self._poll = poll
        self._seconds = seconds
        self._codec = Codec(Votes)
        self._own: dict[MemberKey, OwnVerdict] = {}
        self._votes: dict[str, dict[MemberKey, Vote]] = {}
        self._by_chunk: dict[tuple[str, str], set[MemberKey]] = {}
        self._abstaining: set[str] = set()
        self._told: dict[MemberKey, VerdictChange] = {}
        self._since: dict[MemberKey, float] = {}
        self._chunks = 1
        self.isolated = False
        """Whether this server sees more down than the others, and so abstains."""

    def verdicts(self, changed: Sequence[OwnVerdict]) -> None:
        """Take what this server's own checks say."""
        for verdict in changed:
            key = verdict.pool, verdict.member
            if verdict.healthy is None:
                self._own.pop(key, None)
                self._since.pop(key, None)
            else:
                self._own[key] = verdict
                self._since[key] = self._seconds()
        self._doubt()
        self._count((one.pool, one.member) for one in changed)

    def inherit(self, before: "VoteRole") -> None:
        """Go on with the votes of one's own that another one had."""
        self._own, self._since = before._own, before._since
        self._told = before._told

    def values(self) -> Values:
        """All votes of one's own."""
        chunks: dict[str, dict[str, dict[str, Vote]]] = {}
        for number, ((pool, member), own) in enumerate(tuple(self._own.items())):
            if number % AT_ONCE == 0:
                yield None
            pools = chunks.setdefault(chunk_of(pool, self._chunks), {})
            vote = Vote(bool(own.healthy), self._since[pool, member], own.reason)
            pools.setdefault(pool, {})[member] = vote
        octets = 0
        for chunk, pools in chunks.items():
            data = self._codec.pack(Votes(isolated=self.isolated, pools=pools))
            octets += len(data)
            yield chunk, data
        self._chunks = chunks_for(octets, self._chunks)

    def hear(self, sender: Sender, chunk: str, value: bytes) -> Steps:
        """Take the votes of another server."""
        told = self._codec.read(value)
        if told.isolated:
            self._abstaining.add(sender.name)
        else:
            self._abstaining.discard(sender.name)
        votes = self._votes.setdefault(sender.name, {})
        now = {
            (pool, member): vote
            for pool, members in told.pools.items()
            for member, vote in members.items()
        }
        place = sender.name, chunk
        gone = self._by_chunk.get(place, set()) - now.keys()
        self._by_chunk[place] = set(now)
        touched = [key for key, vote in now.items() if votes.get(key) != vote]
        votes.update(now)
        for key in gone:
            votes.pop(key, None)
        self._doubt()
        everyone = [*touched, *gone]
        for start in range(0, len(everyone), AT_ONCE):
            yield
            self._count(everyone[start : start + AT_ONCE])

    def lost(self, server: str) -> None:
        """Its votes go stale, and do not count then."""
        self._votes.pop(server, None)
        self._abstaining.discard(server)
        self._by_chunk = {k: v for k, v in self._by_chunk.items() if k[0] != server}

    def tick(self) -> None:
        """Count again: some votes may have gone stale."""
        self._doubt()
        keys = set(self._own)
        for votes in self._votes.values():
            keys |= votes.keys()
        self._count(keys)

    def casts(self, key: MemberKey) -> list[Cast]:
        """The votes of the others on a member, for listings too."""
        found = []
        for server, votes in self._votes.items():
            vote = votes.get(key)
            elector = self._electors(server)
            if vote is None or elector is None or server in self._abstaining:
                continue
            cast = Cast(server, elector.region, vote.up, elector.silent, vote.reason)
            found.append(cast)
        return found

    def own(self, key: MemberKey) -> Cast | None:
        """This server's vote, unless it abstains."""
        own = self._own.get(key)
        if own is None or own.healthy is None:
            return None
        return Cast(self._server, self._region, own.healthy, 0.0, own.reason)

    def _doubt(self) -> None:
        """See whether it is us who can't reach anybody."""
        views = {key: bool(one.healthy) for key, one in self._own.items()}
        down = [key for key, up in views.items() if not up]
        up_there = sum(1 for key in down if any(cast.up for cast in self.casts(key)))
        before, self.isolated = self.isolated, isolated(list(views.values()), up_there)
        if before != self.isolated:
            self._count(self._own)

    def _count(self, keys: Iterable[MemberKey]) -> None:
        """Have the pool manager know the joint verdicts that are others than before."""
        changed = []
        for key in sorted(set(keys)):
            pool, member = key
            view = self._manager.views.get(pool)
            if view is None or member not in view.member_states:
                continue
            others = self.casts(key)
            own = self.own(key)
            before = self._told.get(key)
            if own is None and not others and before is None:
                continue
            poll = self._poll(pool)
            voter = None if self.isolated and others else own
            found = joint(voter, others, poll.rule, FRESH * poll.interval)
            mine = self._own.get(key)
            failing = () if mine is None else tuple(mine.failing)
            verdict = pool, member, found.healthy, found.reason, failing
            if verdict != before:
                self._told[key] = verdict
                changed.append(verdict)
        if changed:
            self._manager.health_many(changed, now=self._seconds())
