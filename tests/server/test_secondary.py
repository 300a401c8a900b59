"""Secondary zones on a clock: timers, expiry, notifies, saved copies."""

import errno
import os
from random import Random
from typing import Any

from twisted.internet.address import IPv4Address
from twisted.internet.testing import MemoryReactorClock, StringTransport
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import ZoneSettings
from dinamed.config.transfers import Primary
from dinamed.server.secondary import Secondary, SecondaryContext, timers_of
from dinamed.server.zone_files import ZoneFiles, file_name
from dinamed.shortage import Shortages
from dinamed.transfers.journal import difference
from dinamed.transfers.outgoing import incremental, messages, whole_zone
from dinamed.transfers.tsig import Signer, find_signature
from dinamed.transfers.view import View
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from dinamed.wire.query import Query, read_query
from dinamed.zones.packed import PackedZone
from tests.server.support import captured, frame
from tests.transfers.support import KEY, KEYS, NOW, Content, view_of
from tests.zones.strategies import ORIGIN

# The SOA of these zones: refresh 7200, retry 3600, expire 86400.
OLD: Content = {("www", 1): frozenset([b"\xc0\0\2\1"])}
NEW: Content = {("www", 1): frozenset([b"\xc0\0\2\2"])}


class Reactor(MemoryReactorClock):
    """Does at once what is for threads."""

    def getThreadPool(self) -> "Reactor":
        """Itself."""
        return self

    def callFromThread(self, function: Any, *args: Any, **kwargs: Any) -> None:
        """At once."""
        function(*args, **kwargs)

    def callInThreadWithCallback(
        self, done: Any, function: Any, *args: Any, **kwargs: Any
    ) -> None:
        """At once."""
        try:
            result = function(*args, **kwargs)
        except Exception:
            done(False, Failure())
        else:
            done(True, result)


class SecondaryCase(SynchronousTestCase):
    """A secondary zone with two primaries; the second wants a key."""

    primaries: tuple[Primary, ...] = (
        Primary(address="192.0.2.1"),
        Primary(address="192.0.2.2", key="ours"),
    )

    def setUp(self) -> None:
        self.reactor = Reactor()
        self.now = NOW
        self.folder = self.mktemp()
        self.files = ZoneFiles(self.folder)
        self.changes: list[int | None] = []
        self.events = captured(self)
        self.secondary = self.make()

    def make(self) -> Secondary:
        """One that is not started yet."""
        zone = ZoneSettings(name="example.org", primary=self.primaries)
        setting = SecondaryContext(
            self.reactor,
            lambda: self.now,
            Random(3),
            lambda host: "0.0.0.0",
            Shortages(),
        )
        return Secondary(zone, setting, KEYS, self.files, self.changed)

    def changed(self, secondary: Secondary) -> None:
        """Take down the serial that is served."""
        served = secondary.served
        self.changes.append(None if served is None else served.serial)

    def advance(self, seconds: float) -> None:
        """Let time pass, in steps that no timer is longer than."""
        while seconds > 0:
            step = min(seconds, 30.0)
            self.now += step
            self.reactor.advance(step)
            seconds -= step

    @property
    def tries(self) -> list[str]:
        """The addresses that were tried."""
        return [client[0] for client in self.reactor.tcpClients]

    def connect(self) -> tuple[Any, StringTransport]:
        """The last connection is made."""
        host, port, factory, _, _ = self.reactor.tcpClients[-1]
        protocol: Any = factory.buildProtocol(None)
        transport = StringTransport(peerAddress=IPv4Address("TCP", host, port))
        transport.abortConnection = transport.loseConnection  # type: ignore[method-assign]
        protocol.makeConnection(transport)
        return protocol, transport

    def refuse(self, error: Exception | None = None) -> None:
        """The last connection is not made."""
        factory: Any = self.reactor.tcpClients[-1][2]
        why = Failure(error or ConnectionRefusedError())
        factory.clientConnectionFailed(None, why)

    def asked(self, transport: StringTransport) -> tuple[Query, bytes]:
        """The query on a connection."""
        wire = transport.value()[2:]
        query = read_query(wire)
        assert isinstance(query, Query)
        return query, wire

    def give(self, view: View, have: View | None = None) -> Query:
        """Answer the last connection with this version."""
        protocol, transport = self.connect()
        query, wire = self.asked(transport)
        signature = find_signature(wire)
        signer = None
        if signature is not None:
            signer = Signer(KEY, signature.data.mac)
        records = whole_zone(view)
        if query.question.type == Type.IXFR and have is not None:
            steps = [difference(have, view)]
            records = incremental(view, have.serial, lambda *serials: steps)
        for message in messages(query, records, b"", signer, lambda: self.now):
            protocol.dataReceived(frame(message))
        self.assertTrue(transport.disconnecting)
        protocol.connectionLost(Failure(ConnectionError()))
        return query

    def texts(self) -> str:
        """The log."""
        return " ".join(str(event.get("why", "")) for event in self.events)


