"""From a master file to a packed zone, or to the list of what is wrong with it."""

from collections.abc import Mapping
from typing import NamedTuple

from dinamed.problems import Problem
from dinamed.wire.constants import Type
from dinamed.wire.names import WireName, is_within, relative, to_text
from dinamed.zones import rules
from dinamed.zones.advice import advise
from dinamed.zones.master import read_master
from dinamed.zones.masterdata import RAW, MasterData
from dinamed.zones.merge import Merger
from dinamed.zones.packed import PackedZone
from dinamed.zones.packer import assemble

_NO_SOA = RAW.pack(Type.SOA, 0, 0, 22) + bytes(22)


class BuiltZone(NamedTuple):
    """What `build_zone` made.

    `packed` is empty exactly when there are `problems`; `warnings` tell what is most
    likely not what was meant.  `files` are the paths that
    were opened or tried, the zone's own first: a change to one calls for a new build.
    """

    packed: bytes | bytearray
    problems: list[Problem]
    files: tuple[str, ...]
    warnings: tuple[Problem, ...] = ()


def build_zone(origin: WireName, path: str, names: Mapping[WireName, str]) -> BuiltZone:
    """Read, check and pack the zone `origin` from the master file `path`.

    `names` binds absolute names within the zone to pools.  Nothing is raised: what is
    wrong with the file, down to its not being there, is in `problems`.
    """
    data = read_master(origin, path)
    bound: dict[bytes, str] = {}
    for name, pool in names.items():
        name = name.lower()
        if is_within(name, data.origin):
            bound[relative(name, data.origin)] = pool
        else:
            data.problem(path, None, to_text(name), f"outside {to_text(data.origin)}")
    packed: bytes | bytearray = b""
    if data.records or not data.problems:
        packed = _check_and_pack(data, bound)
    order = {file: number for number, file in enumerate(data.files)}
    data.problems.sort(key=lambda problem: (order[problem.file], problem.line or 0))
    for file, count in data.suppressed.items():
        data.problems.append(
            Problem(file, None, to_text(data.origin), f"and {count} more problems")
        )
    if data.problems:
        packed = b""
    files = tuple(dict.fromkeys(data.files))
    return BuiltZone(packed, data.problems, files, tuple(data.warnings))


def _check_and_pack(data: MasterData, bound: Mapping[bytes, str]) -> bytes | bytearray:
    if not rules.check_apex(data):
        # The other rules are still worth checking.
        data.records.add(b"", _NO_SOA)
    rules.check_dnames(data)
    rules.check_wildcards(data)
    rules.check_names(data, bound)
    try:
        packed = assemble(
            data.origin,
            data.records,
            Merger(data).encode,
            data.marks(),
            bound,
        )
    except ValueError as error:
        data.problem(data.files[0], None, to_text(data.origin), str(error))
        return b""
    zone = PackedZone(packed)
    rules.check_name_servers(data, zone)
    rules.check_signed(data, zone, bound)
    advise(data, zone)
    return packed
