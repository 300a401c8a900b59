"""The services of a running server: listening, and reloading."""

import signal
import socket
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from types import FrameType
from typing import TYPE_CHECKING, Any

from twisted.application.service import Service
from twisted.internet.defer import Deferred, gatherResults, maybeDeferred, succeed
from twisted.internet.interfaces import IListeningPort
from twisted.internet.threads import deferToThreadPool
from twisted.logger import Logger
from twisted.python.failure import Failure

from dinamed.config.limits import Limits
from dinamed.early_signals import came_early
from dinamed.geo.files import GeoData, load_geo
from dinamed.server.authority import Authority
from dinamed.server.config_loader import (
    CompileError,
    ConfigError,
    Configuration,
    load_aside,
    load_here,
)
from dinamed.server.garbage import uncollected
from dinamed.server.liveness import (
    Liveness,
    Probed,
    ask_stream,
    ask_udp,
    new_probe,
)
from dinamed.server.ordering_ahead import order_ahead
from dinamed.server.sockets import ListenAddress, Listening
from dinamed.server.stack import Stack
from dinamed.server.stream import StreamFactory
from dinamed.server.udp import (
    MAX_DATAGRAM,
    DatagramPort,
    DatagramProtocol,
    WildcardPort,
)
from dinamed.signals import Signal
from dinamed.wording import counted

if TYPE_CHECKING:
    from dinamed.plane.service import DataPlane

Mover = Callable[[StreamFactory, "DataPlane | None"], Deferred[list[None]]]
"""Moves open connections to another process; fires when none is left."""

STOP_PATIENCE = 1.0
"""Seconds that a stop waits for replies on open TCP connections to be read."""


