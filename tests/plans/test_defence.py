"""Tests for cookies and limits on replies, in the engine."""

import random
from ipaddress import ip_address

import dns.edns
import dns.flags
import dns.message
import dns.rcode
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.limits import Limits
from dinamed.config.settings import ServerSettings, Settings
from dinamed.limits.responses import ResponseLimiter
from dinamed.plans.context import packed
from dinamed.plans.defence import Defence, cookie_tail
from dinamed.wire.cookies import Cookies
from tests.plans.support import HERE, STARTED, Bench, host, make_pool, make_zone, query

SECRET = bytes(range(16))
CLIENT = b"\1\2\3\4\5\6\7\x08"
OTHER = "198.51.100.7"
ZONE = """\
www IN A 192.0.2.80
big IN TXT "a long text that makes the reply a good deal longer than the query is"
* IN TXT "any"
sub IN NS ns.sub
ns.sub IN A 192.0.2.99
"""


def cookie_of(reply: dns.message.Message) -> bytes:
    """The cookie of a reply; empty if it has none."""
    for option in reply.options:
        if isinstance(option, dns.edns.CookieOption):
            return bytes(option.client) + bytes(option.server)
    return b""


def cookie(data: bytes) -> dns.edns.Option:
    """A cookie to send."""
    return dns.edns.GenericOption(dns.edns.OptionType.COOKIE, data)


class DefenceCase(SynchronousTestCase):
    """An engine with a zone and a pool."""

    def make_bench(self, **parts: object) -> Bench:
        """One with such a defence."""
        zone = make_zone("example.org.", ZONE, {"ftp": "mirrors", "*.cdn": "mirrors"})
        members = host("a", "192.0.2.1", "2001:db8::1"), host("b", "192.0.2.2")
        bench = Bench([zone], [make_pool("mirrors", *members)])
        defence = Defence(**parts)  # type: ignore[arg-type]
        bench.engine.serve(bench.engine.snapshot.with_defence(defence))
        return bench


class CookieTests(DefenceCase):
    """RFC 7873."""

    def setUp(self) -> None:
        self.cookies = Cookies([SECRET])
        self.bench = self.make_bench(cookies=self.cookies)

    def expected(self, client: str = HERE, cookie: bytes = CLIENT) -> bytes:
        """What a client is to get back."""
        return self.cookies.look(cookie, ip_address(client).packed, STARTED).reply

    def test_every_answer_has_one(self) -> None:
        """Static, drawn, negative, refused, told; the first time and later."""
        for name, rdtype in (
            ("www.example.org.", "A"),
            ("ftp.example.org.", "A"),
            ("ftp.example.org.", "TXT"),
            ("ns1.example.org.", "MX"),
            ("example.com.", "A"),
            ("mgmt.example.org.", "TXT"),
            ("_status.example.org.", "TXT"),
        ):
            for _ in range(3):
                for client in (HERE, OTHER):
                    reply = self.bench.ask(
                        name, rdtype, client=client, options=[cookie(CLIENT)]
                    )
                    self.assertEqual(cookie_of(reply), self.expected(client))
                reply = self.bench.ask(name, rdtype, size=1232)
                self.assertEqual(cookie_of(reply), b"")

    def test_over_streams(self) -> None:
        """Cookies are given over TCP too."""
        reply = self.bench.ask(
            "www.example.org.", "A", stream=True, options=[cookie(CLIENT)]
        )
        self.assertEqual(cookie_of(reply), self.expected())

    def test_nobody_gets_the_cookie_of_another(self) -> None:
        """Whatever octets are sent, the cookie in the reply is for their sender."""
        message = query("www.example.org.", "A", options=[cookie(self.expected())])
        whole = message.to_wire()
        for _ in range(2):
            assert self.bench.engine.respond(whole, packed(HERE)) is not None
        for size in range(12, len(whole)):
            reply = self.bench.engine.respond(whole[:size], packed(OTHER)) or b""
            self.assertNotIn(self.expected(), reply)
        reply = self.bench.engine.respond(whole, packed(OTHER)) or b""
        self.assertNotIn(self.expected()[8:], reply)
        self.assertIn(self.expected(OTHER), reply)

    def test_with_other_options(self) -> None:
        """A cookie in whatever place; NSID and client subnet beside it."""
        nsid = dns.edns.NSIDOption(b"")
        subnet = dns.edns.ECSOption("198.51.100.0", 24)
        for options in (
            [nsid, cookie(CLIENT)],
            [cookie(CLIENT), nsid],
            [subnet, cookie(CLIENT)],
            [cookie(CLIENT), subnet, nsid],
            [cookie(CLIENT), cookie(b"9" * 8)],
        ):
            for _ in range(2):
                reply = self.bench.ask("ftp.example.org.", "A", options=options)
                self.assertEqual(cookie_of(reply), self.expected())
                self.assertEqual(len(reply.answer), 1)
                self.assertEqual(
                    len(reply.options), len({option.otype for option in options})
                )

    def test_size(self) -> None:
        """The reply with its cookie keeps within the client's size."""
        for name in ("big.example.org.", "ftp.example.org."):
            self.bench.ask(name, "TXT", size=512, options=[cookie(CLIENT)])

    def test_off(self) -> None:
        """Then a cookie is an unknown option."""
        bench = self.make_bench()
        reply = bench.ask("www.example.org.", "A", options=[cookie(CLIENT)])
        self.assertEqual((len(reply.answer), list(reply.options)), (1, []))

    @settings(max_examples=60)
    @given(st.binary(min_size=16, max_size=40), st.integers(0, 10**6))
    def test_any_server_cookie(self, data: bytes, later: int) -> None:
        """A forged one is answered, and corrected."""
        self.bench.now = STARTED + later
        reply = self.bench.ask("ftp.example.org.", "A", options=[cookie(data)])
        self.assertEqual(len(reply.answer), 1)
        self.assertEqual(cookie_of(reply)[:8], data[:8])
        self.assertEqual(len(cookie_of(reply)), 24)

    def test_tail(self) -> None:
        """What may be taken for a cookie at the end of a message."""
        self.assertEqual(cookie_tail(b"\0\x0a\0\x08" + CLIENT), 8)
        self.assertEqual(cookie_tail(b"\0\x0a\0\x18" + bytes(24)), 24)
        for data in (b"", b"\0\x0a\0\x08", b"\0\x0a\0\x10" + bytes(16), bytes(40)):
            self.assertEqual(cookie_tail(data), 0)


