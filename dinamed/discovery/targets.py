"""From what a source tells to the settings of members: pure."""

import ipaddress
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import partial
from typing import Any

import msgspec
from msgspec.structs import replace

from dinamed.config.lines import Path
from dinamed.config.reader import Reader, key_text
from dinamed.config.settings import MemberSettings, PoolSettings
from dinamed.problems import Problem

PREFIX = "__meta_dinamed_"
_NUMBERS = ("weight", "capacity", "load", "increment", "bias")
_WHOLE = ("asn", "priority")
_WORDS = ("name", "country", "network")

Members = tuple[MemberSettings, ...]
MOST_KNOWN = 100_000
"""Members that were read one by one and are known by what was told of them."""
Key = tuple[str, bytes]
"""Stands for all that is told of a member."""


class BadMembersError(ValueError):
    """A list of members is not one; the message says what is wrong, on one line."""


class _NoFile:
    """Where problems are that stand in no file."""

    def problem(self, path: Path, message: str) -> Problem:
        """A problem with a key."""
        return Problem("", None, key_text(path), message)

    def folder(self, path: Path) -> str:
        """There are no paths in members."""
        return ""


class MemberReader:
    """Reads lists of members; what stood in the last one is not read again.

    `template` are keys that members have where nothing is said of them.  A list of more
    than `most` is not read to its end.
    """

    def __init__(
        self, template: Mapping[str, object] | None = None, most: int = MOST_KNOWN
    ) -> None:
        self._most = most
        self._template = dict(template or {})
        self._known: dict[Key, MemberSettings] = {}
        self._reader = Reader(_NoFile())

    def prometheus(self, data: bytes) -> Members:
        """A list of file_sd or http_sd: groups of targets with labels.

        A target is an address, with or without a port; or, where the label `addresses`
        says which it has, any name.  Raises `BadMembersError`.
        """
        try:
            groups = msgspec.json.decode(data)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
            raise BadMembersError(f"no JSON: {error}") from None
        if not isinstance(groups, list):
            raise BadMembersError("expected a list of {targets, labels}")
        return self._collect(_told(groups))

    def tables(self, tables: Iterable[object]) -> Members:
        """A list of members' tables, as in the config.  Raises `BadMembersError`."""
        return self._collect((_key(table), partial(_same, table)) for table in tables)

    def more(self, tables: Iterable[object]) -> Members:
        """As `tables`, for members that come to those who were read before."""
        before = self._known
        members = self.tables(tables)
        self._known = {**before, **self._known} if len(before) <= MOST_KNOWN else {}
        return members

    def _collect(self, told: Iterable[tuple[Key, Callable[[], object]]]) -> Members:
        """Members by what tells of them; what was told before is not read again."""
        known: dict[Key, MemberSettings] = {}
        members: list[MemberSettings] = []
        names: set[str] = set()
        for place, (key, table) in enumerate(told):
            if place >= self._most:
                raise BadMembersError(f"more than {self._most} members")
            member = self._known.get(key) or self._read(table(), place)
            name = member.name.lower()
            if name in names:
                why = f'there is a member "{member.name}" already'
                raise BadMembersError(f"[{place}]: {why}")
            names.add(name)
            known[key] = member
            members.append(member)
        self._known = known
        return tuple(members)

    def _read(self, table: object, place: int) -> MemberSettings:
        if not isinstance(table, dict):
            raise BadMembersError(f"[{place}]: expected a table of a member")
        reader = self._reader
        raw: dict[str, Any] = {**self._template, **table}
        if isinstance(raw.get("location"), tuple):
            raw["location"] = list(raw["location"])
        member = reader.table(MemberSettings, raw, (place,))
        if reader.problems:
            problem = reader.problems[0]
            self._reader = Reader(_NoFile())
            raise BadMembersError(f"{problem.key}: {problem.message}")
        if member is None:
            raise BadMembersError(f"[{place}]: not a member")
        if member.pool is not None or not member.addresses:
            raise BadMembersError(f"[{place}]: a member needs addresses")
        return member


def _told(groups: list[object]) -> Iterator[tuple[Key, Callable[[], object]]]:
    """The targets of all groups, and how to make their tables."""
    for place, group in enumerate(groups):
        where = f"[{place}]"
        if not isinstance(group, dict):
            raise BadMembersError(f"{where}: expected {{targets, labels}}")
        targets, labels = group.get("targets", []), group.get("labels", {})
        if not isinstance(targets, list) or not isinstance(labels, dict):
            raise BadMembersError(f"{where}: expected a list and a table of labels")
        said = msgspec.json.encode(labels)
        labelled = _labelled(labels, where)
        for target in targets:
            if not isinstance(target, str):
                raise BadMembersError(f"{where}: a target is no text")
            yield (target, said), partial(_table, target, labelled, where)


def _key(table: object) -> Key:
    try:
        return "", msgspec.json.encode(table)
    except (TypeError, ValueError, RecursionError) as error:
        raise BadMembersError(str(error)) from None


def _same(table: object) -> object:
    return table


def _labelled(labels: Mapping[str, object], where: str) -> dict[str, object]:
    """The keys of members that labels tell; labels are texts."""
    found: dict[str, object] = {}
    for label, value in labels.items():
        key = label.removeprefix(PREFIX)
        if not isinstance(value, str):
            raise BadMembersError(f"{where}: the label {label} is no text")
        try:
            if key in _NUMBERS:
                found[key] = float(value)
            elif key in _WHOLE:
                found[key] = int(value)
            elif key in _WORDS:
                found[key] = value
            elif key == "location":
                found[key] = [float(part) for part in value.strip("[] ").split(",")]
            elif key == "addresses":
                found[key] = [part.strip() for part in value.split(",")]
        except ValueError:
            raise BadMembersError(f"{where}: the label {label} is no number") from None
    return found


def _table(target: str, told: Mapping[str, object], where: str) -> dict[str, object]:
    if "addresses" in told:
        return {"name": target, **told}
    address = address_of(target)
    if address is None:
        raise BadMembersError(f'{where}: the target "{target[:80]}" is no address')
    return {"name": address, **told, "addresses": [address]}


def address_of(target: str) -> str | None:
    """The address in `ADDRESS`, `ADDRESS:PORT` or `[ADDRESS]:PORT`, if there is one."""
    host = target
    if target.startswith("["):
        host = target[1:].partition("]")[0]
    elif target.count(":") == 1:
        host = target.partition(":")[0]
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return None


def with_members(pool: PoolSettings, found: Members) -> PoolSettings:
    """A pool with the members of its config, and behind them those that were found."""
    if pool.discover is None or not found:
        return pool
    own = {member.name.lower() for member in pool.members}
    more = tuple(member for member in found if member.name.lower() not in own)
    return replace(pool, members=pool.members + more)
