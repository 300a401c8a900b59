"""What is answered to whom: signatures, ACLs, NOTIFY."""

from collections.abc import Callable, Mapping
from functools import partial

import dns.flags
import dns.message
import dns.opcode
import dns.rcode
import dns.rdatatype
import dns.tsig
import dns.update
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import ZoneSettings
from dinamed.config.transfers import Grant, Primary
from dinamed.plans.context import packed
from dinamed.server.update_queue import Change, Done
from dinamed.transfers.journal import Delta
from dinamed.transfers.responder import TransferResponder
from dinamed.transfers.tsig import Signer, find_signature
from dinamed.transfers.update import RRsets, UpdateError
from dinamed.transfers.view import View
from dinamed.wire.later import Later
from dinamed.wire.many import FirstOfMany
from dinamed.wire.names import WireName
from tests.plans.support import HERE, STARTED, Bench
from tests.transfers.support import KEY, KEYS, OTHER
from tests.zones.strategies import ADDRESS, ORIGIN, make_zone

ZONE = ZoneSettings(
    name="example.org",
    file="x",
    transfer=("198.51.100.0/24", "key:ours"),
    update=(Grant(key="ours"),),
)
SECONDARY = ZoneSettings(
    name="example.org",
    primary=(
        Primary(address="192.0.2.1"),
        Primary(address="192.0.2.2", key="ours"),
    ),
)


class Zones:
    """Takes down what is done."""

    def __init__(self, view: View | None) -> None:
        self.served = view
        self.updates: list[Mapping[bytes, RRsets]] = []
        self.slow = False
        self.waiting: list[Callable[[], object]] = []
        self.heard: list[int | None] = []

    def view(self, origin: WireName) -> View | None:
        """The one view."""
        return self.served

    def since(self, origin: WireName, serial: int, current: int) -> list[Delta] | None:
        """No journal."""
        return None

    def update(self, origin: WireName, change: Change, done: Done) -> None:
        """Take it down, now or when the test says so."""
        assert self.served is not None
        try:
            changed, _ = change(self.served.zone)
        except UpdateError as error:
            done(error)
            return
        self.updates.append(changed)
        if self.slow:
            self.waiting.append(partial(done, changed))
        else:
            done(changed)

    def notified(self, origin: WireName, serial: int | None) -> None:
        """Take it down."""
        self.heard.append(serial)


class AnsweringCase(SynchronousTestCase):
    """An engine with one zone."""

    def setUp(self) -> None:
        zone = make_zone({"www": [ADDRESS]})
        self.zones = Zones(View(zone))
        self.lines: list[str] = []
        answering = TransferResponder(self.zones, self.lines.append)
        self.bench = Bench([zone], special=answering)
        self.engine = self.bench.engine
        answering.configure({ORIGIN: ZONE}, KEYS)
        self.answering = answering

    def ask(
        self,
        query: dns.message.Message,
        host: str = HERE,
        stream: bool = True,
        key: dns.tsig.Key | None = None,
        now: float = STARTED,
    ) -> dns.message.Message:
        """The (first) reply, its signature not checked."""
        wire = query.to_wire()
        if key is not None:
            wire = Signer(key).sign(wire, now)
        reply = self.engine.respond(wire, packed(host), stream)
        assert reply is not None
        self.several = isinstance(reply, FirstOfMany)
        return dns.message.from_wire(bytes(reply), keyring=False, xfr=True)

    def rcode_of(
        self, query: dns.message.Message, host: str = HERE, key: object = None
    ) -> str:
        """The rcode of a reply."""
        assert key is None or isinstance(key, dns.tsig.Key)
        return dns.rcode.to_text(self.ask(query, host, key=key).rcode())


def query(rrtype: str, name: str = "example.org.") -> dns.message.Message:
    """A query with EDNS."""
    made = dns.message.make_query(name, rrtype, use_edns=0)
    if rrtype == "IXFR":
        soa = dns.message.from_text(
            "id 1\n;AUTHORITY\nexample.org. 0 IN SOA . . 3 0 0 0 0\n"
        )
        made.authority = soa.authority
    return made


def notify() -> dns.message.Message:
    """A NOTIFY with a serial."""
    made = dns.message.make_query("example.org.", "SOA")
    made.set_opcode(dns.opcode.NOTIFY)
    soa = dns.message.from_text("id 1\n;ANSWER\nexample.org. 0 IN SOA . . 99 0 0 0 0\n")
    made.answer = soa.answer
    return made


