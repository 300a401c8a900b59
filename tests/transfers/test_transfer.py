"""Whole zones and differences, from our own primary side to our secondary side."""

from itertools import pairwise

import dns.message
import dns.zone
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.settings import MemberSettings
from dinamed.transfers.incoming import (
    Incoming,
    TransferError,
    TransferLimits,
    with_pools,
)
from dinamed.transfers.journal import Delta, Journal, difference, serial_of
from dinamed.transfers.outgoing import increment, incremental, whole_zone
from dinamed.transfers.records import Record
from dinamed.transfers.tsig import Signer
from dinamed.transfers.view import View, static_pools
from dinamed.wire.constants import Type
from dinamed.zones.model import RRset
from tests.plans.support import host, make_pool
from tests.transfers.support import (
    CONTENTS,
    KEY,
    Content,
    content_of,
    received,
    sent,
    view_of,
    zone_of,
)
from tests.zones.strategies import ORIGIN, make_zone

WWW: Content = {("www", 1): frozenset([b"\xc0\0\2\1"])}


class WholeTests(SynchronousTestCase):
    """AXFR."""

    @settings(max_examples=100, deadline=None)
    @given(CONTENTS)
    def test_round_trip(self, content: Content) -> None:
        """What goes out comes in."""
        view = view_of(content)
        zone, incoming = received(sent(whole_zone(view)))
        assert zone is not None
        self.assertEqual(content_of(zone), content_of(view.zone))
        self.assertEqual(incoming.ignored, 0)

    def test_dnspython(self) -> None:
        """dnspython takes a zone of several signed messages."""
        content: Content = {
            (f"host{n}", 16): frozenset([bytes([250]) + bytes(250)]) for n in range(200)
        }
        view = view_of(content)
        made = sent(whole_zone(view), Signer(KEY))
        self.assertGreater(len(made), 3)
        self.assertTrue(all(len(message) <= 16384 for message in made))
        read = [dns.message.from_wire(m, xfr=True, keyring=False) for m in made]
        zone = dns.zone.from_xfr(iter(read), relativize=False)
        self.assertEqual(sum(1 for _ in zone.iterate_rdatas()), view.zone.records)

    def test_made_when_wanted(self) -> None:
        """A message is made when it is asked for, not before."""
        view = view_of(WWW)
        taken: list[Record] = []

        def records() -> object:
            for record in whole_zone(view):
                taken.append(record)
                yield record

        made = iter(sent(records()))  # type: ignore[arg-type]
        self.assertTrue(next(made))
        self.assertEqual(len(taken), view.zone.records + 1)


class PoolTests(SynchronousTestCase):
    """Names of pools on their way."""

    def test_static(self) -> None:
        """All members with a weight, those of nested pools too, with the TTL."""
        inner = make_pool("inner", host("c", "192.0.2.3", "2001:db8::3"), ttl=5)
        outer = make_pool(
            "outer",
            host("a", "192.0.2.1"),
            host("b", "192.0.2.2", weight=0),
            host("d", "192.0.2.1"),
            ttl=30,
        )
        nested = MemberSettings(name="n", pool="inner")
        outer = replace(outer, members=(*outer.members, nested))
        pools = static_pools([inner, outer])
        first, second = pools["outer"]
        self.assertEqual(first, RRset(1, 30, (b"\xc0\0\2\1", b"\xc0\0\2\3")))
        self.assertEqual((second.type, second.ttl, len(second.rdatas)), (28, 30, 1))
        view = View(make_zone({}, {"ftp": "outer"}), pools)
        owners = [record.owner for record in view.records()]
        self.assertEqual(owners.count(b"\x03ftp" + ORIGIN), 3)

    def test_static_of_many_ways(self) -> None:
        """Each pool counts once, however many ways lead to it."""
        pools = [make_pool("p0", host("a", "192.0.2.1"))]
        for number in range(1, 40):
            ways = [
                MemberSettings(name=f"w{n}", pool=f"p{number - 1}") for n in range(8)
            ]
            pools.append(make_pool(f"p{number}", *ways))
        (found,) = static_pools(pools)["p39"]
        self.assertEqual(found.rdatas, (b"\xc0\0\2\1",))

    def test_bound_secondary(self) -> None:
        """In a secondary zone the pool takes the place of addresses and aliases."""
        text = RRset(16, 60, (b"\x01a",))
        zone = make_zone({"ftp": [RRset(1, 60, (bytes(4),)), text], "www": [text]})
        bound = with_pools(zone, {b"\x03ftp": "mirrors", b"\x03new": "mirrors"})
        node = bound.node(b"\x03ftp")
        assert node is not None
        self.assertEqual((list(node.rrsets), node.pool), ([16], "mirrors"))
        self.assertEqual({one for one, _ in bound.bound()}, {b"\x03ftp", b"\x03new"})