class ListenService(Service):
    """Answers on sockets that were bound before privileges were dropped."""

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        stack: Stack,
        sockets: Sequence[Listening],
        plane: "DataPlane | None" = None,
        liveness: Liveness | None = None,
    ) -> None:
        self._reactor = reactor
        self._liveness = liveness or Liveness()
        self._probe = new_probe() if plane is None else plane.probe
        self._unregister: list[Callable[[], None]] = []
        self._plane = plane
        self._stack = stack
        self._sockets = sockets
        self._ports: list[IListeningPort] = []
        responder = Probed(stack.timed, self._probe)
        self.streams = (
            StreamFactory(responder, reactor)
            if plane is None
            else StreamFactory(
                responder,
                reactor,
                shared=plane.streams.connections,
                quick=plane.answer_frames,
            )
        )
        self.stopped: Deferred[None] = Deferred()
        """Fires when a stop is over."""
        self._mover: Mover | None = None
        self._counted_before: dict[str, int] = {}

    def startService(self) -> None:
        """Hand the sockets to the plane, or to the reactor if there is none."""
        super().startService()
        if self._plane is not None:
            with uncollected(keep=True):
                self._plane.start(self._sockets, self.streams)
            for listening in self._sockets:
                self._unregister += self._plane.register(
                    self._liveness, listening.address
                )
            return
        for listening in self._sockets:
            self._ports += self._datagrams(listening)
            # There is one, but where another process with threads has left more.
            for sock in (listening.tcp, *listening.tcp_others):
                self._ports.append(
                    self._reactor.adoptStreamPort(
                        sock.fileno(), listening.address.family, self.streams
                    )
                )
            # The reactor has its own duplicates.
            listening.close()
            self._register(listening.address)

    def take_limits(self, limits: Limits) -> None:
        """Hold connections that come from now on to other limits."""
        self.streams.take_limits(limits)
        if self._plane is not None:
            self._plane.streams.take_limits(limits)

    def adopt(self, sock: socket.socket, read: bytes) -> None:
        """Serve a connection of another process, with what was read of it.

        The socket is closed here, at the end or because it is duplicated.
        """
        if self._plane is not None:
            self._plane.streams.adopt(sock, read)
            return
        transport = self._reactor.adoptStreamConnection(
            sock.fileno(), sock.family, self.streams
        )
        sock.close()
        if read and transport is not None:
            transport.protocol.dataReceived(read)

    def _register(self, address: ListenAddress) -> None:
        """Register Python at this address for the test of liveness."""
        register, probe = self._liveness.register, self._probe.python
        udp = partial(ask_udp, self._reactor, address, probe, self._questions)
        self._unregister.append(register(f"UDP {address}", udp))
        tcp = partial(
            ask_stream,
            self._reactor,
            address,
            probe,
            self._questions,
            self.streams.expect,
        )
        self._unregister.append(register(f"TCP {address}", tcp))

    def _questions(self) -> int:
        return self._stack.resolver.engine.questions

    def reassert(self) -> None:
        """Set the sockets to the mode needed, after another process had them."""
        for port in self._ports:
            if isinstance(port, DatagramPort):
                port.socket.setblocking(False)
        if self._plane is not None:
            self._plane.reassert()

    @property
    def engine(self) -> str:
        """The engine that answers over UDP, in a few words."""
        if self._plane is None:
            return "python"
        return f"native ({counted(self._plane.threads, 'thread')})"

    def plane_times(self) -> tuple[list[int], float]:
        """How long batches in the plane took: see `DataPlane.times`."""
        return ([], 0.0) if self._plane is None else self._plane.times()

    def plane_counters(self) -> dict[str, int]:
        """The counters of the plane (`DataPlane.counters`); empty without one."""
        if self._plane is None:
            return {}
        counters, before = self._plane.counters(), self._counted_before
        return {
            name: counters.get(name, 0) + before.get(name, 0)
            for name in {**counters, **before}
        }

    def add_plane_counters(self, counters: Mapping[str, int]) -> None:
        """Count what the plane of another process has done as done by ours."""
        for name, count in counters.items():
            self._counted_before[name] = self._counted_before.get(name, 0) + count

    def _datagrams(self, listening: Listening) -> list[DatagramPort]:
        kind = WildcardPort if listening.wildcard else DatagramPort
        ports = []
        # There is one, but where another process with threads has left more.
        for sock in (listening.udp, *listening.others):
            sock.setblocking(False)
            port: DatagramPort = kind._fromListeningDescriptor(
                self._reactor,
                sock.fileno(),
                listening.address.family,
                DatagramProtocol(
                    Probed(self._stack.sampled, self._probe),
                    Probed(self._stack.timed, self._probe),
                ),
                MAX_DATAGRAM,
            )
            port.startListening()
            ports.append(port)
        return ports

    def leave_to(self, mover: Mover) -> None:
        """Have the next stop leave the open connections, and what is queued in the
        sockets, to another process."""
        self._mover = mover

    def stopService(self) -> Deferred[None]:
        """Close the listeners, and the connections once their replies are out."""
        super().stopService()
        for unregister in self._unregister:
            unregister()
        self._unregister = []
        plane, mover = self._plane, self._mover
        waits: list[Deferred[Any]] = [_stopped(port) for port in self._ports]
        self._ports = []
        if mover is None:
            waits.append(self.streams.close(STOP_PATIENCE))
            if plane is not None:
                waits.append(plane.stop(STOP_PATIENCE))
        else:
            waits.append(mover(self.streams, plane))
        return gatherResults(waits).addCallback(self._stopped)

    def _stopped(self, _: list[Any]) -> None:
        self.stopped.callback(None)


def _stopped(port: IListeningPort) -> Deferred[None]:
    return port.stopListening() or succeed(None)


@dataclass(frozen=True)
class ReloadOutcome:
    """How a reload ended."""

    applied: bool
    problems: tuple[str, ...] = ()


