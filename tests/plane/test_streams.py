"""TCP in the plane: framing, replies in any order, limits, connections that move."""

import contextlib
import os
import select
import socket
import struct
import time
from collections.abc import Callable

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.constants import Type
from tests.plane.streaming import (
    StreamServer,
    exactly,
    frame,
    is_over,
    receive,
)
from tests.plane.support import need_plane
from tests.plane.test_agreement import ask

WWW = ask("www")
TOLD = ask("mgmt", Type.TXT)
MANY = ask("many", Type.TXT)
TRANSFER = ask("", Type.AXFR)
NAMES = ("www", "missing", "alias", "x.sub", "many")
RST = struct.pack("ii", 1, 0)
MOST_PENDING = 16
CLOCK_MONOTONIC_COARSE = 6  # linux/time.h


def numbered(data: bytes, number: int) -> bytes:
    """The same message with another id."""
    return number.to_bytes(2, "big") + data[2:]


class StreamCase(SynchronousTestCase):
    """Threads on loopback."""

    threads = 1

    def setUp(self) -> None:
        """Start them."""
        need_plane()
        self.server = StreamServer(self.threads)
        self.streams = self.server.streams
        self.server.start()
        self.addCleanup(self.server.stop)

    def connect(self, thread: int = 0, host: str = "127.0.0.1") -> socket.socket:
        """A connection that is closed after the test."""
        sock = self.server.connect(thread, host)
        self.addCleanup(sock.close)
        return sock

    def ask(self, sock: socket.socket, data: bytes = WWW) -> bytes:
        """One message, and the reply."""
        sock.sendall(frame(data))
        (reply,) = receive(sock, 1)
        return reply


