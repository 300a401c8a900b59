"""The forms of the values in a check's table; see `values` for how they behave."""

import re
from typing import NamedTuple

import dns.exception
import dns.rcode
import dns.rdatatype

from dinamed.config.values import address as canonical
from dinamed.config.values import file_path, host_port, shown
from dinamed.patterns import Pattern
from dinamed.wire import names

CodeRange = tuple[int, int]
"""HTTP status codes from the first to the second, both included."""

Header = tuple[str, str]

MOST_SHORT_STEPS = 500
MAX_TEXT = 4096  # of a URL, a header, a pattern

_CODES = re.compile(r"([1-5][0-9]{2})-([1-5][0-9]{2})")
_PLACE = re.compile(r"\{([A-Za-z_]*)\}")
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")  # RFC 9110 section 5.6.2
_URL = re.compile(r"(https?)://([^/?#]*)([^#]*)")
_PLACES = ("address", "name")
_OWN_HEADERS = frozenset(
    ("connection", "content-length", "host", "te", "transfer-encoding", "upgrade")
)
_NOT_ASKED = frozenset(("AXFR", "IXFR", "OPT", "TKEY", "TSIG", "TYPE0", "NONE"))


class ParsedUrl(NamedTuple):
    """What a check needs of a URL.

    `host` is without brackets and may hold `{address}` or `{name}`; `authority` is
    host and port as they are written; `target` is path and query.
    """

    scheme: str
    authority: str
    host: str
    port: int
    target: str


def template(text: str) -> str:
    """Visible ASCII in which only `{address}` and `{name}` stand in braces."""
    if not text:
        raise ValueError("empty")
    if len(text) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    if not all("!" <= character <= "~" for character in text):
        raise ValueError(
            f"expected visible ASCII characters without spaces, got {shown(text)}"
        )
    for word in _PLACE.findall(text):
        if word not in _PLACES:
            raise ValueError(f"{{{word}}} is not {{address}} or {{name}}")
    return text


def url(text: str) -> str:
    """An absolute URL of HTTP or HTTPS, without user or fragment."""
    split_url(template(text))
    return text


def split_url(text: str) -> ParsedUrl:
    """Take a URL apart (RFC 3986 section 3); raises `ValueError`."""
    match = _URL.fullmatch(text)
    if match is None:
        raise ValueError(f"expected http://... or https://..., got {shown(text)}")
    scheme, authority, target = match.groups()
    if "@" in authority:
        raise ValueError("a URL here has no user; give an Authorization header")
    if authority.count(":") > 1 and not authority.startswith("["):
        raise ValueError("an IPv6 address in a URL stands in brackets")
    # What is filled in is always one host, or a part of its name.
    plain = authority.replace("{address}", "192.0.2.1").replace("{name}", "a")
    host, port = host_port(plain)
    if not host:
        raise ValueError("the URL has no host")
    if port == 0:
        raise ValueError("port 0 can't be connected to")
    if port is None:
        port = 443 if scheme == "https" else 80
        written = authority
    else:
        written = authority.rpartition(":")[0]
    if not target.startswith("/"):
        target = "/" + target
    return ParsedUrl(scheme, authority, written.strip("[]"), port, target)


def host(text: str) -> str:
    """A host name or address, with or without a port: what a Host line says."""
    template(text)
    host_port(text.replace("{address}", "192.0.2.1").replace("{name}", "a"))
    return text


def pattern(text: str) -> str:
    """A regular expression for octets; its text stands for its UTF-8 form."""
    if not text:
        raise ValueError("empty pattern")
    if len(text) > MAX_TEXT:
        raise ValueError(f"longer than {MAX_TEXT} characters")
    try:
        Pattern(text)
    except ValueError as error:
        raise ValueError(f"not a regular expression: {error}") from None
    return text


def short_pattern(text: str) -> str:
    """One that is quickly looked for in a few kilobytes, again and again."""
    steps = Pattern(pattern(text)).steps
    if steps > MOST_SHORT_STEPS:
        raise ValueError(
            f"too large: repetitions make {steps} steps of it, more than "
            f"{MOST_SHORT_STEPS}"
        )
    return text


def codes(raw: object) -> tuple[CodeRange, ...]:
    """Status codes: `200`, `"200-399"`, or a list of such."""
    listed = raw if isinstance(raw, list) else [raw]
    if not listed:
        raise ValueError("no code would ever pass")
    return tuple(_codes(one) for one in listed)