class RequiredCookieTests(DefenceCase):
    """`cookies = "require"`."""

    def setUp(self) -> None:
        self.bench = self.make_bench(cookies=Cookies([SECRET]), required=True)

    def test_learning(self) -> None:
        """BADCOOKIE with a good one, with which the answer comes."""
        for _ in range(2):
            for name in ("www.example.org.", "ftp.example.org."):
                reply = self.bench.ask(name, "A", options=[cookie(CLIENT)])
                self.assertEqual(reply.rcode(), dns.rcode.BADCOOKIE)
                self.assertEqual(reply.answer, [])
                again = self.bench.ask(name, "A", options=[cookie(cookie_of(reply))])
                self.assertEqual(again.rcode(), dns.rcode.NOERROR)
                self.assertEqual(len(again.answer), 1)
                overheard = self.bench.ask(
                    name, "A", client=OTHER, options=[cookie(cookie_of(reply))]
                )
                self.assertEqual(overheard.rcode(), dns.rcode.BADCOOKIE)

    def test_who_has_none(self) -> None:
        """Clients without cookies are answered, and all are over TCP."""
        self.assertEqual(len(self.bench.ask("www.example.org.", "A").answer), 1)
        reply = self.bench.ask(
            "www.example.org.", "A", stream=True, options=[cookie(CLIENT)]
        )
        self.assertEqual(len(reply.answer), 1)

    def test_counted(self) -> None:
        """Such replies have a count of their own."""
        self.bench.ask("www.example.org.", "A", options=[cookie(CLIENT)])
        self.assertEqual(self.bench.engine.questions, 1)
        rcodes = {labels.rcode for labels, _ in self.bench.engine.counts.totals()}
        self.assertEqual(rcodes, {"BADCOOKIE"})


