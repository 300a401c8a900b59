"""Tests for screening and reading messages."""

import dns.edns
import dns.flags
import dns.message
import dns.name
import dns.opcode
import dns.rcode
import dns.rdataclass
import dns.rdatatype
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.constants import FLAG_CD, FLAG_QR, FLAG_RD, Opcode
from dinamed.wire.query import SILENCE, Query, Rejected, read_query
from tests.strategies import NAMES, TYPES, mutated
from tests.wire.support import QUESTION, edns_query, header, opt, option

RECORD = b"\0\0\1\0\1\0\0\0\0\0\4abcd"


@st.composite
def dnspython_queries(draw: st.DrawFn) -> dns.message.Message:
    """Any query that dnspython can make."""
    query = dns.message.make_query(
        dns.name.from_wire(draw(NAMES), 0)[0],
        dns.rdatatype.RdataType.make(draw(TYPES.filter(lambda t: t not in (0, 41)))),
        dns.rdataclass.RdataClass.make(draw(st.sampled_from([1, 3, 4, 254, 255]))),
        id=draw(st.integers(0, 65535)),
    )
    query.flags = draw(st.integers(0, 65535)) & ~FLAG_QR & ~0x7800
    query.set_opcode(draw(st.sampled_from(list(Opcode))))  # type: ignore[arg-type]
    if draw(st.booleans()):
        options: list[dns.edns.Option] = []
        if draw(st.booleans()):
            options.append(dns.edns.NSIDOption(b""))
        if draw(st.booleans()):
            source = draw(st.integers(0, 32))
            options.append(dns.edns.ECSOption("203.0.113.129", source, 0))
        for data in draw(st.lists(st.binary(max_size=40), max_size=2)):
            code = dns.edns.OptionType.make(draw(st.integers(65001, 65534)))
            options.append(dns.edns.GenericOption(code, data))
        size = draw(st.integers(0, 65535))
        flags = draw(st.sampled_from([0, dns.flags.DO, dns.flags.DO | 0x40]))
        query.use_edns(0, flags, size, options=options)
    return query


def rcode_of(data: bytes) -> dns.rcode.Rcode:
    """The rcode of what a message deserves; its format is checked besides."""
    outcome = read_query(data)
    assert isinstance(outcome, Rejected) and outcome.reply is not None
    reply = dns.message.from_wire(outcome.reply)
    assert reply.to_wire()[:2] == data[:2]
    assert reply.flags & FLAG_QR and not reply.flags & dns.flags.AA
    return reply.rcode()


