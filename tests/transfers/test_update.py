"""Dynamic updates: what they may, what they do, and what is kept of them."""

import dns.update
from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.transfers import Grant
from dinamed.transfers.grants import matches, may_update
from dinamed.transfers.overlay import Overlay, decoded, laid_over, noted
from dinamed.transfers.serial import newer
from dinamed.transfers.update import (
    Update,
    UpdateError,
    changed_names,
    check_changes,
    check_prerequisites,
    read_update,
)
from dinamed.transfers.view import View
from dinamed.wire.constants import Rcode, Type
from dinamed.zones.model import RRset
from dinamed.zones.packed import PackedZone
from tests.transfers.support import CONTENTS, Content, content_of, zone_of
from tests.zones.strategies import NS, ORIGIN, key, make_zone

TEXT = RRset(Type.TXT, 60, (b"\x01a",))
ADDRESS = RRset(Type.A, 60, (b"\xc0\0\2\1",))


def update() -> dns.update.UpdateMessage:
    """An empty update of dnspython."""
    return dns.update.UpdateMessage("example.org.")


def read(message: dns.update.UpdateMessage) -> Update:
    """As it comes over the wire."""
    return read_update(message.to_wire())


def after(zone: PackedZone, message: dns.update.UpdateMessage) -> dict[bytes, set[int]]:
    """The types at each name that has changed."""
    changed, _ = changed_names(zone, read(message).changes)
    return {owner: set(rrsets) for owner, rrsets in changed.items()}


class GrantTests(SynchronousTestCase):
    """Who may change what."""

    def test_patterns(self) -> None:
        """Names, names below others, names with further labels."""
        for pattern, yes, no in (
            ("*", ["", "a", "a.b"], []),
            ("@", [""], ["a"]),
            ("www", ["www"], ["", "a.www", "www.a", "wwww"]),
            ("*.dyn", ["a.dyn", "b.a.dyn"], ["dyn", "a", "", "xdyn"]),
            (
                "_acme-challenge.*",
                ["_acme-challenge", "_acme-challenge.www", "_acme-challenge.a.b"],
                ["www", "", "a._acme-challenge", "_acme-challengex"],
            ),
        ):
            for name in yes:
                self.assertTrue(matches(pattern, key(name)), (pattern, name))
            for name in no:
                self.assertFalse(matches(pattern, key(name)), (pattern, name))

    def test_types(self) -> None:
        """A list of types leaves out all others, and all at once."""
        grants = (
            Grant(key="acme", names=("_acme-challenge",), types=("TXT",)),
            Grant(key="admin"),
        )
        name = key("_acme-challenge")
        self.assertTrue(may_update(grants, b"\x04acme\0", name, 16))
        self.assertFalse(may_update(grants, b"\x04acme\0", name, 1))
        self.assertFalse(may_update(grants, b"\x04acme\0", name, None))
        self.assertFalse(may_update(grants, b"\x04acme\0", key("www"), 16))
        self.assertTrue(may_update(grants, b"\x05admin\0", key("www"), None))
        self.assertFalse(may_update(grants, b"\x05other\0", name, 16))


