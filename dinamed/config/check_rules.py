"""Reading `[pools.NAME.check]`: one check or a list, each by its type."""

import os
import shutil
from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

import dns.exception
import dns.name
import dns.rdata
from msgspec.structs import replace

from dinamed.config import checks
from dinamed.config.check_forms import split_url
from dinamed.config.checks import Check
from dinamed.config.combined import CheckRule
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.secrets import with_header_files
from dinamed.config.settings import VotingSettings
from dinamed.config.values import shown

MAX_CHECKS = 16  # of one pool
MOST_COMBINED = 8
"""Levels of combinations of checks inside each other."""
COMBINATIONS = ("any", "all", "not", "at_least", "of")
"""Keys that stand in place of a check's."""
VOTING = VotingSettings.__struct_fields__

_KINDS: Mapping[str, type[Check]] = MappingProxyType(
    {str(kind.__struct_config__.tag): kind for kind in checks.KINDS}
)


_CONNECTED = (checks.TcpCheck, checks.HttpCheck, checks.DnsCheck)


def read_voting(reader: Reader, raw: object, path: Path) -> VotingSettings:
    """Read how votes count, from the checks of a pool: the first that says decides."""
    tables = raw if isinstance(raw, list) else [raw]
    said = VotingSettings()
    for number, table in enumerate(tables):
        if not isinstance(table, dict):
            continue
        here = (*path, number) if isinstance(raw, list) else path
        mine = {key: table[key] for key in VOTING if key in table}
        read = reader.table(VotingSettings, mine, here)
        if read is None or read == VotingSettings():
            continue
        if said not in (VotingSettings(), read):
            reader.report(here, "another check of this pool says otherwise of votes")
        said = read
    return said


def _without_voting(raw: object) -> object:
    if isinstance(raw, dict):
        return {key: value for key, value in raw.items() if key not in VOTING}
    return [_without_voting(one) for one in raw] if isinstance(raw, list) else raw


class PoolChecks(NamedTuple):
    """The checks of a pool, each once, and how they come to a verdict.

    `rule` is None where all must pass; `pools` are those whose states are looked at,
    and where that is said.
    """

    checks: tuple[Check, ...]
    rule: CheckRule | None
    pools: tuple[tuple[str, Path], ...]


def read_checks(reader: Reader, raw: object, path: Path) -> PoolChecks:
    """Read the value of a pool's `check`; report all that does not hold."""
    reading = _Reading(reader)
    raw = _without_voting(raw)
    if isinstance(raw, dict):
        rule = reading.part(raw, path, 1)
    elif isinstance(raw, list):
        rule = reading.all_of(raw, path, 0)
    else:
        reader.report(path, f"expected a table or a list, got {shown(raw)}")
        rule = CheckRule()
    if reading.count > MAX_CHECKS:
        reader.report(path, f"more than {MAX_CHECKS} checks")
    # The same check twice says nothing more than once.
    everything = CheckRule(checks=tuple(range(len(reading.found))))
    plain = isinstance(rule, int) or rule == everything
    told = None if plain or isinstance(rule, int) else rule
    return PoolChecks(tuple(reading.found), told, tuple(reading.pools))


