"""Zones that are a file each: the same in a table of them as one by one."""

import os
from pathlib import Path

from dinamed.config import compiled, zone_folder
from dinamed.config.check import Everything, load_all
from dinamed.config.compiled import Compiled, compile_all
from dinamed.config.file_zones import states_of
from dinamed.config.small_zones import KnownSmall
from dinamed.wire.names import from_text, to_text
from dinamed.zones.masterdata import native
from tests.config.folder import ZONE, FolderTestCase

HEAD = '[server]\nzone_folder = "zones"\n'
ODD = ZONE + "sub NS ns1.sub\n"
"""A zone about which there is something to be said."""


class FileZoneTests(FolderTestCase):
    """Whatever stands in the config and in the files."""

    def setUp(self) -> None:
        super().setUp()
        os.mkdir(os.path.join(self.folder, "zones"))
        for name in ("a.example", "b.example", "c.example", "sub.c.example"):
            self.write(f"zones/{name}.zone", ZONE)
        self.write("zones/odd.example.zone", ODD)
        self.path = os.path.join(self.folder, "dinamed.toml")

    def read(self, fewest: int) -> Everything:
        """Read everything, with a table of zones from so many on."""
        self.patch(zone_folder, "FEWEST", fewest)
        return load_all(self.path)

    def same(self, config: str) -> Everything:
        """What is read with a table, which must say what is read without."""
        self.write("dinamed.toml", config)
        many, few = self.read(1), self.read(1000)
        self.assertEqual(many.problems, few.problems)
        self.assertEqual(many.warnings, few.warnings)
        octets = [
            {
                to_text(origin): bytes(one.packed().octets(origin))
                for origin in one.packed()
            }
            for one in (many, few)
        ]
        self.assertEqual(*octets)
        return many

    def test_folder(self) -> None:
        """Zones of the folder are in the table, but for those that need a look."""
        found = self.same(HEAD)
        assert found.settings is not None
        own = {zone.name for zone in found.settings.zones}
        listed = {to_text(one) for one in found.settings.file_zones.origins}
        if native is None:
            self.assertEqual(listed, set())
        else:
            self.assertEqual(own, {"odd.example", "c.example"})
            self.assertEqual(listed, {"a.example.", "b.example.", "sub.c.example."})

    def test_tables(self) -> None:
        """Tables with nothing but a file go with them; others stay what they are."""
        text = HEAD + '[pools.p]\n[[pools.p.members]]\nname = "m"\n'
        text += 'addresses = ["198.51.100.1"]\n'
        for name, more in (("x", ""), ("y", "client_subnet = false\n"), ("z", "")):
            text += f'[zones."{name}.example"]\nfile = "zones/a.example.zone"\n{more}'
        found = self.same(text + '[zones."z.example".names]\nftp = "p"\n')
        assert found.settings is not None
        own = {zone.name for zone in found.settings.zones}
        self.assertLessEqual({"y.example", "z.example"}, own)
        self.assertEqual("x.example" in own, native is None)

    def test_problems(self) -> None:
        """What is wrong is told in the same words and in the same place."""
        self.write("zones/bad.example.zone", ZONE + "www A 192.0.2\n")
        os.mkdir(os.path.join(self.folder, "zones", "folder.example.zone"))
        self.write("zones/A.example.zone", ZONE)
        lone = '[zones."{}"]\nfile = "{}"\n'.format
        for text in (
            HEAD,
            HEAD + lone("n.example", "missing.zone") + lone("..", "zones/a.zone"),
            HEAD + lone("a.example", "zones/a.example.zone"),
            HEAD + lone("x.example", "") + lone("y.example", "zones"),
            lone("X.example.", "zones/a.example.zone")
            + lone("x.example", "zones/a.example.zone"),
            lone("x.example", "zones/a.example.zone")
            + '[zones."w.example"]\nfile = "zones/b.example.zone"\n'
            + '[zones."w.example".names]\n"a.x.example." = "p"\n',
        ):
            self.assertTrue(self.same(text).problems, text)

    def test_defaults(self) -> None:
        """Rights of all zones are theirs; other defaults want a look at each."""
        rights = '[zone_defaults]\ntransfer = ["192.0.2.1"]\nnotify = ["192.0.2.1"]\n'
        found = self.same(HEAD + rights)
        assert found.settings is not None
        many = found.settings.file_zones
        if native is not None:
            self.assertEqual(many.zone(0).transfer, ("192.0.2.1/32",))
            self.assertEqual(many.zone(0).notify[0].address, "192.0.2.1")
        found = self.same(HEAD + '[zone_defaults]\naliases = { w = "www" }\n')
        assert found.settings is not None
        self.assertEqual(found.settings.file_zones.origins, ())
        self.write("dinamed.toml", HEAD + '[zone_defaults]\ntransfer = ["key:nix"]\n')
        for fewest in (1, 1000):
            self.assertTrue(self.read(fewest).problems)

    def test_states_in_python(self) -> None:
        """Python says the same of files as the extension."""
        paths = [
            os.path.join(self.folder, one) for one in ("zones", "nix", "dinamed.toml")
        ]
        self.write("dinamed.toml", "")
        quick = states_of(paths)
        from dinamed.config import file_zones

        self.patch(file_zones, "native", None)
        self.assertEqual(states_of(paths), quick)


