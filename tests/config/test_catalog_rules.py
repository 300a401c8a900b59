"""The catalog in the config: its name, and who may transfer it."""

from dinamed.config.settings import ZoneSettings
from tests.config.folder import FolderTestCase

HEAD = '[server]\ncatalog = "Cat.Example."\n'
KEYS = """\
[keys.one]
secret = "c2VjcmV0IGVub3VnaA=="
[keys.two]
secret = "c2VjcmV0IGVub3VnaA=="
"""


def zone(name: str, transfer: str) -> str:
    """The table of a zone with a file, and notify as transfer."""
    return f'[zones."{name}"]\nfile = "a.zone"\ntransfer = {transfer}\n'


class CatalogRulesTests(FolderTestCase):
    """`[server] catalog`."""

    def catalog(self, text: str) -> ZoneSettings:
        """The catalog of a config without problems."""
        loaded = self.load(HEAD + text + KEYS)
        self.assertEqual([str(one) for one in loaded.problems], [])
        assert loaded.settings is not None
        self.assertEqual(loaded.settings.server.catalog, "cat.example")
        zones = loaded.settings.zones
        (found,) = [one for one in zones if one.name.lower() == "cat.example"]
        self.assertEqual((found.file, found.primary), (None, ()))
        return found

    def problems_of(self, text: str) -> list[str]:
        """What is wrong in a config."""
        return [
            str(one).replace(self.folder, "FOLDER") for one in self.load(text).problems
        ]

    def test_common(self) -> None:
        """Without a word on it: whoever may transfer every zone."""
        text = zone("a.example", '["key:one", "key:two"]')
        text += zone("b.example", '["key:two", "192.0.2.1"]')
        self.assertEqual(self.catalog(text).transfer, ("key:two",))

    def test_nobody(self) -> None:
        """A zone that nobody may transfer keeps all names from everybody."""
        text = zone("a.example", '["key:one"]') + zone("b.example", "[]")
        self.assertEqual(self.catalog(text).transfer, ())

    def test_defaults(self) -> None:
        """What holds for all zones holds for it, but not their source."""
        text = '[zone_defaults]\nfile = "a.zone"\ntransfer = ["key:one"]\n'
        text += 'notify = ["192.0.2.7"]\n' + zone("a.example", '["key:two"]')
        found = self.catalog(text)
        self.assertEqual(found.transfer, ("key:one",))
        self.assertEqual([peer.address for peer in found.notify], ["192.0.2.7"])

    def test_own(self) -> None:
        """Its own table comes first."""
        text = zone("a.example", '["key:two"]') + "[zone_defaults]\nnotify = []\n"
        text += '[zones."CAT.example"]\ntransfer = ["key:one"]\n'
        self.assertEqual(self.catalog(text).transfer, ("key:one",))

    def test_no_other_keys(self) -> None:
        """It has no source, and takes no updates."""
        (told,) = self.problems_of(HEAD + '[zones."cat.example"]\nfile = "a.zone"\n')
        self.assertEqual(
            told,
            'FOLDER/dinamed.toml:4: zones."cat.example".file: '
            "the catalog is made here: it has transfer and notify",
        )

    def test_names(self) -> None:
        """What is not the name of a zone is refused."""
        for name in (".", "@", "*.example", "a..b", ""):
            with self.subTest(name):
                (told,) = self.problems_of(f'[server]\ncatalog = "{name}"\n')
                self.assertIn("dinamed.toml:2: server.catalog: ", told)


class FollowedTests(FolderTestCase):
    """`[catalogs."NAME"]`."""

    def problems_of(self, text: str) -> list[str]:
        """What is wrong in a config, without the place."""
        return [str(one).partition(": ")[2] for one in self.load(text + KEYS).problems]

    def test_key(self) -> None:
        """It is that of all primaries that have none; members share the defaults."""
        loaded = self.load(
            '[catalogs."Cat.example."]\nkey = "one"\nprimary = ["192.0.2.1", '
            '{ address = "192.0.2.2", key = "two" }]\n'
            '[zone_defaults]\ntransfer = ["key:two"]\nnotify = ["192.0.2.7"]\n' + KEYS
        )
        assert loaded.settings is not None, loaded.problems
        (catalog,) = loaded.settings.catalogs
        self.assertEqual(catalog.name, "cat.example")
        member = catalog.zone("a.example")
        self.assertEqual([peer.key for peer in member.primary], ["one", "two"])
        self.assertEqual(member.transfer, ("key:two",))
        self.assertEqual([peer.address for peer in member.notify], ["192.0.2.7"])

    def test_one_primary(self) -> None:
        """A single primary needs no brackets."""
        for text in ('"192.0.2.1"', '{ address = "192.0.2.1" }', '["192.0.2.1"]'):
            loaded = self.load(f'[catalogs."cat.example"]\nprimary = {text}\n')
            assert loaded.settings is not None, loaded.problems
            (peer,) = loaded.settings.catalogs[0].primary
            self.assertEqual(peer.address, "192.0.2.1")

    def test_problems(self) -> None:
        """No primary, keys that are not there, zones of the config, what has no use."""
        head = '[catalogs."cat.example"]\n'
        good = head + 'primary = ["192.0.2.1"]\n'
        for text, told in (
            (head, 'catalogs."cat.example".primary: a catalog needs a primary'),
            (good + 'key = "onne"\n', 'catalogs."cat.example".key: no key "onne"'),
            (
                good + '[zone_defaults]\nnotify = [{ address = "192.0.2.1", '
                'key = "nobody" }]\n',
                'zone_defaults.notify[0]: no key "nobody"',
            ),
            (good + "transfer = []\n", 'catalogs."cat.example".transfer: unknown key'),
            (
                good + zone("Cat.Example", "[]"),
                'catalogs."cat.example": the same zone as "Cat.Example"',
            ),
            (
                '[server]\ncatalog = "cat.example"\n' + good,
                'catalogs."cat.example": the same zone as "cat.example"',
            ),
        ):
            with self.subTest(told):
                (found,) = self.problems_of(text)
                self.assertTrue(found.startswith(told), found)