def _codes(raw: object) -> CodeRange:
    if type(raw) is int:
        if not 100 <= raw <= 599:
            raise ValueError(f"expected a code from 100 to 599, got {shown(raw)}")
        return (raw, raw)
    match = _CODES.fullmatch(raw) if isinstance(raw, str) else None
    if match is None:
        raise ValueError(f'expected a code or "LOW-HIGH", got {shown(raw)}')
    low, high = int(match[1]), int(match[2])
    if low > high:
        raise ValueError(f"{low} is higher than {high}: write the lower one first")
    return (low, high)


def headers(raw: object) -> tuple[Header, ...]:
    """A table of header fields, `{NAME = "VALUE"}` (RFC 9110 section 5)."""
    if not isinstance(raw, dict):
        raise ValueError(f'expected a table, {{NAME = "VALUE"}}, got {shown(raw)}')
    return tuple(_header(name, value) for name, value in raw.items())


def _header(name: str, value: object) -> Header:
    if not _TOKEN.fullmatch(name):
        raise ValueError(f"{shown(name)} can't be the name of a header")
    if name.lower() in _OWN_HEADERS:
        hint = '; use the key "host"' if name.lower() == "host" else ""
        raise ValueError(f"the header {name} is the check's own{hint}")
    if not isinstance(value, str):
        raise ValueError(f"{name}: expected text, got {shown(value)}")
    if len(value) > MAX_TEXT:
        raise ValueError(f"{name}: longer than {MAX_TEXT} characters")
    if not all(" " <= character <= "~" for character in value):
        raise ValueError(f"{name}: expected visible ASCII characters")
    return name, value


def header_files(raw: object) -> tuple[Header, ...]:
    """A table of files that hold the values of header fields, `{NAME = "FILE"}`."""
    if not isinstance(raw, dict):
        raise ValueError(f'expected a table, {{NAME = "FILE"}}, got {shown(raw)}')
    for name, file in raw.items():
        _header(name, "")
        if not isinstance(file, str):
            raise ValueError(f"{name}: expected a path, got {shown(file)}")
        file_path(file)
    return tuple(raw.items())


def header_value(data: bytes) -> str:
    """The value of a header field that a file holds, without blanks around it.

    Raises `ValueError`, whose message holds nothing of the file.
    """
    text = data.decode("latin-1").strip()
    if not text:
        raise ValueError("is empty")
    if len(text) > MAX_TEXT or not all(" " <= one <= "~" for one in text):
        raise ValueError("holds no value of a header: one line of visible ASCII")
    return text


def domain(text: str) -> str:
    """A domain name, absolute with or without the final dot."""
    template(text)
    sample = text.replace("{address}", "192.0.2.1").replace("{name}", "a")
    names.from_text(sample)
    return text


def qtype(text: str) -> str:
    """A type of record that can be asked for, by its name or as `TYPE123`."""
    try:
        name = dns.rdatatype.to_text(dns.rdatatype.from_text(text))
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"no type of record is named {shown(text)}") from None
    if name in _NOT_ASKED:
        raise ValueError(f"{name} can't be asked for")
    return name


def rcode(text: str) -> str:
    """The name of a response code."""
    try:
        value = dns.rcode.from_text(text)
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"no response code is named {shown(text)}") from None
    if value > 15:
        raise ValueError(f"{text.upper()} comes only in answer to EDNS")
    return dns.rcode.to_text(value)


def words(raw: object) -> tuple[str, ...]:
    """A command: the program and its arguments, each as it is; no shell."""
    if not isinstance(raw, list) or not all(isinstance(word, str) for word in raw):
        raise ValueError('expected a list of texts, ["PROGRAM", "ARGUMENT"]')
    if not raw or not raw[0]:
        raise ValueError("names no program")
    if any("\0" in word for word in raw):
        raise ValueError("an argument can't have a NUL character")
    return tuple(raw)


def status_keys(raw: object) -> tuple[tuple[str, str], ...]:
    """A table of `FILE/KEY` by address; the addresses in canonical form."""
    if not isinstance(raw, dict):
        raise ValueError(f"expected a table, got {shown(raw)}")
    return tuple(
        (canonical(text), status_key(key)) for text, key in sorted(raw.items())
    )


def status_key(raw: object) -> str:
    """`FILE/KEY`: the file's name without .json, and a key in it."""
    if not isinstance(raw, str):
        raise ValueError(f"expected FILE/KEY, got {shown(raw)}")
    file, slash, key = raw.partition("/")
    if not slash or not key or not file or file.startswith(".") or "\0" in raw:
        raise ValueError(f"expected FILE/KEY, got {shown(raw)}")
    return raw
