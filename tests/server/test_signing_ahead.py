"""Tests for when zones are signed ahead, with a process that is none."""

from types import SimpleNamespace
from typing import Any, cast

from twisted.internet.error import ProcessDone, ProcessTerminated
from twisted.python.failure import Failure
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.online import OnlineZone
from dinamed.server import signing_ahead
from dinamed.server.key_folder import KeyFolder
from dinamed.server.signing_ahead import LOOK_INTERVAL, RETRY, SigningAheadService
from dinamed.wire.names import WireName
from tests.dnssec.support import fixed_key, keyset, online
from tests.plans.support import make_zone
from tests.server.test_services import InlineReactor

NAMES = "".join(f"n{number} A 192.0.2.1\n" for number in range(20))


class Children(InlineReactor):
    """A reactor that takes down which processes were begun."""

    def __init__(self) -> None:
        super().__init__()
        self.begun: list[Any] = []

    def spawnProcess(self, protocol: Any, *what: object, **how: object) -> None:
        """Begin none, but feed what it would be fed."""
        protocol.transport = SimpleNamespace(
            writeToChild=lambda *data: None, closeChildFD=lambda number: None
        )
        protocol.connectionMade()
        self.begun.append(protocol)

    def end(self, fault: str = "") -> None:
        """The last one ends, well or not."""
        last = self.begun[-1]
        if fault:
            last.errReceived(fault.encode())
        why = ProcessTerminated(1) if fault else ProcessDone(0)
        last.processEnded(Failure(why))


class SigningAheadServiceTests(SynchronousTestCase):
    """One zone, and an hour or two."""

    def setUp(self) -> None:
        self.patch(signing_ahead, "LEAST_NAMES", 10)
        self.reactor = Children()
        self.zones: dict[WireName, OnlineZone] = {}
        self.taken = 0
        self.folder = self.mktemp()
        snapshot = SimpleNamespace(online=self.zones)
        authority: Any = SimpleNamespace(engine=SimpleNamespace(snapshot=snapshot))
        self.signing = cast(Any, SimpleNamespace(zones={}))
        self.service = SigningAheadService(self.reactor, authority, self.signing)
        self.put()
        self.service.startService()
        self.addCleanup(self.service.stopService)

    def put(self, text: str = NAMES, name: str = "example.org.") -> None:
        """Sign a zone as the next snapshot does."""
        zone = online(make_zone(name, text, {}), keyset(fixed_key(name)))
        self.zones[zone.origin] = zone

        def take() -> None:
            self.taken += 1

        keys = SimpleNamespace(
            folder=KeyFolder(zone.origin, None, self.folder),
            take_ahead=take,
            signatures=SimpleNamespace(ahead=7),
        )
        self.signing.zones[zone.origin] = keys

    def wait(self, seconds: float) -> int:
        """Let time pass; how many processes there were until then."""
        for _ in range(int(seconds / LOOK_INTERVAL)):
            self.reactor.advance(LOOK_INTERVAL)
        return len(self.reactor.begun)

    def test_at_once_and_within_a_day(self) -> None:
        """It begins at the start, and again a day later though nothing has changed."""
        self.assertEqual(len(self.reactor.begun), 1)
        self.assertEqual(self.wait(600), 1)
        self.reactor.begun[0].outReceived(b"100\n")
        self.reactor.end()
        self.assertEqual(self.taken, 1)
        self.assertEqual(self.wait(40_000), 1)
        self.assertEqual(self.wait(50_000), 2)

    def test_change(self) -> None:
        """Another version of the zone is signed too, after a rest."""
        self.wait(100)
        self.reactor.end()
        self.put(NAMES + "more A 192.0.2.2\n")
        self.assertEqual(self.wait(1900), 1)
        self.assertEqual(self.wait(200), 2)

    def test_small(self) -> None:
        """Small zones are signed as they are asked; another one has its turn."""
        self.put("www A 192.0.2.1\n", "example.net.")
        self.put(NAMES, "example.com.")
        self.reactor.end()
        self.assertEqual(self.wait(10), 2)
        self.reactor.end()
        self.assertEqual(self.wait(100), 2)

    def test_fault(self) -> None:
        """What goes wrong is told, and tried again an hour later."""
        self.reactor.end("Traceback\nsignatures.ahead: No space left on device\n")
        (fault,) = self.service.faults.values()
        self.assertEqual(fault, "signatures.ahead: No space left on device")
        self.assertEqual(self.wait(RETRY - 100), 1)
        self.assertEqual(self.wait(200), 2)
        self.reactor.end()
        self.assertEqual(dict(self.service.faults), {})

    def test_zone_is_gone(self) -> None:
        """One that is not signed any more ends without harm."""
        self.zones.clear()
        self.signing.zones.clear()
        self.reactor.begun[0].outReceived(b"100\n")
        self.reactor.end()
        self.assertEqual((self.taken, self.wait(100)), (0, 1))
