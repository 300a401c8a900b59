"""The service that keeps versions: updates, journals, what is not ready."""

import os
from collections.abc import Callable
from functools import partial
from random import Random
from typing import Any

import dns.message
import dns.rcode
import dns.update
from twisted.trial.unittest import SynchronousTestCase

from dinamed.geo.files import load_geo
from dinamed.plans.context import packed
from dinamed.server.authority import Authority
from dinamed.server.config_loader import load_here
from dinamed.server.transfers import TransferService
from dinamed.server.updated_zones import UNKNOWN_STEP
from dinamed.transfers.tsig import Signer
from dinamed.wire.later import Later
from tests.server.support import Clock, captured, write_config
from tests.server.test_secondary import Reactor
from tests.transfers.support import KEY
from tests.zones.strategies import ORIGIN

CONFIG = """\
[server]
state = "state"
[keys.ours]
secret = "c2VjcmV0IGVub3VnaA=="
[zones."example.org"]
file = "example.org.zone"
transfer = ["key:ours"]
update = ["key:ours"]
"""
SECONDARY = """
[zones."example.com"]
primary = ["192.0.2.1"]
"""
HOST = "198.51.100.1"


class ServiceCase(SynchronousTestCase):
    """An authority with the service."""

    config = CONFIG

    def setUp(self) -> None:
        self.folder = self.mktemp()
        self.path = write_config(self.folder, self.config)
        os.mkdir(os.path.join(self.folder, "state"))
        self.events = captured(self)
        self.start()

    def start(self) -> None:
        """As though the server had been started anew."""
        self.clock = Clock()
        self.reactor = Reactor()
        self.service = TransferService(
            self.reactor, self.clock, Random(3), ["192.0.2.53", "::"]
        )
        self.authority = Authority(
            load_here(self.path),
            self.clock,
            Random(3),
            self.service,
            self.service.answering,
        )
        self.service.changed.subscribe(self.authority.refresh)
        self.authority.served.subscribe(self.service.served)
        self.service.startService()
        self.addCleanup(self.service.stopService)

    def reload(self) -> None:
        """Read config and zones again."""
        loaded = load_here(self.path)
        self.authority.apply(loaded, load_geo(loaded.settings.geo))

    def edit(self, old: str, new: str) -> None:
        """Change the zone file."""
        path = os.path.join(self.folder, "example.org.zone")
        with open(path) as file:
            text = file.read()
        self.assertIn(old, text)
        with open(path, "w") as file:
            file.write(text.replace(old, new))

    def ask(self, query: dns.message.Message, signed: bool = False) -> bytes:
        """The reply over a stream."""
        wire = query.to_wire()
        if signed:
            wire = Signer(KEY).sign(wire, self.clock.now)
        reply = self.authority.engine.respond(wire, packed(HOST), True)
        assert reply is not None
        return bytes(reply)

    def update(self, name: str, text: str) -> int:
        """Add a TXT record; the rcode."""
        made = dns.update.UpdateMessage("example.org.")
        made.add(name, 60, "TXT", text)
        return self.ask(made, True)[3] & 0xF

    def answers(self, name: str, rrtype: str = "TXT") -> list[str]:
        """What is answered now."""
        reply = self.ask(dns.message.make_query(name, rrtype))
        read = dns.message.from_wire(reply)
        return [rdata.to_text() for rrset in read.answer for rdata in rrset]

    @property
    def serial(self) -> int:
        """That is served."""
        return self.authority.engine.snapshot.zones[ORIGIN].serial


