"""Tests of reading a config file."""

import json
import os

from hypothesis import given, settings
from hypothesis import strategies as st

from dinamed.config.load import load
from dinamed.config.settings import Mgmt, ServerSettings
from dinamed.config.stages import STAGES, StageKind
from tests.config.folder import FolderTestCase

FULL = """
[server]
listen = ["192.0.2.53", "[2001:db8::53]:5353"]
http = "127.0.0.1:8053"
state = "state"
identity = "ns1"
threads = "python"
token_file = "token"

[mgmt]
allow = ["192.0.2.0/24", "::1"]

[zones."example.org"]
file = "a.zone"
[zones."example.org".names]
ftp = "mirrors"

[pools.mirrors]
[[pools.mirrors.members]]
name = "fra1"
addresses = ["192.0.2.1"]
"""


class LoadTests(FolderTestCase):
    """The file as a whole, `[server]` and `[mgmt]`."""

    def test_empty(self) -> None:
        """An empty file means the defaults."""
        read = self.settings("")
        self.assertEqual((read.server, read.mgmt), (ServerSettings(), Mgmt()))
        self.assertEqual((read.zones, read.pools, read.path), ((), (), self.path))

    def test_full(self) -> None:
        """Everything there is; paths begin at the config's folder."""
        token = self.write("token", "secret")
        os.chmod(token, 0o600)
        read = self.settings("\ufeff" + FULL)
        self.assertEqual(read.server.state, os.path.join(self.folder, "state"))
        self.assertEqual(read.server.token_file, token)
        self.assertEqual(read.server.threads, "python")
        self.assertEqual(read.mgmt.allow, ("192.0.2.0/24", "::1/128"))
        self.assertEqual(read.zones[0].names, {"ftp": "mirrors"})
        self.assertEqual(read.pools[0].name, "mirrors")

    def test_all_at_once(self) -> None:
        """Problems of all tables come together, in the order of lines."""
        text = FULL.replace('http = "127', 'htpt = "127').replace('"fra1"', "1")
        text = text.replace('"mirrors"', '"miror"').replace("[mgmt]", "[mgtm]")
        os.chmod(self.write("token", "secret"), 0o600)
        self.assertEqual(
            self.told(text),
            [
                '4: server.htpt: unknown key; did you mean "http"?',
                '10: mgtm: unknown key; did you mean "mgmt"?',
                '16: zones."example.org".names.ftp: no pool "miror"; '
                'did you mean "mirrors"?',
                "20: pools.mirrors.members[0].name: expected text, got 1",
            ],
        )

    def test_server(self) -> None:
        """Keys of `[server]`."""
        key = "[server]\n"
        table = [
            ("listen = ['ns1.example.org:53', '::1', '0.0.0.0:53', '[::]']", []),
            (
                "listen = ['192.0.2.300', '192.0.2.1:70000', '[::1', 'a b', '']",
                [
                    '2: server.listen[0]: "192.0.2.300" is not an IP address',
                    "2: server.listen[1]: expected a port from 0 to 65535, got 70000",
                    '2: server.listen[2]: expected [IPV6]:PORT, got "[::1"',
                    '2: server.listen[3]: "a b" is not an address or a host name',
                    '2: server.listen[4]: "" is not an address or a host name',
                ],
            ),
            (
                "listen = [\n'A:53',\n'a:53']",
                ["4: server.listen[1]: a:53 stands here twice"],
            ),
            (
                "listen = 'a'",
                ['2: server.listen: expected a list, got "a"; write ["a"]'],
            ),
            ("http = '[::1]:0'", []),
            ("http = 'a'", ['2: server.http: expected HOST:PORT, got "a"']),
            (
                "identity = ''",
                ["2: server.identity: empty; leave the key out to use the host's name"],
            ),
            (f"identity = '{'x' * 255}'", []),
            (
                f"identity = '{'ä' * 128}'",
                ["2: server.identity: longer than 255 octets"],
            ),
            ('identity = "\\n"', ["2: server.identity: has control characters"]),
            ("threads = 4", []),
            ("threads = -1", [f"2: server.threads: {THREADS}, got -1"]),
            ("threads = true", [f"2: server.threads: {THREADS}, got true"]),
            ("threads = 'C'", [f'2: server.threads: {THREADS}, got "C"']),
            ("state = 'a.zone'", ["2: server.state: FOLDER/a.zone is not a folder"]),
            (
                "token_file = 'x'",
                [
                    "2: server.token_file: can't read FOLDER/x: "
                    "No such file or directory"
                ],
            ),
        ]
        self.check_table([(key + line, told) for line, told in table])

    def test_mgmt_and_others(self) -> None:
        """Prefixes, tables that are none, and empty ones."""
        self.check_table(
            [
                ("[mgmt]\nallow = []", []),
                (
                    "[mgmt]\nallow = ['192.0.2.1/24', 'x', '::/129']",
                    [
                        "2: mgmt.allow[0]: 192.0.2.1/24 has bits beyond the prefix; "
                        "did you mean 192.0.2.0/24?",
                        '2: mgmt.allow[1]: "x" is not an address prefix',
                        '2: mgmt.allow[2]: "::/129" is not an address prefix',
                    ],
                ),
                ("server = 1", ["1: server: expected a table, got 1"]),
                ("zones = []", ["1: zones: expected tables [zones.NAME], got a list"]),
                ("\n[geo]\ndatabases = []", []),
                ("geo = 1.5", ["1: geo: expected a table, got 1.5"]),
                ("sevrer = {}", ['1: sevrer: unknown key; did you mean "server"?']),
                ('"a b" = 1', ['1: "a b": unknown key']),
            ]
        )

    def test_syntax(self) -> None:
        """What is no TOML is told with its line."""
        self.check_table(
            [
                (
                    "a = 1\nb = \n",
                    [
                        "2: TOML: expected a value: text stands in quotes, a list in "
                        "brackets, and there are numbers, true and false"
                    ],
                ),
                (
                    "a = 1\n\n[x",
                    ["3: TOML: Expected ']' at the end of a table declaration"],
                ),
                ("a = 1\na = 2", ["2: TOML: this key has a value already"]),
                (b"a = 1\nb = '\xff'", ["2: file: not UTF-8: invalid start byte"]),
            ]
        )

    def test_hostile(self) -> None:
        """What is too large or too deep is a problem and no exception."""
        deep = "nested too deeply"
        huge = "a number is far too large"
        self.check_table(
            [
                ("a = " + "[" * 100_000, [f"None: TOML: {deep}"]),
                ("\n" + "a." * 100_000 + "b = 1", [f"2: file: {deep}"]),
                ("a = " + "9" * 5000, [f"None: TOML: {huge}"]),
                ("#" * 34_000_000, ["None: file: larger than 32 MiB"]),
                (
                    "a = 1\0",
                    [
                        "1: TOML: the line goes on after the value; "
                        "text stands in quotes"
                    ],
                ),
            ]
        )

    def test_no_file(self) -> None:
        """No file, a folder, and a path that can't be one."""
        for path, reason in (
            (os.path.join(self.folder, "none"), "No such file or directory"),
            (self.folder, "Is a directory"),
            ("a\0b", "embedded null byte"),
        ):
            loaded = load(path)
            self.assertIsNone(loaded.settings)
            self.assertEqual(
                [str(problem) for problem in loaded.problems],
                [f"{path}: file: can't read: {reason}"],
            )

    def test_stages(self) -> None:
        """Which stages there are is the caller's to say."""
        text = FULL.replace("[pools.mirrors]", "[pools.mirrors]\nselect = ['mine']")
        os.chmod(self.write("token", "secret"), 0o600)
        self.write("dinamed.toml", text)
        self.assertEqual(len(load(self.path).problems), 1)
        loaded = load(self.path, {**STAGES, "mine": StageKind(picks=True)})
        self.assertEqual(loaded.problems, [])

    def test_zones_beside_problems(self) -> None:
        """Zones that are well themselves are there although the pools are not."""
        loaded = self.load(
            "[zones.a]\nfile = 'a.zone'\n[zones.b]\nfile = 'none'\n"
            "[zones.'c..']\nfile = 'a.zone'\n[pools.p]\n"
            "[zones.d]\nfile = 'a.zone'\nnames.'x..y' = 'p'\n"
        )
        self.assertIsNone(loaded.settings)
        self.assertEqual([zone.name for zone in loaded.zones], ["a"])


