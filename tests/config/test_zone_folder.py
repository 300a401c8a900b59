"""Tests of zones that are files in a folder, and of what all zones have in common."""

import os

from dinamed.config.settings import Settings
from tests.config.folder import ZONE, FolderTestCase

HEAD = '[server]\nzone_folder = "zones"\n'


class ZoneFolderTests(FolderTestCase):
    """A folder with zone files beside the config."""

    def setUp(self) -> None:
        super().setUp()
        os.mkdir(os.path.join(self.folder, "zones"))

    def zones(self, text: str, *files: str) -> dict[str, str | None]:
        """The zones of a config that has no problem, with their files."""
        settings = self.settings(text, *files)
        return {zone.name: zone.file for zone in settings.zones}

    def settings(self, text: str, *files: str) -> Settings:
        """The settings of a config, with these files in the folder."""
        for name in files:
            self.write(f"zones/{name}", ZONE)
        loaded = self.load(text)
        self.assertEqual([str(one) for one in loaded.problems], [])
        assert loaded.settings is not None
        return loaded.settings

    def problems_of(self, text: str, *files: str) -> list[str]:
        """The problems of a config with these files in the folder."""
        for name in files:
            self.write(f"zones/{name}", ZONE)
        problems = self.load(text).problems
        return [str(one).replace(self.folder, "FOLDER") for one in problems]

    def test_names(self) -> None:
        """A file is the zone that its name says; others are left alone."""
        text = HEAD + '[zones."example.net"]\nfile = "a.zone"\n'
        files = ("example.org.zone", "0@25.2.0.192.in-addr.arpa.zone", "root.zone")
        found = self.zones(text, *files, "notes.txt", "zone")
        self.assertEqual(
            list(found),
            ["example.net", "0/25.2.0.192.in-addr.arpa", "example.org", "."],
        )
        path = os.path.join(self.folder, "zones", "example.org.zone")
        self.assertEqual(found["example.org"], path)

    def test_twice(self) -> None:
        """A zone in both places is an error, whatever the case of its name."""
        text = HEAD + '[zones."Example.org."]\nfile = "a.zone"\n'
        self.assertEqual(
            self.problems_of(text, "example.ORG.zone"),
            [
                'FOLDER/dinamed.toml:3: zones."Example.org.": this zone is '
                "FOLDER/zones/example.ORG.zone already"
            ],
        )

    def test_bad_names(self) -> None:
        """A file whose name is none of a zone is told with the folder's key."""
        (told,) = self.problems_of(HEAD, "a..b.zone")
        self.assertIn(
            "dinamed.toml:2: server.zone_folder: FOLDER/zones/a..b.zone", told
        )

    def test_no_folder(self) -> None:
        """A folder that can't be read is one problem."""
        (told,) = self.problems_of('[server]\nzone_folder = "none"\n')
        self.assertIn("server.zone_folder: can't read FOLDER/none: No such file", told)

    def test_defaults(self) -> None:
        """Each zone has the keys that it does not have itself."""
        text = (
            HEAD
            + '[zone_defaults]\ntransfer = ["192.0.2.0/24"]\nclient_subnet = false\n'
            + '[zones."example.net"]\nfile = "a.zone"\nclient_subnet = true\n'
        )
        settings = self.settings(text, "example.org.zone")
        found = {zone.name: zone for zone in settings.zones}
        self.assertTrue(found["example.net"].client_subnet)
        self.assertFalse(found["example.org"].client_subnet)
        for zone in found.values():
            self.assertEqual(zone.transfer, ("192.0.2.0/24",))

    def test_default_source(self) -> None:
        """A source for all does not stand beside that of a zone's own."""
        text = (
            '[zone_defaults]\nprimary = ["192.0.2.1"]\n[zones."example.net"]\n'
            '[zones."example.org"]\nfile = "a.zone"\n[server]\nstate = "."\n'
        )
        settings = self.settings(text)
        first, second = settings.zones
        self.assertEqual((len(first.primary), second.primary), (1, ()))

    def test_bad_defaults(self) -> None:
        """What is wrong with the defaults is told once, where it stands."""
        told = self.problems_of(
            HEAD + "[zone_defaults]\nclient_subnet = 7\n", "a.zone", "b.zone"
        )
        self.assertEqual(len(told), 1)
        self.assertIn("dinamed.toml:4: zone_defaults.client_subnet: ", told[0])