class FramingTests(StreamCase):
    """Messages in, replies out."""

    def expected(self, data: bytes) -> bytes:
        """What the engine says, in a frame."""
        source = b"\x7f\0\0\1"
        return frame(self.server.pair.ask_engine(data, source, stream=True))

    def test_pipelining(self) -> None:
        """Queries in one segment are all answered, in order where none is Python's."""
        sock = self.connect()
        queries = [numbered(WWW, number) for number in range(500)]
        sock.sendall(b"".join(map(frame, queries)))
        replies = receive(sock, 500)
        self.assertEqual([reply[:2] for reply in replies], [q[:2] for q in queries])

    def test_one_octet_at_a_time(self) -> None:
        """The frames may come in any pieces."""
        sock = self.connect()
        sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        whole = frame(WWW) + frame(ask("missing"))
        for octet in whole:
            sock.sendall(bytes((octet,)))
        wanted = self.expected(WWW) + self.expected(ask("missing"))
        self.assertEqual(exactly(sock, len(wanted)), wanted)

    @settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
    @given(
        st.lists(st.sampled_from(NAMES), max_size=20),
        st.lists(st.integers(0, 800), max_size=8),
    )
    def test_cut_anywhere(self, names: list[str], cuts: list[int]) -> None:
        """However the stream is cut, the replies are the same."""
        queries = [
            numbered(ask(name, Type.TXT if name == "many" else Type.A), number)
            for number, name in enumerate(names)
        ]
        for query in queries:
            self.server.pair.ask_plane(query, b"\x7f\0\0\1", stream=True)  # learn
        wanted = b"".join(map(self.expected, queries))
        whole = b"".join(map(frame, queries))
        with self.server.connect() as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            start = 0
            for end in [*sorted(cuts), len(whole)]:
                sock.sendall(whole[start:end])
                start = max(start, end)
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(exactly(sock, len(wanted) + 1), wanted)

    def test_long_reply(self) -> None:
        """What is truncated over UDP is whole here."""
        sock = self.connect()
        reply = self.ask(sock, MANY)
        self.assertGreater(len(reply), 1232)
        self.assertFalse(reply[2] & 2)

    def test_longest(self) -> None:
        """A frame may hold 65535 octets; what follows it is answered too."""
        sock = self.connect()
        sock.sendall(frame(WWW + bytes(65535 - len(WWW))) + frame(WWW))
        malformed, good = receive(sock, 2)
        self.assertEqual(malformed[3] & 0xF, 1)
        self.assertEqual(good[3] & 0xF, 0)

    def test_no_dns(self) -> None:
        """What gets no answer ends the connection, once what was before is answered."""
        for bad in (b"", b"\0\1", b"\0\0\x80" + bytes(9)):
            sock = self.connect()
            sock.sendall(frame(WWW) + frame(bad) + frame(WWW))
            self.assertEqual(len(receive(sock, 3)), 1)
            self.assertTrue(is_over(sock))
        self.assertEqual(self.streams.open, 0)

    def test_half_closed(self) -> None:
        """A client that closes its half still gets its replies, Python's too."""
        sock = self.connect()
        sock.sendall(frame(TOLD) + frame(WWW))
        sock.shutdown(socket.SHUT_WR)
        (first,) = receive(sock, 1)
        self.server.serve()
        (second,) = receive(sock, 1)
        self.assertEqual(first[12:], exactly_question(first, WWW))
        self.assertIn(b"dinamed", second)
        self.assertTrue(is_over(sock))

    def test_resets(self) -> None:
        """Clients that break off in any state leave nothing behind."""
        for number in range(200):
            sock = self.server.connect()
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
            sock.sendall((frame(WWW) * 3 + frame(TOLD))[: number % 130])
            sock.close()
        self.assertEqual(self.ask(self.connect())[3] & 0xF, 0)
        self.streams.serve_punted(self.server.respond, 1000)
        self.assertTrue(settled(lambda: self.streams.open == 1, self))

    def test_not_reading(self) -> None:
        """Who does not read is not answered further; then all replies come in order."""
        # Small queues in the system, lest these hold all.
        (listener,) = self.server.listeners
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        sock = self.connect()
        for option in (socket.SO_RCVBUF, socket.SO_SNDBUF):
            sock.setsockopt(socket.SOL_SOCKET, option, 65536)
        sock.setblocking(False)
        sent, size = 0, len(frame(MANY))
        queries = b"".join(frame(numbered(MANY, number)) for number in range(20_000))
        while sent < len(queries) and select.select([], [sock], [], 0.3)[1]:
            sent += sock.send(queries[sent : sent + 65536])
        self.assertLess(sent, len(queries))
        sock.settimeout(10)
        ids = [int.from_bytes(reply[:2]) for reply in receive(sock, sent // size)]
        self.assertEqual(ids, list(range(sent // size)))


def exactly_question(reply: bytes, query: bytes) -> bytes:
    """The reply behind its header, if it begins with the question."""
    assert reply[12 : 12 + len(query) - 12] == query[12:]
    return reply[12:]


def settled(condition: Callable[[], bool], case: StreamCase) -> bool:
    """Whether something becomes true while others are served."""
    for _ in range(20_000):
        if condition():
            return True
        with case.server.connect(host="127.0.0.99") as sock:
            sock.sendall(frame(WWW))
            receive(sock, 1)
    return condition()


class HandedTests(StreamCase):
    """What Python answers."""

    def test_out_of_order(self) -> None:
        """Python's reply comes when it is there; others overtake it."""
        sock = self.connect()
        sock.sendall(frame(numbered(TOLD, 1)) + frame(numbered(WWW, 2)))
        self.assertEqual(receive(sock, 1)[0][:2], b"\0\2")
        self.server.serve()
        self.assertEqual(receive(sock, 1)[0][:2], b"\0\1")

    def handed(self) -> int:
        """How many messages Python has had."""
        return self.server.plane.counters()["handed"]

    def test_many(self) -> None:
        """Of one connection Python has a few at a time; none is lost."""
        sock = self.connect()
        total = 3 * MOST_PENDING
        sock.sendall(b"".join(frame(numbered(TOLD, n)) for n in range(total)))
        self.server.wait()
        self.assertEqual(self.handed(), MOST_PENDING)
        self.streams.serve_punted(self.server.respond, 1000)
        while self.handed() < total:
            self.server.serve()
        self.streams.serve_punted(self.server.respond, 1000)
        self.assertEqual(
            {reply[:2] for reply in receive(sock, total)},
            {n.to_bytes(2, "big") for n in range(total)},
        )

    def test_silence(self) -> None:
        """Where Python says nothing the connection ends."""
        sock = self.connect()
        sock.sendall(frame(TOLD) + frame(WWW))
        self.assertEqual(len(receive(sock, 1)), 1)
        self.server.serve(lambda data, source, wanted: None)
        self.assertTrue(is_over(sock))

    def test_error(self) -> None:
        """An error in Python costs the connection, and nobody else."""
        sock = self.connect()
        sock.sendall(frame(TOLD))

        def respond(data: bytes, source: bytes, wanted: int) -> bytes | None:
            raise MemoryError

        self.server.wait()
        with self.assertRaises(MemoryError):
            self.streams.serve_punted(respond, 10)
        self.assertTrue(is_over(sock))
        self.assertEqual(self.ask(self.connect())[3] & 0xF, 0)

    def test_late(self) -> None:
        """A reply to a connection that has gone is lost, not the next one's there."""
        sock = self.connect()
        sock.sendall(frame(TOLD))
        self.server.wait()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RST)
        sock.close()
        self.assertTrue(settled(lambda: self.streams.open == 0, self))
        other = self.connect()
        self.ask(other)
        self.streams.serve_punted(self.server.respond, 10)
        self.assertEqual(self.ask(other)[3] & 0xF, 0)


class LimitTests(StreamCase):
    """How many connections there may be, and for how long; in two threads."""

    threads = 2

    def test_idle(self) -> None:
        """After the time without a whole query a connection is cut."""
        self.streams.patience(0.4, 60)
        trickling, asking = self.connect(0), self.connect(1)
        trickling.sendall(b"\0\5par")
        trickling.settimeout(5)
        for _ in range(3):
            self.ask(asking)
        self.assertTrue(is_over(trickling))
        self.assertTrue(is_over(asking))

    def test_not_reading(self) -> None:
        """Who asks and does not read is cut off too."""
        self.streams.patience(0.4, 60)
        sock = self.connect()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        with contextlib.suppress(ConnectionError):
            sock.sendall(frame(MANY) * 20_000)
        self.assertTrue(settled(lambda: self.streams.open == 0, self))

    def test_in_all(self) -> None:
        """However much is asked, there is an end; replies that are out are read."""
        self.streams.patience(60, 0.4)
        sock = self.connect()
        asked = 0
        while receive_one(sock):
            asked += 1
        self.assertGreater(asked, 1)

    def is_refused(self, thread: int) -> bool:
        """Whether a new connection is cut off at once."""
        try:
            return is_over(self.connect(thread))
        except ConnectionError:
            return True

    def test_per_client(self) -> None:
        """One address gets so many in all threads, others are not affected."""
        self.streams.limit(400, 400, 2)
        first, second = self.connect(0), self.connect(1)
        self.ask(first)
        self.ask(second)
        self.assertTrue(self.is_refused(0))
        self.assertTrue(self.is_refused(1))
        self.assertEqual(self.streams.refused, 2)
        self.ask(self.connect(1, "127.0.0.2"))
        first.close()
        self.assertTrue(settled(lambda: self.streams.open == 2, self))
        self.ask(self.connect(1))

    def test_per_prefix(self) -> None:
        """A network's one more closes its own that was used the longest ago."""
        self.streams.limit(400, 2, 100)
        elsewhere = self.connect(0, "127.0.9.1")
        self.ask(elsewhere)
        first, second = self.connect(1, "127.0.0.1"), self.connect(0, "127.0.0.2")
        self.ask(first)
        self.ask(second)
        tick()
        self.ask(first)
        third = self.connect(1, "127.0.0.3")
        self.ask(third)
        self.assertTrue(is_over(second))
        self.assertTrue(receive_one(first))
        self.assertTrue(receive_one(elsewhere))
        self.assertTrue(receive_one(third))
        self.assertEqual(self.streams.displaced, 1)

    def test_the_longest_idle_gives_way(self) -> None:
        """A full house closes the connection that was used the longest ago."""
        self.streams.limit(3, 100, 100)
        all_three = [self.connect(n % 2, f"127.0.{n}.1") for n in range(3)]
        for sock in all_three:
            self.ask(sock)
            tick()
        self.ask(all_three[0])
        self.ask(self.connect(0, "127.0.8.1"))
        self.assertTrue(is_over(all_three[1]))
        self.assertTrue(receive_one(all_three[0]) and receive_one(all_three[2]))
        self.assertEqual(self.streams.open, 3)

    def test_with_python(self) -> None:
        """Connections that Python has are counted too, and may have to go."""
        self.streams.limit(2, 100, 100)
        entry = self.streams.admit(b"\x7f\0\1\1", 7)
        assert entry is not None
        tick()
        first = self.connect(0)
        self.ask(first)
        self.assertEqual(self.streams.open, 2)
        self.ask(self.connect(1))
        self.assertEqual(self.streams.take_displaced(), [7])
        self.assertEqual(self.streams.take_displaced(), [])
        tick()
        other = self.streams.admit(b"\x7f\0\1\1", 8)
        assert other is not None
        self.assertTrue(is_over(first))
        self.streams.touch(other)
        self.streams.leave(other)
        self.assertEqual((self.streams.open, self.streams.displaced), (1, 2))

    def test_crowds(self) -> None:
        """Very many come and go, and the table is right in the end."""
        self.streams.limit(5000, 5000, 5000)
        entries = []
        for number in range(4000):
            address = struct.pack("!I", 0x0A000000 + number * 77)
            entries.append(self.streams.admit(address, number))
        self.assertEqual(self.streams.open, 4000)
        for entry in entries[::2] + entries[1::2]:
            assert entry is not None
            self.streams.leave(entry)
        self.assertEqual(self.streams.open, 0)
        self.streams.limit(5000, 5000, 1)
        for number in range(4000):
            address = struct.pack("!I", 0x0A000000 + number * 77)
            self.assertIsNotNone(self.streams.admit(address, number))
        self.assertIsNone(self.streams.admit(address, 0))


def receive_one(sock: socket.socket) -> bool:
    """Whether one more query is answered."""
    try:
        sock.sendall(frame(WWW))
    except ConnectionError:
        return False
    return bool(receive(sock, 1))


def tick() -> None:
    """Wait until the coarse clock has moved on."""
    now = time.clock_gettime(CLOCK_MONOTONIC_COARSE)
    while time.clock_gettime(CLOCK_MONOTONIC_COARSE) - now < 0.002:
        pass


class MovingTests(StreamCase):
    """Connections that change hands."""

    def taken(self) -> tuple[socket.socket, bytes]:
        """The one connection that comes to Python, and what was read of it."""
        found: list[tuple[int, bytes]] = []
        while not found:
            self.server.wait()
            found = self.streams.take_given()
        ((descriptor, read),) = found
        sock = socket.socket(fileno=descriptor)
        self.addCleanup(sock.close)
        return sock, read

    def test_transfer(self) -> None:
        """A connection with a transfer is Python's, once all before is answered."""
        sock = self.connect()
        sock.sendall(frame(TOLD) + frame(TRANSFER) + frame(WWW) + b"\0")
        self.server.serve()
        self.assertIn(b"dinamed", receive(sock, 1)[0])
        taken, read = self.taken()
        self.assertEqual(read, frame(TRANSFER) + frame(WWW) + b"\0")
        self.assertEqual(self.streams.open, 0)
        taken.sendall(b"hello")
        self.assertEqual(exactly(sock, 5), b"hello")

    def test_give_and_adopt(self) -> None:
        """All go, with what is not whole yet; another plane goes on with them."""
        other = StreamServer(1)
        other.start()
        self.addCleanup(other.stop)
        sock = self.connect()
        sock.sendall(frame(WWW) + frame(WWW)[:7])
        receive(sock, 1)
        self.streams.give()
        taken, read = self.taken()
        # What comes now waits in the socket.
        self.assertTrue(frame(WWW)[:7].startswith(read))
        sock.sendall(frame(WWW)[7:] + frame(WWW))
        os.set_blocking(taken.fileno(), False)
        other.streams.adopt(0, taken.detach(), read)
        self.assertEqual(len(receive(sock, 2)), 2)
        self.assertTrue(self.server.streams.ended or wait_ended(self.server))

    def test_finish(self) -> None:
        """Those at rest close at once; what was asked is answered before."""
        idle, asking = self.connect(), self.connect()
        self.ask(idle)
        asking.sendall(frame(TOLD))
        self.server.wait()
        self.streams.finish(10.0)
        self.assertTrue(is_over(idle))
        self.streams.serve_punted(self.server.respond, 10)
        self.assertIn(b"dinamed", receive(asking, 1)[0])
        self.assertTrue(is_over(asking))
        self.assertTrue(wait_ended(self.server))

    def test_patience(self) -> None:
        """Who has no reply by then is cut off."""
        sock = self.connect()
        sock.sendall(frame(TOLD))
        self.server.wait()
        self.streams.finish(0.1)
        self.assertTrue(is_over(sock))
        self.assertTrue(wait_ended(self.server))


def wait_ended(server: StreamServer) -> bool:
    """Whether the threads end."""
    while not server.streams.ended:
        server.wait()
    return True
