"""Tests for rendering records, compression and truncation."""

import struct
from collections.abc import Sequence

import dns.message
import dns.name
import dns.rdata
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.wire.constants import FLAG_TC, HEADER_SIZE, Type
from dinamed.wire.names import from_text
from dinamed.wire.render import EMPTY, Rendered, Renderer, Section
from tests.strategies import NAMES, RECORDS, SAMPLES, Record, read_sample

Written = tuple[bytes, int, int, bytes]
"""Owner, type, TTL, rdata; in lower case, as compression may change the case."""

RRSETS = st.tuples(NAMES, st.lists(RECORDS, min_size=1, max_size=3), st.booleans())
SECTIONS = st.tuples(*[st.lists(RRSETS, max_size=4)] * 3)
QUESTION = from_text("www.Example.org.")


def message(name: bytes, rendered: Rendered) -> bytes:
    """A reply with this question and these records."""
    head = struct.pack("!2s5H", b"\0\1", 0x8400, 1, *rendered.counts)
    return head + name + b"\0\1\0\1" + rendered.body


def read(data: bytes) -> list[list[Written]]:
    """The records of the three sections, as dnspython reads them."""
    parsed = dns.message.from_wire(data, one_rr_per_rrset=True)
    return [
        [
            (
                (rrset.name.to_wire() or b"").lower(),
                int(rrset.rdtype),
                rrset.ttl,
                (rrset[0].to_wire() or b"").lower(),
            )
            for rrset in section
        ]
        for section in (parsed.answer, parsed.authority, parsed.additional)
    ]


def add(
    renderer: Renderer, section: Section, owner: bytes, records: Sequence[Record]
) -> list[Written]:
    """Add one RRset, of the type of the first record; say what should be read."""
    rrtype = records[0].type
    rdatas = tuple(dict.fromkeys(r.rdata for r in records if r.type == rrtype))
    renderer.add(section, owner, rrtype, 300, rdatas)
    return [(owner.lower(), rrtype, 300, rdata.lower()) for rdata in rdatas]


class RendererTests(SynchronousTestCase):
    """What is rendered is read back the same."""

    @settings(max_examples=200, deadline=None)
    @given(NAMES, SECTIONS)
    def test_dnspython_reads_the_same(
        self,
        question: bytes,
        sections: tuple[list[tuple[bytes, list[Record], bool]], ...],
    ) -> None:
        """Any RRsets in any sections, behind any question."""
        renderer = Renderer(question)
        expected: list[list[Written]] = [[], [], []]
        seen: set[tuple[bytes, int]] = set()
        for section in Section:
            for owner, records, _ in sections[section]:
                key = (owner.lower(), records[0].type)
                written = add(renderer, section, owner, records)
                if key not in seen:
                    expected[section] += written
                seen.add(key)
        self.assertEqual(read(message(question, renderer.finish())), expected)

    def test_every_type(self) -> None:
        """One record of every type goes through unharmed, and in one message."""
        renderer = Renderer(QUESTION)
        expected = []
        for line in SAMPLES.splitlines():
            owner = from_text("x.example.org.")
            expected += add(renderer, Section.ANSWER, owner, [read_sample(line)])
        data = message(QUESTION, renderer.finish())
        self.assertEqual(read(data), [expected, [], []])

    def test_only_old_types_are_compressed(self) -> None:
        """RFC 3597 section 4: no pointers in the data of newer types."""
        target = from_text("www.example.org.")
        for rrtype, head, size in (
            (Type.NS, b"", 2),
            (Type.CNAME, b"", 2),
            (Type.PTR, b"", 2),
            (Type.MX, b"\0\1", 4),
            (Type.SRV, bytes(6), 6 + len(target)),
            (Type.DNAME, b"", len(target)),
            (65400, b"", len(target)),
        ):
            renderer = Renderer(QUESTION)
            renderer.add(Section.ANSWER, QUESTION, rrtype, 0, (head + target,))
            body = renderer.finish().body
            self.assertEqual(body[:2], b"\xc0\x0c")
            self.assertEqual(len(body) - 12, size, rrtype)

    def test_soa_is_compressed(self) -> None:
        """Both names of an SOA shrink."""
        rdata = QUESTION + from_text("hostmaster.example.org.") + bytes(20)
        renderer = Renderer(QUESTION)
        renderer.add(Section.AUTHORITY, QUESTION, Type.SOA, 0, (rdata,))
        self.assertEqual(len(renderer.finish().body) - 12, 2 + 11 + 2 + 20)

    def test_question_case_does_not_matter(self) -> None:
        """The records are the same behind every spelling of the question."""
        bodies = set()
        for name in (QUESTION, QUESTION.lower(), QUESTION.upper()):
            renderer = Renderer(name)
            renderer.add(Section.ANSWER, QUESTION.lower(), Type.NS, 0, (QUESTION,))
            bodies.add(renderer.finish().body)
        self.assertEqual(len(bodies), 1)

    def test_no_pointers_beyond_14_bits(self) -> None:
        """A message over 16 KiB, its names on both sides of the limit, is readable."""
        renderer = Renderer(QUESTION)
        names = [from_text(f"ns{n}.zone{n}.example.net.") for n in range(2500)]
        expected = add(
            renderer,
            Section.ANSWER,
            from_text("example.net."),
            [Record(Type.NS, name) for name in names],
        )
        more = []
        for name in (names[-1], names[0], names[-1]):
            more += add(renderer, Section.ADDITIONAL, name, [Record(1, bytes(4))])
        data = message(QUESTION, renderer.finish())
        self.assertGreater(len(data), 0x4000 + 20000)
        self.assertEqual(read(data), [expected, [], more[:2]])

    def test_added_once(self) -> None:
        """An RRset that is there already is not added again, in whichever section."""
        renderer = Renderer(QUESTION)
        renderer.add(Section.ANSWER, QUESTION, Type.A, 5, (bytes(4),))
        renderer.add(Section.ADDITIONAL, QUESTION.upper(), Type.A, 5, (bytes(4),))
        rendered = renderer.finish()
        self.assertEqual((rendered.counts, len(rendered.steps)), ((1, 0, 0), 1))

    def test_reference(self) -> None:
        """A known name is a pointer, any other is written in full."""
        renderer = Renderer(QUESTION)
        other = from_text("other.")
        self.assertEqual(renderer.reference(QUESTION.upper()), b"\xc0\x0c")
        self.assertEqual(renderer.reference(other), other)
        renderer.add(Section.ANSWER, QUESTION, Type.CNAME, 5, (other,))
        at = HEADER_SIZE + len(QUESTION) + 4 + 12
        self.assertEqual(renderer.reference(other), struct.pack("!H", 0xC000 | at))