class UpdatedTests(ServiceCase):
    """Zones that take updates."""

    def test_served_and_kept(self) -> None:
        """At once, over a restart, and over a reload."""
        self.assertEqual(self.update("new", "a"), 0)
        for again in (lambda: None, self.start, self.reload):
            again()
            self.assertEqual(self.answers("new.example.org."), ['"a"'])
            self.assertEqual(self.serial, 2)

    def test_file_changes(self) -> None:
        """The file's other records count; the serial goes on."""
        self.update("new", "a")
        self.edit("192.0.2.80", "192.0.2.81")
        self.edit(" 1 7200", " 9 7200")
        self.reload()
        self.assertEqual(self.answers("www.example.org.", "A"), ["192.0.2.81"])
        self.assertEqual(self.answers("new.example.org."), ['"a"'])
        self.assertEqual(self.serial, 9)
        self.edit(" 9 7200", " 8 7200")
        self.reload()
        self.assertEqual(self.serial, 10)
        self.start()
        self.assertEqual(self.serial, 10)

    def test_journal(self) -> None:
        """Updates and reloads are steps for IXFR."""
        for text in "ab":
            self.update("new", text)
        self.edit(" 1 7200", " 9 7200")
        self.edit("192.0.2.80", "192.0.2.81")
        self.reload()
        steps = self.service.since(ORIGIN, 1, 9)
        assert steps is not None
        sizes = [(len(step.removed), len(step.added)) for step in steps]
        self.assertEqual(sizes, [(0, 1), (0, 1), (1, 1)])

    def test_cannot_be_saved(self) -> None:
        """An update that cannot be kept is not made."""
        os.rmdir(os.path.join(self.folder, "state"))
        with open(os.path.join(self.folder, "state"), "w"):
            pass
        self.assertEqual(self.update("new", "a"), dns.rcode.SERVFAIL)
        self.assertEqual(self.answers("new.example.org."), [])
        self.assertEqual(self.serial, 1)

    def test_damaged(self) -> None:
        """Updates that cannot be read are left alone, and told."""
        self.update("new", "a")
        path = os.path.join(self.folder, "state", "zones", "example.org.updates")
        with open(path, "w") as file:
            file.write("{")
        self.start()
        self.assertEqual(self.serial, 2)
        self.assertTrue(
            any("updates of" in str(e.get("log_format")) for e in self.events)
        )
        self.assertEqual(self.update("other", "b"), dns.rcode.SERVFAIL)
        self.start()
        for name in (path, path + ".bad"):
            with open(name) as file:
                self.assertEqual(file.read(), "{")
        self.assertFalse(os.path.exists(path + ".bad.2"))
        os.unlink(path)
        self.reload()
        self.assertEqual(self.update("other", "b"), 0)

    def test_mended(self) -> None:
        """Updates of a later version, or cut short, are served once they are mended."""
        self.update("new", "a")
        path = os.path.join(self.folder, "state", "zones", "example.org.updates")
        with open(path, "rb") as file:
            good = file.read()
        for bad in (good.replace(b'"version": 1', b'"version": 9'), good[:-20], b""):
            with open(path, "wb") as file:
                file.write(bad)
            self.start()
            self.assertEqual(self.answers("new.example.org."), [])
            self.assertGreaterEqual(self.serial, 2)
            self.assertEqual(self.update("other", "b"), dns.rcode.SERVFAIL)
        with open(path, "wb") as file:
            file.write(good)
        self.reload()
        self.assertEqual(self.answers("new.example.org."), ['"a"'])
        self.assertEqual(self.update("other", "b"), 0)
        self.start()
        self.assertEqual(self.serial, 3)

    def test_lost_serial(self) -> None:
        """Where nobody knows the serial any more, it goes far ahead."""
        self.update("new", "a")
        zones = os.path.join(self.folder, "state", "zones")
        os.unlink(os.path.join(zones, "example.org.serial"))
        with open(os.path.join(zones, "example.org.updates"), "w"):
            pass
        self.start()
        self.assertEqual(self.serial, 1 + UNKNOWN_STEP)

    def test_meanwhile(self) -> None:
        """Updates that come while one is saved are made after it, in their order."""
        threads: list[Callable[[], None]] = []

        def later(done: Any, function: Any, *args: Any) -> None:
            now = Reactor.callInThreadWithCallback
            threads.append(partial(now, self.reactor, done, function, *args))

        self.reactor.callInThreadWithCallback = later  # type: ignore[method-assign]
        replies = []
        for text in ("a", "b", "c"):
            made = dns.update.UpdateMessage("example.org.")
            made.replace("new", 60, "TXT", text)
            wire = Signer(KEY).sign(made.to_wire(), self.clock.now)
            replies.append(self.authority.engine.respond(wire, packed(HOST), True))
        self.assertEqual(len(threads), 1)
        self.assertEqual(self.answers("new.example.org."), [])
        threads.pop(0)()
        self.assertEqual(self.answers("new.example.org."), ['"a"'])
        self.edit("192.0.2.80", "192.0.2.81")
        self.reload()  # while the second is saved
        threads.pop(0)()
        self.assertEqual(self.answers("new.example.org."), ['"b"'])
        self.assertEqual(self.answers("www.example.org.", "A"), ["192.0.2.81"])
        self.service.hold(True)
        threads.pop(0)()
        rcodes = [
            one.reply[3] & 0xF
            for one in replies
            if isinstance(one, Later) and one.reply is not None
        ]
        self.assertEqual(rcodes, [0, 0, dns.rcode.SERVFAIL])

    def test_same_serial(self) -> None:
        """A file that changes without its serial is told."""
        self.edit("192.0.2.80", "192.0.2.81")
        self.reload()
        formats = [str(event.get("log_format")) for event in self.events]
        self.assertTrue(any("has not grown" in text for text in formats))


class SourceTests(ServiceCase):
    """Where we send from."""

    def test_sources(self) -> None:
        """The address that we listen on, of the same kind, or any."""
        for host, source in (
            ("198.51.100.7", "192.0.2.53"),
            ("127.0.0.1", "0.0.0.0"),
            ("2001:db8::7", "::"),
        ):
            self.assertEqual(self.service.source_for(host), source)


class UnreadyTests(ServiceCase):
    """A secondary zone without data."""

    config = CONFIG + SECONDARY

    def test_servfail(self) -> None:
        """SERVFAIL with the reason, for all its names, and the primary is asked."""
        for name in ("example.com.", "www.example.com."):
            query = dns.message.make_query(name, "A", use_edns=0)
            reply = dns.message.from_wire(self.ask(query))
            self.assertEqual(reply.rcode(), dns.rcode.SERVFAIL)
            self.assertEqual([int(one.otype) for one in reply.options], [15])
        self.reactor.advance(0)
        self.assertEqual(self.reactor.tcpClients[0][:2], ("192.0.2.1", 53))

    def test_gone(self) -> None:
        """When the config no longer has it, it is refused, and nobody is asked."""
        with open(self.path, "w") as file:
            file.write(CONFIG)
        self.reload()
        query = dns.message.make_query("example.com.", "A")
        self.assertEqual(self.ask(query)[3] & 0xF, dns.rcode.REFUSED)