THREADS = 'expected a whole number from 0 to 1024 or "python"'


def quoted(text: str) -> str:
    """A TOML basic string."""
    return json.dumps(text, ensure_ascii=False)


WORDS = st.sampled_from(
    [
        "server listen http state identity threads token_file mgmt allow geo zones "
        "file geodns names pools p ttl answers select when_down regions members name "
        "addresses pool weight capacity country location network asn priority check "
        "load weighted hash shed all none 192.0.2.1 ::1 30-300 example.org @ * a.zone",
        "ä a..b",
    ]
).flatmap(lambda words: st.sampled_from([*words.split(), "", "x\ny"]))
SCALARS = st.one_of(
    WORDS.map(quoted),
    st.integers().map(str),
    st.sampled_from(["true", "nan", "-inf", "1e400", "07:32:00", "0", "1", "''"]),
)
VALUES = st.recursive(
    SCALARS,
    lambda inner: st.one_of(
        st.lists(inner, max_size=3).map(lambda parts: f"[{', '.join(parts)}]"),
        st.dictionaries(WORDS, inner, max_size=4).map(
            lambda table: (
                "{"
                + ", ".join(f"{quoted(key)} = {one}" for key, one in table.items())
                + "}"
            )
        ),
    ),
    max_leaves=12,
)
HEADERS = st.sampled_from(
    [
        "[server]",
        "[mgmt]",
        "[zones.'example.org']",
        "[zones.'example.org'.names]",
        "[zones.'b.example.org']",
        "[pools.p]",
        "[pools.q]",
        "[[pools.p.members]]",
        "[[pools.q.members]]",
    ]
)
LINES = st.one_of(
    HEADERS,
    st.tuples(WORDS, VALUES).map(lambda pair: f"{quoted(pair[0])} = {pair[1]}"),
)