class CutTests(SynchronousTestCase):
    """Truncation at RRset boundaries (RFC 2181 section 9)."""

    @settings(max_examples=200, deadline=None)
    @given(st.lists(RRSETS, max_size=6), st.integers(-100, 1500))
    def test_any_room(
        self, rrsets: list[tuple[bytes, list[Record], bool]], room: int
    ) -> None:
        """Whole RRsets, as many as fit; TC if and only if a required one is lost."""
        renderer = Renderer(QUESTION)
        for owner, records, required in rrsets:
            renderer.add(
                Section.ANSWER,
                owner,
                records[0].type,
                0,
                (records[0].rdata,),
                required,
            )
        rendered = renderer.finish()
        body, counts, flag = rendered.cut(room)
        self.assertLessEqual(len(body), max(room, 0))
        kept = [step for step in rendered.steps if step.end <= room]
        lost = rendered.steps[len(kept) :]
        self.assertEqual(len(body), kept[-1].end if kept else 0)
        self.assertEqual(counts, (len(kept), 0, 0))
        self.assertEqual(flag, FLAG_TC if any(s.required for s in lost) else 0)
        cut = Rendered(body, counts, ())
        self.assertEqual(len(read(message(QUESTION, cut))[0]), len(kept))

    def test_optional_goes_silently(self) -> None:
        """Additional addresses that only help are left out without TC."""
        renderer = Renderer(QUESTION)
        renderer.add(Section.ANSWER, QUESTION, Type.MX, 0, (b"\0\1" + QUESTION,))
        answer = len(renderer.finish().body)
        renderer.add(Section.ADDITIONAL, QUESTION, Type.A, 0, (bytes(4),), False)
        rendered = renderer.finish()
        for room in (answer, answer + 15):
            self.assertEqual(rendered.cut(room), (rendered.body[:answer], (1, 0, 0), 0))
        self.assertEqual(rendered.cut(answer + 16)[1:], ((1, 0, 1), 0))
        self.assertEqual(rendered.cut(answer - 1), (b"", (0, 0, 0), FLAG_TC))

    def test_an_rrset_is_never_cut(self) -> None:
        """Of thirty addresses none is sent when one does not fit."""
        renderer = Renderer(QUESTION)
        addresses = tuple(bytes((192, 0, 2, n)) for n in range(30))
        renderer.add(Section.ANSWER, QUESTION, Type.A, 0, addresses)
        rendered = renderer.finish()
        self.assertEqual(rendered.cut(16 * 30 - 1), (b"", (0, 0, 0), FLAG_TC))
        self.assertEqual(rendered.cut(16 * 30), (rendered.body, (30, 0, 0), 0))

    def test_empty(self) -> None:
        """No records fit everywhere, and nothing is lost."""
        self.assertEqual(EMPTY.cut(0), (b"", (0, 0, 0), 0))
        self.assertEqual(EMPTY.cut(-5), (b"", (0, 0, 0), 0))
