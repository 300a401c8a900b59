"""Checks and feeds wired to what is served, and what outlasts a restart."""

import errno
import json
import os
import random
import shutil
from unittest.mock import patch

from twisted.application.service import MultiService, Service
from twisted.internet import reactor
from twisted.internet.address import IPv4Address
from twisted.internet.protocol import Factory, Protocol
from twisted.internet.task import Clock
from twisted.python.threadpool import ThreadPool
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dinamed.pools.report import make_report
from dinamed.pools.states import Order
from dinamed.server.authority import Authority
from dinamed.server.config_loader import load_here
from dinamed.server.kept_files import write_atomically
from dinamed.server.member_of_fleet import member_of_fleet
from dinamed.server.monitoring import AfterFirstRound, MonitoringService
from dinamed.server.state_file import FILE_NAME, SAVE_INTERVAL, StateFileService

ZONE = """\
$TTL 3600
@ IN SOA ns1 hostmaster 7 7200 1800 1209600 300
@ IN NS ns1
ns1 IN A 192.0.2.53
"""

CONFIG = """\
[zones."example.org"]
file = "example.org.zone"
[zones."example.org".names]
ftp = "mirrors"
[pools.mirrors]
select = ["least"]
{more}
[[pools.mirrors.members]]
name = "a"
addresses = ["127.0.0.2"]
[[pools.mirrors.members]]
name = "b"
addresses = ["127.0.0.3"]
"""


def authority_of(folder: str, more: str, now: float = 1000.0) -> Authority:
    """What a config with these keys of the pool serves."""
    os.makedirs(folder, exist_ok=True)
    config = CONFIG.format(more=more)
    for name, text in (("dinamed.toml", config), ("example.org.zone", ZONE)):
        with open(os.path.join(folder, name), "w") as file:
            file.write(text)
    loaded = load_here(os.path.join(folder, "dinamed.toml"))
    return Authority(loaded, lambda: now, random.Random(1))


class Stubborn(Service):
    """Does not start."""

    def startService(self) -> None:
        """Fail."""
        raise RuntimeError("no")


class WatchingTests(TestCase):
    """Real sockets on loopback."""

    timeout = 20

    async def test_first_round_before_answers(self) -> None:
        """What comes after the first round knows who is down."""
        factory = Factory.forProtocol(Protocol)
        port = reactor.listenTCP(0, factory, interface="127.0.0.2")  # type: ignore[arg-type]
        self.addCleanup(port.stopListening)
        address = port.getHost()
        assert isinstance(address, IPv4Address)
        number = address.port
        check = f'check = {{type = "tcp", port = {number}}}'
        authority = authority_of(self.mktemp(), check)
        services = MultiService()
        watching = MonitoringService(
            reactor, authority, random.Random(2), member_of_fleet(reactor, authority)
        )
        then = Service()
        watching.setServiceParent(services)
        AfterFirstRound(watching.health, then).setServiceParent(services)
        self.addCleanup(services.stopService)
        services.startService()
        self.assertFalse(then.running)
        await watching.health.first_round()
        self.assertTrue(then.running)
        view = authority.manager.view("mirrors")
        self.assertEqual([member.name for member in view.usable], ["a"])
        self.assertIn("connection refused", view.member_states["b"].reason)

    async def test_no_checks_no_wait(self) -> None:
        """Without checks answers begin at once, and end with the services."""
        authority = authority_of(self.mktemp(), "")
        watching = MonitoringService(
            reactor, authority, random.Random(2), member_of_fleet(reactor, authority)
        )
        then = Service()
        services = MultiService()
        watching.setServiceParent(services)
        AfterFirstRound(watching.health, then).setServiceParent(services)
        services.startService()
        self.assertTrue(then.running)
        await services.stopService()
        self.assertFalse(then.running)

    async def test_no_beginning(self) -> None:
        """What keeps answers from beginning stands in the log."""
        authority = authority_of(self.mktemp(), "")
        watching = MonitoringService(
            reactor, authority, random.Random(2), member_of_fleet(reactor, authority)
        )
        services = MultiService()
        watching.setServiceParent(services)
        AfterFirstRound(watching.health, Stubborn()).setServiceParent(services)
        services.startService()
        self.assertEqual(len(self.flushLoggedErrors(RuntimeError)), 1)
        await services.stopService()

    async def test_pushes_follow_a_reload(self) -> None:
        """A pool takes pushed reports from the reload on that says so."""
        folder = self.mktemp()
        authority = authority_of(folder, "")
        watching = MonitoringService(
            reactor, authority, random.Random(2), member_of_fleet(reactor, authority)
        )
        authority.applied.subscribe(watching.reconfigure)
        item = {"member": "a", "load": 3.5}
        self.assertIn("no pool takes", watching.pushes.push(item, 1000.0)[0])
        other = authority_of(folder, 'load = {type = "push"}')
        authority.apply(other.loaded, other.geo)
        self.assertEqual(watching.pushes.push(item, 1000.0), {})
        view = authority.manager.view("mirrors")
        self.assertEqual(view.load_of(view.members[0], 1000.0), 3.5)