class PrerequisiteTests(SynchronousTestCase):
    """RFC 2136 section 3.2."""

    def test_all(self) -> None:
        """Each kind, fulfilled and not; a pool's name has the pool's addresses."""
        zone = make_zone({"www": [ADDRESS], "ftp": [TEXT]}, {"ftp": "p", "old": "q"})
        view = View(zone, {"p": (ADDRESS,)})
        for text, args, rcode in (
            ("present", ("www",), None),
            ("present", ("none",), Rcode.NXDOMAIN),
            ("present", ("www", "A"), None),
            ("present", ("www", "TXT"), Rcode.NXRRSET),
            ("present", ("www", "A", "192.0.2.1"), None),
            ("present", ("ftp", "A", "192.0.2.1"), None),
            ("present", ("ftp", "A", "192.0.2.2"), Rcode.NXRRSET),
            ("present", ("ftp", "A"), None),
            ("present", ("ftp", "TXT"), None),
            ("present", ("ftp",), None),
            ("absent", ("ftp",), Rcode.YXDOMAIN),
            ("absent", ("ftp", "A"), Rcode.YXRRSET),
            ("absent", ("ftp", "AAAA"), None),
            ("absent", ("old",), None),
            ("present", ("www", "A", "192.0.2.2"), Rcode.NXRRSET),
            ("absent", ("none",), None),
            ("absent", ("www",), Rcode.YXDOMAIN),
            ("absent", ("www", "TXT"), None),
            ("absent", ("www", "A"), Rcode.YXRRSET),
            ("absent", ("www.example.com.",), Rcode.NOTZONE),
        ):
            message = update()
            getattr(message, text)(*args)
            found = read(message).prerequisites
            got = None
            try:
                check_prerequisites(view, found)
            except UpdateError as error:
                got = error.rcode
            self.assertEqual(got, rcode, (text, args))


class ChangeTests(SynchronousTestCase):
    """RFC 2136 section 3.4."""

    def refused(self, zone: PackedZone, message: dns.update.UpdateMessage) -> Rcode:
        """Why an update is not made."""
        changes = read(message).changes
        with self.assertRaises(UpdateError) as raised:
            check_changes(zone, changes, lambda name, rrtype: name != key("theirs"))
            changed_names(zone, changes)
        return Rcode(raised.exception.rcode)

    def test_adding_and_deleting(self) -> None:
        """Records, RRsets and names come and go; no change is none."""
        zone = make_zone({"www": [ADDRESS, TEXT]})
        message = update()
        message.add("new", 60, "TXT", "a")
        message.add("www", 60, "A", "192.0.2.1")
        message.delete("none")
        self.assertEqual(after(zone, message), {key("new"): {16}})
        message = update()
        message.delete("www", "A", "192.0.2.1")
        self.assertEqual(after(zone, message), {key("www"): {16}})
        message = update()
        message.delete("www")
        self.assertEqual(after(zone, message), {key("www"): set()})
        message = update()
        message.replace("www", 5, "A", "192.0.2.1")
        self.assertEqual(after(zone, message), {key("www"): {1, 16}})

    def test_apex_is_kept(self) -> None:
        """The SOA and the last NS stay, whatever is deleted."""
        zone = make_zone({})
        for args in ((), ("NS",), ("SOA",), ("NS", "ns1.example.net.")):
            message = update()
            message.delete("@", *args)
            self.assertEqual(after(zone, message), {}, args)

    def test_alias(self) -> None:
        """A CNAME and other data do not meet, silently (section 3.4.2.2)."""
        zone = make_zone({"www": [ADDRESS], "alias": [RRset(5, 60, (ORIGIN,))]})
        message = update()
        message.add("www", 60, "CNAME", "a")
        message.add("alias", 60, "A", "192.0.2.1")
        self.assertEqual(after(zone, message), {})
        message = update()
        message.add("alias", 60, "CNAME", "b")
        self.assertEqual(after(zone, message), {key("alias"): {5}})

    def test_serial(self) -> None:
        """An SOA gives a serial, if it is ahead."""
        zone = make_zone({})
        for serial, expected in ((9, 9), (7, None), (6, None)):
            message = update()
            message.add("@", 60, "SOA", f"a. b. {serial} 1 1 1 1")
            self.assertEqual(changed_names(zone, read(message).changes), ({}, expected))

    def test_refused(self) -> None:
        """Other zones, other people's names, names of pools, wildcard cuts."""
        zone = make_zone({}, {"a.ftp": "mirrors"})
        for args, rcode in (
            (("www.example.com.", 60, "A", "192.0.2.1"), Rcode.NOTZONE),
            (("theirs", 60, "A", "192.0.2.1"), Rcode.REFUSED),
            (("a.ftp", 60, "A", "192.0.2.1"), Rcode.REFUSED),
            (("a.ftp", 60, "CNAME", "www"), Rcode.REFUSED),
            (("ftp", 60, "NS", "www"), Rcode.REFUSED),
            (("*.w", 60, "NS", "www"), Rcode.REFUSED),
        ):
            message = update()
            message.add(*args)
            self.assertEqual(self.refused(zone, message), rcode, args)

    def test_beside_a_pool(self) -> None:
        """Other types may stand at a name that is bound to a pool."""
        zone = make_zone({}, {"ftp": "mirrors"})
        message = update()
        message.add("ftp", 60, "TXT", "a")
        self.assertEqual(after(zone, message), {key("ftp"): {16}})

    @settings(max_examples=300, deadline=None)
    @given(st.data())
    def test_damage(self, data: st.DataObject) -> None:
        """Any message is an update, or refused."""
        zone = make_zone({"www": [ADDRESS]})
        message = update()
        message.present("www", "A")
        message.add("new", 60, "TXT", "a")
        message.delete("www")
        message.add("m", 60, "MX", "1 www")
        wire = bytearray(message.to_wire())
        for _ in range(data.draw(st.integers(1, 6))):
            wire[data.draw(st.integers(12, len(wire) - 1))] = data.draw(
                st.integers(0, 255)
            )
        try:
            found = read_update(bytes(wire))
            check_prerequisites(View(zone), found.prerequisites)
            check_changes(zone, found.changes, lambda name, rrtype: True)
            changed, _ = changed_names(zone, found.changes)
        except UpdateError:
            return
        self.assertNotIn(Type.SOA, changed.get(key("www"), {}))


