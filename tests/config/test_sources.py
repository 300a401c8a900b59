"""Tests of configs in several files."""

import os

from dinamed.config.load import load
from tests.config.folder import FolderTestCase

MEMBERS = 'members = [{name = "m", addresses = ["192.0.2.1"]}]\n'


class IncludeTests(FolderTestCase):
    """`include` at the top of the config."""

    def setUp(self) -> None:
        """Make a folder for included files."""
        super().setUp()
        self.parts = os.path.join(self.folder, "conf.d")
        os.mkdir(self.parts)

    def told(self, text: str | bytes) -> list[str]:
        """The problems as they are printed, folders left out."""
        problems = self.load(text).problems
        return [str(one).replace(self.folder + "/", "") for one in problems]

    def test_merged(self) -> None:
        """Tables are merged key by key; files come in the order of their names."""
        self.write(
            "conf.d/20.toml",
            f'[zones."a.example".names]\nftp = "p"\n[pools.p]\n{MEMBERS}',
        )
        self.write("conf.d/10.toml", '[server]\nidentity = "x"\n[pools.p]\nttl = 5\n')
        read = self.settings(
            'include = ["conf.d/*.toml"]\n[server]\nthreads = 1\n'
            '[zones."a.example"]\nfile = "a.zone"\n'
        )
        self.assertEqual((read.server.threads, read.server.identity), (1, "x"))
        self.assertEqual(read.zones[0].names, {"ftp": "p"})
        self.assertEqual((read.pools[0].ttl.low, len(read.pools[0].members)), (5, 1))
        names = [os.path.join(self.parts, f"{number}.toml") for number in (10, 20)]
        self.assertEqual(read.files, tuple(names))
        self.assertEqual(read.include, (os.path.join(self.parts, "*.toml"),))

    def test_nothing(self) -> None:
        """A glob may match nothing; a file that is named and missing is a warning."""
        self.settings('include = ["none.d/*.toml"]\n')
        loaded = self.load('include = ["none.toml"]\n')
        self.assertEqual(loaded.problems, [])
        assert loaded.sources is not None
        self.assertEqual(
            [str(one) for one in loaded.sources.warnings],
            [f"{self.path}:1: warning: include[0]: there is no none.toml"],
        )

    def test_once(self) -> None:
        """A file that two globs match is read once, and the config is not its own."""
        self.write("conf.d/a.toml", "[limits]\nslip = 1\n")
        read = self.settings('include = ["*.toml", "conf.d/*", "conf.d/a.*"]\n')
        self.assertEqual(read.limits.slip, 1)

    def test_twice(self) -> None:
        """The same key, and the same array of tables, with both places."""
        self.write("conf.d/a.toml", "[limits]\n\nslip = 1\n[pools.p]\n" + MEMBERS)
        self.write("conf.d/b.toml", f"[pools.p]\n{MEMBERS}[limits.slip]\n")
        told = self.told('include = ["conf.d/*.toml"]\n\n[limits]\nslip = 2\n')
        self.assertEqual(
            told,
            [
                "conf.d/a.toml:3: limits.slip: stands in dinamed.toml:4 already",
                "conf.d/b.toml:2: pools.p.members: stands in conf.d/a.toml:5 already",
                "conf.d/b.toml:3: limits.slip: stands in dinamed.toml:4 already",
            ],
        )

    def test_places(self) -> None:
        """Each problem is told at its own file and line."""
        self.write(
            "conf.d/a.toml",
            '[zones."a.example".names]\nftp = "q"\n[pools.p]\nttl = -1\n' + MEMBERS,
        )
        told = self.told(
            'include = ["conf.d/*.toml"]\n[zones."a.example"]\nfile = "a.zone"\nx = 1\n'
        )
        self.assertEqual(
            told,
            [
                'conf.d/a.toml:2: zones."a.example".names.ftp: no pool "q"',
                "conf.d/a.toml:4: pools.p.ttl: "
                "expected seconds from 0 to 2147483647, got -1",
                'dinamed.toml:4: zones."a.example".x: unknown key',
            ],
        )

    def test_unreadable(self) -> None:
        """Bad syntax, other encodings and folders are told, and do not nest."""
        self.write("conf.d/a.toml", "[")
        self.write("conf.d/b.toml", b"\xff")
        os.mkdir(os.path.join(self.parts, "c.toml"))
        self.write("conf.d/d.toml", 'include = ["x"]\n')
        told = self.told('include = ["conf.d/*.toml"]\n')
        self.assertEqual(
            [one.partition(": ")[0] for one in told],
            ["conf.d/a.toml:1", "conf.d/b.toml:1", "conf.d/c.toml", "conf.d/d.toml:1"],
        )
        self.assertIn("an included file can't include others", told[3])

    def test_wrong_kind(self) -> None:
        """`include` is a list of paths."""
        for value in ('"a"', "[1]", "{}", "true", '[""]'):
            (told,) = self.told(f"include = {value}\n")
            self.assertRegex(told, r"^dinamed.toml:1: include")

    def test_paths(self) -> None:
        """Paths begin at the folder of the file that they stand in."""
        self.write("conf.d/b.zone", "")
        self.write("conf.d/probe", "#!/bin/sh\n")
        os.chmod(os.path.join(self.parts, "probe"), 0o755)
        self.write(
            "conf.d/a.toml",
            '[zones."b.example"]\nfile = "b.zone"\n'
            '[zones."a.example"]\nhealth = "h"\n'
            '[query_log]\nfile = "q.log"\n'
            "[pools.p]\n" + MEMBERS + '[pools.p.check]\ntype = "exec"\n'
            'command = ["./probe"]\n[pools.q]\n' + MEMBERS + "[pools.q.check]\n"
            'type = "file"\npath = "up/{name}"\n',
        )
        read = self.settings(
            'include = ["conf.d/a.toml"]\n'
            '[zones."a.example"]\ngeodns = "a.zone"\n[server]\nstate = "s"\n'
        )
        zones = {zone.name: zone for zone in read.zones}
        self.assertEqual(zones["b.example"].file, os.path.join(self.parts, "b.zone"))
        self.assertEqual(zones["a.example"].geodns, os.path.join(self.folder, "a.zone"))
        self.assertEqual(zones["a.example"].health, os.path.join(self.parts, "h"))
        self.assertEqual(read.query_log.file, os.path.join(self.parts, "q.log"))
        self.assertEqual(read.server.state, os.path.join(self.folder, "s"))
        found = [str(pool.check[0]) for pool in read.pools]
        self.assertIn(os.path.join(self.parts, "./probe"), found[0])
        self.assertIn(os.path.join(self.parts, "up/{name}"), found[1])

    def test_credentials(self) -> None:
        """`$CREDENTIALS_DIRECTORY` is filled in at the beginning of a path."""
        token = self.write("token", "secret")
        os.chmod(token, 0o400)
        text = '[server]\ntoken_file = "$CREDENTIALS_DIRECTORY/token"\n'
        self.patch(os, "environ", {"CREDENTIALS_DIRECTORY": self.folder})
        self.assertEqual(self.settings(text).server.token_file, token)
        braces = text.replace("$CRED", "${CRED").replace("TORY/", "TORY}/")
        self.assertEqual(self.settings(braces).server.token_file, token)
        self.patch(os, "environ", {})
        (told,) = self.told(text)
        self.assertIn("CREDENTIALS_DIRECTORY is not set", told)

    def test_never_raises(self) -> None:
        """A main file that is not there."""
        (problem,) = load(os.path.join(self.folder, "none")).problems
        self.assertIn("No such file", problem.message)
