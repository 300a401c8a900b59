"""The `push` feed: reports that members send by themselves."""

from collections.abc import Iterable, Mapping

from dinamed.config.values import shown
from dinamed.pools.report import make_report
from dinamed.pools.sink import PoolSink

MAX_ITEMS = 20000
"""Reports in one message."""

_KEYS = frozenset(("member", "load", "capacity", "increment", "at", "pool"))


class PushReceiver:
    """Passes pushed reports on to every pool that takes them from that member.

    `members` says of each pool with a `push` feed which members it has.
    """

    def __init__(
        self, sink: PoolSink, members: Mapping[str, Iterable[str]] | None = None
    ) -> None:
        self._sink = sink
        self._pools: dict[str, list[str]] = {}
        self.reconfigure(members or {})

    def reconfigure(self, members: Mapping[str, Iterable[str]]) -> None:
        """Replace the pools and their members."""
        pools: dict[str, list[str]] = {}
        for pool, names in members.items():
            for name in names:
                pools.setdefault(name, []).append(pool)
        self._pools = pools

    def push(self, items: object, now: float) -> dict[int, str]:
        """Take a message: a list of tables, or one table for a list of one.

        Each has `member` and `load`, and may have `capacity`, `increment`, `at`
        (Unix time) and `pool` (else all pools with that member are meant).  What is
        sound is taken; the result says by index why each other item was not, and so
        does the status of a member that has sent what is no report.

        @raise ValueError: it is neither, or the list is too long.
        """
        listed = [items] if isinstance(items, dict) else items
        if not isinstance(listed, list):
            raise ValueError("expected a report or a list of reports")
        if len(listed) > MAX_ITEMS:
            raise ValueError(f"more than {MAX_ITEMS} reports at once")
        problems: dict[int, str] = {}
        seen: set[tuple[str, str]] = set()
        for index, item in enumerate(listed):
            try:
                self._take(item, now, seen)
            except ValueError as error:
                problems[index] = str(error)
        return problems

    def _take(self, item: object, now: float, seen: set[tuple[str, str]]) -> None:
        if not isinstance(item, dict):
            raise ValueError(f"expected a table, got {_shown(item)}")
        for key in item:
            if key not in _KEYS:
                raise ValueError(f"unknown key {_shown(key)}")
        member = item.get("member")
        if not isinstance(member, str):
            raise ValueError(f"member is not a name: {_shown(member)}")
        pools = self._meant(member, item.get("pool"))
        try:
            report = make_report(
                item.get("load"),
                now=now,
                source="push",
                at=item.get("at"),
                capacity=item.get("capacity"),
                increment=item.get("increment"),
            )
        except ValueError as error:
            for pool in pools:
                self._sink.feed_failed(pool, member, str(error), now=now)
            raise
        members = {(pool, member) for pool in pools}
        if members & seen:
            raise ValueError(f"a second report of {_shown(member)}")
        seen |= members
        taken = [self._sink.report(pool, member, report, now=now) for pool in pools]
        if not any(taken):
            raise ValueError(f"older than the last report of {_shown(member)}")

    def _meant(self, member: str, pool: object) -> list[str]:
        pools = self._pools.get(member, [])
        if not pools:
            raise ValueError(f"no pool takes reports of a member {_shown(member)}")
        if pool is None:
            return pools
        if pool not in pools:
            raise ValueError(
                f"no pool {_shown(pool)} takes reports of {_shown(member)}"
            )
        return [str(pool)]


def _shown(value: object) -> str:
    return "nothing" if value is None else shown(value)
