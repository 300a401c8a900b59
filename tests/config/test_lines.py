"""Tests of the lines of keys in TOML texts."""

import tomllib
from collections.abc import Iterator

from hypothesis import given, settings
from hypothesis import strategies as st
from twisted.trial.unittest import SynchronousTestCase

from dinamed.config.lines import Path, key_lines, line_of

EXAMPLE = '''\
# comment = 1
title = """
[not.a.table]
"""            # line 2
[pools.mirrors]
ttl = 60
[[pools.mirrors.members]]
name = "a"
[[pools.mirrors.members]]
name = "b"
  weight = 3
"quoted \\u0041.b".c = [
  1, # one ]
  "x]",

  {p = 1, q = ["#"]},
]
[pools.mirrors.members.sub]
deep = 1
[pools]
'''


class ExampleTests(SynchronousTestCase):
    """Places that a person can count."""

    def test_example(self) -> None:
        """Headers, arrays of tables, dotted and quoted keys, arrays, inline tables."""
        lines = key_lines(EXAMPLE)
        members: Path = ("pools", "mirrors", "members")
        expected: dict[Path, int] = {
            ("title",): 2,
            ("pools",): 20,
            ("pools", "mirrors"): 5,
            ("pools", "mirrors", "ttl"): 6,
            members: 7,
            (*members, 0): 7,
            (*members, 0, "name"): 8,
            (*members, 1): 9,
            (*members, 1, "name"): 10,
            (*members, 1, "weight"): 11,
            (*members, 1, "quoted A.b"): 12,
            (*members, 1, "quoted A.b", "c"): 12,
            (*members, 1, "quoted A.b", "c", 0): 13,
            (*members, 1, "quoted A.b", "c", 1): 14,
            (*members, 1, "quoted A.b", "c", 2): 16,
            (*members, 1, "quoted A.b", "c", 2, "p"): 16,
            (*members, 1, "quoted A.b", "c", 2, "q"): 16,
            (*members, 1, "quoted A.b", "c", 2, "q", 0): 16,
            (*members, 1, "sub"): 18,
            (*members, 1, "sub", "deep"): 19,
        }
        self.assertEqual(dict(lines), expected)
        self.assertEqual(set(lines), set(paths(tomllib.loads(EXAMPLE))))

    def test_carriage_returns(self) -> None:
        """Lines that end in CR LF count once."""
        self.assertEqual(key_lines("a = 1\r\n\r\nb = 2\r\n"), {("a",): 1, ("b",): 3})

    def test_quotes_at_the_end(self) -> None:
        """A multi-line string may end in quotes of its own."""
        text = 'a = """x"""""\nb = \'\'\'\n\'\'\'\'\nc = """\\""""\nd = ""\nf = 1'
        tomllib.loads(text)
        lines = key_lines(text)
        self.assertEqual(list(lines.values()), [1, 2, 4, 5, 6])

    def test_nearest_parent(self) -> None:
        """What isn't in the text is on its parent's line; without a parent nowhere."""
        lines = key_lines("\n[a.b]\nc = 1")
        self.assertEqual(line_of(lines, ("a", "b", "x", 1)), 2)
        self.assertEqual(line_of(lines, ("a", "b", "c")), 3)
        self.assertIsNone(line_of(lines, ("z", "b")))


def paths(value: object, path: Path = ()) -> Iterator[Path]:
    """Every path of what tomllib returned."""
    if path:
        yield path
    if isinstance(value, dict):
        for key, one in value.items():
            yield from paths(one, (*path, key))
    elif isinstance(value, list):
        for place, one in enumerate(value):
            yield from paths(one, (*path, place))