class CookieAloneTests(DefenceCase):
    """Messages without a question (RFC 7873 section 5.4)."""

    def ask(self, bench: Bench, data: bytes) -> dns.message.Message:
        """Send a cookie alone."""
        message = dns.message.Message(id=77)
        message.flags = 0
        message.use_edns(0, options=[cookie(data)])
        reply = bench.engine.respond(message.to_wire(), packed(HERE))
        assert reply is not None
        return dns.message.from_wire(reply)

    def test_on(self) -> None:
        """A good or no server cookie: NOERROR; a bad one: BADCOOKIE.  One in any."""
        bench = self.make_bench(cookies=Cookies([SECRET]))
        first = self.ask(bench, CLIENT)
        self.assertEqual((first.id, first.question), (77, []))
        self.assertEqual(first.rcode(), dns.rcode.NOERROR)
        good = self.ask(bench, cookie_of(first))
        self.assertEqual(good.rcode(), dns.rcode.NOERROR)
        self.assertEqual(cookie_of(good), cookie_of(first))
        bad = self.ask(bench, CLIENT + bytes(16))
        self.assertEqual(bad.rcode(), dns.rcode.BADCOOKIE)
        self.assertEqual(cookie_of(bad), cookie_of(first))

    def test_counted(self) -> None:
        """By the reply, in a bounded number of cells, whatever the cookies hold."""
        bench = self.make_bench(cookies=Cookies([SECRET]))
        for number in range(60):
            self.ask(bench, bytes((number,)) * 24)
        found = {labels.rcode: n for labels, n in bench.engine.counts.totals()}
        self.assertEqual(found, {"BADCOOKIE": 60})

    def test_off(self) -> None:
        """Nothing is asked."""
        reply = self.ask(self.make_bench(), CLIENT)
        self.assertEqual(reply.rcode(), dns.rcode.FORMERR)


class LimitTests(DefenceCase):
    """Response rate limiting."""

    def setUp(self) -> None:
        self.limiter = ResponseLimiter(3, slip=2)
        self.cookies = Cookies([SECRET])
        self.bench = self.make_bench(limiter=self.limiter, cookies=self.cookies)

    def outcomes(self, name: str, rdtype: str, count: int = 9, **more: object) -> str:
        """What becomes of some queries: answered, truncated, or silence."""
        stream = bool(more.pop("stream", False))
        client = str(more.pop("client", HERE))
        told = ""
        for _ in range(count):
            message = query(name, rdtype, **more)  # type: ignore[arg-type]
            reply = self.bench.engine.respond(message.to_wire(), packed(client), stream)
            if reply is None:
                told += "-"
            else:
                parsed = dns.message.from_wire(reply)
                self.assertEqual(parsed.question, message.question)
                short = bool(parsed.flags & dns.flags.TC)
                self.assertFalse(short and (parsed.answer or parsed.authority))
                told += "T" if short else "a"
        return told

    def test_answers(self) -> None:
        """Three, and then silence and truncated replies by turns."""
        for name in ("www.example.org.", "ftp.example.org."):
            self.assertEqual(self.outcomes(name, "A")[:3], "aaa")
            self.assertEqual(set(self.outcomes(name, "A")), set("-T"))
        self.assertEqual(self.outcomes("www.example.org.", "MX")[:3], "aaa")

    def test_hand_outs(self) -> None:
        """A client that is told nothing was not handed out to."""
        self.outcomes("ftp.example.org.", "A")
        view = self.bench.manager.views["mirrors"]
        sums = [view.accounting.account(member.name).total for member in view.members]
        self.assertEqual(sum(sums), 3)

    def test_kinds(self) -> None:
        """One bucket for what one record or zone answers under many names."""
        for names, rdtype in (
            ([f"x{number}.example.org." for number in range(9)], "TXT"),
            ([f"x{number}.www.example.org." for number in range(9)], "A"),
            ([f"x{number}.cdn.example.org." for number in range(9)], "A"),
            ([f"x{number}.sub.example.org." for number in range(9)], "A"),
            ([f"example{number}.com." for number in range(9)], "A"),
        ):
            told = "".join(self.outcomes(name, rdtype, 1) for name in names)
            self.assertEqual(told.count("a"), 3, names[0])

    def test_clients(self) -> None:
        """Streams and good cookies have no limit; other networks their own."""
        name = "www.example.org."
        self.outcomes(name, "A")
        self.assertEqual(self.outcomes(name, "A", stream=True), "a" * 9)
        self.assertEqual(self.outcomes(name, "A", 3, client=OTHER), "aaa")
        self.outcomes(name, "A", client=OTHER)
        packed = ip_address(HERE).packed
        good = self.cookies.look(CLIENT, packed, STARTED).reply
        for name in ("www.example.org.", "ftp.example.org.", "_status.example.org."):
            self.outcomes(name, "A")
            self.assertEqual(self.outcomes(name, "A", options=[cookie(good)]), "a" * 9)
            bad = [cookie(CLIENT + bytes(16))]
            self.assertNotIn("a", self.outcomes(name, "A", options=bad)[3:])

    def test_truncated_with_cookie(self) -> None:
        """Whoever gets a truncated reply learns a cookie by it."""
        message = query("www.example.org.", "A", options=[cookie(CLIENT)])
        data = message.to_wire()
        replies = [self.bench.engine.respond(data, packed(HERE)) for _ in range(20)]
        self.assertIn(None, replies)
        expected = self.cookies.look(CLIENT, ip_address(HERE).packed, STARTED).reply
        for reply in filter(None, replies):
            self.assertEqual(cookie_of(dns.message.from_wire(reply)), expected)

    def test_client_subnets(self) -> None:
        """What is not kept octet by octet has the limit too."""
        rng = random.Random(1)
        told = ""
        for _ in range(9):
            subnet = dns.edns.ECSOption(f"198.51.{rng.randrange(256)}.0", 24)
            told += self.outcomes("ftp.example.org.", "A", 1, options=[subnet])
        self.assertEqual(told.count("a"), 3)

    def test_malformed(self) -> None:
        """Errors are a kind of their own."""
        replies = [self.bench.engine.respond(bytes(12), packed(HERE)) for _ in range(9)]
        self.assertIn(None, replies)
        self.assertEqual(self.outcomes("www.example.org.", "A", 3), "aaa")

    def test_time(self) -> None:
        """A second later the next three."""
        self.outcomes("www.example.org.", "A")
        self.bench.now += 1
        self.assertEqual(self.outcomes("www.example.org.", "A", 3), "aaa")


