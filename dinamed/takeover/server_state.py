"""Collects the state of a server, and restores it in another process."""

from dinamed.health.service import HealthService
from dinamed.journal.events import EventLog
from dinamed.server.authority import Authority
from dinamed.server.fleet import FleetMember
from dinamed.server.resolver import EngineResolver
from dinamed.server.services import ListenService, ReloadService
from dinamed.takeover.state import TakeoverState


class ServerState:
    """Collects and restores all state of one server."""

    def __init__(
        self,
        authority: Authority,
        resolver: EngineResolver,
        listening: ListenService,
        reloading: ReloadService,
        health: HealthService,
        fleet: FleetMember,
        events: EventLog,
    ) -> None:
        self._authority = authority
        self._resolver = resolver
        self._listening = listening
        self._reloading = reloading
        self._health = health
        self._fleet = fleet
        self._events = events

    def known(self) -> TakeoverState:
        """All of it, as of now."""
        engine, manager = self._authority.engine, self._authority.manager
        vitals = engine.vitals()  # brings the counts up to date
        pools = {name: view.accounting for name, view in manager.views.items()}
        secret, *others = self._authority.cookie_secrets
        return TakeoverState(
            started=vitals.started,
            cookie_secret=secret,
            older_cookies=tuple(others),
            questions=engine.questions,
            failures=self._resolver.failures,
            silent=engine.counts.silent,
            reloads=(self._reloading.applied, self._reloading.refused),
            counts=engine.counts.rows(),
            plane=self._listening.plane_counters(),
            handed_out={name: dict(one.totals) for name, one in pools.items()},
            pending={name: dict(one.pending) for name, one in pools.items()},
            flows={name: one.flow.sums for name, one in pools.items()},
            pools=manager.saved(),
            checks=self._health.saved(),
            fleet=self._fleet.incarnation,
            events=list(self._events.since(0)),
        )

    def begin(self, known: TakeoverState) -> None:
        """Restore the state of the old process, before anything starts."""
        authority = self._authority
        if known.cookie_secret:
            secrets = known.cookie_secret, *known.older_cookies
            authority.keep_cookies(secrets)
        if known.fleet[0]:
            self._fleet.go_on(known.fleet)
        self._health.restore(known.checks)
        self.add(known)
        for name, sums in known.flows.items():
            if name in authority.manager.views:
                authority.manager.views[name].accounting.flow.sums = sums

    def add(self, known: TakeoverState) -> None:
        """Add what the old process has learned since then."""
        authority, engine = self._authority, self._authority.engine
        self._events.resume(known.events)
        engine.resume(known.started, known.questions, known.silent, known.counts)
        self._resolver.count_failures(known.failures)
        self._reloading.resume(*known.reloads)
        self._listening.add_plane_counters(known.plane)
        now = authority.seconds()
        authority.manager.restore(known.pools, now)
        for pool, totals in known.handed_out.items():
            view = authority.manager.views.get(pool)
            if view is None:
                continue
            pending = known.pending.get(pool, totals)
            for member, count in totals.items():
                recent = min(count, pending.get(member, 0))
                view.accounting.account(member).total += count - recent
                view.accounting.add(member, recent, now)