class ArbitraryTests(FolderTestCase):
    """Texts made by chance."""

    def check(self, text: str | bytes) -> None:
        """There are settings or problems, and each problem can be printed."""
        loaded = self.load(text)
        self.assertEqual(loaded.settings is None, bool(loaded.problems))
        for problem in loaded.problems:
            self.assertEqual(len(str(problem).splitlines()), 1)

    @settings(max_examples=200, deadline=None)
    @given(st.lists(LINES, max_size=12).map("\n".join))
    def test_like_a_config(self, text: str) -> None:
        """Tables and keys of a config in any order, with any values."""
        self.check(text)

    @settings(max_examples=50, deadline=None)
    @given(st.dictionaries(WORDS, VALUES, max_size=6))
    def test_pool(self, keys: dict[str, str]) -> None:
        """A pool with any keys."""
        lines = (f"{quoted(key)} = {value}" for key, value in keys.items())
        self.check("[pools.p]\n" + "\n".join(lines))

    @settings(max_examples=50, deadline=None)
    @given(st.one_of(st.binary(max_size=200), st.text(max_size=200)))
    def test_anything(self, text: str | bytes) -> None:
        """Any octets."""
        self.check(text)


class LineTests(FolderTestCase):
    """The text of problems."""

    def test_control_characters(self) -> None:
        """A name with a line feed does not break a problem's line."""
        told = self.told('[\'pool\u2028s\']\n[zones."a\\nb"]\nfile = "x\\ny"')
        self.assertEqual(
            told,
            [
                '1: "pool\\u2028s": unknown key; did you mean "pools"?',
                '3: zones."a\\nb".file: can\'t read FOLDER/x\\ny: '
                "No such file or directory",
            ],
        )
