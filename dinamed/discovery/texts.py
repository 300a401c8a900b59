"""Members as JSON: their tables in the config, without what is at its default."""

from typing import Any

import msgspec

from dinamed.config.settings import MemberSettings
from dinamed.discovery.targets import Members

_USUAL = msgspec.json.decode(msgspec.json.encode(MemberSettings(name="")))
_ALWAYS = frozenset({"name", "addresses", "weight"})


def told(member: MemberSettings) -> dict[str, Any]:
    """A member as its table in the config: what is at its default is left out."""
    # By way of JSON, for there are lists where the settings have tuples.
    table = msgspec.json.decode(msgspec.json.encode(member))
    return {
        key: value
        for key, value in table.items()
        if key in _ALWAYS or value != _USUAL[key]
    }


def _text(member: MemberSettings) -> bytes:
    return msgspec.json.encode(told(member))


class StoredMemberTexts:
    """Writes lists of members, where most are as in the last list of their pool."""

    def __init__(self) -> None:
        self._known: dict[str, dict[int, tuple[MemberSettings, bytes]]] = {}

    def array(self, pool: str, members: Members) -> bytes:
        """The list of a pool as an array of tables."""
        known = self._known.get(pool, {})
        # The numbers stand for objects that are kept beside them, and so are their own.
        now = {id(one): known.get(id(one)) or (one, _text(one)) for one in members}
        self._known[pool] = now
        return b"[%s]" % b",".join([text for _, text in now.values()])
