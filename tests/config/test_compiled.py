"""Tests for what crosses processes: a config with its zones, packed."""

import io
import os
import signal
import sys
import time
from collections.abc import Mapping
from pathlib import Path

import msgspec
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config import compiled
from dinamed.config.compiled import (
    FRESH,
    PAGE,
    Compiled,
    KnownZones,
    ServedZones,
    compile_all,
    fingerprint,
    main,
)
from dinamed.wire.names import from_text
from dinamed.zones.packed import PackedZone
from tests.plans.support import HEAD

ORIGINS = [from_text("one.test."), from_text("two.test.")]
CONFIG = """\
[zones."one.test"]
file = "one.zone"
[zones."two.test"]
file = "two.zone"
[zones."two.test".names]
ftp = "p"
[pools.p]
[[pools.p.members]]
name = "a"
addresses = ["192.0.2.1"]
"""


class CompileCase(SynchronousTestCase):
    """A config with two zones, in a folder of its own, its files not fresh."""

    def setUp(self) -> None:
        self.patch(compiled, "FRESH", -(10**12))
        self.folder = Path(self.mktemp())
        self.folder.mkdir()
        self.path = self.write("dinamed.toml", CONFIG)
        for name in ("one.zone", "two.zone"):
            self.write(name, HEAD)

    def write(self, name: str, text: str) -> str:
        """Write a file; its path."""
        (self.folder / name).write_text(text)
        return str(self.folder / name)

    def run_it(self, known: Mapping[bytes, object] | None = None) -> Compiled:
        """Compile what differs from what is known; keep what is written."""
        self.output = io.BytesIO()
        return compile_all(self.path, dict(known or {}), self.output.write)  # type: ignore[arg-type]

    def known(self) -> KnownZones:
        """Compile everything, and know it."""
        return {zone.origin: zone.source for zone in self.run_it().zones}

    def rebuilt(self, known: KnownZones) -> set[bytes]:
        """The origins of the zones that were not taken as known."""
        return {zone.origin for zone in self.run_it(known).zones if zone.size}


class CompileTests(CompileCase):
    """Everything at once."""

    def test_zones(self) -> None:
        """Each zone is what it says; a large one starts on a page."""
        self.patch(compiled, "LARGE", 1)
        result = self.run_it()
        assert result.settings is not None
        self.assertEqual(result.problems, ())
        octets = self.output.getvalue()
        self.assertEqual(len(octets) % PAGE, 0)
        for zone, origin in zip(result.zones, ORIGINS, strict=True):
            self.assertEqual(zone.start % PAGE, 0)
            packed = PackedZone(octets[zone.start : zone.start + zone.size])
            self.assertEqual((zone.origin, packed.origin), (origin, origin))

    def test_problems(self) -> None:
        """With anything wrong there are no settings, and no octets."""
        self.write("one.zone", "@ IN A x\n")
        result = self.run_it()
        self.assertIsNone(result.settings)
        self.assertTrue(result.problems)
        self.assertEqual((result.zones, self.output.getvalue()), ((), b""))

    def test_crosses_processes(self) -> None:
        """MessagePack gives back what it was given."""
        result = self.run_it()
        data = msgspec.msgpack.encode(result)
        self.assertEqual(msgspec.msgpack.decode(data, type=Compiled), result)