class TransferTests(AnsweringCase):
    """AXFR and IXFR."""

    def test_who(self) -> None:
        """By address or key; all others are refused, with the reason."""
        for host, key, rcode in (
            (HERE, None, "REFUSED"),
            ("198.51.100.7", None, "NOERROR"),
            ("::ffff:198.51.100.7", None, "NOERROR"),
            ("2001:db8::1", None, "REFUSED"),
            (HERE, KEY, "NOERROR"),
            (HERE, OTHER, "NOTAUTH"),
            ("198.51.100.7", OTHER, "NOTAUTH"),
        ):
            for rrtype in ("AXFR", "IXFR"):
                got = self.rcode_of(query(rrtype), host, key)
                self.assertEqual(got, rcode, (host, key, rrtype))
        reply = self.ask(query("AXFR"))
        self.assertEqual([int(one.code) for one in reply.options], [18])
        self.assertFalse(reply.flags & dns.flags.AA)

    def test_udp(self) -> None:
        """No AXFR; of IXFR the SOA alone, signed if asked so."""
        axfr = self.ask(query("AXFR"), stream=False, key=KEY)
        self.assertEqual(axfr.rcode(), dns.rcode.REFUSED)
        ixfr = self.ask(query("IXFR"), stream=False, key=KEY)
        self.assertEqual(len(ixfr.answer), 1)
        self.assertTrue(ixfr.had_tsig)
        self.assertFalse(self.several)

    def test_other_names(self) -> None:
        """What is no zone of ours is refused as any query."""
        for name in ("www.example.org.", "example.com."):
            self.assertEqual(self.rcode_of(query("AXFR", name), key=KEY), "REFUSED")

    def test_without_serial(self) -> None:
        """IXFR needs it."""
        bare = dns.message.make_query("example.org.", "IXFR")
        bare.authority = []
        self.assertEqual(self.rcode_of(bare, key=KEY), "FORMERR")

    def test_log(self) -> None:
        """A transfer is told, a refusal is not."""
        self.ask(query("AXFR"))
        self.assertEqual(self.lines, [])
        self.ask(query("AXFR"), key=KEY)
        self.assertEqual(
            self.lines, [f"example.org. serial 7: AXFR to {HERE}, key ours"]
        )


class SignedTests(AnsweringCase):
    """Queries for data that are signed."""

    def test_answer(self) -> None:
        """The answer is signed too."""
        reply = self.ask(dns.message.make_query("www.example.org.", "A"), key=KEY)
        self.assertTrue(reply.had_tsig)
        self.assertEqual(len(reply.answer), 1)

    def test_bad_time(self) -> None:
        """The clock of the client is wrong."""
        plain = dns.message.make_query("www.example.org.", "A")
        reply = self.ask(plain, key=KEY, now=STARTED - 400)
        self.assertEqual(reply.rcode(), dns.rcode.NOTAUTH)
        assert reply.tsig is not None
        self.assertEqual(reply.tsig[0].error, 18)

    def test_not_remembered(self) -> None:
        """A replay gets the same words, newly signed; a plain one is plain."""
        plain = dns.message.make_query("www.example.org.", "A", id=1)
        for key in (KEY, None, KEY):
            reply = self.ask(plain, stream=False, key=key)
            self.assertEqual(reply.had_tsig, key is not None)


class NotifyTests(AnsweringCase):
    """NOTIFY."""

    def test_secondary(self) -> None:
        """Primaries are heard, with their key if they have one."""
        self.answering.configure({ORIGIN: SECONDARY}, KEYS)
        for host, key, rcode in (
            ("192.0.2.1", None, "NOERROR"),
            ("192.0.2.2", None, "REFUSED"),
            ("192.0.2.2", KEY, "NOERROR"),
            ("192.0.2.3", KEY, "REFUSED"),
        ):
            self.assertEqual(self.rcode_of(notify(), host, key), rcode, host)
        self.assertEqual(self.zones.heard, [99, 99])
        reply = self.ask(notify(), "192.0.2.1")
        self.assertTrue(reply.flags & dns.flags.AA)
        self.assertEqual(reply.opcode(), dns.opcode.NOTIFY)

    def test_primary(self) -> None:
        """Nobody tells us of our own zone, or of zones that we do not have."""
        self.assertEqual(self.rcode_of(notify()), "REFUSED")
        foreign = dns.message.make_query("example.com.", "SOA")
        foreign.set_opcode(dns.opcode.NOTIFY)
        self.assertEqual(self.rcode_of(foreign), "NOTAUTH")


