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
from dinamed.config.values import shown

MAX_CHECKS = 16  # of one pool

_KINDS: Mapping[str, type[Check]] = MappingProxyType(
    {str(kind.__struct_config__.tag): kind for kind in checks.KINDS}
)


def read_checks(
    reader: Reader, raw: object, path: Path, folder: str
) -> tuple[Check, ...]:
    """Read the value of a pool's `check`; report all that does not hold.

    Relative paths are taken from `folder` and made absolute.
    """
    if isinstance(raw, dict):
        check = _read_check(reader, raw, path, folder)
        return () if check is None else (check,)
    if not isinstance(raw, list):
        reader.report(path, f"expected a table or a list, got {shown(raw)}")
        return ()
    if len(raw) > MAX_CHECKS:
        reader.report(path, f"more than {MAX_CHECKS} checks")
        return ()
    read = (
        _read_check(reader, one, (*path, place), folder)
        for place, one in enumerate(raw)
    )
    # The same check twice says nothing more than once.
    return tuple(dict.fromkeys(check for check in read if check is not None))


def _read_check(reader: Reader, raw: object, path: Path, folder: str) -> Check | None:
    check = reader.tagged(_KINDS, raw, path)
    if check is None:
        return None
    if check.limit >= check.interval and reader.intact((*path, "timeout")):
        reader.report((*path, "timeout"), "must be shorter than the interval")
    return _checked(reader, check, path, folder)


def _checked(reader: Reader, check: Check, path: Path, folder: str) -> Check:
    """Check what is beyond single keys; the same with absolute paths."""
    match check:
        case checks.TcpCheck():
            if check.send and check.expect is None and reader.intact((*path, "expect")):
                reader.report((*path, "send"), "checks nothing without expect")
        case checks.HttpCheck():
            return _http(reader, check, path, folder)
        case checks.DnsCheck():
            _dns(reader, check, path)
        case checks.ExecCheck():
            return _exec(reader, check, path, folder)
        case checks.FileCheck():
            return replace(check, path=os.path.join(folder, check.path))
        case checks.StatusCheck():
            return replace(check, directory=os.path.join(folder, check.directory))
    return check


def _http(
    reader: Reader, check: checks.HttpCheck, path: Path, folder: str
) -> checks.HttpCheck:
    if check.body is not None and check.method == "HEAD":
        reader.report((*path, "body"), "the answer to HEAD has no body")
    if reader.intact((*path, "url")):
        scheme = split_url(check.url).scheme
        wanted = "https" if isinstance(check, checks.HttpsCheck) else "http"
        if scheme != wanted:
            message = f'the URL of type = "{wanted}" begins with {wanted}://'
            reader.report((*path, "url"), message)
    if not isinstance(check, checks.HttpsCheck) or check.ca is None:
        return check
    if not check.verify:
        reader.report((*path, "ca"), "has no use with verify = false")
    ca = os.path.join(folder, check.ca)
    if not os.access(ca, os.R_OK):
        reader.report((*path, "ca"), f"can't read {ca}")
    return replace(check, ca=ca)


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


def _exec(
    reader: Reader, check: checks.ExecCheck, path: Path, folder: str
) -> checks.ExecCheck:
    program = check.command[0]
    if "/" in program:
        program = os.path.join(folder, program)
    if "{" not in program and shutil.which(program) is None:
        reader.report((*path, "command"), f"no program {shown(program)} to execute")
    return replace(check, command=(program, *check.command[1:]))
