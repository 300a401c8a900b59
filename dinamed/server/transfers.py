"""Zone transfers of this server: versions served, NOTIFY, and secondary zones."""

import ipaddress
from collections.abc import Callable, Iterator, Mapping, Sequence, Set
from itertools import islice
from random import Random
from typing import Any

from twisted.application.service import Service
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.config.settings import FileZones, PoolSettings, Settings, ZoneSettings
from dinamed.config.zone_rules import origin, zone_name
from dinamed.plans.snapshot import Snapshot
from dinamed.server.catalog import CatalogProducer
from dinamed.server.catalog_members import CatalogMembers
from dinamed.server.config_loader import Configuration
from dinamed.server.notify_sender import NotifySender
from dinamed.server.secondary import INLINE_LIMIT, Secondary, SecondaryContext
from dinamed.server.table_versions import TableVersions
from dinamed.server.update_queue import Change, Done, UpdateQueue
from dinamed.server.updated_zones import UpdatedZones, UpdateStep
from dinamed.server.zone_files import ZoneFiles
from dinamed.server.zone_roll import ZoneRoll
from dinamed.shortage import Shortages
from dinamed.signals import Signal
from dinamed.transfers.catalog import members_of
from dinamed.transfers.journal import (
    DIFF_LIMIT,
    Delta,
    Journal,
    difference,
    difference_at,
)
from dinamed.transfers.responder import TransferResponder
from dinamed.transfers.serial import newer
from dinamed.transfers.signed_view import SignedView
from dinamed.transfers.tsig import Keys, keyring
from dinamed.transfers.view import View, static_pools, static_texts
from dinamed.wire.names import WireName, to_text
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from dinamed.zones.packer import pack
from dinamed.zones.zoneset import ZoneSet

TOLD_AT_ONCE = 200
"""Zones of which others are told in one turn."""
_NO_SOA = RRset(6, 0, (bytes(22),))


