"""The settings of every zone that is served, also of those that stand in a table."""

from collections.abc import Iterator, Mapping

from dinamed.config.settings import FileZones, ZoneSettings
from dinamed.wire.names import WireName


class ZoneRoll(Mapping[WireName, ZoneSettings]):
    """Maps origins to settings; those of `many` are made when somebody asks for them.

    `own` are all others.
    """

    def __init__(
        self,
        own: Mapping[WireName, ZoneSettings],
        many: FileZones,
        before: "ZoneRoll | None" = None,
    ) -> None:
        """With the roll `before` nothing is worked out again that has not changed."""
        self.own = own
        self.many = many
        same = before is not None and before.many is many
        self._places: Mapping[WireName, int] = (
            before._places
            if same and before is not None
            else {origin: place for place, origin in enumerate(many.origins)}
        )

    def __getitem__(self, origin: WireName) -> ZoneSettings:
        found = self.own.get(origin)
        return self.many.zone(self._places[origin]) if found is None else found

    def __iter__(self) -> Iterator[WireName]:
        yield from self.own
        yield from self.many.origins

    def __len__(self) -> int:
        return len(self.own) + len(self.many.origins)

    def __contains__(self, origin: object) -> bool:
        return origin in self.own or origin in self._places

    def is_in_table(self, origin: WireName) -> bool:
        """Whether a zone is one of `many`."""
        return origin in self._places

    @property
    def has_peers(self) -> bool:
        """Whether others fetch those of `many`, or are told of them."""
        return bool(self.many.common.transfer or self.many.common.notify)
