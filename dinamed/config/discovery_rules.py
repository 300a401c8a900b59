"""Reading `[pools.NAME.discover]`: one source of members, by its type."""

from collections.abc import Mapping
from types import MappingProxyType

from msgspec.structs import replace

from dinamed.config import discovery
from dinamed.config.discovery import Discovery
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.secrets import with_header_files

_KINDS: Mapping[str, type[Discovery]] = MappingProxyType(
    {str(kind.__struct_config__.tag): kind for kind in discovery.KINDS}
)


def read_discovery(reader: Reader, raw: object, path: Path) -> Discovery | None:
    """Read the value of a pool's `discover`; report all that does not hold."""
    found = reader.tagged(_KINDS, raw, path)
    if found is None:
        return None
    if found.min_members > found.max_members and reader.intact((*path, "min_members")):
        reader.report((*path, "min_members"), "must not be over max_members")
    if isinstance(found, discovery.HttpDiscovery):
        for place in ("{address}", "{name}"):
            if place in found.url:
                reader.report((*path, "url"), f"{place} has no meaning here")
        headers = with_header_files(reader, found.headers, found.header_files, path)
        return replace(found, headers=headers)
    return found