class TransferService(Service):
    """Keeps the versions of all zones, and answers what is asked about whole zones.

    `sources` are the addresses that we listen on: what we send comes from one of them
    if it can.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        seconds: Callable[[], float],
        rng: Random,
        sources: Sequence[str],
    ) -> None:
        self._reactor = reactor
        self.changed: Signal[[]] = Signal(self._listener_failed)
        """There is another version of a zone, which `versions` gives."""
        self._sources = [
            ipaddress.ip_address(source.partition("%")[0]) for source in sources
        ]
        self.shortages = Shortages()
        """Looks at primaries that came to nothing for what this host lacks."""
        self._setting = SecondaryContext(
            reactor, seconds, rng, self.source_for, self.shortages
        )
        self._notifier = NotifySender(reactor, seconds, rng, self.source_for)
        self._updated = UpdatedZones()
        self._updater = UpdateQueue(reactor, self._updated, self._has_updated)
        self._catalog = CatalogProducer(seconds)
        self._members = CatalogMembers()
        self._files: ZoneFiles | None = None
        self._secondaries: dict[WireName, Secondary] = {}
        self._zones = ZoneRoll({}, FileZones())
        self._loaded: Configuration | None = None
        self._views: dict[WireName, View] = {}
        self._table = TableVersions()
        self._journals: dict[WireName, Journal] = {}
        self._static: (
            tuple[Sequence[PoolSettings], Mapping[str, tuple[RRset, ...]]] | None
        ) = None
        self._steps: dict[WireName, list[Delta]] = {}
        """The way to the versions that are about to be served, where it is known."""
        self._begun = False
        self.answering = TransferResponder(self, self._tell)

    def startService(self) -> None:
        """Read the saved copies, and begin to look for new versions."""
        super().startService()
        self._begun = True
        self.changed.emit()

    def hold(self, held: bool) -> None:
        """Hold updates off (they get SERVFAIL), or accept them again."""
        self._updater.held = held

    def stopService(self) -> None:
        """Fetch and tell nothing more."""
        super().stopService()
        self._notifier.stop()
        for secondary in self._secondaries.values():
            secondary.stop()

    def source_for(self, host: str) -> str:
        """The address to send from to a host; empty: let the system choose."""
        target = ipaddress.ip_address(host)
        for source in self._sources:
            if (
                source.version == target.version
                and not source.is_unspecified
                and source.is_loopback == target.is_loopback
            ):
                return str(source)
        return "0.0.0.0" if target.version == 4 else "::"

    def versions(self, loaded: Configuration) -> tuple[ZoneSet, frozenset[WireName]]:
        """The zones to serve of a config, and those that are not ready.

        Before the start these are all zones as their files are: what is saved is the
        affair of the user that the server runs as in the end.
        """
        if not self._begun:
            return loaded.zones, frozenset()
        settings = loaded.settings
        state = settings.server.state
        self._files = ZoneFiles(state) if state is not None else None
        self._updated.keep_in(self._files)
        self._loaded = loaded
        own, followed = self._take_secondaries(settings)
        self._zones = ZoneRoll(own, settings.file_zones, self._zones)
        zones: dict[WireName, PackedZone] = {}
        unready = set()
        changing = {}
        for apex in filter(self._zones.is_in_table, self._updated.kept(self._zones)):
            zones[apex] = changing[apex] = self._updated.serve(loaded.zones[apex])
        for apex, zone in own.items():
            if zone.update or self._takes_changes(zone, loaded.zones.get(apex)):
                zones[apex] = changing[apex] = self._updated.serve(loaded.zones[apex])
            elif zone.primary:
                served = self._secondaries[apex].served
                if served is None:
                    unready.add(apex)
                    served = PackedZone(pack(apex, [(b"", _NO_SOA)], {}))
                zones[apex] = served
        self._updated.forget(changing)
        listed: Set[WireName] = frozenset()
        if settings.server.catalog is not None:
            listed = self._zones.keys() - followed
        catalog = self._catalog.serve(settings, listed, self._files)
        if catalog is not None:
            zones[catalog.origin] = catalog
        return loaded.zones.changed(zones), frozenset(unready)

    def _takes_changes(self, zone: ZoneSettings, base: PackedZone | None) -> bool:
        """Whether whoever may change records of all zones can change those of this."""
        own = zone.file is not None and not zone.primary
        signed = base is None or base.signed
        return self._files is not None and own and not signed

    def _take_secondaries(
        self, settings: Settings
    ) -> tuple[dict[WireName, ZoneSettings], Set[WireName]]:
        """Begin, change and end secondary zones as a config and catalogs want it.

        Returns all zones but those of the table, and the catalogs that are followed.
        """
        zones = {origin(zone): zone for zone in settings.zones}
        keys = keyring(settings.keys)
        catalogs = {zone_name(one.name): one for one in settings.catalogs}
        own: set[WireName] = set()
        if catalogs:
            own = {*zones, *catalogs, *settings.file_zones.origins}
        for apex, catalog in catalogs.items():
            zones[apex] = zone = catalog.zone(catalog.name)
            self._take(apex, zone, keys, members_of)
        have = {apex: self._secondaries[apex].raw for apex in catalogs}
        zones.update(self._members.zones(catalogs, have, own))
        wanted = {apex: zone for apex, zone in zones.items() if zone.primary}
        for apex in self._secondaries.keys() - wanted.keys():
            self._secondaries.pop(apex).stop()
        for apex, zone in wanted.items():
            if apex not in catalogs:
                self._take(apex, zone, keys)
        return zones, catalogs.keys()

    def _take(
        self,
        apex: WireName,
        zone: ZoneSettings,
        keys: Keys,
        check: Callable[[PackedZone], object] | None = None,
    ) -> None:
        """Begin with a secondary zone, or go on with it by these settings."""
        known = self._secondaries.get(apex)
        if known is not None:
            known.reconfigure(zone, keys, check)
            return
        secondary = self._secondaries[apex] = Secondary(
            zone, self._setting, keys, self._files, self._fetched, check
        )
        secondary.restore()
        if self.running:
            self._reactor.callLater(0, secondary.start)

    def _fetched(self, secondary: Secondary) -> None:
        """A secondary zone has another version, or none any more."""
        if secondary.deltas is not None and not secondary.zone.names:
            self._steps[secondary.origin] = secondary.deltas
        self.changed.emit()

    def served(self, loaded: Configuration, snapshot: Snapshot) -> None:
        """Another snapshot is served: see which zones have changed."""
        settings = loaded.settings
        keys = keyring(settings.keys)
        self.answering.configure(self._zones, keys)
        pools = self._pools_of(settings.pools)
        texts = static_texts(settings.pools) if snapshot.online else {}
        views: dict[WireName, View] = {}
        for apex, zone in self._zones.own.items():
            if apex in snapshot.unready or not (
                zone.transfer or zone.notify or zone.update
            ):
                continue
            packed = snapshot.zones[apex]
            bound = {name: pools[name] for name in packed.pools if name in pools}
            online = snapshot.online.get(apex)
            if online is None:
                views[apex] = View(packed, bound)
            else:
                online = online.at(online.version_began(online.signer.seconds()))
                views[apex] = SignedView(packed, bound, online=online, texts=texts)
        before, self._views = self._views, views
        for apex, view in views.items():
            steps = self._steps.pop(apex, None)
            if apex in before:
                self._compare(apex, before[apex], view, steps)
            elif self.running:
                self._notify(apex, view)
        changed, new = self._table.take(self._zones, snapshot.zones)
        for apex, old, now in changed:
            self._compare(apex, old, now, self._steps.pop(apex, None))
        self._tell_new(iter(new))
        for apex in self._journals.keys() - views.keys():
            if self._table.view(apex) is None:
                del self._journals[apex]

    def _tell_new(self, origins: Iterator[WireName]) -> None:
        """Tell the others of zones of the table, some in each turn."""
        if not (self.running and self._zones.many.common.notify):
            return
        apex = None
        for apex in islice(origins, TOLD_AT_ONCE):
            if (view := self._table.passing_view(apex)) is not None:
                self._notify(apex, view)
        if apex is not None:
            self._reactor.callLater(0, self._tell_new, origins)

    def _pools_of(
        self, pools: Sequence[PoolSettings]
    ) -> Mapping[str, tuple[RRset, ...]]:
        """The addresses of pools, which are worked out once for each config."""
        if self._static is None or self._static[0] is not pools:
            self._static = pools, static_pools(pools)
        return self._static[1]

    def _compare(
        self, apex: WireName, old: View, new: View, steps: list[Delta] | None
    ) -> None:
        if old.zone is new.zone and old.pools == new.pools and old.stamp == new.stamp:
            return
        journal = self._journals.setdefault(apex, Journal())
        if newer(new.serial, old.serial):
            self._remember(journal, old, new, steps)
            self._notify(apex, new)
            return
        same = (
            old.zone.buffer == new.zone.buffer
            and old.pools == new.pools
            and old.stamp == new.stamp
        )
        if old.serial != new.serial or not same:
            journal.clear()
            self.log.warn(
                "{zone} has changed, but its serial {old} has not grown ({new}): "
                "secondaries will not fetch it",
                zone=to_text(apex),
                old=old.serial,
                new=new.serial,
            )

    def _remember(
        self, journal: Journal, old: View, new: View, steps: list[Delta] | None
    ) -> None:
        """Add the step to a new version to the journal."""
        if steps is not None and steps[0].old == old.soa:
            for delta in steps:
                journal.append(delta)
            return
        names = old.zone.names + new.zone.names
        if names > DIFF_LIMIT:
            journal.clear()
        elif names <= INLINE_LIMIT:
            journal.append(difference(old, new))
        else:
            pool = self._reactor.getThreadPool()
            done = deferToThreadPool(self._reactor, pool, difference, old, new)
            done.addCallbacks(journal.append, self._not_compared)

    def _not_compared(self, failure: Failure) -> None:
        self.log.failure("versions could not be compared", failure)

    def _notify(self, apex: WireName, view: View) -> None:
        zone = self._zones[apex]
        if zone.notify:
            self._notifier.tell(view.soa, zone.notify, self.answering.keys)

    def _listener_failed(self, error: Exception) -> None:
        self.log.failure("another version of a zone was not taken", Failure(error))

    def _tell(self, line: str) -> None:
        self.log.info("{line}", line=line)

    # What answering needs.

    def view(self, origin: WireName) -> View | None:
        """The zone as it is served; None if it is not ready."""
        return self._views.get(origin) or self._table.view(origin)

    def since(self, origin: WireName, serial: int, current: int) -> list[Delta] | None:
        """The steps between two serials, if they are known."""
        journal = self._journals.get(origin)
        return None if journal is None else journal.since(serial, current)

    def update(self, origin: WireName, change: Change, done: Done) -> None:
        """Change a zone: save it and serve it, and tell what came of it."""
        self._take_into_hand(origin)
        self._updater.update(origin, change, done)

    def _take_into_hand(self, origin: WireName) -> None:
        """Have a zone of the table ready to be changed."""
        if not self._zones.is_in_table(origin) or self._updated.knows(origin):
            return
        if self._files is not None and self._loaded is not None:
            self._updated.serve(self._loaded.zones[origin])

    def _has_updated(self, step: UpdateStep) -> None:
        """An update was made: serve it, and know the way from the version before."""
        before = self.view(step.origin)
        plain = type(before) is View and before.zone is step.before
        if before is not None and plain and step.served:
            after = View(step.served, before.pools)
            self._steps[step.origin] = [difference_at(before, after, step.names)]
        self.changed.emit()

    def why_fixed(self, origin: WireName) -> str:
        """Why a zone's records can't be changed here; empty if they can."""
        zone = self._zones.get(origin)
        if zone is not None and zone.primary:
            return "it is a secondary zone, which its primary changes"
        if zone is None or zone.file is None:
            return "only zones with a file of their own can be updated"
        if self._files is None:
            return "what is updated is kept in [server] state, which is not set"
        self._take_into_hand(origin)
        if not self._updated.knows(origin):
            return "it is signed elsewhere"
        return ""

    def is_secondary(self, origin: WireName) -> bool:
        """Whether a zone is fetched from a primary."""
        return origin in self._secondaries

    def notify_again(self, origin: WireName) -> bool:
        """Tell the secondaries of a zone its serial; False if it has none to tell."""
        view, zone = self.view(origin), self._zones.get(origin)
        if view is None or zone is None or not zone.notify:
            return False
        self._notify(origin, view)
        return True

    def notified(self, origin: WireName, serial: int | None) -> None:
        """A primary says that a zone has changed."""
        secondary = self._secondaries.get(origin)
        if secondary is not None:
            secondary.notified(serial)
