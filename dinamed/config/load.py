"""From the path of a config file to settings, or to all that keeps it from them."""

import os
import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass

from msgspec.structs import replace

from dinamed.config import places, pool_rules, secrets, transfer_rules, zone_rules
from dinamed.config.limits import Limits
from dinamed.config.places import Geo
from dinamed.config.query_log import QueryLog
from dinamed.config.reader import Reader
from dinamed.config.settings import Mgmt, Server, Settings, Zone
from dinamed.config.stages import STAGES, StageKind
from dinamed.config.values import host_port, shown
from dinamed.problems import Problem

MAX_SIZE = 32 * 2**20  # octets: a hundred thousand members, and read in seconds

_TABLES = ("server", "limits", "query_log", "mgmt", "geo", "keys", "zones", "pools")
# tomllib takes time and memory by the square of the parts of a dotted key.
_DEEP_KEY = re.compile(
    r"(?:^|[\s{,\[])"
    r"(?:(?:[A-Za-z0-9_-]++|\"(?:[^\"\\\n]|\\.)*+\"|'[^'\n]*+')[ \t]*+\.[ \t]*+){128}"
)
_SYNTAX_PLACE = re.compile(r" \(at (?:line (\d+), column \d+|end of document)\)$")


@dataclass(frozen=True)
class Loaded:
    """What a config file says.

    `settings` is None when there is any problem.  `zones` are the zones that could
    be read all the same, so that their files can be looked at too.
    """

    settings: Settings | None
    problems: list[Problem]
    zones: tuple[Zone, ...] = ()


def load(path: str, stages: Mapping[str, StageKind] = STAGES) -> Loaded:
    """Read the config file at `path`; never raises for what it finds there.

    Zone files are only looked for, not read.  `stages` are what `select` may name.
    """
    try:
        text = _read(path)
    except _UnreadableError as error:
        return Loaded(None, [error.problem])
    try:
        raw = tomllib.loads(text)
        return _settings(path, text, raw, stages)
    except RecursionError:
        return Loaded(None, [Problem(path, None, "TOML", "nested too deeply")])
    except ValueError as error:
        return Loaded(None, [_syntax(path, text, error)])


class _UnreadableError(Exception):
    """There is no text to read; `problem` says why."""

    def __init__(self, path: str, line: int | None, message: str) -> None:
        super().__init__(message)
        self.problem = Problem(path, line, "file", message)


def _read(path: str) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MAX_SIZE + 1)
    except OSError as error:
        raise _UnreadableError(path, None, f"can't read: {error.strerror}") from None
    except ValueError as error:
        raise _UnreadableError(path, None, f"can't read: {error}") from None
    if len(data) > MAX_SIZE:
        raise _UnreadableError(path, None, f"larger than {MAX_SIZE // 2**20} MiB")
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise _UnreadableError(path, line, f"not UTF-8: {error.reason}") from None
    if deep := _DEEP_KEY.search(text):
        line = text.count("\n", 0, deep.end()) + 1
        raise _UnreadableError(path, line, "nested too deeply")
    return text


def _syntax(path: str, text: str, error: ValueError) -> Problem:
    """What tomllib says, with its place as a line number."""
    if not isinstance(error, tomllib.TOMLDecodeError):
        return Problem(path, None, "TOML", "a number is far too large")
    message = str(error)
    line = None
    if place := _SYNTAX_PLACE.search(message):
        message = message[: place.start()]
        lines = text.rstrip("\n").count("\n") + 1
        line = int(place[1]) if place[1] else lines
    return Problem(path, line, "TOML", message)


def _settings(
    path: str, text: str, raw: dict[str, object], stages: Mapping[str, StageKind]
) -> Loaded:
    reader = Reader(path, text)
    folder = os.path.dirname(os.path.abspath(path))
    for key, value in raw.items():
        if key not in _TABLES:
            reader.unknown((key,), value, _TABLES)
    server = reader.table(Server, raw.get("server", {}), ("server",))
    mgmt = reader.table(Mgmt, raw.get("mgmt", {}), ("mgmt",))
    limits = reader.table(Limits, raw.get("limits", {}), ("limits",))
    query_log = reader.table(QueryLog, raw.get("query_log", {}), ("query_log",))
    geo = _geo(reader, raw.get("geo", {}), folder)
    pool_tables = _tables(reader, raw, "pools")
    zone_tables = _tables(reader, raw, "zones")
    pools = pool_rules.read_pools(reader, pool_tables, stages, folder)
    zones = zone_rules.read_zones(reader, zone_tables, pool_tables, folder)
    keys = transfer_rules.read_keys(reader, _tables(reader, raw, "keys"), folder)
    cookies: tuple[str, ...] = ()
    if server is not None:
        server = _server(reader, server, folder)
        server, cookies = secrets.read_secrets(reader, server, folder)
    transfer_rules.check_transfers(reader, zones, keys, server)
    if (
        reader.problems
        or server is None
        or limits is None
        or query_log is None
        or mgmt is None
        or geo is None
    ):
        problems = sorted(reader.problems, key=place_of)
        return Loaded(None, problems, tuple(zone_rules.fit(reader, zones)))
    settings = Settings(
        path=os.path.abspath(path),
        server=server,
        limits=limits,
        query_log=_with_folder(query_log, folder),
        mgmt=mgmt,
        geo=geo,
        keys=tuple(keys),
        zones=tuple(zones),
        pools=tuple(pools),
        cookie_secrets=cookies,
    )
    return Loaded(settings, [], settings.zones)


def place_of(problem: Problem) -> tuple[str, int, str]:
    """How problems are sorted: by file, line, key."""
    return (problem.file, problem.line or 0, problem.key)


def _tables(reader: Reader, raw: dict[str, object], key: str) -> dict[str, object]:
    tables = raw.get(key, {})
    if isinstance(tables, dict):
        return tables
    reader.report((key,), f"expected tables [{key}.NAME], got {shown(tables)}")
    return {}


def _geo(reader: Reader, raw: object, folder: str) -> Geo | None:
    """Read `[geo]`; make its paths absolute."""
    geo = reader.table(Geo, raw, ("geo",))
    if geo is None:
        return None
    for path, message in places.problems(geo):
        reader.report(("geo", *path), message)
    databases = tuple(os.path.join(folder, file) for file in geo.databases)
    for at, file in enumerate(databases):
        zone_rules.check_readable(reader, file, ("geo", "databases", at))
    return replace(geo, databases=databases)


def _with_folder(query_log: QueryLog, folder: str) -> QueryLog:
    """The same with its paths absolute."""
    paths = {
        name: os.path.join(folder, path)
        for name in ("file", "dnstap_file", "dnstap_socket")
        if (path := getattr(query_log, name)) is not None
    }
    return replace(query_log, **paths)


def _server(reader: Reader, server: Server, folder: str) -> Server:
    """Check what is beyond the types in `[server]`; make its paths absolute."""
    seen: set[tuple[str, int | None]] = set()
    for path, texts in (
        (("server", "listen"), server.listen),
        (("server", "tls"), server.tls),
    ):
        if not reader.intact(path):
            continue
        for place, text in enumerate(texts):
            host, port = host_port(text)
            if path[1] == "tls" and port is None:
                port = 853
            if (host.lower(), port) in seen:
                reader.report((*path, place), f"{text} stands here twice")
            seen.add((host.lower(), port))
    if server.state is not None:
        state = os.path.join(folder, server.state)
        server = replace(server, state=state)
        if os.path.exists(state) and not os.path.isdir(state):
            reader.report(("server", "state"), f"{state} is not a folder")
    return server
