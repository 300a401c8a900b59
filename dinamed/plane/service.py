"""The plane beside the Twisted engine: its threads, its tables, and what it leaves.

The engine stays the one that knows; the plane is told of every change, asks for what
it does not know, and reports the hand-outs it has made.
"""

import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from random import Random
from typing import Any

from twisted.internet.defer import Deferred, succeed
from twisted.internet.interfaces import IReadDescriptor
from twisted.logger import Logger
from twisted.python.failure import Failure
from zope.interface import implementer

from dinamed.plane import table_compiler
from dinamed.plane.installer import Installer
from dinamed.plane.link_renewal import LinkRenewal
from dinamed.plane.streaming import PlaneStreams, Taken
from dinamed.plane.table_compiler import TableCompiler, native
from dinamed.plans.counts import OTHER, TYPES
from dinamed.server.authority import Authority
from dinamed.server.liveness import Liveness, ask_stream, ask_udp, new_probe
from dinamed.server.periodic import Surviving, looping
from dinamed.server.responder import Responder
from dinamed.server.sockets import ListenAddress, Listening
from dinamed.server.stream import StreamFactory
from dinamed.wire.constants import Rcode
from dinamed.wire.names import to_text
from dinamed.wire.query import Query, read_query

COLLECT_INTERVAL = 0.2
"""Seconds between the times that hand-outs are taken over."""
SLICE = 2000
"""Members whose hand-outs are counted in one slice: two milliseconds."""
SHARE_OF_COUNTING = 0.1
"""The share of the time that counting may take where there are very many members."""
TICKS_OF_COUNTS = 5
"""Every this many ticks Python takes the counters of replies too."""
TICKS_OF_COSTS = 1500
"""After this many ticks Python is asked anew for the costs of members."""
SOON = 0.02
"""Seconds in which reports of large pools are gathered."""
BATCH = 16
"""Queries of each thread that are answered before the clock is looked at."""
TURN = 0.004
"""Seconds for which the threads' queries are answered before others get as long."""
_PATIENCE = struct.pack("@ll", 0, 200_000)
"""How long a thread waits in a socket before it looks whether to stop: 0.2 s."""
_JOIN_PATIENCE = 1.0
MOST_LESSONS = 4
"""What one question may have to teach: a plan, a client, levels."""
HANDED_PROBE = 4
"""What `native` says of a message by which the server asks itself."""
THREAD_PATIENCE = 2.0
"""Seconds without a turn after which a thread is dead; they turn each 0.2 s."""
_TYPES = (0, *TYPES)
"""The types by the columns in which the plane counts them."""


def spread(sockets: int, threads: int) -> list[tuple[int, int]]:
    """Which thread reads which socket, by number: all are read, all have one."""
    pairs = max(sockets, threads)
    return [(number % threads, number % sockets) for number in range(pairs)]


def threads_for(
    setting: int | str, environment: Mapping[str, str], debug: bool = False
) -> int:
    """How many threads `[server] threads` asks for; 0: Python answers everything.

    That is so too without the extension, with DINAMED_PURE=1 in the environment, and
    where every query is to be logged.
    """
    if table_compiler.native is None or debug or setting == "python":
        return 0
    if environment.get("DINAMED_PURE", "0") not in ("", "0"):
        return 0
    return int(setting) or len(os.sched_getaffinity(0))


@implementer(IReadDescriptor)
class _Bell:
    """Wakes the reactor when threads have punted queries."""

    def __init__(self, plane: "DataPlane") -> None:
        self._plane = plane
        self._descriptor = os.eventfd(0, os.EFD_NONBLOCK | os.EFD_CLOEXEC)

    def fileno(self) -> int:
        return self._descriptor

    def doRead(self) -> None:
        os.eventfd_read(self._descriptor)
        self._plane.take_turn()

    def close(self) -> None:
        os.close(self._descriptor)
        self._descriptor = -1

    def logPrefix(self) -> str:
        return "plane"

    def connectionLost(self, reason: Failure) -> None:
        """An eventfd has no other side that could be lost."""


