"""Reading `[pools.NAME.check]`: one check or a list, each by its type."""

import os
import shutil
from collections.abc import Mapping
from types import MappingProxyType

import dns.exception
import dns.name
import dns.rdata
from msgspec.structs import replace

from dinamed.config import checks
from dinamed.config.check_forms import split_url
from dinamed.config.checks import Check
from dinamed.config.lines import Path
from dinamed.config.reader import Reader
from dinamed.config.secrets import with_header_files
from dinamed.config.settings import VotingSettings
from dinamed.config.values import shown

MAX_CHECKS = 16  # of one pool
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


def read_checks(reader: Reader, raw: object, path: Path) -> tuple[Check, ...]:
    """Read the value of a pool's `check`; report all that does not hold."""
    raw = _without_voting(raw)
    if isinstance(raw, dict):
        check = _read_check(reader, raw, path)
        return () if check is None else (check,)
    if not isinstance(raw, list):
        reader.report(path, f"expected a table or a list, got {shown(raw)}")
        return ()
    if len(raw) > MAX_CHECKS:
        reader.report(path, f"more than {MAX_CHECKS} checks")
        return ()
    read = (_read_check(reader, one, (*path, place)) for place, one in enumerate(raw))
    # The same check twice says nothing more than once.
    return tuple(dict.fromkeys(check for check in read if check is not None))


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
