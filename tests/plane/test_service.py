"""Tests for the plane in a running server: sockets, changes, the end."""

import contextlib
import random
import socket
from typing import Any

import dns.message
from twisted.internet.defer import Deferred
from twisted.internet.threads import deferToThread
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dinamed.config.limits import Limits
from dinamed.plane import installer, plan_install
from dinamed.plane.service import TURN, DataPlane, threads_for
from dinamed.plans.context import packed
from dinamed.pools.states import Order
from dinamed.server.authority import Authority
from dinamed.server.services import ListenService
from dinamed.server.sockets import ListenAddress, bind
from dinamed.server.stack import stack_of
from dinamed.server.transfers import TransferService
from tests.plane.streaming import frame, is_over, receive
from tests.plane.support import need_plane
from tests.plans.support import query
from tests.server.support import CONFIG, ZONE, Clock, authority_of, load_config

POOL = query("ftp.example.org.", "A").to_wire()
WWW = query("www.example.org.", "A").to_wire()


def with_any(message: bytes) -> bytes:
    """The same question for all types, which the plane hands over."""
    return message[:-4] + b"\0\xff" + message[-2:]


TRANSFER = """\
[zones."example.org"]
file = "example.org.zone"
transfer = ["127.0.0.1"]
"""


class Client:
    """A socket that asks and waits for the answer."""

    def __init__(self, address: ListenAddress) -> None:
        host = {"0.0.0.0": "127.0.0.5", "::": "::1"}.get(address.host, address.host)
        self.socket = socket.socket(address.family, socket.SOCK_DGRAM)
        self.socket.settimeout(5)
        # Connected, it hears nothing from any other address than it asks.
        self.socket.connect((host, address.port))

    def ask(self, data: bytes) -> str:
        """The data of the first record of the answer."""
        self.socket.send(data)
        message = dns.message.from_wire(self.socket.recv(4096))
        return message.answer[0][0].to_text() if message.answer else ""

    def ask_often(self, data: bytes, times: int) -> list[str]:
        """The same again and again."""
        return [self.ask(data) for _ in range(times)]