class OverlayTests(SynchronousTestCase):
    """What lies above the zone's file."""

    @settings(max_examples=100, deadline=None)
    @given(CONTENTS, CONTENTS)
    def test_kept(self, file: Content, wanted: Content) -> None:
        """Saved, read and laid over the same file, the result is the same."""
        base, target = zone_of(file, 7), zone_of(wanted, 8)
        keys = {one for one, _ in (*base.nodes(), *target.nodes())}
        changed = {}
        for one in keys:
            node = target.node(one)
            changed[one] = {} if node is None else dict(node.rrsets)
        overlay = noted(None, base, changed, 8)
        read = decoded(overlay.encoded(base), ORIGIN)
        self.assertEqual(read, overlay)
        served, again, left_out = laid_over(base, read)
        self.assertEqual(content_of(served), content_of(target))
        self.assertEqual((again, left_out), (overlay, []))
        back = {one: dict(n.rrsets) if (n := base.node(one)) else {} for one in keys}
        self.assertEqual(noted(overlay, base, back, 9).rrsets, {})

    def test_serials(self) -> None:
        """Never back: see `Overlay.serial_over`."""
        overlay = Overlay(file_serial=5, serial=8)
        for file, expected in ((5, 8), (9, 9), (6, 9), (8, 9), (4, 9)):
            self.assertEqual(overlay.serial_over(file), expected)
            self.assertFalse(newer(8, overlay.serial_over(file)))

    def test_file_wins_where_both_cannot_be(self) -> None:
        """A CNAME, or a pool, that the file has got now."""
        text = {(key("www"), 16): TEXT, (key("ftp"), 1): ADDRESS}
        alias = RRset(5, 60, (ORIGIN,))
        base = make_zone({"www": [alias]}, {"ftp": "mirrors"})
        served, overlay, left_out = laid_over(base, Overlay(7, 8, text))
        self.assertEqual(overlay.rrsets, {})
        self.assertEqual(len(left_out), 2)
        node = served.node(key("www"))
        assert node is not None
        self.assertEqual(set(node.rrsets), {5})

    def test_not_ours(self) -> None:
        """A file of another zone, or of no zone, is refused."""
        data = Overlay(1, 2, {(key("a"), 16): TEXT}).encoded(make_zone({}))
        self.assertRaises(ValueError, decoded, data, b"\x03com\0")
        self.assertRaises(ValueError, decoded, b"{}", ORIGIN)
        self.assertRaises(ValueError, decoded, data.replace(b"0161", b"xx"), ORIGIN)
        self.assertEqual(NS.type, Type.NS)
