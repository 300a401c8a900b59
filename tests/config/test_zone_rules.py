"""Tests of what must hold of zones."""

import os

from dinamed.config.settings import ZoneSettings
from dinamed.config.zone_rules import bindings, origin
from dinamed.wire.names import from_text
from tests.config.folder import FolderTestCase

POOL = """
[pools.p]
members = [{name = "m", addresses = ["192.0.2.1"]}]
"""


def zone(*lines: str, name: str = "example.org") -> str:
    """A zone with a file; `lines` begin on line 3 and are its names."""
    header = f'[zones."{name}"]\nfile = "a.zone"\n'
    return header + "".join(f"names.{line}\n" for line in lines)


SOURCES = "file, geodns, lbnamed, pgeodns, primary"


class ZoneTests(FolderTestCase):
    """Sources and names of zones."""

    def test_source(self) -> None:
        """A zone comes from one source, which can be read."""
        key = 'zones."example.org"'
        head = f"[{key}]\n"
        self.write("sub.zone", b"")
        os.mkdir(os.path.join(self.folder, "folder"))
        self.check_table(
            [
                (zone(), []),
                (
                    head,
                    [f"1: {key}: needs one of file, geodns, lbnamed, pgeodns, primary"],
                ),
                (
                    head + "file = 'a.zone'\ngeodns = 'x'\nlbnamed = 1",
                    [
                        f"3: {key}.geodns: the zone already comes from file",
                        f"4: {key}.lbnamed: expected text, got 1",
                        f"4: {key}.lbnamed: the zone already comes from file",
                    ],
                ),
                (
                    head + "pgeodns = 'x'",
                    [
                        f"2: {key}.pgeodns: can't read FOLDER/x: "
                        "No such file or directory"
                    ],
                ),
                (
                    head + "file = 'none'",
                    [
                        f"2: {key}.file: can't read FOLDER/none: "
                        "No such file or directory"
                    ],
                ),
                (
                    head + "file = 'folder'",
                    [f"2: {key}.file: FOLDER/folder is not a file"],
                ),
                (head + "file = ''", [f"2: {key}.file: empty path"]),
                (
                    head + 'file = "\\u0000"',
                    [f"2: {key}.file: a path can't have a NUL character"],
                ),
                (
                    head + "fiel = 'a.zone'\nfile = 'a.zone'",
                    [f'2: {key}.fiel: unknown key; did you mean "file"?'],
                ),
            ]
        )
        read = self.settings(zone()).zones[0]
        self.assertEqual(read.file, os.path.join(self.folder, "a.zone"))

    def test_zone_names(self) -> None:
        """Names of zones are names, and none is there twice."""
        self.check_table(
            [
                (zone(name="example.org."), []),
                (zone(name="@"), ['1: zones."@": "@" is not the name of a zone']),
                (zone(name="*.a"), ['1: zones."*.a": a zone can\'t be a wildcard']),
                (zone(name="a..b"), ['1: zones."a..b": empty label']),
                (
                    zone() + zone(name="EXAMPLE.org."),
                    ['3: zones."EXAMPLE.org.": the same zone as "example.org"'],
                ),
                (
                    "[zones.example.org]\nfile = 'a.zone'",
                    [
                        f"1: zones.example: needs one of {SOURCES}",
                        "1: zones.example.org: unknown key; a name with dots is "
                        'written in quotes: zones."example.org"',
                    ],
                ),
            ]
        )

    def test_owners(self) -> None:
        """Owners are names of this zone, bound once, to pools that there are."""
        key = 'zones."example.org".names'
        self.check_table(
            [
                (
                    zone('"@" = "p"', '"*.cdn" = "p"', '"a.Example.org." = "p"') + POOL,
                    [],
                ),
                (
                    zone('ftp = "q"', "www = 1", 'x.y = "p"') + POOL,
                    [
                        f'3: {key}.ftp: no pool "q"',
                        f"4: {key}.www: expected a pool's name, got 1",
                        f"5: {key}.x: expected a pool's name, got a table; "
                        "a name with dots is written in quotes",
                    ],
                ),
                (
                    zone('ftp = "mirros"') + POOL.replace("pools.p", "pools.mirrors"),
                    [f'3: {key}.ftp: no pool "mirros"; did you mean "mirrors"?'],
                ),
                (
                    zone('a = "p"', 'A = "p"', '"a.EXAMPLE.org." = "p"') + POOL,
                    [
                        f'4: {key}.A: the same name as "a"',
                        f'5: {key}."a.EXAMPLE.org.": the same name as "a"',
                    ],
                ),
                (
                    zone('"a.example.net." = "p"', '"" = "p"', '"a..b" = "p"') + POOL,
                    [
                        f'3: {key}."a.example.net.": outside the zone; '
                        "a name without a final dot is relative to it",
                        f'4: {key}."": empty name',
                        f'5: {key}."a..b": empty label',
                    ],
                ),
                (
                    zone('"a.SUB" = "p"', 'sub = "p"', 'b = "p"')
                    + zone('a = "p"', name="sub.example.org")
                    + POOL,
                    [
                        f'3: {key}."a.SUB": this name is in the zone '
                        '"sub.example.org": bind it there',
                        f"4: {key}.sub: this name is in the zone "
                        '"sub.example.org": bind it there',
                    ],
                ),
            ]
        )

    def test_bindings(self) -> None:
        """Owners become absolute names in lower case."""
        one = ZoneSettings(
            name="Example.org",
            names={"@": "p", "FTP": "q", "*.cdn": "p", "a.EXAMPLE.org.": "r"},
        )
        self.assertEqual(origin(one), from_text("example.org."))
        expected = {
            from_text("example.org."): "p",
            from_text("ftp.example.org."): "q",
            from_text("*.cdn.example.org."): "p",
            from_text("a.example.org."): "r",
        }
        self.assertEqual(bindings(one), expected)

    def test_aliases(self) -> None:
        """Targets are known kinds; aliases are names of the zone and lead somewhere."""
        key = 'zones."example.org"'
        head = zone()
        self.check_table(
            [
                (head + "targets = ['country', 'europe', '@']", []),
                (
                    head + "targets = ['county']",
                    [
                        f'3: {key}.targets[0]: "county" is no kind of targets; '
                        'did you mean "country"?'
                    ],
                ),
                (head + f"[{key}.aliases]\na = 'b'\nb = '@'", []),
                (
                    head + f"[{key}.aliases]\na = 'b'\nb = 'A'\nc = 'c'\n'x.' = 'y'",
                    [
                        f"5: {key}.aliases.b: a loop of aliases",
                        f"6: {key}.aliases.c: a loop of aliases",
                        f'7: {key}.aliases."x.": outside the zone; '
                        "a name without a final dot is relative to it",
                    ],
                ),
                (
                    f"[{key}]\ngeodns = 'a.zone'\ntargets = ['@']",
                    [f"3: {key}.targets: this zone's file tells that itself"],
                ),
            ]
        )
