"""Tests for loading, here and in a child process."""

import errno
import os
import sys
from typing import Any

from twisted.internet.interfaces import IReactorProcess
from twisted.trial.unittest import SynchronousTestCase, TestCase

from dinamed.config import compiled
from dinamed.server import config_loader
from dinamed.server.config_loader import (
    CompileError,
    ConfigError,
    Configuration,
    load_aside,
    load_here,
    load_now,
)
from dinamed.wire.names import from_text
from tests.server.support import CONFIG, ZONE, load_config, write_config

ORIGIN = from_text("example.org.")


def descriptors() -> int:
    """How many files this process has open."""
    return len(os.listdir("/proc/self/fd"))


class LoadNowTests(SynchronousTestCase):
    """Before anything is served."""

    def test_here(self) -> None:
        """Small configs are read in this process."""

        def no_child(path: str) -> None:
            self.fail("a child for a small config")

        self.patch(config_loader, "_load_in_child", no_child)
        loaded = load_now(write_config(self.mktemp()))
        self.assertEqual(loaded.settings.server.identity, "ns-test")
        self.assertEqual(list(loaded.zones), [ORIGIN])
        self.assertEqual(list(loaded.sources), [ORIGIN])
        self.assertEqual(loaded.zones[ORIGIN].records, 4)

    def test_in_a_child(self) -> None:
        """Big ones are read in a child, with the same result."""
        path = write_config(self.mktemp())
        self.patch(config_loader, "IN_PROCESS_LIMIT", 0)
        self.patch(config_loader, "load_here", None)
        before = descriptors()
        loaded = load_now(path)
        self.assertEqual(loaded.zones[ORIGIN].records, 4)
        self.assertTrue(loaded.zones[ORIGIN].find(from_text("www.example.org.")))
        self.assertLessEqual(descriptors(), before + 1)  # that of the mapping

    def test_problems(self) -> None:
        """What is wrong is told the same way by both."""
        path = write_config(self.mktemp(), CONFIG.replace('"mirrors"', '"mirors"'))
        told = []
        for limit in (1 << 30, 0):
            self.patch(config_loader, "IN_PROCESS_LIMIT", limit)
            with self.assertRaises(ConfigError) as caught:
                load_now(path)
            told.append(caught.exception.problems)
            lines = str(caught.exception).splitlines()
            self.assertEqual(lines, [str(problem) for problem in told[-1]])
        self.assertEqual(told[0], told[1])
        self.assertTrue(told[0])

    def test_no_such_file(self) -> None:
        """A config that is not there is a problem like others."""
        for limit in (1 << 30, -1):
            self.patch(config_loader, "IN_PROCESS_LIMIT", limit)
            with self.assertRaises(ConfigError) as caught:
                load_now("/nowhere/dinamed.toml")
            self.assertIn("/nowhere/dinamed.toml", str(caught.exception))

    def test_child_comes_to_grief(self) -> None:
        """A child that fails, says nonsense or cannot be had is done without."""
        path = write_config(self.mktemp())
        self.patch(config_loader, "IN_PROCESS_LIMIT", 0)
        for command in (
            [sys.executable, "-c", "raise SystemExit(3)"],
            [sys.executable, "-c", "print('nonsense')"],
            ["/nowhere/python"],
        ):

            def strange(path: str, output: int, it: list[str] = command) -> list[str]:
                return it

            self.patch(config_loader, "_command", strange)
            before = descriptors()
            self.assertEqual(list(load_now(path).zones), [ORIGIN])
            self.assertEqual(descriptors(), before)

    def test_current_folder(self) -> None:
        """The child imports nothing from where it happens to be started."""
        folder = self.mktemp()
        path = os.path.abspath(write_config(folder))
        for name in ("msgspec.py", "dinamed.py", "hashlib.py"):
            with open(os.path.join(folder, name), "w") as stream:
                stream.write("raise SystemExit('a stranger')\n")
        here = os.getcwd()
        self.addCleanup(os.chdir, here)
        self.patch(sys, "path", [entry or here for entry in sys.path])
        os.chdir(folder)
        self.patch(config_loader, "IN_PROCESS_LIMIT", 0)
        self.patch(config_loader, "load_here", None)
        self.assertEqual(list(load_now(path).zones), [ORIGIN])


