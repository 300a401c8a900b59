"""One secondary zone: kept current by the timers of its SOA, and by NOTIFY."""

import struct
from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from twisted.internet.defer import Deferred, DeferredLock, maybeDeferred
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.config.settings import ZoneSettings
from dinamed.config.zone_rules import bindings, origin
from dinamed.server.zone_fetch import OwnShortageError, fetch_zone
from dinamed.server.zone_files import ZoneFiles
from dinamed.shortage import Shortages
from dinamed.transfers.incoming import Incoming, TransferError, with_pools
from dinamed.transfers.journal import Delta
from dinamed.transfers.serial import newer
from dinamed.transfers.tsig import Keys
from dinamed.wire.names import relative, to_text
from dinamed.zones.packed import PackedZone

SHORTEST = 2.0
"""Seconds between two looks at the least, whatever the SOA says."""
LONGEST_REFRESH = 14 * 86400.0
LONGEST_EXPIRE = 365 * 86400.0
FIRST_RETRY = 5.0
LAST_RETRY = 600.0
"""Without a zone there is no SOA with a retry; waits grow from the one to the other."""
JITTER = 0.1
"""The share of a wait that is left to chance, so that zones do not all look at once."""
NOTIFY_INTERVAL = 1.0
"""Seconds between two transfers that NOTIFY leads to, at the least."""
INLINE_LIMIT = 1000
"""Records up to which a zone is put together without a thread."""


class Timers(NamedTuple):
    """The timers of an SOA, in seconds, within bounds."""

    refresh: float
    retry: float
    expire: float


def timers_of(zone: PackedZone) -> Timers:
    """The timers of a zone (RFC 1035 section 3.3.13)."""
    refresh, retry, expire = struct.unpack("!3I", zone.soa.rdatas[0][-16:-4])
    return Timers(
        min(max(refresh, SHORTEST), LONGEST_REFRESH),
        min(max(retry, SHORTEST), LONGEST_REFRESH),
        min(max(expire, SHORTEST), LONGEST_EXPIRE),
    )


class SecondaryContext(NamedTuple):
    """What all secondary zones share."""

    reactor: Any
    seconds: Callable[[], float]
    rng: Random
    source_for: Callable[[str], str]
    shortages: Shortages