class IncrementTests(SynchronousTestCase):
    """IXFR."""

    @settings(max_examples=100, deadline=None)
    @given(st.lists(CONTENTS, min_size=2, max_size=4), st.integers(0, 3))
    def test_steps(self, contents: list[Content], start: int) -> None:
        """From any version in the journal the steps lead to the last."""
        views = [view_of(content, 10 + n) for n, content in enumerate(contents)]
        journal = Journal()
        for old, new in pairwise(views):
            journal.append(difference(old, new))
        have = views[min(start, len(views) - 2)]
        deltas = journal.since(have.serial, views[-1].serial)
        assert deltas is not None
        made = sent(increment(deltas, views[-1].soa))
        zone, _ = received(made, have.zone)
        assert zone is not None
        self.assertEqual(content_of(zone), content_of(views[-1].zone))

    def test_what_is_sent(self) -> None:
        """One SOA if current or ahead, all if the serial is not known."""
        view = view_of(WWW, 10)
        journal = Journal()
        for serial in (10, 11):
            found = list(incremental(view, serial, journal.since))
            self.assertEqual(found, [view.soa])
        self.assertEqual(
            list(incremental(view, 9, journal.since)), list(whole_zone(view))
        )

    def test_current(self) -> None:
        """A secondary with the newest version learns that."""
        view = view_of(WWW)
        zone, incoming = received(sent([view.soa]), view.zone)
        self.assertIsNone(zone)
        self.assertTrue(incoming.current)

    def test_journal_is_bounded(self) -> None:
        """The oldest steps go; a gap forgets what was before."""
        soas = [view_of({}, serial).soa for serial in range(1, 12)]
        journal = Journal(limit=10)
        for old, new in pairwise(soas):
            journal.append(Delta(old, new, (), ()))
        self.assertEqual(len(journal.since(6, 11) or ()), 5)
        self.assertIsNone(journal.since(5, 11))
        journal.append(Delta(soas[3], soas[4], (), ()))
        self.assertIsNone(journal.since(6, 5))
        self.assertEqual(serial_of(soas[3]), 4)


class HostileTests(SynchronousTestCase):
    """Primaries that send what they should not."""

    def refused(self, records: list[Record], have: View | None = None) -> str:
        """Why a transfer of these records is refused."""
        incoming = Incoming(ORIGIN, b"\0\7", None if have is None else have.zone)
        with self.assertRaises(TransferError) as raised:
            for message in sent(records):
                incoming.take(message)
            incoming.finish()
        return str(raised.exception)

    def test_zones(self) -> None:
        """Each is told apart in the log."""
        view = view_of(WWW, 10)
        whole = list(whole_zone(view))
        other = view_of(WWW, 11).soa
        alias = Record(b"\x03www" + ORIGIN, Type.CNAME, 60, ORIGIN)
        elsewhere = whole[0]._replace(owner=b"\x03com\0")
        no_ns = [one for one in whole if one.type != Type.NS]
        for records, why in (
            (whole[1:], "does not begin with the zone's SOA"),
            ([elsewhere, *whole[1:]], "does not begin"),
            ([*whole, whole[1]], "records after the last one"),
            ([*whole[:-1], other], "ends with another serial"),
            ([*whole[:-1], elsewhere], "an SOA of another zone"),
            ([*whole[:-1], alias, whole[-1]], "CNAME beside other data"),
            (no_ns, "no NS record"),
            ([whole[0], whole[0]], "differences to what we do not have"),
        ):
            self.assertIn(why, self.refused(records), why)

    def test_differences(self) -> None:
        """They must fit to what we have, and lead to what was announced."""
        have, new = view_of(WWW, 10), view_of({}, 11)
        gone = Record(b"\x04gone" + ORIGIN, 1, 60, b"\xc0\0\2\1")
        ns = next(record for record in have.records() if record.type == Type.NS)
        for records, why in (
            ([new.soa, have.soa, gone, new.soa, new.soa], "removes what is not there"),
            ([new.soa, have.soa, ns, new.soa, new.soa], "no NS record"),
            ([new.soa, new.soa, gone], "begins at serial 11, not at 10"),
            ([new.soa, have.soa, new.soa, view_of({}, 12).soa], "begins at serial 12"),
        ):
            self.assertIn(why, self.refused(records, have), why)

    def test_outside(self) -> None:
        """Records of other zones, and of no data, are left out."""
        view = view_of(WWW)
        soa, *rest = whole_zone(view)
        strange = Record(b"\x03www\x03com\0", 1, 60, bytes(4))
        zone, incoming = received(sent([soa, strange, *rest]))
        assert zone is not None
        self.assertEqual(content_of(zone), content_of(view.zone))
        self.assertEqual(incoming.ignored, 1)

    def test_limits(self) -> None:
        """Neither endless records nor endless octets."""
        made = sent(whole_zone(view_of(WWW)))
        for limits, why in (
            (TransferLimits(octets=50), "more than 50 octets"),
            (TransferLimits(records=3), "more than 3 records"),
        ):
            incoming = Incoming(ORIGIN, b"\0\7", None, limits)
            refused = self.assertRaises(TransferError, incoming.take, made[0])
            self.assertEqual(str(refused), why)

    def test_messages(self) -> None:
        """Refusals, other ids, empty messages, queries."""
        for data, why in (
            (b"\0\7\x80\5" + bytes(8), "refused with REFUSED"),
            (b"\0\7\x80\x0b" + bytes(8), "refused with rcode 11"),
            (b"\0\x08\x80\0" + bytes(8), "no reply to ours"),
            (b"\0\7\0\0" + bytes(8), "no reply to ours"),
            (b"\0\7\x80\0" + bytes(8), "without records"),
            (b"\0\7", "malformed"),
        ):
            incoming = Incoming(ORIGIN, b"\0\7")
            refused = self.assertRaises(TransferError, incoming.take, data)
            self.assertIn(why, str(refused))

    @settings(max_examples=300, deadline=None)
    @given(CONTENTS, st.data())
    def test_damage(self, content: Content, data: st.DataObject) -> None:
        """Any damage is a refusal or a zone, and nothing else."""
        wire = bytearray(sent(whole_zone(view_of(content)))[0])
        for _ in range(data.draw(st.integers(1, 6))):
            wire[data.draw(st.integers(0, len(wire) - 1))] = data.draw(
                st.integers(0, 255)
            )
        incoming = Incoming(ORIGIN, b"\0\7", zone_of({}, 6))
        try:
            if incoming.take(bytes(wire)) and not incoming.current:
                zone, _ = incoming.finish()
                self.assertEqual(zone.origin, ORIGIN)
        except TransferError:
            pass