class LoadAsideTests(TestCase):
    """While answers go on: with real children."""

    def setUp(self) -> None:
        from twisted.internet import reactor

        self.reactor: Any = reactor
        self.folder = self.mktemp()
        self.patch(compiled, "FRESH", -(10**12))
        self.now = load_config(self.folder)

    def aside(self) -> Any:
        """Load in a child."""
        return load_aside(self.reactor, self.now.settings.path, self.now)

    async def test_unchanged(self) -> None:
        """A zone whose file is as it was is the very same object."""
        await self.aside()  # the reactor opens files of its own for its first child
        before = descriptors()
        loaded: Configuration = await self.aside()
        self.assertIs(loaded.zones[ORIGIN], self.now.zones[ORIGIN])
        self.assertEqual(loaded.sources, self.now.sources)
        self.assertEqual(loaded.settings, self.now.settings)
        self.assertEqual(descriptors(), before)

    async def test_changed(self) -> None:
        """Another file is another zone, and the settings are read anew."""
        config = CONFIG.replace("ns-test", "other")
        write_config(self.folder, config, ZONE + "new IN A 192.0.2.9\n")
        loaded: Configuration = await self.aside()
        self.assertEqual(loaded.settings.server.identity, "other")
        self.assertEqual(loaded.zones[ORIGIN].records, 5)
        self.assertEqual(self.now.zones[ORIGIN].records, 4)

    async def test_new_zone_beside_an_old_one(self) -> None:
        """Only the new one is read."""
        write_config(self.folder, name="b.zone")
        config = CONFIG + '[zones."b.test"]\nfile = "b.zone"\n'
        with open(self.now.settings.path, "w") as stream:
            stream.write(config)
        os.utime(self.now.settings.path)
        loaded: Configuration = await self.aside()
        self.assertIs(loaded.zones[ORIGIN], self.now.zones[ORIGIN])
        self.assertEqual(loaded.zones[from_text("b.test.")].records, 4)

    async def test_problems(self) -> None:
        """A config that is not good fails with all that is wrong."""
        write_config(self.folder, CONFIG + "what = 1\n", "@ IN A nothing\n")
        failed = await self.aside().addErrback(lambda failure: failure.value)
        assert isinstance(failed, ConfigError)
        self.assertGreater(len(failed.problems), 1)

    async def test_child_comes_to_grief(self) -> None:
        """A child that fails or says nonsense is a `CompileError` with its words."""
        await self.aside()
        before = descriptors()
        for code, said in (
            ("raise SystemExit('oh dear')", "oh dear"),
            ("print('nonsense')", "no result"),
            ("import os; os.kill(os.getpid(), 9)", "signal 9"),
        ):
            command = [sys.executable, "-c", code]

            def strange(path: str, fd: int, it: list[str] = command) -> list[str]:
                return it

            self.patch(config_loader, "_command", strange)
            failed = await self.aside().addErrback(lambda failure: failure.value)
            assert isinstance(failed, CompileError), failed
            self.assertIn(said, str(failed))
        self.assertEqual(descriptors(), before)

    def test_no_child_to_be_had(self) -> None:
        """Where no process can be made, that is raised, and nothing stays open."""

        class Refusing:
            """A reactor at the limit of its processes."""

            def spawnProcess(self, *a: object, **k: object) -> None:
                """No."""
                raise OSError(errno.EAGAIN, "no more")

        before = descriptors()
        reactor: IReactorProcess = Refusing()  # type: ignore[assignment]
        with self.assertRaises(OSError):
            load_aside(reactor, self.now.settings.path, self.now)
        self.assertEqual(descriptors(), before)


class LoadHereTests(SynchronousTestCase):
    """In this process."""

    def test_many_zones(self) -> None:
        """Zones in one buffer do not get in each other's way."""
        folder = self.mktemp()
        config = CONFIG
        for number in range(5):
            text = ZONE + f"n{number} IN A 192.0.2.{number}\n"
            write_config(folder, zone=text, name=f"z{number}.zone")
            config += f'[zones."z{number}.test"]\nfile = "z{number}.zone"\n'
        loaded = load_here(write_config(folder, config))
        self.assertEqual(len(loaded.zones), 6)
        for number in range(5):
            zone = loaded.zones[from_text(f"z{number}.test.")]
            self.assertIsNotNone(zone.node(b"\x02n%d" % number))