class _Reading:
    """Collects the checks of a pool as it comes by them; each has a number."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.found: dict[Check, int] = {}
        self.count = 0
        self.pools: list[tuple[str, Path]] = []

    def part(self, raw: object, path: Path, level: int) -> CheckRule | int:
        """A check, by its number, or a combination."""
        keys = [key for key in COMBINATIONS if isinstance(raw, dict) and key in raw]
        if isinstance(raw, dict) and keys and "type" not in raw:
            return self._combined(raw, keys[0], path, level)
        self.count += 1
        check = _read_check(self.reader, raw, path)
        if check is None:
            return CheckRule()
        if isinstance(check, checks.PoolCheck):
            self.pools.append((check.pool, (*path, "pool")))
        return self.found.setdefault(check, len(self.found))

    def all_of(self, raw: Sequence[object], path: Path, level: int) -> CheckRule:
        """A list of parts, all of which must hold."""
        return _rule(
            [self.part(one, (*path, n), level + 1) for n, one in enumerate(raw)]
        )

    def _combined(
        self, raw: Mapping[str, object], key: str, path: Path, level: int
    ) -> CheckRule:
        """One that begins with `any`, `all`, `at_least` or `of`, or `not`."""
        known = ("at_least", "of") if key in ("at_least", "of") else (key,)
        for other in raw:
            if other not in known:
                only = '" and "'.join(known)
                self.reader.report((*path, other), f'only "{only}" may stand here')
        if level > MOST_COMBINED:
            self.reader.report(path, f"more than {MOST_COMBINED} inside each other")
            return CheckRule()
        if key == "not":
            inner = self.part(raw["not"], (*path, "not"), level + 1)
            return replace(_rule([inner]), negated=True)
        listed = "of" if key in ("at_least", "of") else key
        parts = raw.get(listed)
        if not isinstance(parts, list) or not parts:
            self.reader.report((*path, listed), "expected a list of checks")
            return CheckRule()
        rule = self.all_of(parts, (*path, listed), level)
        if listed == "of":
            return replace(rule, least=self._least(raw, parts, path))
        return replace(rule, least=1) if key == "any" else rule

    def _least(
        self, raw: Mapping[str, object], parts: Sequence[object], path: Path
    ) -> int:
        least = raw.get("at_least")
        if type(least) is not int or not 1 <= least <= len(parts):
            message = f"expected a whole number from 1 to {len(parts)}"
            self.reader.report((*path, "at_least"), message)
            return 1
        return least


def _rule(parts: Sequence[CheckRule | int]) -> CheckRule:
    numbers = tuple(dict.fromkeys(one for one in parts if isinstance(one, int)))
    return CheckRule(
        checks=numbers, rules=tuple(one for one in parts if isinstance(one, CheckRule))
    )


def _read_check(reader: Reader, raw: object, path: Path) -> Check | None:
    check = reader.tagged(_KINDS, raw, path)
    if check is None:
        return None
    if check.limit >= check.interval and reader.intact((*path, "timeout")):
        reader.report((*path, "timeout"), "must be shorter than the interval")
    return _checked(reader, check, path)


def _checked(reader: Reader, check: Check, path: Path) -> Check:
    """Check what is beyond single keys; the same with absolute paths."""
    if check.source is not None and not isinstance(check, _CONNECTED):
        reader.report((*path, "source"), "has no use: nothing is connected to")
    match check:
        case checks.TcpCheck():
            if check.send and check.expect is None and reader.intact((*path, "expect")):
                reader.report((*path, "send"), "checks nothing without expect")
        case checks.HttpCheck():
            _http(reader, check, path)
            headers = with_header_files(reader, check.headers, check.header_files, path)
            return replace(check, headers=headers)
        case checks.DnsCheck():
            _dns(reader, check, path)
        case checks.ExecCheck():
            return _exec(reader, check, path)
        case checks.FileCheck():
            return _file(reader, check, path)
    return check


def _http(reader: Reader, check: checks.HttpCheck, path: Path) -> None:
    if check.body is not None and check.method == "HEAD":
        reader.report((*path, "body"), "the answer to HEAD has no body")
    if reader.intact((*path, "url")):
        scheme = split_url(check.url).scheme
        wanted = "https" if isinstance(check, checks.HttpsCheck) else "http"
        if scheme != wanted:
            message = f'the URL of type = "{wanted}" begins with {wanted}://'
            reader.report((*path, "url"), message)
    if not isinstance(check, checks.HttpsCheck) or check.ca is None:
        return
    if not check.verify:
        reader.report((*path, "ca"), "has no use with verify = false")
    if not os.access(check.ca, os.R_OK):
        reader.report((*path, "ca"), f"can't read {check.ca}")


def _file(reader: Reader, check: checks.FileCheck, path: Path) -> checks.FileCheck:
    file = reader.absolute(check.path, (*path, "path"))
    return check if file is None else replace(check, path=file)


def _dns(reader: Reader, check: checks.DnsCheck, path: Path) -> None:
    for place, text in enumerate(check.answers):
        try:
            rdata = dns.rdata.from_text(
                "IN", check.qtype, text, origin=dns.name.root, relativize=False
            )
            rdata.to_wire()
        except (dns.exception.DNSException, ValueError, NotImplementedError) as error:
            message = f"not the data of a record of type {check.qtype}: {error}"
            reader.report((*path, "answers", place), message)


def _exec(reader: Reader, check: checks.ExecCheck, path: Path) -> checks.ExecCheck:
    here: Path = (*path, "command")
    return replace(check, command=executable(reader, check.command, here))


def executable(reader: Reader, command: tuple[str, ...], path: Path) -> tuple[str, ...]:
    """The command with the absolute path of its program, once there is one."""
    program = command[0]
    if "/" in program:
        found = reader.absolute(program, path)
        if found is None:
            return command
        program = found
    if "{" not in program and shutil.which(program) is None:
        reader.report(path, f"no program {shown(program)} to execute")
    return (program, *command[1:])