class ReloadService(Service):
    """Reads config and zones again on SIGHUP; what is bad changes nothing."""

    log = Logger()

    def __init__(self, reactor: Any, authority: Authority) -> None:
        self._reactor = reactor
        self._authority = authority
        self._previous: Any = None
        self._busy = False
        self.applied = 0
        """Reloads that were served since the start."""
        self.refused = 0
        """Reloads that changed nothing, for what was read was bad."""
        self.last_good = True
        """False while the last reload was refused."""
        self.busy: Signal[[bool]] = Signal(self._listener_failed)
        """A reload begins (True), or is over."""
        self.ended: Signal[[ReloadOutcome]] = Signal(self._listener_failed)
        """A reload is over, and that is how."""
        self._waiting: list[Deferred[ReloadOutcome]] = []

    def startService(self) -> None:
        """Take over SIGHUP; one that has come before is not forgotten."""
        super().startService()
        self._previous = signal.signal(signal.SIGHUP, self._on_signal)
        if came_early(self._previous):
            self._reactor.callLater(0, self.reload)

    def stopService(self) -> None:
        """Give SIGHUP back."""
        super().stopService()
        # None: a handler that was not made by Python code, and cannot be put back.
        signal.signal(signal.SIGHUP, self._previous or signal.SIG_DFL)

    def resume(self, applied: int, refused: int) -> None:
        """Go on with the counts of a process before this one."""
        self.applied += applied
        self.refused += refused

    def _listener_failed(self, error: Exception) -> None:
        self.log.failure("a reload was not told to all", Failure(error))

    def _on_signal(self, number: int, frame: FrameType | None) -> None:
        self._reactor.callFromThread(self.reload)

    def reload(self) -> Deferred[ReloadOutcome]:
        """Read everything again and serve it if it is good.

        One reload runs at a time; requests meanwhile make one more follow.  The
        Deferred tells whether what is then read is served, and what is wrong if not.
        """
        done: Deferred[ReloadOutcome] = Deferred()
        self._waiting.append(done)
        if not self._busy:
            self._begin()
        return done

    def _begin(self) -> None:
        self._busy = True
        self.busy.emit(True)
        asked, self._waiting = self._waiting, []
        path = self._authority.loaded.settings.path
        load = maybeDeferred(load_aside, self._reactor, path, self._authority.loaded)
        load.addErrback(self._without_child, path)
        ready = load.addCallback(self._with_geo)
        done = ready.addCallback(self._apply).addErrback(self._refuse)
        done.addCallback(self._finished, asked)

    def _without_child(self, failure: Failure, path: str) -> Deferred[Configuration]:
        failure.trap(CompileError, OSError)
        self.log.info(
            "no child process to load in ({why}), loading in a thread",
            why=failure.getErrorMessage(),
        )
        return deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), load_here, path
        )

    def _with_geo(
        self, loaded: Configuration
    ) -> Deferred[tuple[Configuration, GeoData]]:
        """Load the databases of places too, and order names: in a thread."""
        geo = self._authority.geo

        def _work() -> GeoData:
            order_ahead(loaded.settings, loaded.zones)
            return load_geo(loaded.settings.geo, geo)

        return deferToThreadPool(
            self._reactor, self._reactor.getThreadPool(), _work
        ).addCallback(lambda geo: (loaded, geo))

    def _apply(self, ready: tuple[Configuration, GeoData]) -> ReloadOutcome:
        loaded, geo = ready
        listen = self._authority.loaded.settings.server.listen
        if loaded.settings.server.listen != listen:
            self.log.warn("a change of [server] listen takes effect at the next start")
        with uncollected():
            self._authority.apply(loaded, geo)
        self.log.info("reloaded: {what}", what=self._authority.summary())
        return ReloadOutcome(True)

    def _refuse(self, failure: Failure) -> ReloadOutcome:
        error = failure.value
        if not isinstance(error, ConfigError):
            self.log.failure("reload failed, nothing has changed", failure)
            return ReloadOutcome(False, (failure.getErrorMessage(),))
        for problem in error.problems:
            self.log.error("{problem}", problem=str(problem))
        self.log.error(
            "reload refused for {count}, nothing has changed",
            count=counted(len(error.problems), "problem"),
        )
        return ReloadOutcome(False, tuple(map(str, error.problems)))

    def _finished(
        self, outcome: ReloadOutcome, asked: list[Deferred[ReloadOutcome]]
    ) -> None:
        self._busy = False
        self.busy.emit(False)
        self.last_good = outcome.applied
        if outcome.applied:
            self.applied += 1
        else:
            self.refused += 1
        self.ended.emit(outcome)
        if self._waiting:
            self._begin()
        for done in asked:
            done.callback(outcome)
