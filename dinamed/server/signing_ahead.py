"""Having large zones signed ahead, by a process of low priority, one at a time.

Answers do not wait for it: what is asked before it is signed is signed then.  What has
been made is kept in the folder of the state, so that the next process has it too.
"""

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import msgspec
from twisted.internet.defer import Deferred, succeed
from twisted.internet.error import ProcessDone
from twisted.internet.protocol import ProcessProtocol
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.dnssec.ahead import AheadJob, ahead_job
from dinamed.dnssec.online import OnlineZone
from dinamed.server.authority import Authority
from dinamed.server.config_loader import child_environment
from dinamed.server.key_folder import make_folder
from dinamed.server.periodic import Periodic
from dinamed.server.signing import SigningService
from dinamed.server.signing_child import ZONE_DESCRIPTOR
from dinamed.wire.names import WireName, to_text

LOOK_INTERVAL = 5.0
"""Seconds between looks at what there is to sign."""
LEAST_NAMES = 1000
"""Names of a zone from which on it is signed ahead: others are, as they are asked."""
MOST_EACH = 86400
"""Seconds after which a zone is gone through again at the latest."""
REST = 20.0
"""After a zone that took a second to sign so many seconds are left to others."""
RETRY = 3600.0
_MODULE = "dinamed.server.signing_child"
_ERROR_OCTETS = 1000


@dataclass
class _Progress:
    """How far one zone is; times are those of the reactor."""

    made_of: tuple[object, ...] = ()
    due: float = 0.0
    """When it is to be gone through again, though nothing has changed."""
    rested: float = 0.0
    """Before then it is left alone, whatever has changed."""
    fault: str = ""


class SigningAheadService(Periodic):
    """Sees that all signatures of large zones are there before they are asked for."""

    log = Logger()

    def __init__(
        self, reactor: Any, authority: Authority, signing: SigningService
    ) -> None:
        super().__init__(reactor, LOOK_INTERVAL, self.look, "signing ahead")
        self._reactor = reactor
        self._authority = authority
        self._signing = signing
        self._zones: dict[WireName, _Progress] = {}
        self._busy = False
        self._child: _SigningProcess | None = None

    @property
    def faults(self) -> Mapping[WireName, str]:
        """Why signatures of zones can't be made ahead, or kept."""
        return {apex: one.fault for apex, one in self._zones.items() if one.fault}

    def stopService(self) -> Any:
        """Let the process keep what it has, and end."""
        if self._child is not None:
            self._child.end()
        return super().stopService()

    def look(self) -> None:
        """Begin with the first zone that has something to sign."""
        online = self._authority.engine.snapshot.online
        known = self._zones
        self._zones = {apex: known.get(apex) or _Progress() for apex in online}
        if self._busy:
            return
        now = self._reactor.seconds()
        for apex, zone in online.items():
            if self._is_due(zone, self._zones[apex], now):
                self._begin(zone)
                return

    def _is_due(self, zone: OnlineZone, progress: _Progress, now: float) -> bool:
        if zone.denial.names.zone.names < LEAST_NAMES or now < progress.rested:
            return False
        return now >= progress.due or progress.made_of != _made_of(zone)

    def _begin(self, zone: OnlineZone) -> None:
        keys = self._signing.zones.get(zone.origin)
        if keys is None:
            return
        self._busy = True
        began = self._reactor.seconds()
        path = keys.folder.ahead_path
        job = ahead_job(zone, path, _moments(zone))
        buffer = zone.denial.names.zone.buffer
        pool = self._reactor.getThreadPool()
        copied = deferToThreadPool(self._reactor, pool, _prepared, path, buffer)
        done: Deferred[str] = copied.addCallback(partial(self._spawn, job))
        done.addErrback(Failure.getErrorMessage)
        done.addCallback(partial(self._ended, zone, began))

    def _spawn(self, job: AheadJob, descriptor: int) -> "Deferred[str]":
        child = _SigningProcess(job, lambda: self._saved(job.zone))
        command = [sys.executable, "-P", "-m", _MODULE]
        try:
            if not self.running:
                return succeed("")
            self._reactor.spawnProcess(
                child,
                sys.executable,
                command,
                child_environment(),
                childFDs={0: "w", 1: "r", 2: "r", ZONE_DESCRIPTOR: descriptor},
            )
        finally:
            os.close(descriptor)
        self._child = child
        return child.ended

    def _saved(self, apex: WireName) -> None:
        keys = self._signing.zones.get(apex)
        if keys is not None:
            keys.take_ahead()

    def _ended(self, zone: OnlineZone, began: float, fault: str) -> None:
        self._busy, self._child = False, None
        now = self._reactor.seconds()
        progress = self._zones.setdefault(zone.origin, _Progress())
        before, progress.fault = progress.fault, fault
        name = to_text(zone.origin)
        if fault:
            progress.rested = now + RETRY
            if fault != before:
                self.log.error(
                    "{zone} can't be signed ahead, and is signed as it is asked: {why}",
                    zone=name,
                    why=fault,
                )
            return
        progress.made_of = _made_of(zone)
        progress.rested = now + REST * (now - began)
        progress.due = now + _interval(zone)
        keys = self._signing.zones.get(zone.origin)
        if keys is not None:
            self.log.info(
                "{zone} has {count} signatures ahead, after {seconds:.0f} s",
                zone=name,
                count=keys.signatures.ahead,
                seconds=now - began,
            )


def _made_of(zone: OnlineZone) -> tuple[object, ...]:
    """What differs where other signatures are wanted."""
    return zone.denial, zone.signer.keys.sign_data, zone.signer.grid


def _interval(zone: OnlineZone) -> float:
    return float(min(zone.signer.grid.refresh, MOST_EACH))


def _moments(zone: OnlineZone) -> tuple[float, ...]:
    """As of when signatures are wanted: of what secondaries have, now, and until we
    come again."""
    now = zone.signer.seconds()
    return zone.version_began(now), now, now + 2 * _interval(zone)


def _prepared(path: str, buffer: memoryview) -> int:
    """A descriptor of a copy of the packed zone; the folder is there.

    Raises `OSError`.
    """
    make_folder(os.path.dirname(path))
    descriptor = os.memfd_create("dinamed-signing")
    try:
        with open(descriptor, "wb", closefd=False) as file:
            file.write(buffer)
    except OSError:
        os.close(descriptor)
        raise
    return descriptor


class _SigningProcess(ProcessProtocol):
    """Feeds the process; `ended` fires with what went wrong, or nothing."""

    def __init__(self, job: AheadJob, saved: Callable[[], None]) -> None:
        self._job = job
        self._saved = saved
        self._complaints = b""
        self.ended: Deferred[str] = Deferred()

    def connectionMade(self) -> None:
        data = msgspec.msgpack.encode(self._job)
        assert self.transport is not None
        self.transport.writeToChild(0, len(data).to_bytes(4, "big") + data)

    def end(self) -> None:
        """Ask it to keep what it has, and to end."""
        assert self.transport is not None
        self.transport.closeChildFD(0)

    def outReceived(self, data: bytes) -> None:
        self._saved()

    def errReceived(self, data: bytes) -> None:
        self._complaints = (self._complaints + data)[-_ERROR_OCTETS:]

    def processEnded(self, reason: Failure) -> None:
        fault = ""
        if not reason.check(ProcessDone):
            said = self._complaints.decode(errors="replace").strip()
            fault = said.rpartition("\n")[2] or str(reason.value)
        self.ended.callback(fault)
