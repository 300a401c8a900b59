"""Tests of reloading when the file of another program changes."""

import os
from random import Random

from twisted.internet.defer import Deferred, succeed

from dinamed.server.authority import Authority
from dinamed.server.config_loader import ConfigError, load_here
from dinamed.server.file_watchers import CONFIG_INTERVAL, ConfigWatcher
from dinamed.server.services import ReloadOutcome
from tests.at_once import ReactorOfOneThread
from tests.formats.support import FormatsTestCase

PARTS = 'include = ["*.part"]\n[server]\nreload = "watch"\n'
CONFIG = '[zones."example.org"]\ngeodns = "z.json"\n'


def zone(address: str, extra: str = "") -> str:
    """A zone of geodns with one name."""
    www = f'"www": {{"a": [["{address}"]]}}'
    return f'{{"data": {{{extra}"": {{"ns": ["ns."]}}, {www}}}}}'


class FollowTests(FormatsTestCase):
    """When the files are read again."""

    def setUp(self) -> None:
        """Serve a zone of geodns, with a clock that a test drives."""
        super().setUp()
        self.write("z.json", zone("192.0.2.1"))
        self.path = self.write("dinamed.toml", CONFIG)
        self.authority = Authority(load_here(self.path), lambda: 1000.0, Random(1))
        self.clock = ReactorOfOneThread()
        self.reloads = 0
        self.service = ConfigWatcher(self.clock, self.authority, self.reload)
        self.service.startService()
        self.addCleanup(self.service.stopService)

    def reload(self) -> Deferred[ReloadOutcome]:
        """Reload in this process, at once."""
        self.reloads += 1
        try:
            self.authority.apply(load_here(self.path), self.authority.geo)
        except ConfigError as error:
            return succeed(ReloadOutcome(False, tuple(map(str, error.problems))))
        return succeed(ReloadOutcome(True))

    def change(self, text: str) -> None:
        """Write the zone anew, in the way that programs do, and let time pass."""
        new = self.write("z.json.new", text)
        os.rename(new, os.path.join(self.folder, "z.json"))
        self.pass_time()

    def pass_time(self) -> None:
        """Let four looks pass."""
        self.clock.pump([CONFIG_INTERVAL] * 4)

    def address(self) -> bytes:
        """The address of www in what is served."""
        (packed,) = self.authority.loaded.zones.values()
        node = packed.node(b"\x03www")
        assert node is not None
        return node.rrsets[1].rdatas[0]

    def test_unchanged(self) -> None:
        """Nothing is read while nothing changes."""
        self.pass_time()
        self.assertEqual(self.reloads, 0)

    def test_changed(self) -> None:
        """A change is read once, and served."""
        self.change(zone("192.0.2.2"))
        self.assertEqual((self.reloads, self.address()[3]), (1, 2))

    def test_damaged(self) -> None:
        """What is bad changes nothing, and is not tried again and again."""
        self.change("{")
        self.pass_time()
        self.assertEqual((self.reloads, self.address()[3]), (1, 1))
        self.change(zone("192.0.2.3"))
        self.assertEqual((self.reloads, self.address()[3]), (2, 3))

    def test_gone(self) -> None:
        """A file that goes away changes nothing."""
        os.unlink(os.path.join(self.folder, "z.json"))
        self.pass_time()
        self.assertEqual((self.reloads, self.address()[3]), (0, 1))

    def test_warnings(self) -> None:
        """What was left out of a file is in what was loaded, with its line."""
        self.change(zone("192.0.2.2", '"x": {"caa": []}, '))
        self.assertEqual(
            [warning.message for warning in self.authority.loaded.warnings],
            ["unknown key, left out"],
        )


class WatchTests(FollowTests):
    """The same and more where all files are to be looked at."""

    def setUp(self) -> None:
        """Have the config say so."""
        super().setUp()
        self.configure("watch")
        self.authority.apply(load_here(self.path), self.authority.geo)
        self.pass_time()
        self.reloads = 0

    def configure(self, reload: str, pool: str = "") -> None:
        """Write the config."""
        self.path = self.write(
            "dinamed.toml", f'[server]\nreload = "{reload}"\n{CONFIG}{pool}'
        )

    def test_config(self) -> None:
        """A changed config is served; from then on what it says of this holds."""
        self.configure("asked", "[mgmt]\nallow = []\n")
        self.pass_time()
        self.assertEqual(self.reloads, 1)
        self.assertEqual(self.authority.loaded.settings.mgmt.allow, ())
        self.configure("asked")
        self.pass_time()
        self.assertEqual(self.reloads, 1)

    def test_half_written(self) -> None:
        """A file that still grows is left alone until it does not."""
        for length in range(1, 6):
            self.configure("watch", "#" * length)
            self.clock.advance(CONFIG_INTERVAL)
        self.assertEqual(self.reloads, 0)
        self.pass_time()
        self.assertEqual(self.reloads, 1)


class IncludedTests(FormatsTestCase):
    """Files that a config includes."""

    def test_come_and_go(self) -> None:
        """A file is read when it comes, when it changes, and when it is gone."""
        path = self.write("dinamed.toml", PARTS)
        authority = Authority(load_here(path), lambda: 1000.0, Random(1))
        clock = ReactorOfOneThread()
        slips = []

        def reload() -> Deferred[ReloadOutcome]:
            try:
                authority.apply(load_here(path), authority.geo)
            except ConfigError:
                slips.append(-1)
                return succeed(ReloadOutcome(False))
            slips.append(authority.loaded.settings.limits.slip)
            return succeed(ReloadOutcome(True))

        service = ConfigWatcher(clock, authority, reload)
        service.startService()
        self.addCleanup(service.stopService)
        for text in ("[limits]\nslip = 7\n", "[limits]\nslip = 80\n", "["):
            self.write("a.part", text)
            clock.pump([CONFIG_INTERVAL] * 4)
        os.unlink(os.path.join(self.folder, "a.part"))
        clock.pump([CONFIG_INTERVAL] * 4)
        self.assertEqual(slips, [7, 80, -1, 2])
