"""Tests for the keys of one zone on disk: what is safe when something is wrong."""

import os
from collections.abc import Callable
from unittest import mock

from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.dnssec import Dnssec
from dinamed.dnssec.key_files import file_stem, private_text, public_text
from dinamed.dnssec.keys import Key
from dinamed.dnssec.rolling import ParentView, ServersView
from dinamed.server.key_folder import KeyFolder
from dinamed.server.zone_keys import OrderFault, ZoneKeys
from dinamed.wire.names import from_text
from tests.dnssec.support import NOW, fixed_key

ZONE = from_text("example.org.")
WRITE = "dinamed.server.key_folder.write_atomically"


class ZoneKeysTests(SynchronousTestCase):
    """A folder, and what becomes of it."""

    def setUp(self) -> None:
        self.path = self.mktemp()
        os.makedirs(self.path)

    def opened(
        self, may_make: bool = True, now: float = NOW, **how: object
    ) -> ZoneKeys:
        """The keys as a start finds them."""
        settings = Dnssec(**how)  # type: ignore[arg-type]
        keys = ZoneKeys(ZONE, settings, KeyFolder(ZONE, settings.keys, self.path))
        keys.open(now, may_make)
        return keys

    def put(self, key: Key, change: Callable[[str], str] = str) -> str:
        """Put a key pair there; the path of its secret."""
        folder = os.path.join(self.path, "dnssec", "example.org")
        os.makedirs(folder, exist_ok=True)
        stem = os.path.join(folder, file_stem(key))
        for ending, text in (
            (".key", public_text(key)),
            (".private", private_text(key)),
        ):
            with open(
                os.open(stem + ending, os.O_WRONLY | os.O_CREAT, 0o600), "w"
            ) as f:
                f.write(change(text))
        return stem + ".private"

    def test_made_once(self) -> None:
        """The first start makes a key, the next ones find it."""
        first = self.opened()
        assert first.state is not None
        self.assertEqual(self.opened(now=NOW + 9e6).state, first.state)
        self.assertEqual(list(self.opened().held.keys), list(first.held.keys))

    def test_not_made(self) -> None:
        """Where another server may have made one, the zone waits, and says so."""
        keys = self.opened(may_make=False)
        self.assertIsNone(keys.keyset(NOW))
        self.assertIn("dinamed dnssec import example.org", keys.problem)
        keys.make(NOW)
        self.assertIsNotNone(keys.keyset(NOW))
        self.assertEqual(keys.problem, "")

    def test_seen_before_cds(self) -> None:
        """A DS that came by the registrar alone is that of the key in use."""
        keys = self.opened()
        keys.ds_seen(NOW)
        assert keys.state is not None and keys.state.parent is not None
        tags = {key.tag for key in keys.held.keys.values()}
        self.assertEqual(keys.state.parent.tags, tags)
        self.assertTrue(keys.must_stay(NOW))

    def test_bad_files(self) -> None:
        """Nothing is made beside a key that cannot be used; each has its message."""
        cases: list[tuple[Key, Callable[[str], str], str]] = [
            (fixed_key("example.net."), str, "a key of example.net."),
            (fixed_key(), lambda text: text.replace("13", "99"), "not known here"),
            (fixed_key(), lambda text: text[:40], ""),
        ]
        for key, change, words in cases:
            with self.subTest(words=words):
                self.setUp()
                self.put(key, change)
                keys = self.opened()
                self.assertIsNone(keys.keyset(NOW))
                self.assertIn(words, keys.problem)
                self.assertEqual(keys.held.keys, {})

    def test_open_to_others(self) -> None:
        """A secret that others can read is not used."""
        os.chmod(self.put(fixed_key()), 0o644)
        keys = self.opened()
        self.assertIsNone(keys.keyset(NOW))
        self.assertIn("chmod 600", keys.problem)

    def test_clock_before_birth(self) -> None:
        """Signatures of a clock that is behind would be good for nobody."""
        self.opened()
        keys = self.opened(now=NOW - 86400)
        self.assertIsNone(keys.keyset(NOW - 86400))
        self.assertIn("the clock is before", keys.problem)

    def test_lost_key(self) -> None:
        """A state whose key is gone makes no new one."""
        keys = self.opened()
        for name in os.listdir(keys.folder.keys):
            if name.startswith("K"):
                os.remove(os.path.join(keys.folder.keys, name))
        again = self.opened()
        self.assertIsNone(again.keyset(NOW))
        self.assertIn("is gone from", again.problem)

    def test_damaged_state(self) -> None:
        """A state that cannot be read is kept aside; the zone stays signed."""
        keys = self.opened()
        with open(keys.folder.state_path, "w") as file:
            file.write('{"version": 99}')
        again = self.opened()
        self.assertIn("version 99", again.problem)
        self.assertIsNotNone(again.keyset(NOW))
        with open(f"{keys.folder.state_path}.bad") as file:
            self.assertEqual(file.read(), '{"version": 99}')

    def test_full_disk(self) -> None:
        """What cannot be kept does not happen."""
        with mock.patch(
            "dinamed.server.key_folder.write_atomically",
            side_effect=OSError(28, "full"),
        ):
            keys = self.opened()
            self.assertIsNone(keys.keyset(NOW))
            self.assertIn("no key could be made", keys.problem)
        keys = self.opened()
        before = keys.state
        with mock.patch(
            "dinamed.server.key_folder.write_atomically",
            side_effect=OSError(28, "full"),
        ):
            with self.assertRaises(OrderFault):
                keys.roll(NOW)
            with self.assertRaises(OrderFault):
                keys.off(NOW)
            keys.advance(NOW + 9e6, 86400)
        self.assertEqual(keys.state, before)
        self.assertIn("can't be written", keys.problem)
        keys.advance(NOW + 9e6, 86400)
        self.assertEqual(keys.problem, "")

    def test_strange_ds_at_first(self) -> None:
        """A DS of another key: at the first start nothing is signed."""
        keys = self.opened()
        keys.parent_shows(ParentView(NOW, {"192.0.2.1": (4711,)}))
        self.assertIsNone(keys.keyset(NOW))
        self.assertIn("DS of key 4711", keys.problem)
        keys.parent_shows(ParentView(NOW, {"192.0.2.1": ()}))
        self.assertIsNotNone(keys.keyset(NOW))
        self.assertEqual(keys.problem, "")

    def test_false_ds(self) -> None:
        """A DS with our tag and another digest is no DS of ours."""
        keys = self.opened()
        (tag,) = [key.tag for key in keys.held.keys.values()]
        view = ParentView(NOW, {"192.0.2.1": ()}, false=(tag,))
        keys.parent_shows(view)
        self.assertIsNone(keys.keyset(NOW))
        self.assertIn(f"tag {tag}, but not the digest of that key", keys.problem)
        self.assertTrue(keys.must_stay(NOW))
        keys.parent_shows(ParentView(NOW, {"192.0.2.1": (tag,)}))
        self.assertIsNotNone(keys.keyset(NOW))
        self.assertEqual(keys.problem, "")
        keys.parent_shows(view)
        self.assertIsNotNone(keys.keyset(NOW))
        self.assertIn("not the digest", keys.problem)

    def test_strange_ds_later(self) -> None:
        """A parent that had our DS is not believed: what is signed stays signed."""
        keys = self.opened()
        (tag,) = [key.tag for key in keys.held.keys.values()]
        keys.parent_shows(ParentView(NOW, {"192.0.2.1": (tag,)}))
        keys.parent_shows(ParentView(NOW, {"192.0.2.1": (4711,)}))
        self.assertIsNotNone(keys.keyset(NOW))
        self.assertIn("DS of key 4711", keys.problem)
        self.assertTrue(keys.must_stay(NOW))

    def test_cosigner_leaves(self) -> None:
        """A key that the zone's data name no more stays while caches may need it."""
        keys = self.opened()
        theirs = fixed_key(number=99)
        (other,) = keys.take_others([theirs.dnskey], NOW)
        self.assertEqual((other.tag, other.gone_since), (theirs.tag, None))
        self.assertEqual(keys.problem, "")
        (other,) = keys.take_others([], NOW + 10)
        self.assertEqual(other.gone_since, NOW + 10)
        self.assertIn(f"key {theirs.tag} of another signer", keys.problem)
        again = self.opened()
        (other,) = again.take_others([], NOW + 20)
        self.assertEqual(other.gone_since, NOW + 10)
        self.assertEqual(list(again.take_others([], NOW + 9e6)), [])
        self.assertEqual(again.problem, "")

    def test_cosigner_with_ds(self) -> None:
        """It stays as long as the parent has a DS of it, which is not a strange one."""
        keys = self.opened()
        theirs = fixed_key(number=99)
        keys.take_others([theirs.dnskey], NOW)
        keys.parent_shows(ParentView(NOW, {"192.0.2.1": (theirs.tag,)}))
        self.assertIsNotNone(keys.keyset(NOW))
        self.assertEqual(keys.problem, "")
        keys.take_others([], NOW)
        self.assertEqual(len(keys.take_others([], NOW + 9e6)), 1)
        keys.parent_shows(ParentView(NOW, {"192.0.2.1": ()}))
        self.assertEqual(len(keys.take_others([], NOW + 9e6)), 0)

    def test_name_servers(self) -> None:
        """A name server with none of our keys is told, until it has one."""
        keys = self.opened()
        (tag,) = [key.tag for key in keys.held.keys.values()]
        shown: dict[str, tuple[int, ...] | None]
        shown = {"192.0.2.1": (tag,), "192.0.2.2": None, "192.0.2.3": (tag, 4711)}
        keys.servers_show(ServersView(NOW, shown))
        self.assertEqual(keys.problem, "")
        keys.servers_show(ServersView(NOW, {**shown, "192.0.2.2": (4711,)}))
        self.assertIn("192.0.2.2 has key 4711, and none of ours", keys.problem)
        self.assertIsNotNone(keys.keyset(NOW))
        keys.servers_show(ServersView(NOW, {**shown, "192.0.2.2": ()}))
        self.assertIn("192.0.2.2 has no key, and none of ours", keys.problem)
        keys.servers_show(ServersView(NOW, shown))
        self.assertEqual(keys.problem, "")

    def test_times_of_keys(self) -> None:
        """A key whose time is over, or has not come, as its file says, is not used."""
        old, new, late = (fixed_key(number=number) for number in (11, 12, 13))
        for key, times in (
            (old, {"Created": NOW - 9e6, "Inactive": NOW - 60}),
            (late, {"Created": NOW, "Activate": NOW + 9e6}),
        ):
            path = self.put(key)
            with open(path, "w") as file:
                file.write(private_text(key, times))
        keys = self.opened()
        self.assertIsNone(keys.keyset(NOW))
        self.assertIn(f"key {old.tag} is over (Inactive)", keys.problem)
        self.assertIn(f"key {late.tag} has not come (Activate)", keys.problem)
        self.put(new)
        keys = self.opened()
        out = keys.keyset(NOW)
        assert out is not None
        self.assertEqual([key.tag for key in out.published], [new.tag])
        self.assertIn(f"key {old.tag} is over", keys.problem)

    def test_colliding_tag(self) -> None:
        """Of two keys, one with the tag of the other revoked, one is left out."""
        found: dict[int, Key] = {}
        for number in range(1, 9999):
            key = fixed_key(number=number)
            if key.tag - 0x80 in found:
                break
            found[key.tag] = key
        for one in (found[key.tag - 0x80], key):
            self.put(one)
        keys = self.opened()
        self.assertIn("collides with that of another key", keys.problem)
        self.assertEqual(len(keys.held.keys), 1)

    def test_lifetime(self) -> None:
        """A key rolls by itself when its time is over."""
        keys = self.opened(lifetime=30 * 86400)
        keys.advance(NOW + 29 * 86400, 300)
        assert keys.state is not None
        self.assertIsNone(keys.state.roll)
        keys.advance(NOW + 31 * 86400, 300)
        self.assertIsNotNone(keys.state.roll)

    def test_signatures_outlast_a_restart(self) -> None:
        """What was signed is not signed again; a damaged file is as good as none."""
        keys = self.opened()
        (key,) = keys.held.keys.values()
        first = keys.signatures.signature(key, b"octets")
        keys.remember()
        again = self.opened()
        again.recall()
        self.assertEqual(again.signatures.signature(key, b"octets"), first)
        self.assertEqual(again.signatures.made, 0)
        with open(keys.folder.signatures_path, "r+b") as file:
            file.seek(20)
            file.write(b"damaged")
        third = self.opened()
        third.recall()
        self.assertEqual(len(third.signatures), 0)