class ReloadTests(FolderTestCase):
    """What has not changed is not built again."""

    def setUp(self) -> None:
        super().setUp()
        self.patch(zone_folder, "FEWEST", 1)
        self.patch(compiled, "FRESH", -(10**12))
        os.mkdir(os.path.join(self.folder, "zones"))
        self.write("dinamed.toml", HEAD)
        for name in ("a", "b", "c"):
            self.write(f"zones/{name}.example.zone", ZONE)

    def compile(self, before: Compiled | None = None) -> Compiled:
        """Read everything, knowing what was read before."""
        small = KnownSmall()
        zones = {}
        if before is not None and before.settings is not None:
            many = before.settings.file_zones
            small = KnownSmall(many.origins, many.files, before.small.states)
            zones = {zone.origin: zone.source for zone in before.zones}
        self.written: list[bytes] = []
        path = os.path.join(self.folder, "dinamed.toml")
        return compile_all(path, zones, self.written.append, small)  # type: ignore[arg-type]

    def built(self, result: Compiled) -> set[str]:
        """The zones that were built."""
        assert result.settings is not None
        sizes = memoryview(result.small.sizes).cast("I")
        origins = result.settings.file_zones.origins
        quick = {to_text(one) for one, size in zip(origins, sizes, strict=True) if size}
        return quick | {to_text(zone.origin) for zone in result.zones if zone.size}

    def test_one_changes(self) -> None:
        """One that changes, comes or goes is one that is built."""
        first = self.compile()
        self.assertEqual(self.built(first), {"a.example.", "b.example.", "c.example."})
        second = self.compile(first)
        self.assertEqual((self.built(second), b"".join(self.written)), (set(), b""))
        self.write("zones/b.example.zone", ZONE + "more A 192.0.2.9\n")
        self.write("zones/d.example.zone", ZONE)
        os.remove(os.path.join(self.folder, "zones", "a.example.zone"))
        third = self.compile(second)
        self.assertEqual(self.built(third), {"b.example.", "d.example."})
        self.write("zones/b.example.zone", ODD)
        fourth = self.compile(third)
        self.assertEqual(self.built(fourth), {"b.example."})
        self.assertEqual(self.built(self.compile(fourth)), set())
        assert fourth.settings is not None
        self.assertIn("b.example", [zone.name for zone in fourth.settings.zones])

    def test_fresh(self) -> None:
        """A file that has just changed may change again unseen: it is built again."""
        self.patch(compiled, "FRESH", 10**12)
        first = self.compile()
        self.assertEqual(self.built(self.compile(first)), self.built(first))

    def test_swapped(self) -> None:
        """A zone with the file of another is built."""
        if native is None:
            return
        known = KnownSmall((from_text("a.example."),), ("/a",), bytes(range(32)))
        is_same = known.is_same()
        self.assertTrue(is_same(from_text("a.example."), "/a", bytes(range(32))))
        self.assertFalse(is_same(from_text("a.example."), "/b", bytes(range(32))))
        self.assertFalse(is_same(from_text("b.example."), "/a", bytes(range(32))))
        self.assertFalse(is_same(from_text("a.example."), "/a", bytes(32)))
        self.assertTrue(Path(self.folder).is_dir())
