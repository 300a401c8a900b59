"""Goes through a master file by entries; keeps all but what another takes out."""

import re

from dinamed.formats.migrated import MigratedZone

ORIGIN = re.compile(r"\$ORIGIN\s+(\S+)", re.IGNORECASE)
DEFAULT_TTL = re.compile(r"\$TTL\s+(\S+)", re.IGNORECASE)


class ZoneLines:
    """Where we are in a master file (RFC 1035 section 5.1).

    `origin` is without its dot (empty: the root), `owner` as it was written last;
    `ttl` is in seconds.  Subclasses turn some entries into comments, and call
    `hide` for each.
    """

    def __init__(self, zone: MigratedZone, ttl: int) -> None:
        self.zone = zone
        self.origin = zone.name.removesuffix(".")
        self.owner = "@"
        self.ttl = ttl
        self._hidden = False

    def hide(self, owner: str) -> None:
        """The entry becomes a comment; `owner` is empty if it has that of the last."""
        self.owner = owner or self.owner
        self._hidden = True

    def keep(self, entry: str) -> str:
        """An entry that stays, with an owner if it had that of one that is hidden."""
        if entry.startswith("$"):
            return entry  # a control entry has no owner
        if entry[:1] and entry[:1] not in " \t;()":
            self.owner = entry.split()[0]
            self._hidden = False
        elif self._hidden and entry.strip(" \t;"):
            self._hidden = False
            return f"{self.owner}{entry}"
        return entry

    def absolute(self, name: str) -> str:
        """A name with all its labels and a dot at its end."""
        if name == "@":
            return f"{self.origin}."
        if name.endswith("."):
            return name
        return f"{name}.{self.origin}." if self.origin else f"{name}."

    def relative(self, name: str) -> str:
        """An absolute name as it stands in the zone's config, `@` for the apex."""
        text = name.removesuffix(".").lower()
        if text == self.zone.name.removesuffix("."):
            return "@"
        return (
            text.removesuffix(f".{self.zone.name}") if self.zone.name != "." else text
        )