class TimerTests(SecondaryCase):
    """When it asks."""

    def test_start(self) -> None:
        """At once, with AXFR; then after the refresh time, with IXFR."""
        self.secondary.start()
        query = self.give(view_of(OLD, 10))
        self.assertEqual(query.question.type, Type.AXFR)
        self.assertEqual(self.changes, [10])
        self.advance(7200 * 0.89)
        self.assertEqual(len(self.tries), 1)
        self.advance(7200 * 0.12)
        self.assertEqual(len(self.tries), 2)
        query = self.give(view_of(NEW, 11), view_of(OLD, 10))
        self.assertEqual(query.question.type, Type.IXFR)
        self.assertEqual(self.changes, [10, 11])
        assert self.secondary.deltas is not None
        self.assertEqual(len(self.secondary.deltas), 1)

    def test_next_primary(self) -> None:
        """The second is asked where the first is not there; signed."""
        self.secondary.start()
        self.refuse()
        self.assertEqual(self.tries, ["192.0.2.1", "192.0.2.2"])
        self.give(view_of(OLD, 10))
        self.assertEqual(self.changes, [10])

    def test_no_authorities(self) -> None:
        """A primary whose authorities cannot be read is passed over."""
        here = Primary(address="192.0.2.1", tls=True, ca=self.mktemp())
        self.primaries = (here, *self.primaries[1:])
        self.secondary = self.make()
        self.secondary.start()
        self.assertEqual(self.tries, ["192.0.2.2"])
        self.assertIn("no TLS: [Errno 2]", self.texts())

    def test_none(self) -> None:
        """Without any it comes again after seconds, then less and less often."""
        self.secondary.start()
        for wait in (5, 10, 20, 40):
            self.refuse()
            self.refuse()
            before = len(self.tries)
            self.advance(wait * 0.89)
            self.assertEqual(len(self.tries), before)
            self.advance(wait * 0.12)
            self.assertEqual(len(self.tries), before + 1)

    def test_own_lack(self) -> None:
        """What this host lacks is told once, and nothing is held against a primary."""
        self.secondary.start()
        for _ in range(4):
            before = len(self.tries)
            self.refuse(OSError(errno.EMFILE, "Too many open files"))
            self.assertEqual(len(self.tries), before)
            self.advance(5)
        self.assertEqual(set(self.tries), {"192.0.2.1"})
        said = [event for event in self.events if "can't be asked" in str(event)]
        self.assertEqual(len(said), 1)
        self.give(view_of(OLD, 10))
        self.assertEqual(self.changes, [10])

    def test_retry(self) -> None:
        """With a zone it comes again after the retry time."""
        self.secondary.start()
        self.give(view_of(OLD, 10))
        self.advance(7200)
        self.refuse()  # IXFR
        self.refuse()  # AXFR
        self.refuse()
        self.refuse()
        count = len(self.tries)
        self.advance(3600 * 0.89)
        self.assertEqual(len(self.tries), count)
        self.advance(3600 * 0.12)
        self.assertEqual(len(self.tries), count + 1)

    def test_expiry(self) -> None:
        """Without an answer for the expire time nothing is served, until one comes."""
        self.secondary.start()
        self.give(view_of(OLD, 10))
        self.advance(86400 - 60)
        self.assertEqual(self.changes, [10])
        self.advance(120)
        self.assertEqual(self.changes, [10, None])
        self.secondary.stop()
        self.secondary = self.make()
        self.secondary.restore()
        self.assertIsNone(self.secondary.served)
        self.secondary.start()
        query = self.give(view_of(OLD, 10), view_of(OLD, 10))
        self.assertEqual(query.question.type, Type.IXFR)
        self.assertEqual(self.changes, [10, None, 10])

    def test_bounds(self) -> None:
        """An SOA of zeros does not keep us busy, one of years not idle."""
        rdata = from_text("a.") + from_text("b.")
        for numbers, expected in (
            (bytes(20), (2, 2, 2)),
            (b"\xff" * 20, (14 * 86400, 14 * 86400, 365 * 86400)),
        ):
            zone = view_of(OLD).zone
            soa = zone.soa._replace(rdatas=(rdata + numbers,))
            zone.__dict__["soa"] = soa
            self.assertEqual(tuple(timers_of(zone)), expected)

    def test_stop(self) -> None:
        """Nothing goes on."""
        self.secondary.start()
        protocol, transport = self.connect()
        self.secondary.stop()
        self.assertTrue(transport.disconnecting)
        protocol.connectionLost(Failure(ConnectionError()))
        self.assertEqual(self.reactor.getDelayedCalls(), [])
        self.assertEqual(self.changes, [])


