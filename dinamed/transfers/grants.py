"""What the holder of a key may change."""

from collections.abc import Iterable

from dinamed.config.transfers import Grant
from dinamed.transfers.tsig import key_text
from dinamed.wire.names import WireName, from_text, to_text
from dinamed.zones.masterdata import type_text


def may_update(
    grants: Iterable[Grant], key: WireName, relative: bytes, rrtype: int | None
) -> bool:
    """Whether one of the grants lets this key change a type at a name.

    `relative` is lowercased and relative to the zone; a type of None means all types.
    """
    name = key_text(key)
    for grant in grants:
        if grant.key != name:
            continue
        if grant.types and (rrtype is None or type_text(rrtype) not in grant.types):
            continue
        if any(matches(pattern, relative) for pattern in grant.names):
            return True
    return False


def holds_any(grants: Iterable[Grant], key: WireName) -> bool:
    """Whether there is a grant for this key at all."""
    name = key_text(key)
    return any(grant.key == name for grant in grants)


def matches(pattern: str, relative: bytes) -> bool:
    """Whether a relative name is meant by a pattern: see `Grant.names`."""
    if pattern == "*":
        return True
    if pattern == "@":
        return not relative
    if pattern.endswith(".*"):
        start = _key(pattern[:-2])
        return relative.startswith(start)
    if pattern.startswith("*."):
        end = _key(pattern[2:])
        return relative != end and _below(relative, end)
    return relative == _key(pattern)


def _key(text: str) -> bytes:
    return from_text(text + ".").lower()[:-1]


def _below(relative: bytes, end: bytes) -> bool:
    while len(relative) > len(end):
        relative = relative[1 + relative[0] :]
    return relative == end


def described(owner: WireName, rrtype: int | None) -> str:
    """A name and a type, for the log."""
    return to_text(owner) + ("" if rrtype is None else f" {type_text(rrtype)}")