class DataPlaneTests(TestCase):
    """Sockets in, answers out, and the pool manager in step."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        need_plane()
        self.reactor: Any = reactor
        self.authority = authority_of(load_config(self.mktemp()), Clock())

    def serve(self, *hosts: str) -> list[Client]:
        """Serve on free ports of these hosts, with two threads; a client of each."""
        sockets = bind(
            [
                ListenAddress(
                    host, 0, socket.AF_INET6 if ":" in host else socket.AF_INET
                )
                for host in hosts
            ],
            2,
        )
        self.stack = stack = stack_of(self.authority.engine)
        self.plane = DataPlane(self.reactor, self.authority, stack.sampled, 2)
        self.service = ListenService(self.reactor, stack, sockets, self.plane)
        self.service.startService()
        self.addCleanup(lambda: self.service.running and self.service.stopService())
        clients = [Client(listening.address) for listening in sockets]
        for client in clients:
            self.addCleanup(client.socket.close)
        return clients

    async def test_every_address(self) -> None:
        """Also those asked by way of a wildcard answer from the address asked."""
        clients = self.serve("127.0.0.1", "::1", "0.0.0.0")
        self.assertEqual(self.service.engine, "native (2 threads)")
        for client in clients:
            self.assertEqual(await deferToThread(client.ask, WWW), "192.0.2.80")
        self.assertEqual(self.service.plane_counters()["answered"], 3)

    async def test_handed_over(self) -> None:
        """What only Python knows it answers, from the address asked, and teaches."""
        (client,) = self.serve("0.0.0.0")
        question = query("example.org.", "SOA").to_wire()
        for _ in range(3):
            answer = await deferToThread(client.ask, question)
            self.assertTrue(answer.startswith("ns1.example.org. hostmaster"))
        counters = self.plane.counters()
        self.assertEqual((counters["handed"], counters["answered"]), (1, 2))
        told = query("mgmt.example.org.", "TXT").to_wire()
        for _ in range(2):
            self.assertIn("dinamed", await deferToThread(client.ask, told))
        # What the server tells of itself is the same for a second.
        self.assertEqual(self.plane.counters()["handed"], 2)

    def stream(self, client: Client) -> socket.socket:
        """A connection to the same port."""
        sock = socket.create_connection(client.socket.getpeername()[:2], 5)
        self.addCleanup(sock.close)
        return sock

    async def ask_stream(self, sock: socket.socket, *messages: bytes) -> list[bytes]:
        """As many replies as messages, in the order in which they come."""
        sock.sendall(b"".join(map(frame, messages)))
        return await deferToThread(receive, sock, len(messages))

    async def test_streams(self) -> None:
        """Over TCP: natively, by Python, learned, counted by zone and transport."""
        (client,) = self.serve("127.0.0.1")
        sock = self.stream(client)
        told = query("mgmt.example.org.", "TXT").to_wire()
        replies = await self.ask_stream(sock, WWW, told, POOL)
        ids = {message[:2] for message in (WWW, told, POOL)}
        self.assertEqual({reply[:2] for reply in replies}, ids)
        for _ in range(3):
            await self.ask_stream(sock, query("example.org.", "SOA").to_wire())
        counters = self.plane.counters()
        self.assertEqual((counters["handed"], counters["answered"]), (2, 4))
        self.plane.collect()
        self.assertEqual(self.authority.engine.questions, 6)
        rows = self.authority.engine.counts.rows()
        counted = {(row[1], row[3]): row[4] for row in rows}
        self.assertEqual(counted, {(1, True): 2, (6, True): 3, (16, True): 1})
        self.assertEqual(self.service.streams.open_connections, 1)

    async def test_limits(self) -> None:
        """A config's limits reach connections wherever they are."""
        (client,) = self.serve("127.0.0.1")
        first = self.stream(client)
        await self.ask_stream(first, WWW)
        self.service.take_limits(Limits(tcp_per_client=1))
        with contextlib.suppress(ConnectionError):
            self.assertTrue(await deferToThread(is_over, self.stream(client)))
        self.assertEqual(self.service.streams.refused, 1)

    async def test_stop_with_connections(self) -> None:
        """Those at rest close at once, and the port is free."""
        (client,) = self.serve("127.0.0.1")
        sock = self.stream(client)
        await self.ask_stream(sock, WWW)
        await self.service.stopService()
        self.assertTrue(await deferToThread(is_over, sock))
        host, port = client.socket.getpeername()
        (again,) = bind([ListenAddress(host, port, socket.AF_INET)], 2)
        again.close()

    async def test_given(self) -> None:
        """A transfer goes to Python with its connection, for all that follows."""
        clock, rng = Clock(), random.Random(1)
        transfers = TransferService(self.reactor, clock, rng, [])
        self.authority = Authority(
            load_config(self.mktemp(), TRANSFER),
            clock,
            rng,
            transfers,
            transfers.answering,
        )
        transfers.changed.subscribe(self.authority.refresh)
        self.authority.served.subscribe(transfers.served)
        (client,) = self.serve("127.0.0.1")
        transfers.startService()
        self.addCleanup(transfers.stopService)
        sock = self.stream(client)
        transfer = query("example.org.", "AXFR").to_wire()
        (reply,) = await self.ask_stream(sock, transfer)
        self.assertEqual(dns.message.from_wire(reply, xfr=True).answer[0].rdtype, 6)
        (reply,) = await self.ask_stream(sock, WWW)
        self.assertEqual(reply[:2], WWW[:2])
        (one,) = self.service.streams.present
        self.assertEqual(one.source, packed("127.0.0.1"))
        self.assertEqual(self.service.streams.open_connections, 1)

    async def test_change_of_state(self) -> None:
        """A drained member is in no answer that is asked for afterwards."""
        (client,) = self.serve("127.0.0.1")
        found = await deferToThread(client.ask_often, POOL, 100)
        self.assertEqual(set(found), {"192.0.2.1", "192.0.2.2"})
        manager = self.authority.manager
        now = self.authority.seconds()
        manager.order("mirrors", "a", Order.DRAIN, now=now)
        found = await deferToThread(client.ask_often, POOL, 50)
        self.assertEqual(set(found), {"192.0.2.2"})
        self.plane.collect()
        totals = manager.view("mirrors").accounting.totals
        self.assertEqual(sum(totals.values()), 150)
        self.assertEqual(self.authority.engine.questions, 150)

    async def test_reload_with_traffic(self) -> None:
        """New zones are served at once, nothing is lost, and the old are let go."""
        (client,) = self.serve("127.0.0.1")
        first = self.authority.loaded
        changed = ZONE.replace("192.0.2.80", "192.0.2.81")
        second = load_config(self.mktemp(), CONFIG, changed)
        for number in range(30):
            asking = deferToThread(client.ask_often, WWW, 20)
            for loaded in (second, first) if number % 2 else (first, second):
                self.authority.apply(loaded, self.authority.geo)
                await self.a_moment()
            self.assertEqual(len(await asking), 20)
            address = await deferToThread(client.ask, WWW)
            self.assertEqual(address, f"192.0.2.{80 if number % 2 else 81}")
        self.plane.collect()
        self.assertEqual(self.plane.native.retired, 0)
        self.assertEqual(self.authority.engine.questions, 630)
        counted = {
            (labels.zone, labels.type, labels.rcode): number
            for labels, number in self.authority.engine.counts.totals()
        }
        self.assertEqual(counted, {("example.org.", "A", "NOERROR"): 630})

    def a_moment(self) -> Deferred[None]:
        """One turn of the reactor."""
        done: Deferred[None] = Deferred()
        self.reactor.callLater(0, done.callback, None)
        return done

    async def test_stop(self) -> None:
        """The ports are free afterwards, and what was answered is booked."""
        (client,) = self.serve("127.0.0.1")
        await deferToThread(client.ask_often, POOL, 10)
        await self.service.stopService()
        self.assertFalse(self.plane.running)
        self.assertEqual(self.service.plane_counters(), {})
        totals = self.authority.manager.view("mirrors").accounting.totals
        self.assertEqual(sum(totals.values()), 10)
        host, port = client.socket.getpeername()
        (again,) = bind([ListenAddress(host, port, socket.AF_INET)])
        again.close()

    async def test_turns(self) -> None:
        """However much is left to Python, it rests for as long as it works on that."""
        self.serve("127.0.0.1")
        work = iter([True] * 7 + [False])
        now = iter(range(100))
        self.patch(self.plane, "_clock", lambda: next(now) * TURN / 5)
        self.patch(self.plane, "serve_punted", lambda: next(work))
        bell = self.plane._bell
        self.plane.take_turn()
        self.assertNotIn(bell, self.reactor.getReaders())
        while bell not in self.reactor.getReaders():
            await self.a_moment()
        self.assertEqual(list(work), [])
        self.patch(self.plane, "serve_punted", lambda: False)

    async def test_error_while_taught(self) -> None:
        """One error while the plane is taught costs nobody an answer, and is told."""
        (client,) = self.serve("127.0.0.1")
        raised: list[bool] = []

        def forwarding(*args: Any, **more: Any) -> Any:
            if not raised:
                raised.append(True)
                raise MemoryError("once")
            return plan_install.forwarding_plan(*args, **more)

        self.patch(installer, "forwarding_plan", forwarding)
        for question in (WWW, POOL, WWW, POOL):
            self.assertTrue(await deferToThread(client.ask, with_any(question)))
        self.assertEqual(len(self.flushLoggedErrors(MemoryError)), 1)
        self.assertEqual(raised, [True])

    async def test_error_while_answered(self) -> None:
        """An error beyond all nets costs the one query that has met it."""
        (client,) = self.serve("127.0.0.1")
        calls: list[bytes] = []
        real = self.stack.sampled.respond

        def respond(data: bytes, *args: Any, **more: Any) -> bytes | None:
            calls.append(data)
            if len(calls) == 1:
                raise RuntimeError("never to be")
            return real(data, *args, **more)

        self.patch(self.stack.sampled, "respond", respond)
        client.socket.send(with_any(WWW))
        self.assertTrue(await deferToThread(client.ask, with_any(POOL)))
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        self.assertEqual(len(calls), 2)

    async def test_error_while_booked(self) -> None:
        """Hand-outs are booked again after a pool's books could not be written."""
        (client,) = self.serve("127.0.0.1")
        raised: list[bool] = []
        view = self.authority.engine.snapshot.pools["mirrors"]
        await deferToThread(client.ask_often, POOL, 3)
        real = type(view.accounting).add

        def add(*args: Any) -> None:
            if not raised:
                raised.append(True)
                raise ValueError("no room")
            real(*args)

        self.patch(type(view.accounting), "add", add)
        while not raised:
            await deferToThread(client.ask_often, POOL, 3)
        before = sum(view.accounting.totals.values())
        while sum(view.accounting.totals.values()) == before:
            await deferToThread(client.ask_often, POOL, 3)
        self.assertEqual(len(self.flushLoggedErrors(ValueError)), 1)


class ThreadsTests(SynchronousTestCase):
    """How many threads there are to be."""

    def test_python(self) -> None:
        """None where the config, the environment or the log of queries forbids."""
        self.assertEqual(threads_for("python", {}), 0)
        self.assertEqual(threads_for(4, {"DINAMED_PURE": "1"}), 0)
        self.assertEqual(threads_for(4, {}, debug=True), 0)

    def test_native(self) -> None:
        """As many as asked for, or as there are CPUs."""
        need_plane()
        self.assertEqual(threads_for(3, {"DINAMED_PURE": "0"}), 3)
        self.assertGreaterEqual(threads_for(0, {}), 1)