class NotifyTests(SecondaryCase):
    """A primary tells."""

    def test_heard(self) -> None:
        """What is new is fetched, what is old is not."""
        self.secondary.start()
        self.give(view_of(OLD, 10))
        for serial in (10, 9):
            self.secondary.notified(serial)
        self.assertEqual(len(self.tries), 1)
        self.secondary.notified(11)
        self.assertEqual(len(self.tries), 1)
        self.advance(1)
        self.assertEqual(len(self.tries), 2)

    def test_flood(self) -> None:
        """Forged notifies do not have us ask more than once a second."""
        self.secondary.start()
        self.give(view_of(OLD, 10))
        given = 1
        for _ in range(50):
            self.secondary.notified(None)
            self.advance(0.1)
            if len(self.tries) > given:
                given += 1
                self.give(view_of(OLD, 10), view_of(OLD, 10))
        self.assertTrue(2 < len(self.tries) < 8, self.tries)

    def test_meanwhile(self) -> None:
        """What is told within a transfer has another follow."""
        self.secondary.start()
        self.secondary.notified(11)
        self.secondary.notified(12)
        self.assertEqual(len(self.tries), 1)
        self.give(view_of(OLD, 10))
        self.advance(1)
        self.assertEqual(len(self.tries), 2)


class TrustTests(SecondaryCase):
    """What is not taken."""

    primaries = (Primary(address="192.0.2.2", key="ours"),)

    def test_unsigned(self) -> None:
        """A primary with a key has to sign."""
        self.secondary.start()
        protocol, transport = self.connect()
        query, _ = self.asked(transport)
        for message in messages(
            query, whole_zone(view_of(OLD)), b"", None, lambda: self.now
        ):
            protocol.dataReceived(frame(message))
        protocol.connectionLost(Failure(ConnectionError()))
        self.assertEqual(self.changes, [])
        self.assertIn("not signed", self.texts())

    def test_rubbish(self) -> None:
        """Whatever comes, the end is a refusal that is told."""
        chance = Random(7)
        self.secondary.start()
        for _ in range(300):
            protocol, transport = self.connect()
            query, _ = self.asked(transport)
            (message,) = messages(
                query, whole_zone(view_of(OLD)), b"", Signer(KEY), lambda: self.now
            )
            data = bytearray(message[: chance.randrange(len(message) + 1)])
            for _ in range(min(len(data), chance.randrange(4))):
                data[chance.randrange(len(data))] = chance.randrange(256)
            protocol.dataReceived(frame(bytes(data)))
            protocol.connectionLost(Failure(ConnectionError()))
            self.assertEqual(self.changes, [])
            self.secondary._timer.reset(0)
            self.reactor.advance(0)
        self.assertEqual(len(self.tries), 301)
        self.assertEqual(self.flushLoggedErrors(), [])

    def test_silent(self) -> None:
        """A silent primary is left after half a minute."""
        self.secondary.start()
        _, transport = self.connect()
        self.advance(29)
        self.assertFalse(transport.disconnecting)
        self.advance(2)
        self.assertTrue(transport.disconnecting)

    def test_slow(self) -> None:
        """One that sends now and then is left after an hour."""
        self.secondary.start()
        protocol, transport = self.connect()
        query, wire = self.asked(transport)
        signature = find_signature(wire)
        assert signature is not None
        signer = Signer(KEY, signature.data.mac)
        view = view_of(OLD)
        endless = (record for _ in range(10**6) for record in view.records())
        whole = (record for part in ([view.soa], endless) for record in part)
        made = messages(query, whole, b"", signer, lambda: self.now)
        for _ in range(130):
            if transport.disconnecting:
                break
            protocol.dataReceived(frame(next(made)))
            self.advance(29)
        self.assertTrue(transport.disconnecting)


class CopyTests(SecondaryCase):
    """What is kept."""

    def test_restart(self) -> None:
        """The copy is served at once, and the age counts on."""
        self.secondary.start()
        self.give(view_of(OLD, 10))
        self.secondary.stop()
        self.now += 1000
        again = self.make()
        again.restore()
        assert again.served is not None
        self.assertEqual((again.served.serial, again.confirmed), (10, NOW))

    def test_damaged(self) -> None:
        """A copy that is not whole is not used."""
        path = self.files.copy_path(ORIGIN)
        self.files.write_copy(view_of(OLD, 10).zone, NOW)
        with open(path, "r+b") as file:
            file.seek(200)
            file.write(b"!")
        self.secondary.restore()
        self.assertIsNone(self.secondary.served)
        self.assertIn("damaged", self.texts())

    def test_files(self) -> None:
        """Names of zones make names of files; what is written is read."""
        self.assertEqual(file_name(b"\0"), "root")
        self.assertEqual(file_name(b"\x03a/b\x02..\0"), "a%2Fb.%5C.%5C.")
        long = (b"\x3f" + b"/" * 63) * 3 + b"\0"
        self.assertEqual(len(file_name(long)), 32)
        self.assertIsNone(self.files.read_copy(ORIGIN))
        self.assertIsNone(self.files.read_updates(ORIGIN))
        zone = view_of(OLD, 10).zone
        self.files.write_copy(zone, NOW)
        found = self.files.read_copy(ORIGIN)
        assert found is not None
        self.assertEqual((bytes(found[0].buffer), found[1]), (bytes(zone.buffer), NOW))
        mode = os.stat(self.files.copy_path(ORIGIN)).st_mode & 0o777
        self.assertEqual(mode, 0o600)
        self.assertIsInstance(found[0], PackedZone)