class ReadTests(SynchronousTestCase):
    """Good queries, as dnspython writes them."""

    @settings(max_examples=300, deadline=None)
    @given(dnspython_queries())
    def test_reads_what_dnspython_writes(self, sent: dns.message.Message) -> None:
        """Every field is the one that was written."""
        query = read_query(sent.to_wire())
        assert isinstance(query, Query)
        self.assertEqual(int.from_bytes(query.id, "big"), sent.id)
        self.assertEqual(query.flags, sent.flags)
        self.assertEqual(query.opcode, sent.opcode())
        asked = sent.question[0]
        self.assertEqual(query.question.name, asked.name.to_wire())
        self.assertEqual(query.question.key, query.question.name.lower())
        self.assertEqual(query.question.type, asked.rdtype)
        self.assertEqual(query.question.class_, asked.rdclass)
        if sent.edns < 0:
            self.assertIsNone(query.edns)
            self.assertFalse(query.has_subnet)
            return
        assert query.edns is not None
        self.assertEqual(query.edns.size, sent.payload)
        self.assertEqual(query.edns.do, bool(sent.ednsflags & dns.flags.DO))
        options = {int(option.otype): option for option in sent.options}
        self.assertEqual(query.edns.nsid, 3 in options)
        self.assertEqual(query.has_subnet, 8 in options)
        if 8 in options:
            sent_subnet = options[8]
            assert isinstance(sent_subnet, dns.edns.ECSOption)
            assert query.edns.subnet is not None
            self.assertEqual(query.edns.subnet.source, sent_subnet.srclen)
            self.assertEqual(query.edns.subnet.address, sent_subnet.addrdata)

    def test_question_section(self) -> None:
        """The question is echoed as it was sent, also to the case of its letters."""
        query = read_query(header() + QUESTION)
        assert isinstance(query, Query)
        self.assertEqual(query.question.wire, QUESTION)
        self.assertEqual(query.question.end, 12 + len(QUESTION))

    def test_copied_flags(self) -> None:
        """RD, CD and the opcode are taken over, all else is not."""
        query = read_query(header(flags=0x27FF) + QUESTION)
        assert isinstance(query, Query)
        self.assertEqual(query.copied_flags, 0x8000 | 0x2000 | FLAG_RD | FLAG_CD)

    def test_limits(self) -> None:
        """512 without EDNS, with it what the client takes, from 512 to 1232."""
        plain = read_query(header() + QUESTION)
        assert isinstance(plain, Query)
        self.assertEqual(plain.limit(False), 512)
        self.assertEqual(plain.limit(True), 65535)
        for size, limit in ((0, 512), (511, 512), (900, 900), (4096, 1232)):
            query = read_query(edns_query(size=size))
            assert isinstance(query, Query)
            self.assertEqual(query.limit(False), limit)
            self.assertEqual(query.limit(True), 65535)


