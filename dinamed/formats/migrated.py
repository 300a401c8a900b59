"""What is made of another server's config: pools, bindings, zone files, and remarks."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field

from dinamed.formats.config_text import CONFIG, TextFile
from dinamed.formats.toml_text import key_text, table_lines

Table = dict[str, object]


@dataclass
class MigratedPool:
    """A pool's table, and what of the old config it does not say."""

    table: Table
    notes: list[str] = field(default_factory=list)


@dataclass
class MigratedZone:
    """A zone: the text of its file, and the pool of each name."""

    name: str
    file: str
    text: str
    names: dict[str, str] = field(default_factory=dict)
    targets: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)


@dataclass
class Migration:
    """All of it.  `left` tells what nothing could be made of."""

    server: Table = field(default_factory=dict)
    geo: Table = field(default_factory=dict)
    pools: dict[str, MigratedPool] = field(default_factory=dict)
    zones: list[MigratedZone] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    left: list[str] = field(default_factory=list)

    def free_name(self, wanted: str) -> str:
        """A name for a pool that none has yet."""
        taken = {name.lower() for name in self.pools} | {"all", "none", "last"}
        name, number = wanted, 1
        while name.lower() in taken:
            number += 1
            name = f"{wanted}-{number}"
        return name

    def files(self) -> list[TextFile]:
        """The config and the zone files."""
        lines = [*_comments(self.notes), *_comments(self.left, "left out: ")]
        if lines:
            lines.append("")
        for name, table in (("server", self.server), ("geo", self.geo)):
            if table:
                lines += table_lines(name, table)
        for zone in self.zones:
            lines += table_lines(
                f"zones.{key_text(zone.name)}", _zone_table(zone), tuple(zone.notes)
            )
        for name, pool in self.pools.items():
            lines += table_lines(
                f"pools.{key_text(name)}", pool.table, tuple(pool.notes)
            )
        config = TextFile(CONFIG, "\n".join(lines).rstrip() + "\n")
        return [config, *(TextFile(zone.file, zone.text) for zone in self.zones)]


def _zone_table(zone: MigratedZone) -> Mapping[str, object]:
    table: Table = {"file": zone.file}
    if zone.targets:
        table["targets"] = zone.targets
    if zone.names:
        table["names"] = zone.names
    return table


def _comments(texts: Iterable[str], before: str = "") -> Iterator[str]:
    for text in texts:
        yield from (f"# {before}{line}" for line in text.splitlines())
