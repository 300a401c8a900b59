"""`dinamed init`: a config and a zone file that start, from a few answers."""

import argparse
import ipaddress
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass

from dinamed.config.zone_rules import zone_name
from dinamed.formats.config_text import TextFile
from dinamed.formats.toml_text import table_lines
from dinamed.wire.names import BadName, from_text, to_text

CONFIG = "dinamed.toml"
HTTP = "127.0.0.1:8053"
_REST = """
# What else there is: the manual, Config.  After a change:
#   dinamed check {config}
#   dinamed reload -c {config}
"""


class AnswerError(ValueError):
    """What was answered can't be used; the message says why."""


@dataclass(frozen=True)
class FirstConfig:
    """What to write."""

    zone: str
    name: str
    server: str
    server_addresses: tuple[str, ...]
    addresses: tuple[str, ...]
    listen: tuple[str, ...]
    http: str


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Say what the command takes; what is not given is asked for on a terminal."""
    parser.add_argument(
        "folder", nargs="?", default=".", metavar="DIR", help="where to write them"
    )
    parser.add_argument("--zone", metavar="NAME", help="the zone, such as example.org")
    parser.add_argument("--name", metavar="NAME", help="the name to spread (ftp)")
    parser.add_argument(
        "--member",
        action="append",
        metavar="ADDRESS",
        help="an address of a host that serves it; may be repeated",
    )
    parser.add_argument("--server", metavar="NAME", help="the name server's name (ns1)")
    parser.add_argument(
        "--server-address",
        action="append",
        metavar="ADDRESS",
        help="its public address; may be repeated",
    )
    parser.add_argument(
        "--listen",
        action="append",
        metavar="ADDRESS[:PORT]",
        help="where to answer (default: everywhere, port 53)",
    )
    parser.add_argument(
        "--http", metavar="HOST:PORT", default=HTTP, help=f"default: {HTTP}"
    )


def run(arguments: argparse.Namespace) -> int:
    """Write the files; 0, or 2 if that can't be done."""
    ask = input if sys.stdin.isatty() else None
    try:
        files = files_of(wanted(arguments, ask))
        os.makedirs(arguments.folder, exist_ok=True)
        paths = [os.path.join(arguments.folder, file.name) for file in files]
        for path in paths:
            if os.path.exists(path):
                raise AnswerError(f"{path} is there already")
        for path, file in zip(paths, files, strict=True):
            with open(path, "x", encoding="utf-8") as stream:
                stream.write(file.text)
            print(path)
    except (AnswerError, OSError, EOFError) as error:
        words = str(error) or "the answers ended"
        print(f"dinamed init: {words}", file=sys.stderr)
        return 2
    print(f"now: dinamed check {paths[0]}")
    print(f"and: twistd -n dinamed -c {paths[0]}")
    return 0


def wanted(
    arguments: argparse.Namespace, ask: Callable[[str], str] | None
) -> FirstConfig:
    """What the flags say, and the rest from questions; without `ask` from defaults.

    Raises `AnswerError`.
    """

    def answer(given: str | None, question: str, default: str | None) -> str:
        if given is not None:
            return given
        if ask is None:
            if default is None:
                raise AnswerError(f"say {question}")
            return default
        shown = f" [{default}]" if default else ""
        return ask(f"{question.partition(' ')[2]}{shown}: ").strip() or default or ""

    zone = _zone(answer(arguments.zone, "--zone the zone, such as example.org", None))
    name = answer(arguments.name, "--name the name to spread over several hosts", "ftp")
    members = answer(
        _joined(arguments.member),
        "--member the addresses of those hosts, with blanks between",
        None,
    )
    server = answer(arguments.server, "--server the name of this name server", "ns1")
    public = answer(
        _joined(arguments.server_address),
        "--server-address its public address",
        _first_public(arguments.listen),
    )
    return FirstConfig(
        zone,
        _label(name),
        _label(server),
        _addresses(public),
        _addresses(members),
        tuple(arguments.listen or ()),
        arguments.http,
    )


def _joined(texts: list[str] | None) -> str | None:
    return " ".join(texts) if texts else None


def _first_public(listen: list[str] | None) -> str | None:
    """The first literal address to listen on that others can reach."""
    for text in listen or ():
        host = text.strip("[]").partition("]")[0] if "[" in text else text
        host = host.partition(":")[0] if host.count(":") == 1 else host
        try:
            if not ipaddress.ip_address(host).is_unspecified:
                return host
        except ValueError:
            continue
    return None


def _zone(text: str) -> str:
    try:
        return to_text(zone_name(text)).removesuffix(".") or "."
    except ValueError as error:
        raise AnswerError(f"{text!r} is no zone: {error}") from None


def _label(text: str) -> str:
    try:
        from_text(text)
    except BadName as error:
        raise AnswerError(f"{text!r} is no name: {error}") from None
    return text.lower().removesuffix(".")


def _addresses(text: str) -> tuple[str, ...]:
    found = []
    for word in text.replace(",", " ").split():
        try:
            found.append(str(ipaddress.ip_address(word)))
        except ValueError:
            raise AnswerError(f"{word!r} is no address") from None
    if not found:
        raise AnswerError("an address is needed")
    return tuple(dict.fromkeys(found))


def files_of(wanted: FirstConfig) -> list[TextFile]:
    """The config and the zone file."""
    zone_file = (
        f"{wanted.zone.replace('/', '@') if wanted.zone != '.' else 'root'}.zone"
    )
    server: dict[str, object] = {"http": wanted.http, "state": "state"}
    if wanted.listen:
        server = {"listen": list(wanted.listen), **server}
    members = [
        {"name": f"host{number}", "addresses": [address]}
        for number, address in enumerate(wanted.addresses, 1)
    ]
    pool = wanted.name.lstrip("*.@") or "hosts"
    pools = {pool: {"ttl": "1m", "members": members}}
    zones = {wanted.zone: {"file": zone_file, "names": {wanted.name: pool}}}
    lines = [
        *table_lines("server", server),
        *list(table_lines("zones", zones))[1:],
        *list(table_lines("pools", pools))[1:],
    ]
    text = "\n".join(lines).rstrip() + "\n" + _REST.format(config=CONFIG)
    return [TextFile(CONFIG, text), TextFile(zone_file, _zone_text(wanted))]


def _zone_text(wanted: FirstConfig) -> str:
    lines = [
        "$TTL 1h",
        f"@ SOA {wanted.server} hostmaster 1 2h 1h 2w 5m",
        f"@ NS {wanted.server}",
    ]
    for address in wanted.server_addresses:
        kind = "AAAA" if ":" in address else "A"
        lines.append(f"{wanted.server} {kind} {address}")
    lines.append(f"; {wanted.name} is bound to a pool in {CONFIG}")
    return "\n".join(lines) + "\n"