class RejectTests(SynchronousTestCase):
    """Messages that get an error, or nothing."""

    def test_silence(self) -> None:
        """Runts and responses are not answered."""
        whole = header() + QUESTION
        for size in range(12):
            self.assertIs(read_query(whole[:size]), SILENCE)
        self.assertIs(read_query(header(flags=0x8000) + QUESTION), SILENCE)
        self.assertIs(read_query(header(flags=0xF800, questions=9)), SILENCE)

    def test_opcodes(self) -> None:
        """All opcodes but three are not implemented, whatever else is wrong."""
        for opcode in range(16):
            data = header(flags=opcode << 11) + QUESTION
            if opcode in (0, 4, 5):
                self.assertIsInstance(read_query(data), Query)
            else:
                self.assertEqual(rcode_of(data), dns.rcode.NOTIMP)
        self.assertEqual(
            rcode_of(header(flags=15 << 11, questions=0)), dns.rcode.NOTIMP
        )

    def test_question_count(self) -> None:
        """There is one question (RFC 9619)."""
        for count in (0, 2, 3, 65535):
            data = header(questions=count) + QUESTION * min(count, 3)
            self.assertEqual(rcode_of(data), dns.rcode.FORMERR)

    def test_bad_questions(self) -> None:
        """Cut off, pointers, odd label types, and names that are too long."""
        label = b"\x3f" + b"a" * 63
        for question in (
            b"",
            QUESTION[:-1],
            QUESTION[:-5],
            b"\xc0\x0c\0\1\0\1",
            b"\x41a\0\0\1\0\1",
            label * 4 + b"\0\0\1\0\1",
            label * 3 + b"\x3e" + b"a" * 62 + b"\0\0\1\0\1",
        ):
            self.assertEqual(rcode_of(header() + question), dns.rcode.FORMERR)
        longest = label * 3 + b"\x3d" + b"a" * 61 + b"\0\0\1\0\1"
        self.assertIsInstance(read_query(header() + longest), Query)

    def test_sections_of_a_query(self) -> None:
        """A QUERY has no answers, and at most the SOA of an IXFR in its authority."""
        records = header(authorities=1) + QUESTION + RECORD
        self.assertIsInstance(read_query(records), Query)
        records = header(authorities=2) + QUESTION + RECORD * 2
        self.assertEqual(rcode_of(records), dns.rcode.FORMERR)
        records = header(answers=1) + QUESTION + RECORD
        self.assertEqual(rcode_of(records), dns.rcode.FORMERR)
        records = header(flags=Opcode.NOTIFY << 11, answers=1) + QUESTION + RECORD
        self.assertIsInstance(read_query(records), Query)

    def test_bad_records(self) -> None:
        """Records that are cut off or one too many, and octets behind them."""
        good = header(additionals=1) + QUESTION + RECORD
        self.assertIsInstance(read_query(good), Query)
        for size in range(len(header() + QUESTION), len(good)):
            self.assertEqual(rcode_of(good[:size]), dns.rcode.FORMERR)
        self.assertEqual(rcode_of(good + b"\0"), dns.rcode.FORMERR)
        self.assertEqual(rcode_of(header() + QUESTION + b"x"), dns.rcode.FORMERR)

    def test_owners_of_records(self) -> None:
        """An owner may be compressed; pointers are not followed, so may loop."""
        rest = RECORD[1:]
        for owner in (b"\xc0\x0c", b"\1a\xc0\x0c", b"\xff\xff", b"\1a\0"):
            data = header(additionals=1) + QUESTION + owner + rest
            self.assertIsInstance(read_query(data), Query)
        for owner in (b"\x41a\0", b"\x80\0", (b"\x3f" + b"a" * 63) * 4 + b"\0"):
            data = header(additionals=1) + QUESTION + owner + rest
            self.assertEqual(rcode_of(data), dns.rcode.FORMERR)
        self.assertEqual(
            rcode_of(header(additionals=1) + QUESTION + b"\xc0"), dns.rcode.FORMERR
        )
        self.assertEqual(
            rcode_of(header(additionals=1) + QUESTION + b"\3a"), dns.rcode.FORMERR
        )

    def test_question_is_echoed_where_it_was_readable(self) -> None:
        """An error beyond the question does not lose it."""
        outcome = read_query(header() + QUESTION + b"x")
        assert isinstance(outcome, Rejected)
        self.assertEqual(outcome.reply, header(flags=0x8101) + QUESTION)

    def test_version(self) -> None:
        """Other EDNS versions get BADVERS and an OPT of version 0 without options."""
        nsid = b"\0\3\0\0"
        for version in (1, 255):
            data = edns_query(nsid, version=version, flags=0x8040)
            self.assertEqual(rcode_of(data), dns.rcode.BADVERS)
            outcome = read_query(data)
            assert isinstance(outcome, Rejected) and outcome.reply is not None
            reply = dns.message.from_wire(outcome.reply)
            self.assertEqual((reply.edns, reply.payload), (0, 1232))
            self.assertEqual(reply.options, ())
            self.assertEqual(reply.ednsflags & 0xFFFF, dns.flags.DO)
            self.assertEqual(len(reply.question), 1)

    @settings(max_examples=500, deadline=None)
    @given(
        st.one_of(
            st.binary(max_size=80),
            mutated(dnspython_queries().map(lambda query: query.to_wire())),
        )
    )
    def test_never_raises(self, data: bytes) -> None:
        """Any octets are a query, or get a small reply that fits them, or silence."""
        outcome = read_query(data)
        if isinstance(outcome, Query):
            self.assertTrue(data.startswith(outcome.id))
            self.assertIn(outcome.question.wire, data)
        elif outcome.reply is not None:
            if data[2] & 0x78 != Opcode.UPDATE << 3:  # dnspython wants a type of SOA
                reply = dns.message.from_wire(outcome.reply)
                self.assertNotEqual(reply.rcode(), dns.rcode.NOERROR)
            self.assertLessEqual(len(outcome.reply), len(data) + len(opt()))
        else:
            self.assertTrue(len(data) < 12 or data[2] & 0x80)