class SettingsTests(SynchronousTestCase):
    """From a config to a defence."""

    def test_default(self) -> None:
        """Cookies by the secret given, no limit."""
        defence = Defence.of(Settings(path="x"), (SECRET,))
        assert defence.cookies is not None
        self.assertEqual(defence.cookies.secrets, (SECRET,))
        self.assertEqual((defence.required, defence.limiter), (False, None))
        self.assertEqual(defence.keepalive, 30)

    def test_off(self) -> None:
        """No cookies at all."""
        config = Settings(path="x", server=ServerSettings(cookies="off"))
        self.assertIsNone(Defence.of(config, (SECRET,)).cookies)

    def test_what_stays(self) -> None:
        """A reload that changes nothing forgets nothing."""
        config = Settings(
            path="x",
            cookie_secrets=("00" * 16, "11" * 16),
            limits=Limits(responses_per_second=5, exempt=("192.0.2.0/24",)),
        )
        first = Defence.of(config, (SECRET,))
        again = Defence.of(config, (SECRET,), first)
        self.assertIs(again.cookies, first.cookies)
        self.assertIs(again.limiter, first.limiter)
        other = Settings(path="x", limits=Limits(responses_per_second=6))
        changed = Defence.of(other, (SECRET,), first)
        self.assertIsNot(changed.cookies, first.cookies)
        self.assertIsNot(changed.limiter, first.limiter)


class KeepaliveTests(DefenceCase):
    """RFC 7828."""

    def test_over_streams_when_asked(self) -> None:
        """The idle time, and only there."""
        asked = [dns.edns.GenericOption(dns.edns.OptionType.KEEPALIVE, b"")]
        bench = self.make_bench(keepalive=12.5)
        reply = bench.ask("www.example.org.", "A", stream=True, options=asked)
        (option,) = reply.options
        self.assertEqual((int(option.otype), option.to_wire()), (11, b"\0\x7d"))
        reply = bench.ask("www.example.org.", "A", options=asked)
        self.assertEqual(list(reply.options), [])
        reply = bench.ask("www.example.org.", "A", stream=True, size=1232)
        self.assertEqual(list(reply.options), [])
