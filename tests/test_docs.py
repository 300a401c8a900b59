"""The manual against the program: keys, stages, and the README's config."""

import io
import ipaddress
import re
import tempfile
from collections.abc import Iterator
from contextlib import redirect_stdout
from pathlib import Path

import msgspec
from msgspec import inspect
from twisted.trial.unittest import SynchronousTestCase

from dinamed.cli import COMMANDS, main
from dinamed.config.check_rules import COMBINATIONS
from dinamed.config.fleet import FleetSettings
from dinamed.config.settings import (
    CatalogSettings,
    KeySettings,
    MemberSettings,
    PoolSettings,
    Settings,
    StageSettings,
    Ttl,
    ZoneSettings,
)
from dinamed.config.stages import STAGES
from dinamed.pools.context import Client
from dinamed.pools.stages.hashed import (
    client_key,
    member_seed,
    mix,
    network_bits,
    uniform,
)
from dinamed.pools.stages.registry import builtin_stages

ROOT = Path(__file__).resolve().parents[1]
DOCS = ROOT / "docs"

NO_KEYS = {
    (Settings, "path"),
    (Settings, "cookie_secrets"),
    (Settings, "files"),
    (Settings, "targeting"),
    (Settings, "file_zones"),
    (ZoneSettings, "name"),
    (CatalogSettings, "name"),
    (CatalogSettings, "transfer"),
    (CatalogSettings, "notify"),
    (PoolSettings, "name"),
    (PoolSettings, "check_rule"),
    (KeySettings, "name"),
    (FleetSettings, "password"),
}
"""Fields that no key fills: they come from elsewhere."""
LIKE_ANOTHER = {(ZoneSettings, "dnssec"), (CatalogSettings, "primary")}
"""Tables whose keys are those of another, and described there."""
NO_TABLES = {Ttl, StageSettings}
"""Structs that stand for a single value."""
NAMED = {"keys", "zones", "catalogs", "pools"}
"""Tables of tables, by name."""


def keys(struct: type[msgspec.Struct], path: tuple[str, ...]) -> Iterator[str]:
    """Every key of a table and of the tables in it, as the manual writes them."""
    for field in msgspec.structs.fields(struct):
        if (struct, field.name) in NO_KEYS:
            continue
        inner = [kind for kind in structs(field.type) if kind not in NO_TABLES]
        name = field.encode_name
        where = (*path, name, "NAME") if name in NAMED else (*path, name)
        if path or not inner:
            yield ".".join((*path, name))
        if (struct, field.name) in LIKE_ANOTHER:
            continue
        for kind in inner:
            tag = kind.__struct_config__.tag_field
            if tag is not None:
                yield ".".join((*where, tag))
            yield from keys(kind, where)


def known_keys() -> set[str]:
    """All keys that a config may have."""
    # How votes count is said with the checks, and is a table of its own inside.
    inside, said = "pools.NAME.voting", "pools.NAME.check"
    found = (key.replace(f"{inside}.", f"{said}.") for key in keys(Settings, ()))
    combined = {f"{said}.{key}" for key in COMBINATIONS}
    return set(found) - {inside} | combined


def structs(annotation: object) -> Iterator[type[msgspec.Struct]]:
    """The Structs in a type, at whatever depth."""
    left = [inspect.type_info(annotation)]
    while left:
        match left.pop():
            case inspect.StructType(cls=found):
                yield found
            case inspect.Metadata(type=inner):
                left.append(inner)
            case inspect.UnionType(types=several):
                left.extend(several)
            case (
                inspect.VarTupleType(item_type=inner)
                | inspect.ListType(item_type=inner)
            ):
                left.append(inner)
            case inspect.TupleType(item_types=several):
                left.extend(several)
            case inspect.DictType(value_type=inner):
                left.append(inner)


def text_of(name: str) -> str:
    """A page of the manual."""
    return (DOCS / name).read_text("utf-8")


def titles(page: str) -> set[str]:
    """The titles of a page that are a single word of code."""
    return set(re.findall(r"^``(\S+)``\n[-~=^]{4,}$", text_of(page), re.MULTILINE))