class DataPlane:
    """Threads that answer, each on a socket of its own for each address.

    `threads` is how many there are for UDP, and for TCP again: `streams` has these.
    """

    log = Logger()

    def __init__(
        self,
        reactor: Any,
        authority: Authority,
        responder: Responder,
        threads: int,
        clock: Callable[[], float] = time.perf_counter,
    ) -> None:
        self._reactor = reactor
        self._clock = clock
        self._resting: Any = None
        self._authority = authority
        self._responder = responder
        self._compiler = TableCompiler(native.rows_of(threads), Random())
        self.threads = threads
        self._bell = _Bell(self)
        seeds = os.urandom(8 * native.rows_of(threads))
        self.native = native.Plane(threads, seeds, self._bell.fileno())
        self.streams = PlaneStreams(reactor, self.native)
        self.probe = new_probe()
        """What threads and Python answer to see whether they do."""
        self._pulses: list[tuple[int, float]] = []
        """How often each thread has looked for queries, and when that was new."""
        self._handed = 0
        """Messages that were taken from threads."""
        self._sockets: list[socket.socket] = []
        self._threads: list[threading.Thread] = []
        self._answered = 0
        self._ticks = 0
        self._at_route = 0
        self._spent = self._rest = 0.0
        self._refreshing: Any = None
        self._collecting = looping(reactor, self._tick, "taking over from the plane")
        self._booking = Surviving(self._count_slice, "booking hand-outs")
        self._installer = Installer(
            authority.engine, self._compiler, self.native, self._steady
        )
        self._renewal = LinkRenewal(authority.engine, self.native)
        self._renewing = Surviving(self._renewal.go_on, "renewing proofs")
        self._installing = Surviving(self._installer.install, "teaching the plane")
        self._serving = Surviving(self._serve_punted, "answering for the plane")

    @property
    def running(self) -> bool:
        """Whether the threads answer."""
        return bool(self._threads)

    def counters(self) -> dict[str, int]:
        """Counters of the threads since the start.

        `queries` were received; of these `answered` natively, met with silence
        (`silent`) as no queries or as too many (`limited`), `handed` to Python, or
        `dropped` because Python was too far behind.
        `rcode N`: native replies by response code.  Empty before the start.
        """
        return self.native.counters() if self.running else {}

    def times(self) -> tuple[list[int], float]:
        """How long batches of queries took: see `native`; nothing before the start."""
        return self.native.times() if self.running else ([], 0.0)

    def start(self, sockets: Sequence[Listening], streams: StreamFactory) -> None:
        """Begin to answer: for each address as many bound sockets as threads.

        Where there are more or fewer, threads have several or share some.  The sockets
        are closed at the end.  `streams` serves the connections that need Python.
        """
        self.native.accept_probes(self.probe.native)
        self._set_clock(self._authority.seconds())
        self._serve()
        for one in sockets:
            group = [one.udp, *one.others]
            for number, at in spread(len(group), self.threads):
                self.native.attach(number, group[at].fileno())
            self._sockets += group
            tcp = [one.tcp, *one.tcp_others]
            self.streams.attach(
                [(n, tcp[at]) for n, at in spread(len(tcp), self.threads)]
            )
        self.streams.serve(streams)
        self.reassert()
        self._reactor.addReader(self._bell)
        engine, manager = self._authority.engine, self._authority.manager
        self._unsubscribe = [
            manager.changed.subscribe(self._pools_changed),
            manager.reported.subscribe(self._reported),
            engine.vitals_wanted.subscribe(self.collect),
            engine.changed.subscribe(self._serve),
        ]
        self._collecting.start(COLLECT_INTERVAL, now=False)
        for number in range(self.threads):
            self._run(self.native.run, number, "udp")
            self._run(self.streams.native.run, number, "tcp")

    def _run(self, life: Callable[[int], None], number: int, transport: str) -> None:
        thread = threading.Thread(
            target=life,
            args=(number,),
            name=f"dinamed-{transport}-{number}",
            daemon=True,
        )
        self._threads.append(thread)
        thread.start()

    def reassert(self) -> None:
        """Set the sockets to the mode that the threads need."""
        for sock in self._sockets:
            # The limit first: with another process these may be those of a reactor.
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVTIMEO, _PATIENCE)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, _PATIENCE)
            sock.setblocking(True)

    def stop(self, patience: float) -> "Deferred[None]":
        """Answer what is in the queues, and end; takes up to 0.2 s.

        Connections are closed once all is answered, or `patience` seconds are over.
        """
        self.native.stop(drain=True)
        return self.streams.finish(patience).addCallback(self._stopped)

    def leave(self, taken: Taken) -> "Deferred[None]":
        """End for others who have the sockets, and so what is queued there.

        Connections are taken over by them, each once it is at rest.
        """
        self.native.stop(drain=False)
        return self.streams.give(taken).addCallback(self._stopped)

    def _stopped(self, _: None) -> None:
        for thread in self._threads:
            thread.join(_JOIN_PATIENCE)
        while self.serve_punted():
            pass
        self._collecting.stop()
        self.collect()
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        if self._refreshing is not None:
            self._refreshing.cancel()
            self._refreshing = None
        if self._resting is not None:
            self._resting.cancel()
        self._reactor.removeReader(self._bell)
        if not any(thread.is_alive() for thread in self._threads):
            for sock in self._sockets:
                sock.close()
            self.streams.close()
            self._bell.close()
        self._threads, self._sockets = [], []

    def take_turn(self) -> None:
        """Answer for a while; if there is more, after as long again.

        So others have half of the time, however much the threads leave to Python; what
        finds no room while it waits they drop and count.
        """
        begin = self._clock()
        while self.serve_punted():
            spent = self._clock() - begin
            if spent >= TURN:
                self._reactor.removeReader(self._bell)
                self._resting = self._reactor.callLater(spent, self._rested)
                return

    def _rested(self) -> None:
        self._resting = None
        self._reactor.addReader(self._bell)
        self.take_turn()

    def serve_punted(self) -> bool:
        """Answer what the threads have left to Python; True if there may be more.

        Never raises: an error costs the query that has met it.
        """
        return self._serving() is not False

    def _serve_punted(self) -> bool:
        more = self.streams.look(self._respond_stream, BATCH)
        return bool(self.native.serve_punted(self._respond, BATCH)) or more

    def register(
        self, liveness: Liveness, address: ListenAddress
    ) -> list[Callable[[], None]]:
        """Register this address, the threads and Python for the test of liveness."""
        native = partial(
            ask_udp, self._reactor, address, self.probe.native, self._queries
        )
        python = partial(
            ask_udp, self._reactor, address, self.probe.python, lambda: self._handed
        )
        stream = partial(
            ask_stream,
            self._reactor,
            address,
            self.probe.native,
            self._queries,
            self.streams.native.expect,
        )
        return [
            liveness.register("plane", self._threads_turn),
            liveness.register(f"plane {address}", native),
            liveness.register(f"plane to Python {address}", python),
            liveness.register(f"TCP {address}", stream),
        ]

    def _queries(self) -> int:
        return self.counters().get("queries", 0)

    def _threads_turn(self) -> Deferred[bool]:
        self._feel_pulses()
        late = time.monotonic() - THREAD_PATIENCE
        return succeed(all(when > late for _, when in self._pulses))

    def _feel_pulses(self) -> None:
        """Note which threads have looked for queries since the last time."""
        now, turns = time.monotonic(), self.native.turns()
        before = self._pulses or [(0, now)] * len(turns)
        self._pulses = [
            old if old[0] == count else (count, now)
            for old, count in zip(before, turns, strict=True)
        ]

    def collect(self) -> None:
        """Take over what the threads have counted, and free what they have left."""
        self._count_hand_outs(self.native.take_counts())
        self._reclaim()
        self._count_all()

    def _count_all(self) -> None:
        tables = self.native.tables
        if tables is not None:
            self._count_replies(tables)

    def _tick(self) -> None:
        self._feel_pulses()
        now = self._authority.seconds()
        self._set_clock(now)
        self._reclaim()
        self._ticks += 1
        if not self._ticks % TICKS_OF_COUNTS:
            self._count_all()
        if not self._ticks % TICKS_OF_COSTS:
            self._compiler.renew_costs(self.native, self._authority.manager)
        if not self._at_route and self._reactor.seconds() >= self._rest:
            self._spent = 0.0
            self._booking()
        self._refresh()
        self._renewing(now)

    def _refresh(self) -> None:
        now = self._authority.seconds()
        self._compiler.publisher.refresh(self.native, now, time.monotonic)

    def _reported(self, pool: str) -> None:
        """Let answers follow a report at once, or soon if the pool is large."""
        now = self._authority.seconds()
        if self._compiler.publisher.reported(self.native, pool, now):
            return
        if self._refreshing is None:
            self._refreshing = self._reactor.callLater(SOON, self._refresh_soon)

    def _refresh_soon(self) -> None:
        self._refreshing = None
        self._refresh()

    def _steady(self) -> float:
        """The steady clock of the pools."""
        return self._authority.manager.clock.read(self._authority.seconds())

    def _set_clock(self, now: float) -> None:
        steady = self._authority.manager.clock.read(now)
        self.native.set_clock(steady - time.monotonic())

    def _count_slice(self) -> None:
        """Book hand-outs of some members, and of the others when this turn is over.

        After the last slice there is a rest, so that with very many members booking
        takes `SHARE_OF_COUNTING` of the time.
        """
        if not self.running:
            return
        begin = self._reactor.seconds()
        counts, at_route = self.native.take_slice(self._at_route, SLICE)
        self._at_route = 0  # where the next tick begins if this fails
        self._count_hand_outs(counts)
        self._at_route = at_route
        now = self._reactor.seconds()
        self._spent += now - begin
        if self._at_route:
            self._reactor.callLater(0, self._booking)
        else:
            self._rest = now + self._spent / SHARE_OF_COUNTING

    def _count_hand_outs(self, counts: "Sequence[tuple[str, str, int]]") -> None:
        pools = self._authority.engine.snapshot.pools
        now = self._authority.seconds()
        for pool, member, number in counts:
            if pool in pools:
                pools[pool].accounting.add(member, number, now)
        for pool in dict.fromkeys(count[0] for count in counts):
            self._compiler.publisher.took(self.native, pool, now)

    def _reclaim(self) -> None:
        """Free what the threads have left, and count the questions."""
        routes, all_tables = self.native.reclaim()
        for route in routes:
            self._count_hand_outs(route.take_counts())
            self._compiler.publisher.left(route, self._authority.seconds())
        for tables in all_tables:
            self._count_replies(tables)
        counters = self.native.counters()
        # What is malformed is answered, but is no question.
        answered = counters["answered"] + counters["limited"]
        for rcode in (Rcode.FORMERR, Rcode.NOTIMP):
            answered -= counters.get(f"rcode {rcode}", 0)
        self._authority.engine.count_questions(answered - self._answered)
        self._answered = answered

    def _count_replies(self, tables: "native.Tables") -> None:
        engine = self._authority.engine
        zones = engine.snapshot.zones
        for origin, column, rcode, stream, number in tables.take_replies():
            if origin is None or origin in zones:
                label = OTHER if origin is None else to_text(origin)
                cell = engine.counts.cell(label, _TYPES[column], rcode, stream)
                cell.count += number

    def answer_frames(self, data: bytes, source: bytes) -> tuple[int, bytes]:
        """Answer messages of a stream that Python serves: see `dinamed.server.stream`.

        Never raises.
        """
        now = self._authority.seconds()
        time = self._steady()
        executor = self._authority.engine.executor
        for _ in range(MOST_LESSONS):
            answered, replies, wanted = self.native.answer_frames(
                data, source, 0, now, time
            )
            if answered or not wanted:
                break
            query = read_query(data[2 : 2 + int.from_bytes(data[:2])])
            if not isinstance(query, Query):
                break
            self._installing(wanted, source, query, executor.plan_of(query))
        return answered, replies

    def _respond_stream(self, data: bytes, source: bytes, wanted: int) -> bytes | None:
        return self._respond(data, source, wanted, stream=True)

    def _respond(
        self, data: bytes, source: bytes, wanted: int, stream: bool = False
    ) -> bytes | None:
        self._handed += 1
        if wanted == HANDED_PROBE:
            self._responder.test()
            return data
        if not wanted:
            return self._responder.respond(data, source, stream)
        # What can't be taught is answered by Python again next time.
        learner = partial(self._installing, wanted, source)
        return self._responder.respond(data, source, stream, learner)

    def _serve(self) -> None:
        """Serve what the engine serves now."""
        snapshot = self._authority.engine.snapshot
        self.native.serve(self._compiler.tables(snapshot))
        now = self._authority.seconds()
        for name in snapshot.pools:
            self._compiler.renew(self.native, name, now)

    def _pools_changed(self, names: frozenset[str]) -> None:
        """Draw by the present views; those that came with a config are there."""
        pools = self._authority.manager.views
        if self._authority.engine.snapshot.tables and self._compiler.offers_changed(
            names, pools
        ):
            self.native.forget()  # other labels may stand for names now
        for index, route in self._compiler.changed(names, pools):
            self.native.replace(index, route)
        now = self._authority.seconds()
        for name in names:
            self._compiler.renew(self.native, name, now)