class Writer:
    """Writes TOML and notes on which line each path comes to stand."""

    def __init__(self, draw: st.DrawFn) -> None:
        self.draw = draw
        self.text = ""
        self.lines: dict[Path, int] = {}

    def note(self, path: Path) -> None:
        """`path` is at the end of the text so far."""
        self.lines.setdefault(path, self.text.count("\n") + 1)

    def choose(self, *choices: str) -> str:
        """One of some texts."""
        return self.draw(st.sampled_from(choices))

    def gap(self) -> None:
        """What may stand between the elements of an array."""
        self.text += self.choose("", " ", "\n", " # ],}\n\n", "\t")

    def rest(self) -> None:
        """What may stand after a pair or header, and empty lines."""
        self.text += self.choose("\n", " # x = [\n", "\n\n", "\r\n", "\n  ", "\n#[y]\n")

    def key(self, key: str) -> None:
        """A key in one of the ways it can be written."""
        escaped = "".join(f"\\u{ord(character):04x}" for character in key)
        plain = [key] if key.isascii() and key.isalnum() else []
        self.text += self.choose(*plain, f"'{key}'", f'"{key}"', f'"{escaped}"')

    def dotted(self, keys: list[str], path: Path) -> Path:
        """Keys with dots between, all noted."""
        for place, key in enumerate(keys):
            if place:
                self.text += self.choose(".", " . ", "\t.")
            path = (*path, key)
            self.note(path)
            self.key(key)
        return path

    def pair(self, keys: list[str], path: Path, depth: int) -> None:
        """`keys = value`."""
        path = self.dotted(keys, path)
        self.text += self.choose("=", " = ", " =\t")
        self.value(path, depth)

    def value(self, path: Path, depth: int) -> None:
        """Any value."""
        kind = self.draw(st.integers(0, 6 if depth else 4))
        if kind == 5:
            self.text += "["
            count = self.draw(st.integers(0, 3))
            for place in range(count):
                self.gap()
                self.note((*path, place))
                self.value((*path, place), depth - 1)
                self.gap()
                self.text += "," if place < count - 1 else self.choose("", ",")
            self.gap()
            self.text += "]"
        elif kind == 6:
            self.text += "{ "
            for place, keys in enumerate(self.draw(KEYS)):
                self.text += ", " if place else ""
                self.pair(keys, path, depth - 1)
            self.text += " }"
        else:
            self.text += self.choose(*SCALARS)

    def pairs(self, path: Path) -> None:
        """Some pairs of a table."""
        for keys in self.draw(KEYS):
            self.pair(keys, path, 3)
            self.rest()

    def header(self, keys: list[str], path: Path, repeated: bool) -> None:
        """A header for what tomllib calls `path`."""
        self.lines[path] = self.text.count("\n") + 1
        opening, closing = ("[[", "]]") if repeated else ("[", "]")
        self.text += opening + self.choose("", " ")
        scratch = self.lines
        self.lines = {}
        self.dotted(keys, ())
        self.lines = scratch
        self.text += closing
        self.rest()


SCALARS = (
    "1",
    "-1.5e3",
    "true",
    "1979-05-27 07:32:00Z",
    "0xff",
    "'a]#\\'",
    '"a\\"]#,"',
    '"""\n[x]\ny = 1"""',
    '"""a""b\\""""""',
    "'''\n'' #'\n'''''",
)
NAMES = st.sampled_from(["", "a", "b", "7", "x y", "ftp.de", "#", "]", "ä"])
KEYS = st.lists(NAMES, unique=True, max_size=4).flatmap(
    lambda names: st.tuples(
        *(
            st.lists(NAMES, max_size=2).map(lambda more, name=name: [name, *more])  # type: ignore[misc]
            for name in names
        )
    )
)


@st.composite
def documents(draw: st.DrawFn) -> tuple[str, dict[Path, int]]:
    """A TOML text and the line of every path in it."""
    writer = Writer(draw)
    writer.rest()
    writer.pairs(())
    for number in range(draw(st.integers(0, 3))):
        top = f"t{number}"  # never among NAMES
        repeated = draw(st.booleans())
        for place in range(draw(st.integers(1, 3)) if repeated else 1):
            path: Path = (top, place) if repeated else (top,)
            if repeated:
                writer.note((top,))
            if repeated or draw(st.booleans()):
                writer.header([top], path, repeated)
                writer.pairs(path)
            if draw(st.booleans()):
                writer.note(path)
                writer.note((*path, "sub.t"))
                writer.header([top, "sub.t", "z"], (*path, "sub.t", "z"), False)
                writer.pairs((*path, "sub.t", "z"))
            for member in range(draw(st.integers(0, 2))):
                writer.note(path)
                writer.note((*path, "members"))
                inner: Path = (*path, "members", member)
                writer.header([top, "members"], inner, True)
                writer.pairs(inner)
    return writer.text, writer.lines


class GeneratedTests(SynchronousTestCase):
    """Texts made by chance."""

    @settings(max_examples=150, deadline=None)
    @given(documents())
    def test_every_path(self, document: tuple[str, dict[Path, int]]) -> None:
        """Every path that tomllib yields has a line, and it is the right one."""
        text, expected = document
        self.assertEqual(set(paths(tomllib.loads(text))), set(expected), text)
        self.assertEqual(dict(key_lines(text)), expected, text)
