"""Notes what happens to the server: orders, verdicts, reloads, and by whom."""

import os
from collections.abc import Mapping
from functools import partial

from twisted.application.service import Service

from dinamed.journal.events import EventLog
from dinamed.journal.lines import standing_of
from dinamed.pools.manager import PoolManager
from dinamed.pools.pool import PoolView
from dinamed.pools.states import MemberState, Order
from dinamed.server.services import ReloadOutcome, ReloadService


class PoolEvents:
    """Notes what changes about the members of pools."""

    def __init__(self, events: EventLog, pools: PoolManager) -> None:
        self._events = events
        self._pools = pools
        self._seen: dict[str, Mapping[str, MemberState]] = {}
        self._down: dict[str, bool] = {}
        for name, view in pools.views.items():
            self._take(name, view)
        pools.changed.subscribe(self._changed)

    def _take(self, name: str, view: PoolView) -> None:
        self._seen[name] = view.member_states
        self._down[name] = view.down

    def _changed(self, names: frozenset[str]) -> None:
        for name in sorted(names):
            view = self._pools.views.get(name)
            if view is None:
                self._seen.pop(name, None)
                self._down.pop(name, None)
            else:
                self._compare(name, view)
                self._take(name, view)

    def _compare(self, name: str, view: PoolView) -> None:
        before = self._seen.get(name)
        if before is None:
            return
        note = self._events.note
        for member, state in view.member_states.items():
            old = before.get(member)
            if old is not state and old is not None:
                self._compare_member(f"{name}/{member}", old, state)
        if self._down.get(name) != view.down:
            note("verdict", name, view.lacking or "up")
        came = view.member_states.keys() - before.keys()
        gone = before.keys() - view.member_states.keys()
        if came or gone:
            told = [*_signed("+", came), *_signed("-", gone)]
            note("reload", name, "members: " + " ".join(told))

    def _compare_member(self, subject: str, old: MemberState, new: MemberState) -> None:
        note = partial(self._events.note, state=standing_of(new))
        if _order_of(old) != _order_of(new):
            text = "lifted" if new.order is Order.AUTO else str(new.order)
            until = "" if new.until is None else f" until {new.until:.0f}"
            note("order", subject, text + until, new.by, new.order_reason)
        if _weight_of(old) != _weight_of(new):
            until = "" if new.weight_until is None else f" until {new.weight_until:.0f}"
            text = "weight of the config"
            if new.weight is not None:
                text = f"weight {new.weight:g}{until}"
            note("order", subject, text, new.weight_by, new.weight_reason)
        if (old.healthy, old.says_out) != (new.healthy, new.says_out):
            if new.says_out:
                note("verdict", subject, "asks not to be handed out")
            elif new.healthy is False:
                note("verdict", subject, "down", reason=new.reason)
            elif new.healthy or old.says_out:
                note("verdict", subject, "up")


class ReloadEvents:
    """Notes how reloads end."""

    def __init__(self, events: EventLog, reloading: ReloadService) -> None:
        self._events = events
        self.by = ""
        """Who has asked for the one that runs, or comes next."""
        reloading.ended.subscribe(self._ended)

    def _ended(self, outcome: ReloadOutcome) -> None:
        by, self.by = self.by, ""
        text = "what was read is served"
        if not outcome.applied:
            text = "refused; nothing has changed"
        self._events.note("reload", "", text, by, "; ".join(outcome.problems[:3]))


class Happenings(Service):
    """Notes what happens from its start on; what was restored before is nothing new."""

    def __init__(
        self, events: EventLog, pools: PoolManager, reloading: ReloadService
    ) -> None:
        self.events = events
        self.reloads = ReloadEvents(events, reloading)
        self._pools = pools
        self._noting: PoolEvents | None = None

    def startService(self) -> None:
        """Begin with the pools as they are."""
        super().startService()
        self.events.note("replace", "", f"process {os.getpid()} is here")
        self._noting = PoolEvents(self.events, self._pools)


MOST_NAMED = 20


def _signed(sign: str, names: set[str]) -> list[str]:
    """So many names at most, each with its sign."""
    told = [sign + name for name in sorted(names)[:MOST_NAMED]]
    more = len(names) - MOST_NAMED
    return [*told, f"({sign}{more} more)"] if more > 0 else told


def _order_of(state: MemberState) -> tuple[object, ...]:
    return state.order, state.until, state.by, state.order_reason


def _weight_of(state: MemberState) -> tuple[object, ...]:
    return state.weight, state.weight_until, state.weight_by, state.weight_reason
