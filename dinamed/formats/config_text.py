"""What was made of old files, as the text of a config."""

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

from dinamed.config.checks import StatusCheck
from dinamed.config.settings import MemberSettings, PoolSettings
from dinamed.formats.imported import Imported
from dinamed.formats.zone_text import master_file, unused_pools
from dinamed.wire.names import to_text
from dinamed.zones.targeting import SELF

CONFIG = "dinamed.toml"
_NOT_IN_NAMES = re.compile(r"[^A-Za-z0-9_.-]+")
_MAX_NAME = 180


class TextFile(NamedTuple):
    """A file to write."""

    name: str
    text: str


def config_files(zones: Iterable[Imported], head: Iterable[str] = ()) -> list[TextFile]:
    """A config and the zone files that it names, for zones without problems.

    It begins with the lines of `head`.
    """
    made = list(zones)
    names = _pool_names(made)
    files = [TextFile(_file_name(zone), master_file(zone)) for zone in made]
    lines = list(head)
    for zone, file in zip(made, files, strict=True):
        lines += _warnings(zone)
        lines += _zone(zone, file.name, names)
    for zone in made:
        left_out = unused_pools(zone)
        for key, name in zone.names.items():
            if key not in left_out:
                pool = next(pool for pool in zone.pools if pool.name == name)
                lines += _pool(pool, names[name])
    return [TextFile(CONFIG, "\n".join(lines).strip() + "\n"), *files]


def _file_name(zone: Imported) -> str:
    name = _NOT_IN_NAMES.sub("-", to_text(zone.origin)[:-1]) or "root"
    return f"{name.lstrip('.-')}.zone"


def _pool_names(zones: list[Imported]) -> dict[str, str]:
    """Names for the pools that a config may have, each its own."""
    names: dict[str, str] = {}
    taken: set[str] = {"all", "none", "last"}
    for zone in zones:
        for pool in zone.pools:
            origin, _, label = pool.name.partition(":")
            whole = "apex" if label == "@" else label
            if len(zones) > 1:
                whole = f"{whole}.{origin}"
            parts = _NOT_IN_NAMES.sub("-", whole[:_MAX_NAME]).split(".")
            wanted = ".".join(part for part in parts if part).lstrip("-.") or "pool"
            name, number = wanted, 1
            while name.lower() in taken:
                number += 1
                name = f"{wanted}-{number}"
            taken.add(name.lower())
            names[pool.name] = name
    return names


def _warnings(zone: Imported) -> Iterator[str]:
    for warning in zone.warnings:
        yield f"# {warning}"


def _zone(zone: Imported, file: str, names: Mapping[str, str]) -> Iterator[str]:
    table = f"zones.{json.dumps(to_text(zone.origin)[:-1] or '.')}"
    yield f"[{table}]"
    yield f"file = {json.dumps(file)}"
    targeting = zone.targeting
    if targeting is not None and targeting.heads:
        yield f"targets = {json.dumps(list(targeting.kinds))}"
    elif targeting is not None and targeting.aliases:
        yield f"targets = {json.dumps([SELF])}"
    if targeting is not None and targeting.aliases:
        yield f"[{table}.aliases]"
        for key, other in targeting.aliases.items():
            yield f"{json.dumps(_owner(key))} = {json.dumps(_owner(other))}"
    left_out = unused_pools(zone)
    bound = {key: name for key, name in zone.names.items() if key not in left_out}
    if bound:
        yield f"[{table}.names]"
        for key, name in bound.items():
            yield f"{json.dumps(_owner(key))} = {json.dumps(names[name])}"
    yield ""


def _owner(key: bytes) -> str:
    return to_text(key + b"\0")[:-1] if key else "@"


def _pool(pool: PoolSettings, name: str) -> Iterator[str]:
    table = f"pools.{json.dumps(name)}"
    yield f"[{table}]"
    yield f"ttl = {pool.ttl.low}"
    yield f"answers = {pool.answers}"
    stages = ", ".join(
        json.dumps(stage.name)
        if stage.argument is None
        else f"{{{stage.name} = {json.dumps(stage.argument)}}}"
        for stage in pool.select
    )
    yield f"select = [{stages}]"
    if pool.load is not None:
        yield f"[{table}.load]"
        yield f"type = {json.dumps(pool.load.kind)}"
    for check in pool.check:
        if isinstance(check, StatusCheck):
            yield f"[{table}.check]"
            yield 'type = "status"'
            yield f"directory = {json.dumps(check.directory)}"
            keys = ", ".join(
                f"{json.dumps(a)} = {json.dumps(k)}" for a, k in check.keys
            )
            yield f"keys = {{ {keys} }}"
            yield f"interval = {_number(check.interval)}"
            yield f"rise = {check.rise}"
            yield f"fall = {check.fall}"
    for member in pool.members:
        yield from _member(member, table)
    yield ""


def _member(member: MemberSettings, table: str) -> Iterator[str]:
    yield f"[[{table}.members]]"
    yield f"name = {json.dumps(member.name)}"
    yield f"addresses = {json.dumps(list(member.addresses))}"
    if member.weight != 1:
        yield f"weight = {_number(member.weight)}"
    if member.load is not None:
        yield f"load = {_number(member.load)}"
    if member.increment is not None:
        yield f"increment = {_number(member.increment)}"


def _number(number: float) -> str:
    short = f"{number:g}"
    return short if float(short) == number else repr(number)
