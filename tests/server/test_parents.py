"""Tests for asking parents for the DS, and name servers for the keys of a zone."""

from collections.abc import Callable

from twisted.internet.defer import Deferred, fail, succeed
from twisted.internet.task import Clock
from twisted.names import dns, error
from twisted.trial.unittest import SynchronousTestCase

from dinamed.dnssec.rolling import NO_TTL
from dinamed.server import parents
from dinamed.server.parents import ParentAsker
from dinamed.wire.constants import Type
from dinamed.wire.names import from_text
from tests.dnssec.support import NOW, fixed_key

ZONE = from_text("example.org.")
KEY, OTHER = fixed_key(), fixed_key(number=8)
Answer = Callable[[], "Deferred[dns.Message]"]


def records(*data: bytes, rrtype: int = Type.DS, ttl: int = 600) -> dns.Message:
    """An answer of an authoritative server."""
    message = dns.Message(answer=1, auth=True)
    message.answers = [
        dns.RRHeader("example.org", rrtype, ttl=ttl, payload=dns.UnknownRecord(one))
        for one in data
    ]
    return message


class Names:
    """Finds the parent's server, and the addresses of some hosts."""

    def lookupNameservers(self, name: bytes) -> "Deferred[object]":
        """`org` alone has some."""
        if name != b"org.":
            return fail(error.DomainError())
        record = dns.RRHeader(name, dns.NS, payload=dns.Record_NS("a.nic.org"))
        return succeed(([record], [], []))

    def lookupAddress(self, name: bytes) -> "Deferred[object]":
        """Each host has one."""
        record = dns.RRHeader(name, dns.A, payload=dns.Record_A("192.0.2.9"))
        return succeed(([record], [], []))

    def lookupIPV6Address(self, name: bytes) -> "Deferred[object]":
        """And none of this family."""
        return fail(error.DomainError())


class ParentAskerTests(SynchronousTestCase):
    """Servers by their addresses, each with what it says over UDP and TCP."""

    def setUp(self) -> None:
        self.said: dict[str, tuple[Answer, Answer]] = {}
        test = self

        class Asker:
            """Asks one server."""

            def __init__(self, reactor: object, servers: list[tuple[str, int]]) -> None:
                ((self.host, self.port),) = servers

            def queryUDP(self, query: object, timeout: object) -> object:  # noqa: N802
                """As was said."""
                return test.said[self.host][0]()

            def queryTCP(self, query: object, timeout: object) -> object:  # noqa: N802
                """As was said."""
                return test.said[self.host][1]()

        self.patch(parents, "_Asker", Asker)
        self.asker = ParentAsker(Clock(), Names())

    def say(self, host: str, message: dns.Message | None, tcp: object = None) -> None:
        """Let a server say something; None: it is silent."""

        def answer(what: object) -> Answer:
            if isinstance(what, dns.Message):
                return lambda: succeed(what)
            return lambda: fail(error.ResolverError())

        self.said[host] = answer(message), answer(tcp)

    def test_each_server(self) -> None:
        """What each shows, and the highest TTL; silence is told as such."""
        self.say("192.0.2.1", records(KEY.ds))
        self.say("192.0.2.2", records(OTHER.ds, ttl=900))
        self.say("192.0.2.3", None)
        self.say("192.0.2.4", records())
        servers = sorted(self.said)
        view = self.successResultOf(self.asker.ask(ZONE, servers, NOW, [KEY.dnskey]))
        self.assertEqual(
            view.servers,
            {
                "192.0.2.1": (KEY.tag,),
                "192.0.2.2": (OTHER.tag,),
                "192.0.2.3": None,
                "192.0.2.4": (),
            },
        )
        self.assertEqual((view.at, view.ttl, view.false), (NOW, 900, ()))
        self.assertFalse(view.complete)

    def test_tcp(self) -> None:
        """What is too long, or has no answer over UDP, is asked for over TCP."""
        cut = records()
        cut.trunc = 1
        self.say("192.0.2.1", cut, records(KEY.ds))
        self.say("192.0.2.2", None, records(KEY.ds))
        asked = self.asker.ask(ZONE, sorted(self.said), NOW, [KEY.dnskey])
        self.assertEqual(self.successResultOf(asked).tags, {KEY.tag})

    def test_no_authority(self) -> None:
        """A cache, an error, and records of other names are no answers."""
        hearsay, refused, strange = records(KEY.ds), records(), records(KEY.ds)
        hearsay.auth = False
        refused.rCode = dns.EREFUSED
        strange.answers[0].name = dns.Name("example.net")
        for number, message in enumerate((hearsay, refused, strange)):
            self.say(f"192.0.2.{number}", message)
        view = self.successResultOf(self.asker.ask(ZONE, sorted(self.said), NOW))
        self.assertEqual(list(view.servers.values()), [None, None, ()])
        self.assertEqual(view.ttl, NO_TTL)

    def test_false_digest(self) -> None:
        """The tag of a key of ours with another digest is told apart."""
        self.say("192.0.2.1", records(KEY.ds[:-1] + b"x", OTHER.ds, b"\0\0"))
        asked = self.asker.ask(ZONE, ["192.0.2.1"], NOW, [KEY.dnskey, OTHER.dnskey])
        view = self.successResultOf(asked)
        self.assertEqual(
            (view.servers["192.0.2.1"], view.false), ((OTHER.tag,), (KEY.tag,))
        )

    def test_found(self) -> None:
        """The servers of the parent are found, if none are given."""
        self.say("192.0.2.9", records(KEY.ds))
        view = self.successResultOf(self.asker.ask(ZONE, [], NOW, [KEY.dnskey]))
        self.assertEqual(view.servers, {"192.0.2.9": (KEY.tag,)})
        view = self.successResultOf(self.asker.ask(from_text("example."), [], NOW))
        self.assertEqual((view.servers, view.complete), ({}, False))

    def test_name_servers(self) -> None:
        """The keys that the zone's own servers have, whose addresses may be known."""
        dnskeys = records(KEY.dnskey, OTHER.dnskey, rrtype=Type.DNSKEY)
        self.say("192.0.2.1", dnskeys)
        self.say("192.0.2.9", None)
        servers = {
            from_text("ns1.example.org."): ["192.0.2.1"],
            from_text("ns.example.net."): [],
        }
        view = self.successResultOf(self.asker.keys_at(ZONE, servers, NOW))
        self.assertEqual(
            view.servers, {"192.0.2.1": (KEY.tag, OTHER.tag), "192.0.2.9": None}
        )