def code_blocks(text: str, language: str) -> list[str]:
    """The code blocks of one language, without their indent."""
    pattern = rf"^\.\. code-block:: {language}\n\n((?:    .*\n|\n)+)"
    found = re.findall(pattern, text, re.MULTILINE)
    return [re.sub(r"^    ", "", block, flags=re.MULTILINE) for block in found]


class ConfigPageTests(SynchronousTestCase):
    """docs/config.rst."""

    def setUp(self) -> None:
        """Read what the page describes."""
        self.described = re.findall(
            r"^\.\. confval:: (\S+)$", text_of("config.rst"), re.MULTILINE
        )

    def test_every_key(self) -> None:
        """Each key of the settings has a ``.. confval::`` of its own."""
        missing = known_keys() - set(self.described)
        self.assertEqual(sorted(missing), [], "not in docs/config.rst")

    def test_nothing_else(self) -> None:
        """The page describes no key that is not there, and none twice."""
        unknown = set(self.described) - known_keys()
        self.assertEqual(sorted(unknown), [], "in docs/config.rst, not in the settings")
        self.assertEqual(sorted(self.described), sorted(set(self.described)))

    def test_the_walk_finds_keys(self) -> None:
        """The list of keys that the other tests go by is not empty by mistake."""
        found = known_keys()
        self.assertIn("server.listen", found)
        for field in msgspec.structs.fields(MemberSettings):
            self.assertIn(f"pools.NAME.members.{field.encode_name}", found)


class SelectionPageTests(SynchronousTestCase):
    """docs/selection.rst."""

    def test_every_stage(self) -> None:
        """Each stage that a config may use has a section."""
        usable = {name for name in builtin_stages() if STAGES[name].available}
        missing = usable - titles("selection.rst")
        self.assertEqual(sorted(missing), [], "no section in docs/selection.rst")

    def test_nothing_else(self) -> None:
        """No section is about a stage that a config may not use."""
        usable = {name for name, kind in STAGES.items() if kind.available}
        unknown = titles("selection.rst") - usable
        self.assertEqual(sorted(unknown), [], "in docs/selection.rst, not available")

    def test_hash_examples(self) -> None:
        """The numbers to compare an implementation with are those of ours."""
        rows = re.findall(
            r"^(\S+) +(\d+) +(login\d) +0x([0-9a-f]{16}) +(0\.\d+)$",
            text_of("selection.rst"),
            re.MULTILINE,
        )
        self.assertGreater(len(rows), 3)
        for client, bits, member, x, u in rows:
            with self.subTest(client=client, member=member):
                network = ipaddress.ip_network(client)
                asker = Client(network.network_address.packed, network.prefixlen)
                self.assertEqual(network_bits(asker), int(bits))
                key = client_key(asker, int(bits))
                self.assertEqual(f"{mix(key ^ member_seed(member)):016x}", x)
                self.assertEqual(uniform(key ^ member_seed(member)), float(u))


class CommandTests(SynchronousTestCase):
    """The commands of `dinamed`."""

    def test_every_command(self) -> None:
        """Each one stands in the manual."""
        pages = "".join(page.read_text("utf-8") for page in DOCS.glob("*.rst"))
        missing = {name for name in COMMANDS if f"dinamed {name}" not in pages}
        self.assertEqual(sorted(missing), [], "not in docs/")


class ReadmeTests(SynchronousTestCase):
    """README.rst."""

    def test_config(self) -> None:
        """``dinamed check`` takes its config with its zone, and says what it says."""
        readme = (ROOT / "README.rst").read_text("utf-8")
        (config,), (zone,) = code_blocks(readme, "toml"), code_blocks(readme, "text")
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "dinamed.toml").write_text(config, "utf-8")
            Path(folder, "example.net.zone").write_text(zone, "utf-8")
            with redirect_stdout(io.StringIO()) as said:
                status = main(["check", f"{folder}/dinamed.toml"])
        told = said.getvalue().replace(f"{folder}/", "")
        self.assertEqual(status, 0, told)
        self.assertIn(f"    {told}", readme)