class UnchangedTests(CompileCase):
    """Zones that are as they were are not read again."""

    def test_nothing_changed(self) -> None:
        """No zone is read, all are still there."""
        known = self.known()
        result = self.run_it(known)
        self.assertEqual([zone.size for zone in result.zones], [0, 0])
        self.assertEqual({zone.origin for zone in result.zones}, set(ORIGINS))
        self.assertEqual(self.output.getvalue(), b"")

    def test_file_changed(self) -> None:
        """Another size, and another content of the same size and time."""
        known = self.known()
        self.write("one.zone", HEAD + "www IN A 192.0.2.1\n")
        self.assertEqual(self.rebuilt(known), {ORIGINS[0]})
        known = self.known()
        before = os.stat(self.folder / "one.zone")
        self.write("new", HEAD + "www IN A 192.0.2.2\n")
        os.utime(self.folder / "new", ns=(before.st_atime_ns, before.st_mtime_ns))
        os.replace(self.folder / "new", self.folder / "one.zone")
        self.assertEqual(self.rebuilt(known), {ORIGINS[0]})

    def test_included_file_changed(self) -> None:
        """What a zone includes belongs to it."""
        self.write("one.zone", HEAD + "$INCLUDE more\n")
        self.write("more", "www IN A 192.0.2.1\n")
        known = self.known()
        self.assertEqual(self.rebuilt(known), set())
        self.write("more", "www IN A 192.0.2.1\nx IN A 192.0.2.2\n")
        self.assertEqual(self.rebuilt(known), {ORIGINS[0]})

    def test_names_changed(self) -> None:
        """Other bindings to pools are another zone."""
        known = self.known()
        self.write("dinamed.toml", CONFIG.replace("ftp =", "www ="))
        self.assertEqual(self.rebuilt(known), {ORIGINS[1]})

    def test_another_file(self) -> None:
        """The same zone from a file of another name is read."""
        known = self.known()
        self.write("other.zone", HEAD)
        self.write("dinamed.toml", CONFIG.replace("one.zone", "other.zone"))
        self.assertEqual(self.rebuilt(known), {ORIGINS[0]})

    def test_zone_gone(self) -> None:
        """A zone that left the config is not in the result."""
        known = self.known()
        self.write("dinamed.toml", '[zones."one.test"]\nfile = "one.zone"\n')
        self.assertEqual([z.origin for z in self.run_it(known).zones], ORIGINS[:1])

    def test_file_that_changes_meanwhile(self) -> None:
        """A file newer than the start of the reading is read again next time."""
        self.patch(compiled, "FRESH", FRESH)
        known = self.known()
        self.assertEqual({source.fingerprint for source in known.values()}, {b""})
        self.assertEqual(self.rebuilt(known), set(ORIGINS))

    def test_fingerprint(self) -> None:
        """It is empty for fresh files only; missing files have one too."""
        files = (str(self.folder / "one.zone"), str(self.folder / "missing"))
        stamp = fingerprint(files, {}, ())
        self.assertEqual(len(stamp), 16)
        self.assertNotEqual(fingerprint(files[:1], {}, ()), stamp)
        self.assertNotEqual(fingerprint(files, {b"": "p"}, ()), stamp)
        self.assertNotEqual(fingerprint(files, {}, (b"\1a\0",)), stamp)
        self.patch(compiled, "FRESH", FRESH)
        self.assertEqual(fingerprint(files, {}, (), time.time_ns() + 10**12), stamp)
        self.assertEqual(fingerprint(files, {}, (), time.time_ns()), b"")


class MainTests(CompileCase):
    """The child process, run in this one."""

    def test_main(self) -> None:
        """From standard input to standard output and a file."""
        self.addCleanup(signal.signal, signal.SIGHUP, signal.getsignal(signal.SIGHUP))
        output = os.memfd_create("test")
        self.addCleanup(os.close, output)
        told = io.TextIOWrapper(io.BytesIO(msgspec.msgpack.encode(ServedZones())))
        said = io.TextIOWrapper(io.BytesIO())
        self.patch(sys, "stdin", told)
        self.patch(sys, "stdout", said)
        self.patch(sys, "argv", ["compiled", self.path, str(output)])
        main()
        assert isinstance(said.buffer, io.BytesIO)
        result = msgspec.msgpack.decode(said.buffer.getvalue(), type=Compiled)
        self.assertEqual([zone.origin for zone in result.zones], ORIGINS)
        size = sum(zone.size + -zone.size % compiled.ALIGNED for zone in result.zones)
        self.assertEqual(os.fstat(output).st_size, size)
        self.assertIs(signal.getsignal(signal.SIGHUP), signal.SIG_IGN)