class SavingTests(SynchronousTestCase):
    """The state file, with a fake clock."""

    def setUp(self) -> None:
        """A server that knows something."""
        self.folder = os.path.abspath(self.mktemp())
        self.authority = self.started(1000.0)
        manager = self.authority.manager
        manager.order("mirrors", "a", Order.DRAIN, now=1000.0, until=5000.0)
        report = make_report(2.5, now=1000.0, source="push")
        manager.report("mirrors", "b", report, now=1000.0)
        self.path = os.path.join(self.folder, FILE_NAME)

    def started(self, now: float) -> Authority:
        """A server with its state in the folder."""
        authority = authority_of(self.folder, 'load = {type = "push"}', now)
        self.clock = clock = Clock()
        watching = MonitoringService(
            clock, authority, random.Random(2), member_of_fleet(clock, authority)
        )
        self.saving = StateFileService(
            InlineReactor(clock), authority, watching.health, self.folder
        )
        self.saving.startService()
        return authority

    def stop(self) -> None:
        """Stop the server, which saves."""
        self.successResultOf(self.saving.stopService())

    def test_restart(self) -> None:
        """Orders and reports are back, with the ends and ages they had."""
        self.stop()
        view = self.started(1010.0).manager.view("mirrors")
        self.assertEqual(view.member_states["a"].order, Order.DRAIN)
        self.assertEqual(view.member_states["a"].until, 5000.0)
        self.assertEqual(view.load_of(view.members[1], 1010.0), 2.5)
        self.stop()

    def test_first_start(self) -> None:
        """A folder that is not there is made, for us alone."""
        self.stop()
        authority = authority_of(self.folder, "")
        folder = os.path.join(self.folder, "new", "state")
        health = MonitoringService(
            self.clock,
            authority,
            random.Random(2),
            member_of_fleet(self.clock, authority),
        ).health
        self.saving = StateFileService(
            InlineReactor(self.clock), authority, health, folder
        )
        self.saving.startService()
        self.stop()
        self.assertEqual(os.stat(folder).st_mode & 0o777, 0o700)
        self.assertTrue(os.path.exists(os.path.join(folder, FILE_NAME)))

    def test_killed(self) -> None:
        """An order is in the file soon after it was given, without a stop."""
        self.clock.advance(1.0)
        view = self.started(1010.0).manager.view("mirrors")
        self.assertEqual(view.member_states["a"].order, Order.DRAIN)
        self.stop()

    def test_over_meanwhile(self) -> None:
        """An order whose time went by during the stop is not restored."""
        self.stop()
        view = self.started(6000.0).manager.view("mirrors")
        self.assertEqual(view.member_states["a"].order, Order.AUTO)
        self.assertIsNone(view.load_of(view.members[1], 6000.0))
        self.stop()

    def test_private_and_whole(self) -> None:
        """The file is for us alone, and nothing is left beside it."""
        self.stop()
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)
        self.assertFalse(os.path.exists(self.path + ".new"))
        with open(self.path) as file:
            self.assertEqual(json.load(file)["version"], 1)

    def test_damaged(self) -> None:
        """A file that cannot be used is told, and the server starts without."""
        self.stop()
        for text in (
            "",
            "{",
            '{"version": 1}',
            '{"version":9,"pools":{"pools":{}},"checks":[]}',
        ):
            with open(self.path, "w") as file:
                file.write(text)
            view = self.started(1010.0).manager.view("mirrors")
            self.assertEqual(view.member_states["a"].order, Order.AUTO, text)
            self.stop()
        bad = [f"state.json.bad{number}" for number in ("", ".2", ".3", ".4")]
        kept = {name for name in os.listdir(self.folder) if "state" in name}
        self.assertEqual(kept, {"state.json", *bad})
        with open(os.path.join(self.folder, "state.json.bad.4")) as file:
            self.assertEqual(file.read(), text)

    def test_unreadable_for_now(self) -> None:
        """What the system does not give us now is read later, and not overwritten."""
        self.stop()
        with open(self.path, "rb") as file:
            good = file.read()
        real = open

        def refuse(path: str, *more: object) -> object:
            if path == self.path and more == ("rb",):
                raise OSError(errno.EMFILE, "Too many open files")
            return real(path, *more)  # type: ignore[call-overload]

        with patch("dinamed.server.state_file.open", refuse, create=True):
            manager = self.started(1010.0).manager
            self.clock.advance(SAVE_INTERVAL)
            self.clock.advance(SAVE_INTERVAL)
        with open(self.path, "rb") as file:
            self.assertEqual(file.read(), good)
        self.clock.advance(SAVE_INTERVAL)
        self.assertEqual(manager.view("mirrors").member_states["a"].order, Order.DRAIN)
        self.stop()

    def test_unreadable_for_long(self) -> None:
        """After some tries it is kept aside; where that can't be, nothing is saved."""
        self.stop()
        os.rename(self.path, self.path + ".good")
        os.mkdir(self.path)
        self.started(1010.0)
        self.stop()
        self.assertTrue(os.path.isdir(self.path + ".bad"))
        self.assertTrue(os.path.isfile(self.path))

    def test_unwritable(self) -> None:
        """A folder that is gone is told once, and harms nothing else."""
        self.stop()
        authority = self.started(1010.0)
        authority.manager.order("mirrors", "a", Order.DOWN, now=1010.0)
        shutil.rmtree(self.folder)
        self.successResultOf(self.saving.save())
        self.stop()
        self.assertFalse(os.path.exists(self.path))

    def test_atomic(self) -> None:
        """The old content stays until the new one is whole."""
        path = os.path.join(self.folder, "file")
        write_atomically(path, b"old")
        os.mkdir(path + ".new")  # the new one cannot be written
        self.assertRaises(OSError, write_atomically, path, b"new")
        with open(path, "rb") as file:
            self.assertEqual(file.read(), b"old")


class InlinePool(ThreadPool):
    """Runs at once what belongs in a thread."""

    def callInThreadWithCallback(self, onResult, func, *args, **kw):  # type: ignore[no-untyped-def]  # noqa: N803
        """Run it, and tell the result."""
        from twisted.python.failure import Failure

        try:
            result = func(*args, **kw)
        except Exception:
            onResult(False, Failure())
        else:
            onResult(True, result)


class InlineReactor:
    """A clock, and threads that are none."""

    def __init__(self, clock: Clock) -> None:
        self.seconds = clock.seconds
        self.callLater = clock.callLater
        self._pool = InlinePool(0, 1)

    def getThreadPool(self) -> ThreadPool:
        """The pool that runs at once."""
        return self._pool

    def callFromThread(self, function, *args):  # type: ignore[no-untyped-def]
        """We are in the thread already."""
        function(*args)
