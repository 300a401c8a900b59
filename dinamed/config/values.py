"""Readers of single config values: each returns the value's form, or refuses it.

Every function here takes what TOML gave and returns the form the rest of dinamed
uses; it raises `ValueError` with a message in plain words.
"""

import ipaddress
import json
import re
from collections.abc import Mapping
from typing import Annotated, NamedTuple

import msgspec
from msgspec import Meta

from dinamed.config.durations import seconds_range

MAX_TTL = 2**31 - 1  # RFC 2181 section 8
MAX_IDENTITY = 255  # one character-string, RFC 1035 section 3.3
MAX_MEMBER_NAME = 200  # leaves room in the strings that tell a member's state
MAX_PORT = 65535

_HOST_LABEL = re.compile(r"(?!-)[A-Za-z0-9_-]{1,63}(?<!-)")
_VLAN = re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,12}\.[0-9]{1,4}")  # eth0.100
_POOL_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_CREDENTIALS = re.compile(
    r"\$(?:\{CREDENTIALS_DIRECTORY\}|CREDENTIALS_DIRECTORY(?![A-Z0-9_a-z]))"
)


_TTL = 'a whole number of seconds, or text such as "5m", "30-300" or "30s-5m"'


class Ttl(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Seconds an answer may be cached; adaptive when `low` and `high` differ."""

    low: int
    high: int


class StageSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One entry of `select`: a stage's name and its argument, if it has one."""

    name: str
    argument: object = None


class HostPort(NamedTuple):
    """An address or host name, with a port unless that was left out."""

    host: str
    port: int | None


def shown(value: object) -> str:
    """A TOML value for a message: short, on one line, in ASCII."""
    match value:
        case bool():
            return "true" if value else "false"
        case str():
            return json.dumps(value if len(value) <= 60 else value[:57] + "...")
        case int():
            return str(value) if abs(value) < 10**30 else "a number far too large"
        case float():
            return repr(value)
        case list() | tuple():
            return "a list"
        case dict():
            return "a table"
    return "a date or time"


def ttl(raw: object) -> Ttl:
    """Seconds from 0 to 2147483647, or `"LOW-HIGH"` for an adaptive TTL.

    In text each of them may have a unit: `"5m"`, `"30s-5m"`.
    """
    if type(raw) is int:
        if not 0 <= raw <= MAX_TTL:
            raise ValueError(f"expected seconds from 0 to {MAX_TTL}, got {shown(raw)}")
        return Ttl(raw, raw)
    if not isinstance(raw, str):
        raise ValueError(f"expected {_TTL}, got {shown(raw)}")
    try:
        ends = seconds_range(raw)
    except ValueError:
        raise ValueError(f"expected {_TTL}, got {shown(raw)}") from None
    low, high = map(int, ends)
    if (low, high) != ends:
        raise ValueError(f"a TTL is a whole number of seconds, got {shown(raw)}")
    if low > high:
        raise ValueError(f"{low} is higher than {high}: write the lower one first")
    if high > MAX_TTL:
        raise ValueError(f"expected seconds from 0 to {MAX_TTL}, got {high}")
    return Ttl(low, high)


def stage(raw: object) -> StageSettings:
    """A stage's name, or a table of one key: `{NAME = ARGUMENT}`.

    The argument stays as TOML gave it; which stages there are is not looked at.
    """
    if isinstance(raw, str):
        return StageSettings(raw)
    if not isinstance(raw, dict):
        raise ValueError(
            f"expected a stage's name or {{NAME = ARGUMENT}}, got {shown(raw)}"
        )
    if len(raw) != 1:
        raise ValueError(
            "expected one key, {NAME = ARGUMENT}; each stage is an entry of its own"
        )
    ((name, argument),) = raw.items()
    return StageSettings(name, argument)


def host_port(text: str) -> HostPort:
    """Read `HOST`, `HOST:PORT`, `[IPV6]`, `[IPV6]:PORT` or a bare IPv6 address.

    Port 0 means any free one.  Host names are returned as they are written.
    """
    if text.startswith("["):
        inside, bracket, rest = text[1:].partition("]")
        if not bracket or (rest and not rest.startswith(":")):
            raise ValueError(f"expected [IPV6]:PORT, got {shown(text)}")
        if ":" not in inside:
            raise ValueError(f"{shown(inside)} is not an IPv6 address")
        return HostPort(_ip(inside), _port(rest[1:]) if rest else None)
    if text.count(":") > 1:
        return HostPort(_ip(text), None)
    host, colon, port = text.partition(":")
    return HostPort(_host(host), _port(port) if colon else None)


def _port(text: str) -> int:
    if not (text.isascii() and text.isdigit()) or len(text) > 5:
        raise ValueError(f"expected a port from 0 to {MAX_PORT}, got {shown(text)}")
    if int(text) > MAX_PORT:
        raise ValueError(f"expected a port from 0 to {MAX_PORT}, got {text}")
    return int(text)


def _ip(text: str) -> str:
    try:
        return str(ipaddress.ip_address(text))
    except ValueError:
        raise ValueError(f"{shown(text)} is not an IP address") from None


def _host(text: str) -> str:
    name = text.removesuffix(".")
    parts = name.split(".")
    if _VLAN.fullmatch(text):
        return text
    if parts[-1].isdigit():  # no top-level domain is a number, RFC 3696 section 2
        return _ip(text)
    if len(name) > 253 or not all(map(_HOST_LABEL.fullmatch, parts)):
        raise ValueError(f"{shown(text)} is not an address or a host name")
    return text


def listen(text: str) -> str:
    """An address or host name to listen on, with or without a port."""
    host_port(text)
    return text


def http(text: str) -> str:
    """`HOST:PORT` to listen on."""
    if host_port(text).port is None:
        raise ValueError(f"expected HOST:PORT, got {shown(text)}")
    return text


def host_name(text: str) -> str:
    """A host name, in lower case and without a final dot."""
    name = text.removesuffix(".").lower()
    if not name or not all(map(_HOST_LABEL.fullmatch, name.split("."))):
        raise ValueError("must be a host name")
    return name


def identity(text: str) -> str:
    """From 1 to 255 octets without control characters."""
    if not text:
        raise ValueError("empty; leave the key out to use the host's name")
    if len(text.encode()) > MAX_IDENTITY:
        raise ValueError(f"longer than {MAX_IDENTITY} octets")
    if not text.isprintable():
        raise ValueError("has control characters")
    return text


def file_path(text: str) -> str:
    """A path: not empty, and one that the system can take."""
    if not text:
        raise ValueError("empty path")
    if "\0" in text:
        raise ValueError("a path can't have a NUL character")
    return text


FilePath = Annotated[str, Meta(extra={"form": file_path, "file": True})]
"""A path that is made absolute."""


def credentials(text: str, environment: Mapping[str, str]) -> str:
    """A path with `$CREDENTIALS_DIRECTORY` at its beginning filled in.

    Raises `ValueError` if the environment has none.
    """
    match = _CREDENTIALS.match(text)
    if match is None:
        return text
    folder = environment.get("CREDENTIALS_DIRECTORY")
    if not folder:
        raise ValueError(
            "CREDENTIALS_DIRECTORY is not set: systemd sets it for a service that has "
            "LoadCredential="
        )
    return folder + text[match.end() :]


def prefix(text: str) -> str:
    """`ADDRESS/LENGTH`, or an address for itself alone; in canonical form."""
    try:
        return str(ipaddress.ip_network(text))
    except ValueError:
        pass
    try:
        meant = ipaddress.ip_network(text, strict=False)
    except ValueError:
        raise ValueError(f"{shown(text)} is not an address prefix") from None
    raise ValueError(f"{text} has bits beyond the prefix; did you mean {meant}?")


def address(text: str) -> str:
    """One host's IPv4 or IPv6 address, in canonical form."""
    if "%" in text:
        raise ValueError(f"{shown(text)}: an answer can't have a scope")
    try:
        ip = ipaddress.ip_address(text)
    except ValueError:
        raise ValueError(f"{shown(text)} is not an IPv4 or IPv6 address") from None
    if ip.is_unspecified:
        raise ValueError(f"{text} is the unspecified address, not a host's")
    if ip.is_multicast:
        raise ValueError(f"{text} is a multicast address, not a host's")
    return str(ip)


def country(text: str) -> str:
    """Two letters (ISO 3166-1 alpha-2), returned in upper case."""
    if not (len(text) == 2 and text.isascii() and text.isalpha()):
        raise ValueError(f'expected two letters such as "DE", got {shown(text)}')
    return text.upper()


def member_name(text: str) -> str:
    """From 1 to 200 visible ASCII characters."""
    if not text:
        raise ValueError("empty name")
    if len(text) > MAX_MEMBER_NAME:
        raise ValueError(f"longer than {MAX_MEMBER_NAME} characters")
    if not all("!" <= character <= "~" for character in text):
        raise ValueError(
            f"expected visible ASCII characters without spaces, got {shown(text)}"
        )
    return text


def pool_name(text: str) -> str:
    """A name that can stand as labels before `.mgmt.ZONE`."""
    if not text:
        raise ValueError("empty name")
    if not _POOL_NAME.fullmatch(text):
        raise ValueError(
            "a pool's name has letters, digits, '_', '-' and '.', "
            "and begins with none of the last two"
        )
    if not all(0 < len(label) <= 63 for label in text.split(".")):
        raise ValueError("the parts between dots have from 1 to 63 characters")
    if len(text) > 200:
        raise ValueError("longer than 200 characters")
    if text in ("all", "none", "last"):
        raise ValueError(f'"{text}" has a meaning of its own in when_down')
    return text


def pool_reference(raw: object) -> str:
    """The name of a pool that a name of a zone is bound to."""
    if isinstance(raw, str):
        return raw
    hint = "; a name with dots is written in quotes" if isinstance(raw, dict) else ""
    raise ValueError(f"expected a pool's name, got {shown(raw)}{hint}")


def network(text: str) -> str:
    """A network's name: not empty."""
    if not text:
        raise ValueError("empty name")
    return text