class UpdateTests(AnsweringCase):
    """UPDATE."""

    def rcode_for(self, zone: str, key: dns.tsig.Key | None) -> str:
        """What an update of a zone gets."""
        made = dns.update.UpdateMessage(zone)
        made.add("new", 60, "A", "192.0.2.1")
        return self.rcode_of(made, key=key)

    def test_who(self) -> None:
        """Signed, with a key that may."""
        self.assertEqual(self.rcode_for("example.org.", None), "REFUSED")
        self.assertEqual(self.rcode_for("example.com.", KEY), "NOTAUTH")
        self.assertEqual(self.rcode_for("www.example.org.", KEY), "NOTAUTH")
        self.assertEqual(self.zones.updates, [])
        self.lines.clear()
        self.assertEqual(self.rcode_for("example.org.", KEY), "NOERROR")
        self.assertEqual([list(one) for one in self.zones.updates], [[b"\x03new"]])
        self.assertIn("key ours: new.example.org.", self.lines[0])

    def test_refusals_are_told(self) -> None:
        """Each once for a client and minute, with what was wrong."""
        start = f"example.org.: update from {HERE}: "
        long = dns.tsig.Key("ours", "c2VjcmV0", "hmac-sha512")
        for key, why in (
            (None, "REFUSED: it is not signed"),
            (
                dns.tsig.Key("none", "c2VjcmV0", "hmac-sha256"),
                "NOTAUTH (BADKEY: there is no key none)",
            ),
            (
                long,
                "NOTAUTH (BADKEY: key ours was used with hmac-sha512, here it is of "
                "hmac-sha256)",
            ),
            (OTHER, "NOTAUTH (BADSIG: key ours with another secret)"),
        ):
            for _ in range(3):
                self.rcode_for("example.org.", key)
            self.assertEqual(self.lines, [start + why])
            self.lines.clear()
            self.bench.now += 61
        made = dns.update.UpdateMessage("example.org.")
        self.ask(made, key=KEY, now=self.bench.now - 900)
        why = "NOTAUTH (BADTIME: key ours, the clocks differ by -900 s)"
        self.assertEqual(self.lines, [start + why])
        made.add("new", 60, "A", "192.0.2.1")
        made.present("none")
        self.bench.now += 61
        self.ask(made, key=KEY, now=self.bench.now)
        why = "NXDOMAIN, key ours: none.example.org. ANY is not in use"
        self.assertEqual(self.lines[1:], [start + why])

    def test_many_clients(self) -> None:
        """A flood of forged addresses does not fill the log."""
        for number in range(200):
            made = dns.update.UpdateMessage("example.org.")
            self.ask(made, f"198.51.100.{number}")
        self.assertEqual(len(self.lines), 60)

    def test_later(self) -> None:
        """A reply that has to wait is signed, counted and given when it is made."""
        self.zones.slow = True
        made = dns.update.UpdateMessage("example.org.")
        made.add("new", 60, "A", "192.0.2.1")
        wire = Signer(KEY).sign(made.to_wire(), STARTED)
        reply = self.engine.respond(wire, packed(HERE), False)
        assert isinstance(reply, Later)
        self.assertIs(reply.reply, None)
        self.assertEqual(self.lines, [])
        taken: list[bytes] = []
        reply.then(taken.append)
        self.zones.waiting.pop()()
        self.assertEqual(taken, [reply.reply])
        self.assertEqual(taken[0][3] & 0xF, dns.rcode.NOERROR)
        self.assertIsNot(find_signature(taken[0]), None)
        self.assertEqual(sum(count for _, count in self.engine.counts.totals()), 1)

    def test_not_ready(self) -> None:
        """A zone that cannot be served cannot be changed."""
        self.zones.served = None
        self.assertEqual(self.rcode_for("example.org.", KEY), "SERVFAIL")

    def test_types(self) -> None:
        """The question is the zone's SOA."""
        made = dns.update.UpdateMessage("example.org.")
        made.zone[0].rdtype = dns.rdatatype.A
        wire = Signer(KEY).sign(made.to_wire(), STARTED)
        reply = self.engine.respond(wire, packed(HERE), True)
        assert reply is not None
        self.assertEqual(reply[3] & 0xF, dns.rcode.FORMERR)