class Secondary:
    """A zone that is fetched from primaries.

    `changed` is called when another version, or none, is to be served.  `check` raises
    `ValueError` for versions that are not to be taken.
    """

    log = Logger()

    def __init__(
        self,
        zone: ZoneSettings,
        setting: SecondaryContext,
        keys: Keys,
        files: ZoneFiles | None,
        changed: Callable[["Secondary"], None],
        check: Callable[[PackedZone], object] | None = None,
    ) -> None:
        self.zone = zone
        self.origin = origin(zone)
        self.raw: PackedZone | None = None
        """As the primary has it."""
        self.served: PackedZone | None = None
        """With names bound to pools; None if there is nothing to serve."""
        self.deltas: list[Delta] | None = None
        """The steps to this version, if they are known."""
        self.confirmed = 0.0
        """When a primary was last heard to have this version; Unix time."""
        self._setting = setting
        self._keys = keys
        self._files = files
        self._changed = changed
        self._check = check
        self._timer: Any = None
        self._expiry: Any = None
        self._stop_fetch: Callable[[], None] | None = None
        self._again = False
        self._asked = -NOTIFY_INTERVAL
        """When primaries were asked, by the reactor's clock; `_heard`: when one had an
        answer."""
        self._heard = 0.0
        self._failures = 0
        self._running = False
        self._told: str | None = None
        self._saving = DeferredLock()

    @property
    def name(self) -> str:
        """For the log."""
        return to_text(self.origin)

    def reconfigure(
        self,
        zone: ZoneSettings,
        keys: Keys,
        check: Callable[[PackedZone], object] | None = None,
    ) -> None:
        """Go by another config, from the next transfer on."""
        rebound = zone.names != self.zone.names
        moved = zone.primary != self.zone.primary
        self.zone, self._keys, self._check = zone, keys, check
        if rebound and self.served is not None:
            assert self.raw is not None
            self.served = self._bound(self.raw)
        if moved and self._running:
            self.refresh()

    def restore(self) -> None:
        """Begin with the saved copy, if there is a good one."""
        if self._files is None:
            return
        try:
            found = self._files.read_copy(self.origin)
        except (OSError, ValueError) as error:
            self.log.error(
                "the copy of {zone} in {path} is not used: {why}",
                zone=self.name,
                path=self._files.copy_path(self.origin),
                why=str(error),
            )
            return
        if found is None:
            return
        self.raw, self.confirmed = found
        age = max(0.0, self._setting.seconds() - self.confirmed)
        self._heard = self._setting.reactor.seconds() - age
        if self._left() > 0:
            self.served = self._bound(self.raw)

    def start(self) -> None:
        """Look at once, then again and again."""
        self._running = True
        self._watch_expiry()
        self.refresh()

    def stop(self) -> None:
        """Look no more."""
        self._running = False
        for later in (self._timer, self._expiry):
            if later is not None and later.active():
                later.cancel()
        if self._stop_fetch is not None:
            self._stop_fetch()

    def notified(self, serial: int | None) -> None:
        """A primary says that there is something new."""
        if not self._running:
            return
        if (
            self.served is not None
            and self.raw is not None
            and serial is not None
            and not newer(serial, self.raw.serial)
        ):
            return
        if self._stop_fetch is not None:
            self._again = True
            return
        # Whoever can forge the address of a primary must not keep us busy.
        since = self._setting.reactor.seconds() - self._asked
        if since < NOTIFY_INTERVAL:
            self._wait(NOTIFY_INTERVAL - since)
        else:
            self.refresh()

    def refresh(self) -> None:
        """Ask the primaries, one after another until one has an answer."""
        if self._stop_fetch is None and self._running:
            self._asked = self._setting.reactor.seconds()
            self._try(0, whole=False)

    def _try(self, number: int, whole: bool) -> None:
        peers = self.zone.primary
        if number >= len(peers):
            self._failed()
            return
        peer = peers[number]
        have = None if whole else self.raw
        setting = self._setting
        done, self._stop_fetch = fetch_zone(
            setting.reactor,
            peer,
            self.origin,
            have,
            self._keys,
            setting.seconds,
            setting.rng,
            setting.source_for(peer.host),
        )
        done.addCallback(self._finish)
        done.addCallbacks(
            self._got,
            self._not_got,
            callbackArgs=(peer.address,),
            errbackArgs=(number, have is not None),
        )
        done.addErrback(self._broken)

    def _finish(self, incoming: Incoming) -> Deferred[Incoming]:
        """Put together what came, in a thread if it is much."""

        def _work() -> Incoming:
            incoming.result = incoming.finish()
            if incoming.result is not None and self._check is not None:
                try:
                    self._check(incoming.result[0])
                except ValueError as error:
                    raise TransferError(str(error)) from None
            if incoming.result is not None and self.served is not None:
                incoming.result[0].order_like(self.served)
            return incoming

        if incoming.current or (
            incoming.count + (self.raw.records if self.raw else 0) <= INLINE_LIMIT
        ):
            return maybeDeferred(lambda: incoming if incoming.current else _work())
        reactor = self._setting.reactor
        return deferToThreadPool(reactor, reactor.getThreadPool(), _work)

    def _got(self, incoming: Incoming, address: str) -> None:
        self._stop_fetch = None
        if not self._running:
            return
        self._failures = 0
        self._told = None
        self.confirmed = self._setting.seconds()
        self._heard = self._setting.reactor.seconds()
        result = incoming.result
        if result is None:
            self._save(None)
            if self.served is None and self.raw is not None:
                self.served = self._bound(self.raw)
                self._changed(self)
        else:
            self.raw, self.deltas = result
            self.served = self._bound(self.raw)
            how = "all" if self.deltas is None else "changes"
            ignored = f", {incoming.ignored} outside ignored" * bool(incoming.ignored)
            self.log.info(
                "{zone}: serial {serial} from {address} ({records} records, {how})",
                zone=self.name,
                serial=self.raw.serial,
                address=address,
                records=self.raw.records,
                how=how + ignored,
            )
            for odd in incoming.odd:
                self.log.warn("{zone}: taken as it is: {odd}", zone=self.name, odd=odd)
            self._save(self.raw)
            self._changed(self)
        self._watch_expiry()
        if self._again:
            self._again = False
            self._wait(NOTIFY_INTERVAL)
        elif self.raw is not None:
            self._wait(timers_of(self.raw).refresh)

    def _not_got(self, failure: Failure, number: int, incremental: bool) -> None:
        failure.trap(TransferError)
        self._stop_fetch = None
        if not self._running:
            return
        if failure.check(OwnShortageError):
            self._short(failure.getErrorMessage())
            return
        if incremental:
            # Not all servers know IXFR, and differences may turn out not to fit.
            self._try(number, whole=True)
            return
        why = f"{self.zone.primary[number].address}: {failure.getErrorMessage()}"
        if why != self._told:
            self._told = why
            self.log.warn("{zone}: no transfer from {why}", zone=self.name, why=why)
        self._try(number + 1, whole=False)

    def _short(self, reason: str) -> None:
        """Nothing is known of the primaries, for we lack something: soon again."""
        setting = self._setting
        if setting.shortages.note(reason, setting.reactor.seconds()):
            self.log.error(
                "{zone}: primaries can't be asked: {reason}",
                zone=self.name,
                reason=reason,
            )
        self._wait(FIRST_RETRY)

    def _broken(self, failure: Failure) -> None:
        self.log.failure("the transfer of {zone} failed", failure, zone=self.name)
        self._stop_fetch = None
        if self._running:
            self._failed()

    def _failed(self) -> None:
        """No primary had an answer."""
        if self._again:
            self._again = False
            self._wait(NOTIFY_INTERVAL)
            return
        wait = min(FIRST_RETRY * 2**self._failures, LAST_RETRY)
        self._failures = min(self._failures + 1, 10)
        self._wait(wait if self.raw is None else timers_of(self.raw).retry)

    def _wait(self, seconds: float) -> None:
        if self._timer is not None and self._timer.active():
            self._timer.cancel()
        wait = seconds * (1 - JITTER * self._setting.rng.random())
        self._timer = self._setting.reactor.callLater(wait, self.refresh)

    def _left(self) -> float:
        """Seconds until what we have expires."""
        if self.raw is None:
            return 0
        age: float = self._setting.reactor.seconds() - self._heard
        return timers_of(self.raw).expire - age

    def _watch_expiry(self) -> None:
        if self._expiry is not None and self._expiry.active():
            self._expiry.cancel()
        if self.raw is not None and self.served is not None:
            wait = max(0.0, self._left())
            self._expiry = self._setting.reactor.callLater(wait, self._expire)

    def _expire(self) -> None:
        self.served = self.deltas = None
        self.log.error(
            "{zone} has expired: no primary has answered for too long", zone=self.name
        )
        self._changed(self)

    def _bound(self, zone: PackedZone) -> PackedZone:
        names = {
            relative(name, self.origin): pool
            for name, pool in bindings(self.zone).items()
        }
        try:
            return with_pools(zone, names)
        except ValueError as error:
            self.log.error("{zone}: {why}", zone=self.name, why=str(error))
            return zone

    def _save(self, zone: PackedZone | None) -> None:
        """Save a version in a thread, or that there is no newer one."""
        if self._files is None:
            return
        files, confirmed, name = self._files, self.confirmed, self.origin

        def _work() -> None:
            if zone is None:
                files.confirm_copy(name, confirmed)
            else:
                files.write_copy(zone, confirmed)

        reactor = self._setting.reactor
        done = self._saving.run(
            deferToThreadPool, reactor, reactor.getThreadPool(), _work
        )
        done.addErrback(self._not_saved)

    def _not_saved(self, failure: Failure) -> None:
        failure.trap(OSError)
        self.log.error(
            "the copy of {zone} could not be saved: {why}",
            zone=self.name,
            why=failure.getErrorMessage(),
        )