class ErrorOptTests(SynchronousTestCase):
    """Errors have an OPT record where one could be read (RFC 6891 section 7)."""

    def assert_opt(self, data: bytes, rcode: int, *, has: bool = True) -> None:
        """The rcode, and whether the reply has an OPT; with DO as it was sent."""
        outcome = read_query(data)
        assert isinstance(outcome, Rejected) and outcome.reply is not None
        reply = dns.message.from_wire(outcome.reply)
        self.assertEqual(reply.rcode(), rcode)
        self.assertEqual(reply.edns, 0 if has else -1, data.hex())
        if has:
            self.assertEqual(bool(reply.ednsflags & dns.flags.DO), b"\x80" in data)

    def test_options(self) -> None:
        """What is wrong with the options, or what follows the OPT, is told with one."""
        bad = (
            option(8, bytes.fromhex("00011800c0000201")),
            option(8, bytes.fromhex("00031800c00002")),
            option(8, b""),
            option(10, b"1234567"),
            option(10, b"c" * 41),
            b"\0\3\0\1",
            b"\0",
        )
        for options in bad:
            self.assert_opt(edns_query(options), 1)
        self.assert_opt(edns_query(b"") + b"x", 1)
        self.assert_opt(header(additionals=2) + QUESTION + opt() * 2, 1)
        do = opt().replace(b"\0\0\0\0", b"\0\0\x80\0", 1)
        self.assert_opt(header(additionals=1) + QUESTION + do + b"x", 1)

    def test_other_faults(self) -> None:
        """Too many questions, or sections that a query has not."""
        self.assert_opt(header(questions=2, additionals=1) + QUESTION * 2 + opt(), 1)
        self.assert_opt(header(questions=0, additionals=1) + opt(), 1)
        for opcode in (1, 2, 3, 6, 15):
            flags = opcode << 11
            data = header(flags, additionals=1) + QUESTION + opt()
            self.assert_opt(data, 4)
            outcome = read_query(data)
            assert isinstance(outcome, Rejected) and outcome.reply is not None
            self.assertEqual(outcome.reply[12:], opt(b"\0\x0f\0\2\0\x15"))

    def test_none(self) -> None:
        """No OPT where none was sent, or none can be found."""
        self.assert_opt(header(additionals=1) + QUESTION, 1, has=False)
        self.assert_opt(header(additionals=1) + QUESTION + opt()[:-1], 1, has=False)
        self.assert_opt(header(additionals=1) + b"\xc0\x0c" + opt(), 1, has=False)
        self.assert_opt(header(2 << 11) + QUESTION, 4, has=False)


class WithoutQuestionTests(SynchronousTestCase):
    """Messages that ask for a cookie alone (RFC 7873 section 5.4)."""

    def read(self, options: bytes, flags: int = 0) -> Rejected:
        """How a message without a question is taken."""
        data = header(flags, questions=0, additionals=1) + opt(options)
        outcome = read_query(data)
        assert isinstance(outcome, Rejected) and outcome.reply is not None
        return outcome

    def test_cookie(self) -> None:
        """The cookie is read; for whoever has none it is a malformed message."""
        found = self.read(option(10, b"c" * 8))
        self.assertEqual((found.cookie, found.do), (b"c" * 8, False))
        assert found.reply is not None
        self.assertEqual(found.reply[3] & 0xF, 1)

    def test_no_cookie(self) -> None:
        """Other options do not make such a message one that asks something."""
        self.assertEqual(self.read(option(3, b"")).cookie, b"")
        self.assertEqual(self.read(option(10, b"c" * 9)).cookie, b"")
        self.assertEqual(self.read(option(10, b"c" * 8), flags=0x2800).cookie, b"")

    def test_unknown_opcode(self) -> None:
        """NOTIMP says by OPT why, if it was asked with OPT alone (EDE 21)."""
        reply = self.read(b"", flags=0x7800).reply
        assert reply is not None
        self.assertEqual(reply[2:12], b"\xf8\x04\0\0\0\0\0\0\0\1")
        self.assertEqual(reply[12:], opt(b"\0\x0f\0\2\0\x15"))
